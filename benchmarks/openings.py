"""What can be booked next, looked for over 90 days of 210 windows, against the availability of one day."""

import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import uvloop

from benchmarks.clinic import SERVICES, Clinic, fill
from slotkeeper.app import system_clock
from slotkeeper.domain.access import Caller
from slotkeeper.operations import access
from slotkeeper.operations.availability import Question, get_availability
from slotkeeper.operations.openings import Asking, list_openings
from slotkeeper.store.sqlite import SqliteDatabase

DAYS = 90
TIMES = 50


class Round(NamedTuple):
    """Seconds for an answer to the same question: what comes next, and availability of one day."""

    openings: float
    availability: float

    @property
    def ratio(self) -> float:
        """How many times as long it takes to look through all dates."""
        return self.openings / self.availability


class Rounds(NamedTuple):
    """Questions for all branches, and for one of them."""

    everywhere: list[Round]
    one_branch: list[Round]


async def _seconds(ask: Callable[[], Awaitable[Sequence[Any]]]) -> float:
    """The median of asking some times, each of which finds something."""
    seconds = []
    for _ in range(TIMES):
        start = time.perf_counter()
        found = await ask()
        seconds.append(time.perf_counter() - start)
        assert found
    return median(seconds)


def _fill_up(path: Path, clinic: Clinic) -> None:
    """Fill, behind the records' back, everything but the last date that is looked at."""
    last = clinic.first + timedelta(days=DAYS - 1)
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE days SET filled = max_slots WHERE date < ?", (last.isoformat(),))
    raw.close()


def measure(folder: Path, *, rounds: int) -> tuple[Rounds, Rounds]:
    """The rounds where there is room on the first date, and those where there is only on the last."""
    path = folder / "openings.db"

    async def main() -> tuple[Rounds, Rounds]:
        db = SqliteDatabase(path)
        now = system_clock()
        clinic = await fill(db, now=now)
        caller = await access.authenticate(db, clinic.key, now=now)
        early = await _measure(db, caller, clinic, now, rounds)
        _fill_up(path, clinic)
        late = await _measure(db, caller, clinic, now, rounds)
        await db.close()
        return early, late

    return uvloop.run(main())


async def _measure(db: SqliteDatabase, caller: Caller, clinic: Clinic, now: int, rounds: int) -> Rounds:
    found = Rounds([], [])
    for _ in range(rounds):
        found.everywhere.append(await _round(db, caller, clinic.first, None, now))
        found.one_branch.append(await _round(db, caller, clinic.first, clinic.branches[0], now))
    return found


async def _round(db: SqliteDatabase, caller: Caller, first: date, branch_id: str | None, now: int) -> Round:
    asking = Asking(SERVICES[0], branch_id, None, first, DAYS, 10)
    question = Question(first, branch_id)

    async def openings() -> Sequence[Any]:
        return (await list_openings(db, caller, asking, now=now)).found

    async def availability() -> Sequence[Any]:
        return await get_availability(db, caller, question, now=now)

    return Round(await _seconds(openings), await _seconds(availability))
