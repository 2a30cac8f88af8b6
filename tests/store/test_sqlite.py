"""What is particular to the embedded engine."""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from slotkeeper.domain.errors import Unavailable
from slotkeeper.domain.model import Configuration, Organization, Service
from slotkeeper.store import directory, sqlite, sqlite_log
from slotkeeper.store.database import SQL, Connection, Work, run
from slotkeeper.store.sqlite import SqliteDatabase

ORG = "11111111-1111-4111-8111-111111111111"

WRITES_UNTIL_KILLED = """
import sys
from slotkeeper.domain.model import Service
from slotkeeper.store import directory
from slotkeeper.store.database import run
from slotkeeper.store.sqlite import SqliteDatabase
database = SqliteDatabase(sys.argv[1])
for number in range(100_000):
    service = Service(f"{number:08d}-0000-4000-8000-000000000000", f"service {number}", True, 1, 1)
    run(database.write(lambda tx: directory.insert_service(tx, sys.argv[2], service)))
    print(number, flush=True)
"""


@pytest.fixture
def database(tmp_path: Path) -> SqliteDatabase:
    database = SqliteDatabase(tmp_path / "test.db")
    run(database.migrate())
    run(database.write(_add_organization))
    return database


async def _add_organization(tx: Connection) -> None:
    await directory.insert_organization(tx, Organization(ORG, "Owner", 1, Configuration()))


async def _run(sql: SQL, tx: Connection, **values: str) -> int:
    return await tx.execute(sql, org_id=ORG, **values)


def _add(name: str) -> Work[None]:
    service = Service("22222222-2222-4222-8222-222222222222", name, True, 1, 1)
    return lambda tx: directory.insert_service(tx, ORG, service)


def test_a_commit_is_synced_to_the_disk_and_goes_to_the_log(database: SqliteDatabase) -> None:
    async def settings(tx: Connection) -> list[object]:
        names = ("synchronous", "journal_mode", "foreign_keys", "wal_autocheckpoint")
        rows = [await tx.fetch_one(SQL(f"PRAGMA {name}")) for name in names]
        return [row[0] for row in rows if row is not None]

    assert run(database.write(settings)) == [2, "wal", 1, 0]
    run(database.close())


def test_work_that_would_wait_for_something_else_is_refused(database: SqliteDatabase) -> None:
    async def waits(tx: Connection) -> None:
        await _add("Checkup")(tx)
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="must not wait"):
        run(database.write(waits))
    assert run(database.read(lambda tx: directory.list_services(tx, ORG))) == []
    run(database.close())


def test_a_full_disk_is_unavailable_and_keeps_what_was_stored(database: SqliteDatabase) -> None:
    async def fill(tx: Connection) -> None:
        pages = await tx.fetch_one(SQL("PRAGMA page_count"))
        assert pages is not None
        await tx.fetch(SQL(f"PRAGMA max_page_count = {pages[0]}"))

    run(database.write(_add("kept")))
    run(database.write(fill))

    async def much(tx: Connection) -> None:
        for number in range(2000):
            service = Service(f"{number:08d}-0000-4000-8000-000000000000", f"{number}", True, 1, 1)
            await directory.insert_service(tx, ORG, service)

    with pytest.raises(Unavailable):
        run(database.write(much))
    assert [service.name for service in run(database.read(lambda tx: directory.list_services(tx, ORG)))] == ["kept"]
    run(database.close())


def test_a_database_that_may_only_be_read_is_unavailable_for_writing(database: SqliteDatabase) -> None:
    async def protect(tx: Connection) -> None:
        await tx.fetch(SQL("PRAGMA query_only = ON"))

    run(database.write(protect))
    with pytest.raises(Unavailable):
        run(database.write(_add("Checkup")))
    assert run(database.read(lambda tx: directory.list_services(tx, ORG))) == []
    run(database.close())


def test_a_write_that_another_process_keeps_waiting_too_long_is_unavailable(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(database.close())
    monkeypatch.setattr(sqlite, "WRITE_PATIENCE", 0.2)
    other = sqlite3.connect(database.path, isolation_level=None)
    waiting = SqliteDatabase(database.path)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable):
        run(waiting.write(_add("Checkup")))
    assert run(waiting.read(lambda tx: directory.list_services(tx, ORG))) == []
    other.execute("COMMIT")
    run(waiting.write(_add("Checkup")))
    other.close()
    run(waiting.close())


