"""Availability over HTTP while 500 bookings a second go on beside it, against the same on a quiet server.

The bookings come from a process of their own, each at its moment, whether or not the others were answered. Of another
date they change nothing that the kept reply says; of the same date and branch each of them makes it worthless.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import AbstractContextManager
from itertools import islice, repeat
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import NamedTuple
from uuid import uuid4

import uvloop

from benchmarks.clinic import body_of
from benchmarks.engines import Engine
from benchmarks.growing import HORIZON, Grown, Size, bookings, grow
from benchmarks.serving import serving
from slotkeeper.load.generator import Load, put_load, put_steady_load
from slotkeeper.load.target import Target

RATE = 500.0
SECONDS = 2.0
AHEAD = 0.7
"""For how many seconds bookings are made before availability is asked for, the first ones perhaps a little late."""
ASKED_DAY = 3
APPOINTMENTS = "/v1/appointments"
BESIDE = {"quiet": (), "of other dates": range(7, HORIZON), "of the same date and branch": (ASKED_DAY,)}
"""On which days from the first on bookings are made beside."""


class Round(NamedTuple):
    """Answers a second of a closed load, the p99 in ms at a steady rate, and the bookings beside both."""

    rate: float
    p99: float
    booked: float
    booking_p99: float


def _book(port: int, grown: Grown, name: str, days: Sequence[int], seconds: float) -> Load:
    """Runs in a process of its own: bookings at a steady rate."""
    target, number = Target(port), int(RATE * seconds)
    requests = [
        target.send("POST", APPOINTMENTS, body_of(new), grown.key, idempotency_key=str(uuid4()))
        for new in islice(bookings(grown, name, days=days), number)
    ]
    return put_steady_load(target, requests, rate=RATE, seconds=seconds)


class _Reader:
    """Asks a server for one availability, with or without bookings beside."""

    def __init__(self, port: int, grown: Grown, pool: ProcessPoolExecutor) -> None:
        self._port, self._grown, self._pool = port, grown, pool
        on = self._grown.first.fromordinal(grown.first.toordinal() + ASKED_DAY)
        path = f"/v1/appointment-slots/availability?date={on}&branch_id={grown.branch}"
        self._request = Target(port).get(path, grown.key)
        self._steady = 0.0

    def warm(self) -> None:
        """Find out at what rate the latencies are taken: half of what a quiet server can do."""
        self._pool.submit(int).result()
        self._steady = median(self._most().rate for _ in range(3)) / 2

    def ask(self, days: Sequence[int]) -> Round:
        most, booked = self._beside(days, self._most)
        steady, booked_too = self._beside(days, self._at_half)
        both = [one for one in (booked, booked_too) if one is not None]
        return Round(
            most.rate,
            steady.percentile(0.99),
            min((one.rate for one in both), default=0.0),
            max((one.percentile(0.99) for one in both), default=0.0),
        )

    def _most(self) -> Load:
        return put_load(Target(self._port), repeat(self._request), seconds=SECONDS)

    def _at_half(self) -> Load:
        return put_steady_load(Target(self._port), repeat(self._request), rate=self._steady, seconds=SECONDS)

    def _beside(self, days: Sequence[int], ask: Callable[[], Load]) -> tuple[Load, Load | None]:
        if not days:
            return ask(), None
        beside: Future[Load] = self._pool.submit(
            _book, self._port, self._grown, str(uuid4()), days, SECONDS + 2 * AHEAD
        )
        time.sleep(AHEAD)
        load = ask()
        return load, beside.result()


def measure(
    make: Callable[[Path], AbstractContextManager[Engine]], folder: Path, *, rounds: int
) -> Iterator[dict[str, Round]]:
    """Each round by what goes on beside, after one that does not count."""
    with make(folder) as engine, ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        grown = uvloop.run(grow(engine, Size(210, 15, 0)))
        with serving(engine.url) as served:
            reader = _Reader(served.port, grown, pool)
            reader.warm()
            for number in range(1 + rounds):
                found = {name: reader.ask(days) for name, days in BESIDE.items()}
                if number:
                    yield found
