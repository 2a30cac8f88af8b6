"""Regenerate over HTTP, where every record differs, against the same statements in a bare loop (L2).

The bare loop (``bare_days.py``) does for each slice of window-dates what cannot be left out: begin, lock,
recount, upsert, commit; on the same schema, with the same durability, with all values known beforehand.
"""

import asyncio
from collections.abc import Awaitable
from datetime import date, timedelta
from statistics import fmean
from typing import Any, NamedTuple, TypeVar

from benchmarks.bare_days import Bare, bare_of
from benchmarks.clinic import ZONE, new_key, today_in_zone
from benchmarks.engines import Engine
from benchmarks.measuring import Asked, Bench, Rounds, ask, beside_rates
from slotkeeper.app import open_database, system_clock
from slotkeeper.domain.access import operator
from slotkeeper.domain.model import DAYS, Session
from slotkeeper.load.figures import Goal, Row
from slotkeeper.load.generator import Load
from slotkeeper.operations import Database, directory, schedule, windows

T = TypeVar("T")

REGENERATE = "/v1/appointment-slots/regenerate"
WINDOWS = 210
TIMES = {1: 10, 30: 3, 366: 1}
"""How often each round regenerates so many dates."""
GOAL = 0.67
"""At most 1.5 times as long as the bare loop."""


class Schedule(NamedTuple):
    """An organization with 30 windows on each weekday, and a year of records."""

    org_id: str
    key: str
    first: date


def prepare(engine: Engine) -> Schedule:
    """Make the schedule in an organization of its own; the database has its tables."""

    async def make() -> Schedule:
        db = open_database(engine.url)
        made = await _fill(db, now=system_clock())
        await db.close()
        await engine.settle()
        return made

    return asyncio.run(make())


async def _fill(db: Database, *, now: int) -> Schedule:
    organization = await directory.create_organization(db, name="Regenerated", timezone=ZONE.key, now=now)
    caller = operator(organization.org_id)
    await directory.create_branch(db, caller, name="Main", timezone=None, now=now)
    await directory.create_service(db, caller, name="General Checkup", now=now)
    for number in range(WINDOWS):
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
            now=now,
        )
    first = today_in_zone(now) + timedelta(days=1)
    last = first + timedelta(days=max(TIMES) - 1)
    await schedule.regenerate(db, caller, date_from=first, date_to=last, dry_run=False, now=now)
    return Schedule(organization.org_id, await new_key(db, organization.org_id, now=now), first)


def body_of(asked: Schedule, days: int) -> dict[str, Any]:
    """The request for so many dates."""
    return {"date_from": str(asked.first), "date_to": str(asked.first + timedelta(days=days - 1))}


def measure(bench: Bench, asked: Schedule) -> list[Row]:
    """The rows, on the first of the servers: one request at a time, and the bare loop after each."""
    with asyncio.Runner() as runner:

        def wait(work: Awaitable[T]) -> T:
            async def main() -> T:
                return await work

            return runner.run(main())

        bare = wait(bare_of(bench.engine.url))
        rows = [_row(bench, days, _Turns(bench, asked, days, wait, bare)) for days in TIMES]
        wait(bare.close())
    return rows


class _Turns:
    """Regenerates so many dates over HTTP, and by the bare loop."""

    def __init__(self, bench: Bench, asked: Schedule, days: int, wait: Any, bare: Bare) -> None:
        self._engine, self._served, self._wait, self._bare = bench.engine, bench.servers[0], wait, bare
        self._asked, self._last = asked, asked.first + timedelta(days=days - 1)
        self._request = self._served.target.send("POST", REGENERATE, body_of(asked, days), asked.key)

    def over_http(self) -> Asked:
        """One regenerate in which every record differs."""
        self._wait(self._bare.make_all_differ(self._asked.org_id))
        return ask(self._served, self._engine, [self._request], seconds=30, connections=1)

    def bare(self) -> float:
        """The seconds of the bare loop for the same."""
        self._wait(self._bare.make_all_differ(self._asked.org_id))
        return float(self._wait(self._bare.write(self._asked.org_id, self._asked.first, self._last)))


def _row(bench: Bench, days: int, turns: _Turns) -> Row:
    rounds = Rounds(f"regenerate, {days} day{'s' * (days > 1)} ({WINDOWS // 7 * days:,})", bench.servers[0])
    bare: list[float] = []
    for number in range(1 + bench.plan.rounds):
        pairs = [(turns.over_http(), turns.bare()) for _ in range(TIMES[days])]
        if number:
            answer = _together([one for one, _ in pairs])
            rounds.add(answer, answer)
            bare.append(TIMES[days] / sum(seconds for _, seconds in pairs))
    goal = Goal(GOAL) if days == max(TIMES) else None
    return rounds.row(bench.engine, [beside_rates("L2", rounds.rates, bare, goal)])


def _together(answers: list[Asked]) -> Asked:
    """Some single answers as one round."""
    latencies = sorted(latency for one in answers for latency in one.load.latencies)
    load = Load(sum(latencies), answers[0].load.size, latencies)
    return Asked(load, fmean(one.server for one in answers), fmean(one.database for one in answers))