def test_writes_that_queue_behind_a_lock_all_give_up_in_the_same_time(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(database.close())
    monkeypatch.setattr(sqlite, "WRITE_PATIENCE", 0.5)
    other = sqlite3.connect(database.path, isolation_level=None)
    waiting = SqliteDatabase(database.path)
    other.execute("BEGIN IMMEDIATE")

    async def ask_all() -> list[object]:
        return list(await asyncio.gather(*(waiting.write(_add("Checkup")) for _ in range(8)), return_exceptions=True))

    start = time.monotonic()
    assert all(isinstance(one, Unavailable) for one in run(ask_all()))
    assert time.monotonic() - start < 8 * 0.5 / 2
    other.close()
    run(waiting.close())


def test_a_connection_that_cannot_be_set_up_is_given_back(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(database.close())
    monkeypatch.setattr(sqlite, "WRITE_PATIENCE", 0.05)
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("PRAGMA journal_mode = DELETE")
    other.execute("BEGIN EXCLUSIVE")
    waiting = SqliteDatabase(database.path)
    for _ in range(5):
        with pytest.raises(Unavailable):
            run(waiting.write(_add("Checkup")))
    assert waiting._opened == []
    other.close()
    run(waiting.write(_add("Checkup")))
    run(waiting.close())


@pytest.mark.slow
def test_the_log_starts_anew_under_writes_that_never_pause(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_log, "CHECKPOINT_EVERY", 0.05)
    monkeypatch.setattr(sqlite_log, "LONGEST_LOG", 100)
    run(database.write(_add("0")))
    rename = SQL("UPDATE services SET name = :name || hex(zeroblob(20000)) WHERE org_id = :org_id")

    async def write_on() -> int:
        longest = 0
        for number in range(1500):
            await database.write(partial(_run, rename, name=str(number)))
            longest = max(longest, database.path.with_name("test.db-wal").stat().st_size)
        return longest

    assert run(write_on()) < 1500 * 40_000 / 3
    run(database.close())


@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_a_file_that_is_no_longer_the_one_at_the_path_is_refused_for_writing_and_reading(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(sqlite, "LOOK_EVERY", 0.0)
    run(database.write(_add("Checkup")))
    if how == "replaced":
        shutil.copyfile(database.path, database.path.with_name("restored.db"))
        database.path.with_name("restored.db").replace(database.path)
    else:
        database.path.unlink()
    with pytest.raises(Unavailable, match="replaced or deleted"):
        run(database.write(_add("Checkup")))
    with pytest.raises(Unavailable, match="replaced or deleted"):
        run(database.read(lambda tx: directory.list_services(tx, ORG)))
    run(database.close())


def test_a_file_that_is_gone_is_refused_for_as_long_as_it_is(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(database.read(lambda tx: directory.list_services(tx, ORG)))
    database.path.unlink()
    database._looked_at = 0.0
    for _ in range(3):
        with pytest.raises(Unavailable, match="replaced or deleted"):
            run(database.read(lambda tx: directory.list_services(tx, ORG)))
    monkeypatch.setattr(sqlite, "LOOK_EVERY", 3600.0)
    run(database.close())


def test_a_new_reader_makes_no_file_where_one_is_missing(database: SqliteDatabase) -> None:
    run(database.write(_add("Checkup")))
    database.path.rename(database.path.with_name("away.db"))
    with pytest.raises(Unavailable, match="replaced or deleted"):
        asyncio.run(database.read_aside(lambda tx: directory.list_services(tx, ORG)))
    assert not database.path.exists()
    database.path.with_name("away.db").rename(database.path)
    run(database.close())


def test_one_who_goes_away_while_a_brief_write_begins_leaves_no_transaction(database: SqliteDatabase) -> None:
    run(database.write(_add("before")))
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def go_away() -> None:
        asked = asyncio.ensure_future(database.write(_add("never"), brief=True))
        await asyncio.sleep(0.1)
        asked.cancel()
        asyncio.get_running_loop().call_later(0.1, other.execute, "COMMIT")
        with pytest.raises(asyncio.CancelledError):
            await asked
        rename = SQL("UPDATE services SET name = 'after' WHERE org_id = :org_id")
        await database.write(partial(_run, rename), brief=True)

    run(go_away())
    assert [one.name for one in run(database.read(lambda tx: directory.list_services(tx, ORG)))] == ["after"]
    other.close()
    run(database.close())


def test_a_write_that_waits_while_the_database_closes_is_refused(database: SqliteDatabase) -> None:
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def close() -> list[object]:
        first = asyncio.ensure_future(database.write(_add("first"), brief=True))
        await asyncio.sleep(0.1)
        closing = asyncio.ensure_future(database.close())
        await asyncio.sleep(0)
        second = asyncio.ensure_future(database.write(_add("second"), brief=True))
        asyncio.get_running_loop().call_later(0.1, other.execute, "COMMIT")
        done = await asyncio.gather(first, second, return_exceptions=True)
        await closing
        return list(done)

    first, second = run(close())
    assert first is None
    assert isinstance(second, Unavailable)
    assert other.execute("SELECT name FROM services").fetchall() == [("first",)]
    other.close()


def test_an_old_sqlite_is_refused_with_the_version_it_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    with pytest.raises(Unavailable, match=r"3\.37\.0 or newer"):
        SqliteDatabase(tmp_path / "test.db")


@pytest.mark.slow
def test_the_log_is_copied_into_the_file_aside_from_commits(database: SqliteDatabase) -> None:
    run(database.write(_add("Checkup")))
    before = database.path.stat().st_size
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and database.path.stat().st_size == before:
        time.sleep(0.1)
    with sqlite3.connect(f"file:{database.path}?immutable=1", uri=True) as raw:  # reads the file without the log
        assert raw.execute("SELECT name FROM services").fetchall() == [("Checkup",)]
    run(database.close())


@pytest.mark.slow
def test_a_killed_process_comes_back_with_everything_it_said_was_stored(database: SqliteDatabase) -> None:
    run(database.close())
    command = [sys.executable, "-c", WRITES_UNTIL_KILLED, str(database.path), ORG]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [int(process.stdout.readline()) for _ in range(30)]
        os.kill(process.pid, signal.SIGKILL)
        said += [int(line) for line in process.stdout.read().split()]
    again = SqliteDatabase(database.path)
    names = {service.name for service in run(again.read(lambda tx: directory.list_services(tx, ORG)))}
    assert {f"service {number}" for number in said} <= names
    assert len(names) - len(said) in (0, 1)
    run(again.close())
