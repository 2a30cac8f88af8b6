"""What one organization costs alone in a database, and among ten thousand others: two databases, asked in turn."""

import asyncio
import contextlib
import sqlite3
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import asyncpg
import uvloop

from benchmarks.clinic import Clinic, Patients, fill
from benchmarks.engines import Engine
from benchmarks.grouping import book_all
from slotkeeper.app import open_database, system_clock
from slotkeeper.domain.access import operator
from slotkeeper.operations import Database, access, schedule
from slotkeeper.operations.availability import Question, get_availability
from slotkeeper.operations.line import new_line

ORGANIZATIONS = 10_000
WINDOWS = 5
DATES = 200
"""How many records each of the others has: 10 million in all."""
TIMES = 200
BOOKINGS = 1_000
SPAN = timedelta(days=365)

MakeEngine = Callable[[Path], contextlib.AbstractContextManager[Engine]]

# The others' rows are made inside the database; only their ids come from here.
_TABLES = """
    INSERT INTO organizations
    SELECT org_id, org_id || '', org_id || '', 'UTC', {true}, 0, {true}, {false}, 0, NULL, {false}, 90, 730, 1, 0, 0
    FROM others;
    INSERT INTO branches SELECT org_id, org_id, 'Main', 'main', NULL, '2026-06-01', 0, 0 FROM others;
    INSERT INTO services SELECT org_id, org_id, 'Checkup', 'checkup', {true}, 0, 0 FROM others;
    INSERT INTO windows
    SELECT org_id, calendar_id, org_id, weekday, 'Morning', '', '09:00', '11:00', org_id, 20, 10, {true}, 0, 0
    FROM other_windows;
    INSERT INTO days
    SELECT w.org_id, d.date, w.calendar_id, w.branch_id, w.weekday, w.session, w.batch, w.start_time, w.end_time,
           w.service_id, w.max_slots, w.ai_slots, {true}, {false}, 0, 0, 1, 1
    FROM windows w CROSS JOIN other_dates d
    WHERE w.org_id IN (SELECT org_id FROM others)
"""


class Costs(NamedTuple):
    """Seconds for one availability, one booking and one regenerate of a year."""

    availability: float
    booking: float
    regenerate: float


class Round(NamedTuple):
    """The same organization alone and among the others."""

    alone: Costs
    among: Costs

    def ratios(self) -> Costs:
        """How many times as much each costs among the others."""
        return Costs(*(among / alone for alone, among in zip(self.alone, self.among, strict=True)))


class _Desk:
    """The organization in one of the two databases."""

    def __init__(self, db: Database, clinic: Clinic) -> None:
        self._db, self._clinic = db, clinic
        self._patients, self._line = Patients(clinic), new_line(db)

    async def costs(self) -> Costs:
        clinic, db = self._clinic, self._db
        caller = await access.authenticate(db, clinic.key, now=system_clock())
        me = operator(clinic.org_id)
        question = Question(clinic.first, clinic.branches[0])
        asked = [
            await _seconds(lambda: get_availability(db, caller, question, now=system_clock())) for _ in range(TIMES)
        ]
        booked = 1 / await book_all(self._line, caller, self._patients.spread(BOOKINGS))
        regenerated = await _seconds(
            lambda: schedule.regenerate(
                db, me, date_from=clinic.first, date_to=clinic.first + SPAN, dry_run=False, now=system_clock()
            )
        )
        return Costs(statistics.median(asked), booked, regenerated)


async def _seconds(act: Callable[[], Awaitable[Any]]) -> float:
    start = time.perf_counter()
    await act()
    return time.perf_counter() - start


def measure(make: MakeEngine, folder: Path, *, rounds: int) -> list[Round]:
    """The costs in some rounds, after one that does not count."""
    with contextlib.ExitStack() as stack:
        engines = [stack.enter_context(make(place)) for place in _folders(folder)]

        async def main() -> list[Round]:
            desks = []
            for engine, organizations in zip(engines, (0, ORGANIZATIONS), strict=True):
                db = open_database(engine.url)
                clinic = await fill(db, now=system_clock())
                await _add_others(engine, organizations)
                desks.append(_Desk(db, clinic))
            for desk, engine in zip(desks, engines, strict=True):
                await desk.costs()
                await engine.settle()
            return [Round(await desks[0].costs(), await desks[1].costs()) for _ in range(rounds)]

        return uvloop.run(main())


def _folders(folder: Path) -> Iterator[Path]:
    for name in ("alone", "among"):
        place = folder / name
        place.mkdir(parents=True)
        yield place


async def _add_others(engine: Engine, organizations: int) -> None:
    ids = sorted(str(uuid4()) for _ in range(organizations))
    windows = [(org_id, str(uuid4()), weekday) for org_id in ids for weekday in range(WINDOWS)]
    dates = [(date(2026, 6, 1) + timedelta(days=number)).isoformat() for number in range(DATES)]
    if engine.pid is None:
        await asyncio.to_thread(_add_to_file, Path(engine.url.removeprefix("sqlite:///")), ids, windows, dates)
    else:
        await _add_to_server(engine.url, ids, windows, dates)


def _add_to_file(path: Path, ids: list[str], windows: list[tuple[str, str, int]], dates: list[str]) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA synchronous = OFF")
        raw.execute("BEGIN")
        raw.execute("CREATE TEMP TABLE others (org_id TEXT)")
        raw.execute("CREATE TEMP TABLE other_windows (org_id TEXT, calendar_id TEXT, weekday INTEGER)")
        raw.execute("CREATE TEMP TABLE other_dates (date TEXT)")
        raw.executemany("INSERT INTO others VALUES (?)", [(one,) for one in ids])
        raw.executemany("INSERT INTO other_windows VALUES (?, ?, ?)", windows)
        raw.executemany("INSERT INTO other_dates VALUES (?)", [(one,) for one in dates])
        for statement in _TABLES.format(true="1", false="0").split(";"):
            raw.execute(statement)
        raw.execute("COMMIT")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


async def _add_to_server(url: str, ids: list[str], windows: list[tuple[str, str, int]], dates: list[str]) -> None:
    raw = await asyncpg.connect(url)
    await raw.execute("SET session_replication_role = replica")  # what is added here refers to what is added here
    await raw.execute("CREATE TEMP TABLE others (org_id uuid)")
    await raw.execute("CREATE TEMP TABLE other_windows (org_id uuid, calendar_id uuid, weekday integer)")
    await raw.execute("CREATE TEMP TABLE other_dates (date date)")
    await raw.executemany("INSERT INTO others VALUES ($1)", [(one,) for one in ids])
    await raw.executemany("INSERT INTO other_windows VALUES ($1, $2, $3)", windows)
    await raw.executemany("INSERT INTO other_dates VALUES ($1)", [(date.fromisoformat(one),) for one in dates])
    for statement in _TABLES.format(true="true", false="false").split(";"):
        await raw.execute(statement, timeout=1800)
    await raw.close()
