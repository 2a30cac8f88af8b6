"""Regenerate of 210 windows over a year against the same statements in a bare loop.

The bare loop does for each slice of 1,000 window-dates what cannot be left out: begin, lock, recount, upsert, commit;
on the same schema, with the same durability, with all values known beforehand.
"""

import json
import sqlite3
import time
from datetime import date
from pathlib import Path

from slotkeeper.domain.access import Caller, operator
from slotkeeper.domain.model import DAYS, Session
from slotkeeper.operations import directory, schedule, windows
from slotkeeper.store.database import Database, run
from slotkeeper.store.sqlite import SqliteDatabase

NOW = 1_780_300_800_000  # 2026-06-01T08:00:00Z
FIRST, LAST = date(2026, 6, 1), date(2027, 5, 31)
SLICE = 1_000

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


def _make_all_differ(path: Path) -> list[tuple[str, str]]:
    """Change every window behind the records' back, so that each record has to be written; their keys."""
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE windows SET max_slots = max_slots + 1")
        keys = raw.execute(
            "SELECT date, calendar_id FROM days WHERE date BETWEEN ? AND ? ORDER BY calendar_id, date",
            (
                FIRST.isoformat(),
                LAST.isoformat(),
            ),
        )
        return [(on, calendar_id) for on, calendar_id in keys]


def _bare(path: Path, org_id: str, keys: list[tuple[str, str]]) -> float:
    raw = sqlite3.connect(path, isolation_level=None)
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


def _regenerate(db: Database, caller: Caller) -> float:
    start = time.perf_counter()
    result = run(schedule.regenerate(db, caller, date_from=FIRST, date_to=LAST, dry_run=False, now=NOW))
    seconds = time.perf_counter() - start
    assert (result.skipped, result.errors) == (0, 0), result
    return seconds


def measure(folder: Path, *, rounds: int) -> list[tuple[float, float, float]]:
    """For each round the seconds of: regenerate where all differs, the bare loop, regenerate where nothing does."""
    path = folder / "regenerate.db"
    db = SqliteDatabase(path)
    caller = run(_fill(db))
    results = []
    for _ in range(rounds):
        _make_all_differ(path)
        changed = _regenerate(db, caller)
        unchanged = _regenerate(db, caller)
        bare = _bare(path, caller.org_id, _make_all_differ(path))
        results.append((changed, bare, unchanged))
    run(db.close())
    return results
