"""The growth curve: what one request costs where more and more stands around an answer that stays the same size.

For each size there is a database of its own, all of them open at the same time and asked in turn. What grows is the
organization's own: its windows, its records, its appointments. Costs are those of the program without HTTP.
"""

import argparse
import contextlib
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from itertools import islice
from math import log10
from pathlib import Path
from typing import NamedTuple

import uvloop

from benchmarks import beside
from benchmarks.engines import ENGINES, Engine
from benchmarks.grouping import book_all
from benchmarks.growing import HORIZON, OWN, Grown, Size, bookings, grow
from slotkeeper.api.availability import write_availability
from slotkeeper.app import open_database, system_clock
from slotkeeper.operations import access, projection
from slotkeeper.operations.availability import Asked, Question, Replies, get_availability
from slotkeeper.operations.line import new_line
from slotkeeper.operations.openings import Asking, list_openings
from slotkeeper.operations.projection import Slice
from slotkeeper.store.database import SQL

MakeEngine = Callable[[Path], contextlib.AbstractContextManager[Engine]]

ROUNDS = 7
TURNS = 8
"""How often each size has its turn with each kind of request in a round; so much is done then."""
ASKED = 30
BOOKED = 96
LARGEST = 10_000_000
GOAL = 1.25
WINDOWS = 1_960
BESIDE = "beside"
"""The name of what is measured besides: reads while bookings go on."""


class Axis(NamedTuple):
    """What grows, and how far."""

    what: str
    sizes: list[Size]
    number: Callable[[Size], int]


def axes(largest: int) -> list[Axis]:
    """All that grows, up to so many records and appointments."""
    weeks = [weeks for weeks in (5, 51, 510, 5_102) if WINDOWS * weeks <= largest * 1.01]
    appointments = [10**power for power in range(4, 8) if 10**power <= largest]
    return [
        Axis("windows", [Size(number, 15, 0) for number in (100, 1_000, 10_000)], lambda size: size.windows),
        Axis("records", [Size(WINDOWS, number, 0) for number in weeks], lambda size: size.records),
        Axis("appointments", [Size(WINDOWS, 510, many) for many in appointments], lambda size: size.appointments),
    ]


_SPOIL = SQL("""
    UPDATE days SET max_slots = max_slots - 1, rev = rev + 1
    WHERE org_id = :org_id AND date BETWEEN :date_from AND :date_to AND branch_id = :branch_id
""")


