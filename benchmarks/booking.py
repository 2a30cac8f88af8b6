"""Bookings over HTTP against the two things that no booking can leave out.

L1 is the constant reply to the same requests by the same server, L3 a bare loop that writes the same rows in the same
transactions on the same disk. Who did both one after the other would reach H, where 1/H = 1/L1 + 1/L3.
"""

import shutil
from itertools import cycle
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from benchmarks.bare import Twin, Written, seconds_to_sync
from benchmarks.clinic import MOST_PLACES, Clinic, Patients, body_of, fill
from benchmarks.load import Load, post, put_load
from benchmarks.serving import CONSTANT, serving, sizes_of_groups
from slotkeeper.app import system_clock
from slotkeeper.operations.appointments import NewAppointment
from slotkeeper.store.database import run
from slotkeeper.store.sqlite import SqliteDatabase

APPOINTMENTS = "/v1/appointments"


class Booked(NamedTuple):
    """One round of bookings, the constant reply beside it, and its rows in the bare loop."""

    load: Load
    constant: Load
    bare: Written

    @property
    def share(self) -> float:
        """The rate as a share of H."""
        return self.load.rate * (1 / self.constant.rate + 1 / self.bare.rate)

    @property
    def group(self) -> float:
        """How many bookings shared a commit."""
        return self.bare.bookings / self.bare.transactions


class Round(NamedTuple):
    """Bookings over all windows, bookings of one window-date, and how long the disk took to sync in between."""

    spread: Booked
    hot: Booked
    sync: float


class _Desk:
    """Where the bookings of a clinic are sent to, and then written into its twin."""

    def __init__(self, clinic: Clinic, twin: Twin, port: int, *, seconds: float) -> None:
        self._key, self._twin, self._port, self._seconds = clinic.key, twin, port, seconds

    def book(self, bookings: list[NewAppointment]) -> Booked:
        """One round: the constant, the bookings, their rows."""
        bodies = [body_of(new) for new in bookings]
        constant = put_load(self._port, cycle(self._requests(CONSTANT, bodies)), seconds=self._seconds)
        load = put_load(self._port, self._requests(APPOINTMENTS, bodies), seconds=self._seconds)
        written = self._twin.write(sizes_of_groups(self._port))
        assert written.bookings == len(load.latencies), "the bookings answered are not the bookings stored"
        return Booked(load, constant, written)

    def _requests(self, path: str, bodies: list[bytes]) -> list[bytes]:
        return [post(path, body, self._key, str(uuid4())) for body in bodies]


def _size_of_answer(path: Path, clinic: Clinic, booking: NewAppointment) -> int:
    with serving(f"sqlite:///{path}", constant_size=1000) as (port, _):
        request = post(APPOINTMENTS, body_of(booking), clinic.key, "first")
        return put_load(port, [request], seconds=1, connections=1).size


def measure(folder: Path, *, rounds: int, seconds: float) -> list[Round]:
    """Book for some seconds in each of some rounds, after one that does not count."""
    path = folder / "booking.db"
    db = SqliteDatabase(path)

    async def fill_and_close() -> Clinic:
        clinic = await fill(db, now=system_clock())
        await db.close()
        return clinic

    clinic = run(fill_and_close())
    patients = Patients(clinic)
    size = _size_of_answer(path, clinic, patients.spread(1)[0])
    shutil.copy(path, folder / "twin.db")
    results = []
    with serving(f"sqlite:///{path}", constant_size=size) as (port, _):
        twin = Twin(path, folder / "twin.db", clinic.org_id)
        desk = _Desk(clinic, twin, port, seconds=seconds)
        for _ in range(1 + rounds):
            spread = desk.book(patients.spread(MOST_PLACES))
            hot = desk.book(patients.hot(MOST_PLACES))
            results.append(Round(spread, hot, seconds_to_sync(folder)))
        twin.close()
    return results[1:]
