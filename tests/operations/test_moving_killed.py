"""An import that is killed leaves nothing that anybody sees, and the next one brings everything in, once."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from slotkeeper.operations import upkeep
from tests.moving import Furnished, House, furnish

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent.parent

DIES = """
import os, signal, sys
from pathlib import Path
from slotkeeper.store import imports, tables
from tests.moving import House
url, file, table, written = sys.argv[1:]
tables.PAGE = 40
insert_rows, finish, remove_rows = tables.insert_rows, imports.finish, tables.remove_rows
def dying(name, work):
    async def do(tx, org_id, *given, **more):
        here = table == name or (given and getattr(given[0], "name", "") + name == table)
        if here and written == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        found = await work(tx, org_id, *given, **more)
        if here:
            os.kill(os.getpid(), signal.SIGKILL)
        return found
    return do
tables.insert_rows = dying("", insert_rows)
tables.remove_rows = dying(" removed", remove_rows)
imports.finish = dying("finish", finish)
house = House(url)
house.bring_in(Path(file).read_bytes())
if table == "end":
    os.kill(os.getpid(), signal.SIGKILL)
house.close()
"""
"""Imports a file, and dies in the midst of a transaction: before or after a statement of it."""

POINTS = ["organizations", "branches", "days", "appointments", "holds", "audit", "api_keys", "finish", "end"]


def die(new: House, file: Path, table: str, written: str = "after") -> None:
    """An import of a file in a process that is killed where it comes to a table."""
    arguments = [new.url, str(file), table, written]
    killed = subprocess.run([sys.executable, "-c", DIES, *arguments], cwd=ROOT, check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL


def test_an_import_that_is_killed_anywhere_is_made_up_by_the_next(
    old: House, new: House, clinic: Furnished, tmp_path: Path
) -> None:
    """Killed again and again, at each point; what the one before left is always there for the next."""
    rows, file = old.rows(clinic.org_id), tmp_path / "file.jsonl"
    file.write_bytes(old.export())
    for table in POINTS[:-1]:
        for written in ("before", "after"):
            die(new, file, table, written)
            assert new.names() == []
    die(new, file, "services removed")
    assert new.names() == []
    die(new, file, "organizations removed")
    (found,) = new.bring_in(file.read_bytes())
    assert not found.was_there
    assert new.rows(clinic.org_id) == rows
    assert new.run(upkeep.check(new.db)) == []


@pytest.mark.parametrize("table", POINTS)
def test_an_import_that_is_killed_once_is_made_up_by_the_next(
    old: House, new: House, tmp_path: Path, table: str
) -> None:
    first, second = furnish(old, "Erste Klinik"), furnish(old, "Zweite Klinik")
    file = tmp_path / "file.jsonl"
    file.write_bytes(old.export())
    die(new, file, table)
    assert sorted(new.names()) == (["Erste Klinik", "Zweite Klinik"] if table == "end" else [])
    assert [one.was_there for one in new.bring_in(file.read_bytes())] == [table == "end"] * 2
    for clinic in (first, second):
        assert new.rows(clinic.org_id) == old.rows(clinic.org_id)
