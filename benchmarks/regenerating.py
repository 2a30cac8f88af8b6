"""Regenerate of 210 windows over a year against the same statements in a bare loop.

The bare loop does for each slice of 1,000 window-dates what cannot be left out: begin, lock, recount, upsert, commit;
on the same schema, with the same durability, with all values known beforehand.
"""

import asyncio
import json
import sqlite3
import time
from datetime import date
from typing import Protocol

import asyncpg

from slotkeeper.app import open_database
from slotkeeper.domain.access import Caller, operator
from slotkeeper.domain.model import DAYS, Session
from slotkeeper.operations import directory, schedule, windows
from slotkeeper.settings import is_server, sqlite_path
from slotkeeper.store.database import Database

NOW = 1_780_300_800_000  # 2026-06-01T08:00:00Z
FIRST, LAST = date(2026, 6, 1), date(2027, 5, 31)
SLICE = 1_000


async def _fill(db: Database) -> Caller:
    await db.migrate()
    organization = await directory.create_organization(db, name="Bench", timezone="Asia/Kolkata", now=NOW)
    caller = operator(organization.org_id)
    await directory.create_branch(db, caller, name="Main", timezone=None, now=NOW)
    await directory.create_service(db, caller, name="General Checkup", now=NOW)
    for number in range(210):
        await windows.create_window(
            db,
            caller,
            branch_id=None,
            day=DAYS[number % 7],
            session=Session.MORNING,
            start_time="09:00",
            end_time="11:00",
            max_slots=20,
            ai_slots=10,
            batch=f"B{number}",
            service=None,
            now=NOW,
        )
    await schedule.regenerate(db, caller, date_from=FIRST, date_to=LAST, dry_run=False, now=NOW)
    return caller


class Bare(Protocol):
    """The bare loop on one engine, past the program."""

    def make_all_differ(self) -> list[tuple[str, str]]:
        """Change every window behind the records' back, so that each record has to be written; their keys."""
        ...

    def settle(self) -> None:
        """Do what the engine does by itself within a minute of so many new rows."""
        ...

    def run(self, org_id: str, keys: list[tuple[str, str]]) -> float:
        """Write all records; how many seconds it took."""
        ...


_CHANGE = "UPDATE windows SET max_slots = max_slots + 1"


class BareFile:
    """SQLite, with the settings of the program."""

    def __init__(self, url: str) -> None:
        self._path = sqlite_path(url)

    def settle(self) -> None:
        """Nothing: SQLite gathers no statistics."""

    def make_all_differ(self) -> list[tuple[str, str]]:
        with sqlite3.connect(self._path) as raw:
            raw.execute(_CHANGE)
            keys = raw.execute(
                "SELECT date, calendar_id FROM days WHERE date BETWEEN ? AND ? ORDER BY calendar_id, date",
                (FIRST.isoformat(), LAST.isoformat()),
            )
            return [(on, calendar_id) for on, calendar_id in keys]

    def run(self, org_id: str, keys: list[tuple[str, str]]) -> float:
        raw = sqlite3.connect(self._path, isolation_level=None)
        for pragma in ("synchronous = FULL", "wal_autocheckpoint = 0", "foreign_keys = ON", "temp_store = MEMORY"):
            raw.execute(f"PRAGMA {pragma}")
        start = time.perf_counter()
        for place in range(0, len(keys), SLICE):
            part = json.dumps(keys[place : place + SLICE])
            raw.execute("BEGIN IMMEDIATE")
            raw.execute(_LOCK, (org_id, part)).fetchall()
            counted = raw.execute(_RECOUNT, (org_id, part)).fetchall()
            raw.execute(_UPSERT, (org_id, json.dumps(counted)))
            raw.execute("COMMIT")
        seconds = time.perf_counter() - start
        raw.close()
        return seconds


class BareServer:
    """PostgreSQL, by the same driver."""

    def __init__(self, url: str) -> None:
        self._url = url

    def settle(self) -> None:
        async def analyze() -> None:
            raw = await asyncpg.connect(self._url)
            await raw.execute("VACUUM ANALYZE")
            await raw.close()

        asyncio.run(analyze())

    def make_all_differ(self) -> list[tuple[str, str]]:
        async def change() -> list[tuple[str, str]]:
            raw = await asyncpg.connect(self._url)
            await raw.execute(_CHANGE)
            rows = await raw.fetch(
                "SELECT date::text, calendar_id::text FROM days WHERE date BETWEEN $1 AND $2"
                " ORDER BY calendar_id, date",
                FIRST,
                LAST,
            )
            await raw.close()
            return [(on, calendar_id) for on, calendar_id in rows]

        return asyncio.run(change())

    def run(self, org_id: str, keys: list[tuple[str, str]]) -> float:
        async def write() -> float:
            raw = await asyncpg.connect(self._url, server_settings={"jit": "off"})
            lock, recount, upsert = [await raw.prepare(sql) for sql in (_LOCK_ROWS, _RECOUNT_ROWS, _WRITE_ROWS)]
            start = time.perf_counter()
            for place in range(0, len(keys), SLICE):
                columns = list(zip(*keys[place : place + SLICE], strict=True))
                await raw.execute("BEGIN")
                await lock.fetch(org_id, *columns)
                counted = list(zip(*await recount.fetch(org_id, *columns), strict=True))
                await upsert.fetch(org_id, *counted)
                await raw.execute("COMMIT")
            seconds = time.perf_counter() - start
            await raw.close()
            return seconds

        return asyncio.run(write())