class Desk:
    """The organization in the database of one size."""

    def __init__(self, engine: Engine, grown: Grown) -> None:
        self._db = open_database(engine.url)
        vars(self._db)["stamp"] = lambda: None  # as if something were written before each request
        self._grown = grown
        self._line = new_line(self._db)
        self._replies = Replies(write_availability)
        self._bookings = bookings(grown, "Patient")
        self._question = Question(grown.first + timedelta(days=3), grown.branch)
        self._asking = Asking(None, grown.branch, None, grown.first, HORIZON, 10)

    def acts(self) -> dict[str, Callable[[], Awaitable[list[float]]]]:
        """What is measured: each gives the seconds that some of its kind took."""
        return {
            "availability, kept": lambda: _seconds(self._ask_kept, ASKED),
            "availability, not kept": lambda: _seconds(self._ask_anew, ASKED),
            "next-available": lambda: _seconds(self._ask_next, ASKED),
            "booking, in groups of 32 who wait": self._book,
            "regenerate of 168 records, all differ": self._regenerate,
        }

    async def close(self) -> None:
        await self._db.close()

    async def _ask_kept(self) -> None:
        now = system_clock()
        key, question = self._grown.key, self._question
        caller, proof = await access.authenticate_for(self._db, key, question, now=now, request_id="")
        await self._replies.get(self._db, caller, question, proof, Asked(None, (b"", b"")), now=now)

    async def _ask_anew(self) -> None:
        now = system_clock()
        caller = await access.authenticate(self._db, self._grown.key, now=now)
        write_availability(self._question, await get_availability(self._db, caller, self._question, now=now))

    async def _ask_next(self) -> None:
        now = system_clock()
        caller = await access.authenticate(self._db, self._grown.key, now=now)
        found = await list_openings(self._db, caller, self._asking, now=now)
        assert len(found.found) == self._asking.limit

    async def _book(self) -> list[float]:
        caller = await access.authenticate(self._db, self._grown.key, now=system_clock())
        return [1 / await book_all(self._line, caller, list(islice(self._bookings, BOOKED)))]

    async def _regenerate(self) -> list[float]:
        """One slice, where the records say other places than their windows."""
        grown = self._grown
        last = grown.first + timedelta(days=HORIZON - 1)
        span = {"date_from": str(grown.first), "date_to": str(last)}
        await self._db.write(lambda tx: tx.execute(_SPOIL, org_id=grown.org_id, branch_id=grown.branch, **span))
        part = Slice(tuple(sorted(grown.own)), grown.first, last, OWN * HORIZON // 7)

        async def regenerate() -> None:
            done = await self._db.write(lambda tx: projection.project(tx, grown.org_id, part, now=system_clock()))
            assert len(done.planned) == part.size, len(done.planned)

        return await _seconds(regenerate, 1)


async def _seconds(act: Callable[[], Awaitable[None]], times: int) -> list[float]:
    found = []
    for _ in range(times):
        start = time.perf_counter()
        await act()
        found.append(time.perf_counter() - start)
    return found


async def _costs(desks: dict[Size, Desk]) -> dict[Size, dict[str, float]]:
    """The costs of one round: of each kind some at a time, each size in turn, so that all see the same disturbances."""
    costs: dict[Size, dict[str, float]] = {size: {} for size in desks}
    for name in next(iter(desks.values())).acts():
        found: dict[Size, list[float]] = {size: [] for size in desks}
        for _ in range(TURNS):
            for size, desk in desks.items():
                found[size] += await desk.acts()[name]()
        for size, seconds in found.items():
            costs[size][name] = statistics.median(seconds)
    return costs


Measured = dict[Size, list[dict[str, float]]]
"""For each size the costs of each round."""


def measure(make: MakeEngine, folder: Path, axis: Axis, *, rounds: int) -> Measured:
    """The costs in some rounds, each size in turn, after one that does not count."""
    with contextlib.ExitStack() as stack:

        async def main() -> Measured:
            desks = {}
            for size in axis.sizes:
                place = folder / f"{axis.what}-{axis.number(size)}"
                place.mkdir(parents=True)
                engine = stack.enter_context(make(place))
                start = time.perf_counter()
                desks[size] = Desk(engine, await grow(engine, size))
                print(f"  filled {axis.number(size):,} {axis.what} in {time.perf_counter() - start:.0f} s", flush=True)
            found: Measured = {size: [] for size in axis.sizes}
            for number in range(1 + rounds):
                for size, costs in (await _costs(desks)).items():
                    found[size] += [costs] if number else []
            for desk in desks.values():
                await desk.close()
            return found

        return uvloop.run(main())


def slope(numbers: Sequence[float], costs: Sequence[float]) -> float:
    """How many times as much it costs around ten times as much: the straight line through the logarithms."""
    if len(numbers) == 1:
        return 1.0
    line = statistics.linear_regression([log10(number) for number in numbers], [log10(cost) for cost in costs])
    return float(10**line.slope)


def report(
    folder: Path, *, engines: Sequence[str] = (), only: Sequence[str] = (), largest: int = LARGEST, rounds: int = ROUNDS
) -> None:
    """Measure and print the table of each engine and each thing that grows."""
    for make in ENGINES:
        for axis in axes(largest):
            if (engines and make.__name__ not in engines) or (only and axis.what not in only):
                continue
            print(f"\ncost of one request around more and more {axis.what} of its organization, µs, {make.__name__}")
            place = folder / make.__name__ / axis.what
            _print(axis, measure(make, place, axis, rounds=rounds))
            shutil.rmtree(place)


def _print(axis: Axis, found: Measured) -> None:
    sizes = axis.sizes
    print(
        f"  {axis.what:<40}" + "".join(f"{axis.number(size):>12,}" for size in sizes) + "   largest / smallest, slope"
    )
    for name in found[sizes[0]][0]:
        costs = [statistics.median(one[name] for one in found[size]) * 1e6 for size in sizes]
        ratios = [last[name] / first[name] for first, last in zip(found[sizes[0]], found[sizes[-1]], strict=True)]
        grows = slope([axis.number(size) for size in sizes], costs)
        print(
            f"  {name:<40}"
            + "".join(f"{cost:>12,.1f}" for cost in costs)
            + f"   {statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f}), ×{grows:.2f} for ten times; "
            f"goal ≤ {GOAL}"
        )


def report_all(folder: Path) -> None:
    """Everything, up to the largest sizes: it takes an hour and twenty gigabytes."""
    report_beside(folder)
    report(folder)


def report_beside(folder: Path, *, engines: Sequence[str] = (), rounds: int = ROUNDS) -> None:
    """Measure and print what reads cost while bookings go on."""
    for make in ENGINES:
        if engines and make.__name__ not in engines:
            continue
        place = folder / make.__name__
        place.mkdir()
        found = list(beside.measure(make, place, rounds=rounds))
        print(f"\navailability over HTTP while {beside.RATE:.0f} bookings a second go on, one process, {make.__name__}")
        for name in beside.BESIDE:
            _line(f"{name}: answers a second", [one[name].rate for one in found])
            _line("  against a quiet server", [one[name].rate / one["quiet"].rate for one in found])
            _line("  p99 at half of the quiet maximum, ms", [one[name].p99 for one in found])
            _line("  against a quiet server", [one[name].p99 / one["quiet"].p99 for one in found])
            if name != "quiet":
                _line("  bookings answered a second", [one[name].booked for one in found])
                _line("  their p99, ms", [one[name].booking_p99 for one in found])


def _line(name: str, values: Sequence[float]) -> None:
    print(f"  {name:<50}{statistics.median(values):10,.2f}  ({min(values):,.2f}–{max(values):,.2f})")


def main() -> int:
    """Measure some of it: ``python -m benchmarks.growth --engine sqlite --only records --largest 1000000``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--engine", action="append", default=[], choices=[make.__name__ for make in ENGINES])
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--largest", type=int, default=LARGEST)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)  # the user of a database server has to pass
        if not given.only or BESIDE in given.only:
            report_beside(Path(folder), engines=given.engine, rounds=given.rounds)
        if given.only != [BESIDE]:
            report(Path(folder), engines=given.engine, only=given.only, largest=given.largest, rounds=given.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
