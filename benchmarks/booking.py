"""Bookings over HTTP against the two things that no booking can leave out.

L1 is the constant reply to the same requests by the same server, L3 a bare loop that writes the same rows in the same
transactions on the same disk. Who did both one after the other would reach H, where 1/H = 1/L1 + 1/L3.
"""

from collections.abc import Callable, Iterable
from itertools import cycle
from statistics import median
from typing import NamedTuple
from uuid import uuid4

from benchmarks.bare import Twin, Written, seconds_to_sync
from benchmarks.clinic import MOST_PLACES, Patients, body_of
from benchmarks.engines import Engine
from benchmarks.measuring import Asked, Bench, Rounds, ask, beside_one_process, beside_rates, constant
from benchmarks.serving import Served, groups_of
from slotkeeper.load.figures import Beside, Goal, Row
from slotkeeper.load.generator import put_load
from slotkeeper.load.target import Target
from slotkeeper.operations.appointments import NewAppointment

APPOINTMENTS = "/v1/appointments"
GOAL = 0.8
KINDS: dict[str, Callable[[Patients], list[NewAppointment]]] = {
    "booking, one window-date": lambda patients: patients.hot(MOST_PLACES),
    "booking, 210 windows, 60 dates": lambda patients: patients.spread(MOST_PLACES),
}


class Booked(NamedTuple):
    """The rounds of one kind on one server, and its rows in the bare loop in each."""

    rounds: Rounds
    bare: list[Written]


def requests_of(target: Target, path: str, bookings: Iterable[NewAppointment], key: str) -> list[bytes]:
    """Each booking as a request with an Idempotency-Key of its own."""
    return [target.send("POST", path, body_of(new), key, idempotency_key=str(uuid4())) for new in bookings]


def size_of_answer(served: Served, request: bytes) -> int:
    """How many bytes the answer to a request has."""
    return put_load(served.target, [request], seconds=5, connections=1).size


def measure(bench: Bench, twin: str) -> tuple[list[list[Row]], float]:
    """For each server its rows, and how long a sync of the disk took; ``twin`` is a copy of the database.

    All servers, the constant and the bare loop take turns in each round.
    """
    servers = bench.servers
    copy = Twin(bench.engine.url, twin, bench.clinic.org_id)
    first = requests_of(servers[0].target, APPOINTMENTS, bench.patients.spread(1), bench.clinic.key)
    desk = _Desk(bench, copy, size_of_answer(servers[0], first[0]))
    for served in servers:
        groups_of(served)
    copy.skip()
    found = {kind: [Booked(Rounds(kind, served), []) for served in servers] for kind in KINDS}
    syncs = []
    for number, seconds in enumerate(bench.plan.each()):
        for kind, booked in found.items():
            for one in booked:
                turn = desk.book(one.rounds.served, KINDS[kind](bench.patients), seconds=seconds)
                if number:
                    one.rounds.add(turn.booked, turn.constant)
                    one.bare.append(turn.written)
        syncs.append(seconds_to_sync(bench.folder))
    copy.close()
    rows = [[_row(bench.engine, booked, which) for booked in found.values()] for which in range(len(servers))]
    return rows, median(syncs)


class _Turn(NamedTuple):
    """One round of one kind on one server."""

    booked: Asked
    constant: Asked
    written: Written


class _Desk:
    """Where the bookings of a clinic are sent to, and then written into its twin."""

    def __init__(self, bench: Bench, copy: Twin, size: int) -> None:
        self._engine, self._key, self._copy, self._size = bench.engine, bench.clinic.key, copy, size

    def book(self, served: Served, bookings: list[NewAppointment], *, seconds: float) -> _Turn:
        """One round: the constant, the bookings, their rows."""

        def requests(path: str) -> list[bytes]:
            return requests_of(served.target, path, bookings, self._key)

        beside = ask(served, self._engine, cycle(requests(constant(self._size))), seconds=seconds)
        booked = ask(served, self._engine, requests(APPOINTMENTS), seconds=seconds)
        written = self._copy.write(groups_of(served))
        if written.bookings != len(booked.load.latencies):
            raise RuntimeError("the bookings answered are not the bookings stored")
        return _Turn(booked, beside, written)


def _row(engine: Engine, booked: list[Booked], which: int) -> Row:
    rounds, bare = booked[which]
    constants = [one.load.rate for one in rounds.constants]
    both = [1 / (1 / constant + 1 / one.rate) for constant, one in zip(constants, bare, strict=True)]
    beside: list[Beside] = [beside_rates("H", rounds.rates, both, Goal(GOAL) if which == 0 else None)]
    if which == 0:
        beside.append(rounds.beside_constant())
        beside.append(beside_rates("L3", rounds.rates, [one.rate for one in bare]))
    else:
        goal = Goal(1.0) if engine.pid is None else None
        beside.append(beside_one_process(booked[0].rounds, rounds, goal))
    return rounds.row(engine, beside)
