"""Window-dates written without regenerate: for each slice begin, lock, recount, upsert, commit, by the bare driver."""

import json
import sqlite3
import time
from collections.abc import Iterator
from datetime import date
from typing import Any, Protocol

import asyncpg

from slotkeeper.operations.projection import SLICE

_CHANGE = "UPDATE windows SET max_slots = max_slots + 1 WHERE org_id = {org}"
_COUNTS = """
    (SELECT count(*) FROM appointments a
     WHERE a.org_id = {org} AND a.date = {date} AND a.calendar_id = {calendar} AND a.status <> 'cancelled'),
    (SELECT count(*) FROM holds h WHERE h.org_id = {org} AND h.date = {date} AND h.calendar_id = {calendar})
"""
_COLUMNS = """
    INSERT INTO days (
        org_id, date, calendar_id, branch_id, weekday, session, batch, start_time, end_time, service_id, max_slots,
        ai_slots, covered, overridden, filled, held, next_token, rev
    )
"""
_WINDOW = """
    w.branch_id, w.weekday, w.session, w.batch, w.start_time, w.end_time, w.service_id, w.max_slots, w.ai_slots
"""
_CONFLICT = """
    ON CONFLICT (org_id, date, calendar_id) DO UPDATE SET
        session = excluded.session, batch = excluded.batch, start_time = excluded.start_time,
        end_time = excluded.end_time, service_id = excluded.service_id, max_slots = excluded.max_slots,
        ai_slots = excluded.ai_slots, covered = excluded.covered, overridden = excluded.overridden,
        filled = excluded.filled, held = excluded.held, rev = days.rev + 1
"""


class Bare(Protocol):
    """Writes the window-dates of a database past the program."""

    async def make_all_differ(self, org_id: str) -> None:
        """Change every window of an organization behind the records' back, so that each record has to be written."""
        ...

    async def write(self, org_id: str, first: date, last: date) -> float:
        """Bring all records of some dates in line; how many seconds it took."""
        ...

    async def close(self) -> None:
        """Close the connection."""
        ...


async def bare_of(url: str) -> Bare:
    """The bare loop on the database of a URL."""
    if url.startswith("sqlite:///"):
        return _Sqlite(url.removeprefix("sqlite:///"))
    return _Postgres(await asyncpg.connect(url))


class _Sqlite:
    def __init__(self, path: str) -> None:
        self._raw = sqlite3.connect(path, isolation_level=None)
        for pragma in ("synchronous = FULL", "wal_autocheckpoint = 0", "foreign_keys = ON", "temp_store = MEMORY"):
            self._raw.execute(f"PRAGMA {pragma}")

    async def make_all_differ(self, org_id: str) -> None:
        self._raw.execute(_CHANGE.format(org="?"), (org_id,))

    async def write(self, org_id: str, first: date, last: date) -> float:
        keys = self._raw.execute(
            "SELECT date, calendar_id FROM days WHERE org_id = ? AND date BETWEEN ? AND ? ORDER BY calendar_id, date",
            (org_id, first.isoformat(), last.isoformat()),
        ).fetchall()
        run = self._raw.execute
        start = time.perf_counter()
        for part in _slices(keys):
            packed = json.dumps(part)
            run("BEGIN IMMEDIATE")
            run(_SQLITE_LOCK, (org_id, packed)).fetchall()
            counted = run(_SQLITE_RECOUNT, (org_id, packed)).fetchall()
            run(_SQLITE_UPSERT, (org_id, json.dumps(counted)))
            run("COMMIT")
        return time.perf_counter() - start

    async def close(self) -> None:
        self._raw.close()


_SQLITE_LOCK = (
    "SELECT rev FROM days WHERE org_id = ? AND (date, calendar_id) IN (SELECT value->>0, value->>1 FROM json_each(?))"
)
_SQLITE_RECOUNT = f"""
    SELECT k.value->>0, k.value->>1, {_COUNTS.format(org="?1", date="k.value->>0", calendar="k.value->>1")}
    FROM json_each(?2) k
"""
_SQLITE_UPSERT = f"""
    {_COLUMNS}
    SELECT w.org_id, p.value->>0, p.value->>1, {_WINDOW}, 1, 0, p.value->>2, p.value->>3, 1, 1
    FROM json_each(?2) p CROSS JOIN windows w ON w.org_id = ?1 AND w.calendar_id = p.value->>1
    WHERE true
    {_CONFLICT}
"""


class _Postgres:
    def __init__(self, raw: Any) -> None:
        self._raw = raw

    async def make_all_differ(self, org_id: str) -> None:
        await self._raw.execute(_CHANGE.format(org="$1"), org_id)

    async def write(self, org_id: str, first: date, last: date) -> float:
        keys = await self._raw.fetch(
            "SELECT date, calendar_id FROM days WHERE org_id = $1 AND date BETWEEN $2 AND $3 "
            "ORDER BY calendar_id, date",
            org_id,
            first,
            last,
        )
        start = time.perf_counter()
        for part in _slices(keys):
            dates, calendars = zip(*part, strict=True)
            async with self._raw.transaction():
                await self._raw.fetch(_POSTGRES_LOCK, org_id, dates, calendars)
                counted = await self._raw.fetch(_POSTGRES_RECOUNT, org_id, dates, calendars)
                await self._raw.execute(_POSTGRES_UPSERT, org_id, *zip(*counted, strict=True))
        return time.perf_counter() - start

    async def close(self) -> None:
        await self._raw.close()


_POSTGRES_LOCK = """
    SELECT d.rev FROM unnest($2::date[], $3::uuid[]) AS k (date, calendar_id)
    JOIN days d ON d.org_id = $1 AND d.date = k.date AND d.calendar_id = k.calendar_id
    ORDER BY d.date, d.calendar_id
    FOR NO KEY UPDATE OF d
"""
_POSTGRES_RECOUNT = f"""
    SELECT k.date, k.calendar_id, {_COUNTS.format(org="$1", date="k.date", calendar="k.calendar_id")}
    FROM unnest($2::date[], $3::uuid[]) AS k (date, calendar_id)
"""
_POSTGRES_UPSERT = f"""
    {_COLUMNS}
    SELECT w.org_id, p.date, p.calendar_id, {_WINDOW}, true, false, p.filled, p.held, 1, 1
    FROM unnest($2::date[], $3::uuid[], $4::bigint[], $5::bigint[]) AS p (date, calendar_id, filled, held)
    JOIN windows w ON w.org_id = $1 AND w.calendar_id = p.calendar_id
    {_CONFLICT}
"""


def _slices(keys: list[Any]) -> Iterator[list[Any]]:
    for place in range(0, len(keys), SLICE):
        yield keys[place : place + SLICE]