async def _regenerate(db: Database, caller: Caller) -> float:
    start = time.perf_counter()
    result = await schedule.regenerate(db, caller, date_from=FIRST, date_to=LAST, dry_run=False, now=NOW)
    seconds = time.perf_counter() - start
    assert (result.skipped, result.errors) == (0, 0), result
    return seconds


def measure(url: str, *, rounds: int) -> list[tuple[float, float, float]]:
    """For each round the seconds of: regenerate where all differs, the bare loop, regenerate where nothing does."""
    bare: Bare = BareServer(url) if is_server(url) else BareFile(url)
    db, results = open_database(url), []
    with asyncio.Runner() as runner:
        caller = runner.run(_fill(db))
        bare.settle()
        for _ in range(rounds):
            bare.make_all_differ()
            changed = runner.run(_regenerate(db, caller))
            unchanged = runner.run(_regenerate(db, caller))
            results.append((changed, bare.run(caller.org_id, bare.make_all_differ()), unchanged))
        runner.run(db.close())
    return results


# SQLite's statements.
_LOCK = (
    "SELECT rev FROM days WHERE org_id = ? AND (date, calendar_id) IN (SELECT value->>0, value->>1 FROM json_each(?))"
)
_RECOUNT = """
    SELECT k.value->>0, k.value->>1, (
        SELECT count(*) FROM appointments a
        WHERE a.org_id = ?1 AND a.date = k.value->>0 AND a.calendar_id = k.value->>1 AND a.status <> 'cancelled'
    ), (
        SELECT count(*) FROM holds h
        WHERE h.org_id = ?1 AND h.date = k.value->>0 AND h.calendar_id = k.value->>1
    )
    FROM json_each(?2) k
"""
_UPSERT = """
    INSERT INTO days (
        org_id, date, calendar_id, branch_id, weekday, session, batch, start_time, end_time, service_id, max_slots,
        ai_slots, covered, overridden, filled, held, next_token, rev
    )
    SELECT w.org_id, p.value->>0, p.value->>1, w.branch_id, w.weekday, w.session, w.batch, w.start_time, w.end_time,
           w.service_id, w.max_slots, w.ai_slots, 1, 0, p.value->>2, p.value->>3, 1, 1
    FROM json_each(?2) p CROSS JOIN windows w ON w.org_id = ?1 AND w.calendar_id = p.value->>1
    WHERE true
    ON CONFLICT (org_id, date, calendar_id) DO UPDATE SET
        session = excluded.session, batch = excluded.batch, start_time = excluded.start_time,
        end_time = excluded.end_time, service_id = excluded.service_id, max_slots = excluded.max_slots,
        ai_slots = excluded.ai_slots, covered = excluded.covered, overridden = excluded.overridden,
        filled = excluded.filled, held = excluded.held, rev = days.rev + 1
"""

# PostgreSQL's: the same, with an array for each column.
_LOCK_ROWS = """
    SELECT d.rev FROM unnest($2::text[], $3::text[]) AS p (date, calendar_id)
    JOIN days d ON d.org_id = $1::text::uuid AND d.date = p.date::date AND d.calendar_id = p.calendar_id::uuid
    ORDER BY d.date, d.calendar_id FOR NO KEY UPDATE OF d
"""
_RECOUNT_ROWS = """
    SELECT k.date, k.calendar_id, (
        SELECT count(*) FROM appointments a
        WHERE a.org_id = $1::text::uuid AND a.date = k.date::date AND a.calendar_id = k.calendar_id::uuid
          AND a.status <> 'cancelled'
    ), (
        SELECT count(*) FROM holds h
        WHERE h.org_id = $1::text::uuid AND h.date = k.date::date AND h.calendar_id = k.calendar_id::uuid
    )
    FROM unnest($2::text[], $3::text[]) AS k (date, calendar_id)
"""
_WRITE_ROWS = """
    INSERT INTO days (
        org_id, date, calendar_id, branch_id, weekday, session, batch, start_time, end_time, service_id, max_slots,
        ai_slots, covered, overridden, filled, held, next_token, rev
    )
    SELECT w.org_id, p.date::date, w.calendar_id, w.branch_id, w.weekday, w.session, w.batch, w.start_time, w.end_time,
           w.service_id, w.max_slots, w.ai_slots, true, false, p.filled, p.held, 1, 1
    FROM unnest($2::text[], $3::text[], $4::int[], $5::int[]) AS p (date, calendar_id, filled, held)
    JOIN windows w ON w.org_id = $1::text::uuid AND w.calendar_id = p.calendar_id::uuid
    ON CONFLICT (org_id, date, calendar_id) DO UPDATE SET
        session = excluded.session, batch = excluded.batch, start_time = excluded.start_time,
        end_time = excluded.end_time, service_id = excluded.service_id, max_slots = excluded.max_slots,
        ai_slots = excluded.ai_slots, covered = excluded.covered, overridden = excluded.overridden,
        filled = excluded.filled, held = excluded.held, rev = days.rev + 1
"""
