"""Hold + confirm, move and cancel over HTTP, each beside the constant reply to the same requests (L1).

What is held and confirmed in a round is moved and then cancelled in the same round. No bare loop was written for them:
what they write is not one row of each table.
"""

import json
from collections.abc import Callable
from itertools import cycle
from typing import Any
from uuid import uuid4

import uvloop

from benchmarks.booking import APPOINTMENTS
from benchmarks.clinic import Clinic, body_of, new_key
from benchmarks.engines import Engine
from benchmarks.measuring import Asked, Bench, Rounds, ask, beside_one_process, constant
from benchmarks.serving import Served
from slotkeeper.app import open_database, system_clock
from slotkeeper.load.figures import Row
from slotkeeper.load.generator import Pair, Request
from slotkeeper.load.target import Target
from slotkeeper.operations.appointments import NewAppointment

HOLDS = "/v1/holds"
DAY = 86_400_000
KEYS = 8
"""A key keeps 20 live holds at most, and each of 32 callers keeps one."""
MOST = 5_000
"""How many are held and confirmed in one round at most."""
HELD, MOVED, CANCELLED = "hold + confirm (two requests)", "move to another date", "cancel"


def measure(bench: Bench) -> list[list[Row]]:
    """For each server its rows; all servers and the constant take turns in each round."""
    engine, clinic, servers = bench.engine, bench.clinic, bench.servers
    keys = _make_keys(engine, clinic)
    found = {name: [Rounds(name, served) for served in servers] for name in (HELD, MOVED, CANCELLED)}
    for number, seconds in enumerate(bench.plan.each()):
        for which, served in enumerate(servers):
            course = _Course(engine, served, keys, bench.patients.spread(MOST), seconds)
            for name, act in ((HELD, course.hold), (MOVED, course.move), (CANCELLED, course.cancel)):
                answered, beside = act()
                if number:
                    found[name][which].add(answered, beside)
    return [[_row(engine, rounds, which) for rounds in found.values()] for which in range(len(servers))]


def _make_keys(engine: Engine, clinic: Clinic) -> list[str]:
    async def make() -> list[str]:
        db = open_database(engine.url)
        keys = [await new_key(db, clinic.org_id, now=system_clock()) for _ in range(KEYS)]
        await db.close()
        return keys

    return uvloop.run(make())


class _Course:
    """One round on one server: what is held and confirmed is moved, and then cancelled."""

    def __init__(
        self, engine: Engine, served: Served, keys: list[str], bookings: list[NewAppointment], seconds: float
    ) -> None:
        self._engine, self._served, self._seconds = engine, served, seconds
        self._keys = cycle(keys)
        self._bookings = {new.parent_phone: new for new in bookings}
        self._confirmed: list[dict[str, Any]] = []

    @property
    def _target(self) -> Target:
        return self._served.target

    def hold(self) -> tuple[Asked, Asked]:
        """Hold and confirm; the constant for both."""
        answered = self._ask([self._hold_and_confirm(new) for new in self._bookings.values()], with_bodies=True)
        bodies = answered.load.bodies or []
        self._confirmed = [json.loads(body) for body in bodies]
        send = self._target.send
        path, key = constant(answered.load.size), next(self._keys)
        then = send("POST", path, _confirmation(next(iter(self._bookings.values())), "x" * 36), key)
        constants = [
            Pair(send("POST", path, _hold(new), key, idempotency_key=str(uuid4())), lambda _: then)
            for new in self._bookings.values()
        ]
        return answered, self._ask(cycle(constants))

    def move(self) -> tuple[Asked, Asked]:
        """Move each to another date, at the same time."""
        bookings = [self._bookings[one["data"]["parent_phone"]] for one in self._confirmed]
        moved = [new._replace(instant=(new.instant or 0) + DAY) for new in bookings]
        return self._change([{"appointment_date": body_of(new)["appointment_date"]} for new in moved])

    def cancel(self) -> tuple[Asked, Asked]:
        """Cancel each."""
        return self._change([{"status": "cancelled"}] * len(self._confirmed))

    def _change(self, bodies: list[dict[str, Any]]) -> tuple[Asked, Asked]:
        key = next(self._keys)
        paths = [f"{APPOINTMENTS}/{one['appointment_id']}" for one in self._confirmed]

        def requests(path_of: Callable[[str], str]) -> list[Request]:
            pairs = zip(paths, bodies, strict=True)
            return [self._target.send("PATCH", path_of(path), body, key) for path, body in pairs]

        answered = self._ask(requests(lambda path: path))
        return answered, self._ask(cycle(requests(lambda _: constant(answered.load.size))))

    def _ask(self, requests: Any, *, with_bodies: bool = False) -> Asked:
        return ask(self._served, self._engine, requests, seconds=self._seconds, with_bodies=with_bodies)

    def _hold_and_confirm(self, new: NewAppointment) -> Pair:
        send, key = self._target.send, next(self._keys)

        def confirm(answer: bytes) -> bytes:
            hold_id = json.loads(answer)["data"]["hold_id"]
            return send("POST", APPOINTMENTS, _confirmation(new, hold_id), key, idempotency_key=str(uuid4()))

        return Pair(send("POST", HOLDS, _hold(new), key, idempotency_key=str(uuid4())), confirm)


def _hold(new: NewAppointment) -> dict[str, Any]:
    person = {"patient_name", "parent_phone"}
    return {name: value for name, value in body_of(new).items() if name not in person}


def _confirmation(new: NewAppointment, hold_id: str) -> dict[str, Any]:
    body = body_of(new)
    return {name: body[name] for name in ("patient_name", "parent_phone", "appointment_date")} | {"hold_id": hold_id}


def _row(engine: Engine, rounds: list[Rounds], which: int) -> Row:
    found = rounds[which]
    beside = [found.beside_constant()]
    if which:
        beside.append(beside_one_process(rounds[0], found, None))
    return found.row(engine, beside)
