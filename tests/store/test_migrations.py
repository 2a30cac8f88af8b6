"""One numbered history, whose end is the declared schema; a step happens whole or not at all."""

import re
import signal
import sqlite3
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

from slotkeeper.domain.errors import SlotkeeperError
from slotkeeper.store import sqlite as engine
from slotkeeper.store.database import Database
from slotkeeper.store.migrations import Migration, current_step, list_migrations, statements_of
from slotkeeper.store.sqlite import SqliteDatabase
from slotkeeper.store.sqlite_sql import spell_schema
from tests.waiting import wait_for

BREAKS_OFF = Migration(
    current_step() + 1,
    "breaks_off",
    ("CREATE TABLE half_done (a INTEGER PRIMARY KEY)", "DROP TABLE days", "SELECT broken FROM nowhere"),
)

DIES = """
import os, signal, sys
from slotkeeper.store import sqlite as engine
from slotkeeper.store.database import run
from slotkeeper.store.migrations import Migration, current_step, list_migrations
step = Migration(current_step() + 1, "dies", ("CREATE TABLE half_done (a INTEGER PRIMARY KEY)", "SELECT die()"))
engine.list_migrations = lambda: [*list_migrations(), step]
database = engine.SqliteDatabase(sys.argv[1])
opened = database._open
def with_death(*pragmas, **given):
    raw = opened(*pragmas, **given)
    raw.create_function("die", 0, lambda: os.kill(os.getpid(), signal.SIGKILL))
    return raw
database._open = with_death
run(database.migrate())
"""


def _shape(path: Path) -> list[tuple[str, str]]:
    """The schema of a SQLite file, white space folded, without the table of the history itself."""
    with sqlite3.connect(path) as raw:
        rows = raw.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name <> 'schema_steps'")
        return sorted((name, " ".join(re.sub(r"--.*", "", sql).split())) for name, sql in rows)


def test_migrating_from_empty_gives_the_declared_schema(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "migrated.db")
    wait_for(database.migrate())
    wait_for(database.close())
    declared = resources.files("slotkeeper.store").joinpath("schema.sql").read_text(encoding="utf-8")
    with sqlite3.connect(tmp_path / "declared.db") as raw:
        for statement in statements_of(declared):
            raw.execute(spell_schema(statement))
    assert _shape(tmp_path / "migrated.db") == _shape(tmp_path / "declared.db")
    assert len(_shape(tmp_path / "migrated.db")) > 15


def test_the_steps_are_numbered_from_one_without_a_gap() -> None:
    assert [migration.step for migration in list_migrations()] == list(range(1, current_step() + 1))


def test_an_empty_database_is_at_step_zero_and_is_not_made_by_asking(empty: Database) -> None:
    assert wait_for(empty.schema_step()) == 0
    if isinstance(empty, SqliteDatabase):
        assert not empty.path.exists()


def test_migrating_twice_changes_nothing(database: Database) -> None:
    assert wait_for(database.migrate()) == current_step()
    assert wait_for(database.schema_step()) == current_step()


def test_a_step_that_fails_leaves_the_database_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = SqliteDatabase(tmp_path / "test.db")
    wait_for(database.migrate())
    before = _shape(database.path)
    monkeypatch.setattr(engine, "list_migrations", lambda: [*list_migrations(), BREAKS_OFF])
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        wait_for(database.migrate())
    assert wait_for(database.schema_step()) == current_step()
    wait_for(database.close())
    assert _shape(database.path) == before


@pytest.mark.slow
def test_a_migration_killed_half_way_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "test.db"
    database = SqliteDatabase(path)
    wait_for(database.migrate())
    wait_for(database.close())
    before = _shape(path)
    killed = subprocess.run([sys.executable, "-c", DIES, str(path)], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    again = SqliteDatabase(path)
    assert wait_for(again.schema_step()) == current_step()
    wait_for(again.close())
    assert _shape(path) == before


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE theirs (a INTEGER)")
    database = SqliteDatabase(path)
    with pytest.raises(SlotkeeperError, match="another program"):
        wait_for(database.migrate())
    wait_for(database.close())
    assert [name for name, _ in _shape(path)] == ["theirs"]


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear receptionist, " * 200)
    database = SqliteDatabase(path)
    with pytest.raises(SlotkeeperError, match="not a SQLite database"):
        wait_for(database.migrate())
    wait_for(database.close())
    assert path.read_text().startswith("Dear receptionist")
