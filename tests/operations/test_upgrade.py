"""An upgrade while everybody books: the old and the new version side by side on one database, one schema step apart."""

import os
import shutil
import signal
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import slotkeeper
from slotkeeper.store.migrations import current_step
from tests.doors.terminal import PATIENCE, Terminal
from tests.operations.caller import Clinic, Crowd, open_clinic
from tests.operations.wire import Ask, Wire
from tests.world import APPOINTMENTS, Cast, World

pytestmark = pytest.mark.slow
CALLERS = 8
ENOUGH = 100
STEP = """
ALTER TABLE appointments ADD COLUMN later TEXT;
ALTER TABLE days ADD COLUMN later INTEGER;
CREATE TABLE laters (org_id UUID NOT NULL REFERENCES organizations, later TEXT NOT NULL, PRIMARY KEY (org_id, later));
"""


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """A folder with this Slotkeeper as it may be in a later release: it has one more schema step."""
    folder = tmp_path / "newer"
    shutil.copytree(Path(slotkeeper.__file__).parent, folder / "slotkeeper")
    (folder / "slotkeeper" / "store" / "migrations" / f"{current_step() + 1:04}_later.sql").write_text(STEP)
    return folder


def port_of(ready: dict[str, str]) -> int:
    return urlsplit(ready["url"]).port or 0


def book_on_both(ports: list[int], clinic: Clinic) -> None:
    """Book by turns on the servers of both versions; ask again, read and cancel on the other one."""
    with ExitStack() as stack:
        wires = [stack.enter_context(Wire(port, clinic.keys[0])) for port in ports]
        for turn in range(20):
            wire, other = wires[turn % 2], wires[(turn + 1) % 2]
            body = {
                "appointment_type": clinic.service,
                "appointment_date": f"{clinic.next_week}T17:30:00Z",
                "patient_name": f"Patient {turn}",
                "parent_phone": "+49 30 7654321",
            }
            ask = Ask("POST", APPOINTMENTS, body, f"side by side {turn}")
            told = wire.send(ask)
            path = f"{APPOINTMENTS}/{told.good(201)['appointment_id']}"
            assert other.send(ask) == told._replace(replayed=True)
            assert other.send(Ask("GET", path)).good()["data"]["status"] == "confirmed"
            assert other.send(Ask("PATCH", path, {"status": "cancelled"})).good()


def test_the_database_is_migrated_under_load_and_both_versions_serve_it_until_the_old_one_is_stopped(
    new_world: Callable[[], World], cast: Cast, tmp_path: Path, newer: Path
) -> None:
    clinic = open_clinic(new_world(), cast, callers=CALLERS, narrow=20)
    crowd = Crowd(clinic, CALLERS)
    old, new = Terminal(tmp_path, clinic.url), Terminal(tmp_path, clinic.url)
    new.environment["PYTHONPATH"] = str(newer)
    steps = {"from": current_step(), "to": current_step() + 1}
    try:
        with ExitStack() as stack, old.serving("--workers", "2") as (process, ready):
            port, ports = port_of(ready), [port_of(ready)]

            def upgrade() -> None:
                """While the others go on: migrate, start the new version, use both, stop the old one in order."""
                assert new.json("migrate") == steps
                ports.append(port_of(stack.enter_context(new.serving("--workers", "2"))[1]))
                book_on_both(ports, clinic)
                assert crowd.counts()["503"] == 0
                os.kill(process.pid, signal.SIGTERM)

            crowd.work(port, clinic.next_week, after=ENOUGH, act=upgrade)
            process.wait(PATIENCE)
            crowd.make_up(ports[1])
            assert new.json("check") == {"differences": []}
            assert crowd.counts()["503"] == 0
    finally:
        crowd.close()
    assert old.json("migrate") == {"from": steps["to"], "to": steps["to"]}, "the old version knows the next step"
