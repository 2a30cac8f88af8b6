"""Regenerate of 210 windows over a year against the same statements in a bare loop.

The bare loop (``bare_days.py``) does for each slice of 1,000 window-dates what cannot be left out: begin, lock,
recount, upsert, commit; on the same schema, with the same durability, with all values known beforehand.
"""

import time
from datetime import date

import uvloop

from benchmarks.bare_days import bare_of
from benchmarks.engines import Engine
from slotkeeper.app import open_database
from slotkeeper.domain.access import Caller, operator
from slotkeeper.domain.model import DAYS, Session
from slotkeeper.operations import Database, directory, schedule, windows

NOW = 1_780_300_800_000  # 2026-06-01T08:00:00Z
FIRST, LAST = date(2026, 6, 1), date(2027, 5, 31)


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


async def _regenerate(db: Database, caller: Caller) -> float:
    start = time.perf_counter()
    result = await schedule.regenerate(db, caller, date_from=FIRST, date_to=LAST, dry_run=False, now=NOW)
    seconds = time.perf_counter() - start
    assert (result.skipped, result.errors) == (0, 0), result
    return seconds


def measure(engine: Engine, *, rounds: int) -> list[tuple[float, float, float]]:
    """For each round the seconds of: regenerate where all differs, the bare loop, regenerate where nothing does."""

    async def main() -> list[tuple[float, float, float]]:
        db = open_database(engine.url)
        caller = await _fill(db)
        await engine.settle()
        bare = await bare_of(engine.url)
        results = []
        for _ in range(rounds):
            await bare.make_all_differ()
            changed = await _regenerate(db, caller)
            unchanged = await _regenerate(db, caller)
            await bare.make_all_differ()
            results.append((changed, await bare.write(caller.org_id, FIRST, LAST), unchanged))
        await bare.close()
        await db.close()
        return results

    return uvloop.run(main())
