"""Group commit against one transaction for each booking, without HTTP: the same step, the same line, 32 who wait."""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Iterator
from typing import NamedTuple
from uuid import uuid4

import msgspec
import uvloop

from benchmarks.clinic import Patients, fill
from benchmarks.engines import Engine
from slotkeeper.api.schemas import BookedView, appointment_view
from slotkeeper.app import open_database, system_clock
from slotkeeper.domain.access import Caller, Once
from slotkeeper.operations import access, together
from slotkeeper.operations.appointments import NewAppointment, Shown, book_appointment
from slotkeeper.operations.line import Line, new_line

WAITING = 32
BOOKINGS = 2_000
"""How many each round takes, once in groups and once alone."""


class Rates(NamedTuple):
    """Bookings a second in groups, and in a transaction each."""

    grouped: float
    alone: float

    @property
    def gain(self) -> float:
        """How many times as fast groups are."""
        return self.grouped / self.alone


class Round(NamedTuple):
    """Bookings over all windows, and bookings of one window-date."""

    spread: Rates
    hot: Rates


@contextlib.contextmanager
def _groups_of(most: int) -> Iterator[None]:
    """Let groups hold so many requests at most."""
    before = together.MOST
    vars(together)["MOST"] = most
    try:
        yield
    finally:
        vars(together)["MOST"] = before


def _answer(shown: Shown) -> tuple[int, str]:
    """What is stored for an Idempotency-Key, as over HTTP."""
    one = shown.appointment
    return 201, msgspec.json.encode(BookedView(True, one.appointment_id, one.token, appointment_view(shown))).decode()


def _once(caller: Caller) -> Caller:
    """The caller with a request of its own."""
    key = str(uuid4())
    return caller._replace(once=Once(key, hashlib.sha256(key.encode()).hexdigest(), _answer))


async def book_all(line: Line, caller: Caller, bookings: list[NewAppointment]) -> float:
    """Bookings a second where some people book one after the other, each as soon as the last one is answered."""
    left = iter([(_once(caller), new) for new in bookings])

    async def book() -> None:
        for who, new in left:
            await book_appointment(line, who, new, now=system_clock())

    start = time.perf_counter()
    await asyncio.gather(*(book() for _ in range(WAITING)))
    return len(bookings) / (time.perf_counter() - start)


async def _rates(line: Line, caller: Caller, bookings: list[NewAppointment]) -> Rates:
    """Half of some bookings in groups, the other half alone."""
    half = len(bookings) // 2
    grouped = await book_all(line, caller, bookings[:half])
    with _groups_of(1):
        return Rates(grouped, await book_all(line, caller, bookings[half:]))


def measure(engine: Engine, *, rounds: int) -> list[Round]:
    """Book in each of some rounds, after one that does not count."""

    async def main() -> list[Round]:
        db = open_database(engine.url)
        clinic = await fill(db, now=system_clock())
        caller = await access.authenticate(db, clinic.key, now=system_clock())
        patients, line = Patients(clinic), new_line(db)
        results = []
        for _ in range(1 + rounds):
            spread = await _rates(line, caller, patients.spread(2 * BOOKINGS))
            results.append(Round(spread, await _rates(line, caller, patients.hot(2 * BOOKINGS))))
            if len(results) == 1:
                await engine.settle()
        await db.close()
        return results[1:]

    return uvloop.run(main())
