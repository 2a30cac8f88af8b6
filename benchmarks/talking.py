"""What a tool of a voice agent takes beside the request of the interface that does the same."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import uvloop

from benchmarks.clinic import DATES, HOURS, SERVICES, Clinic, fill
from benchmarks.engines import ENGINES, Engine
from benchmarks.measuring import ask
from benchmarks.serving import Served, serving
from slotkeeper.app import open_database, system_clock
from slotkeeper.load.generator import put_steady_load
from slotkeeper.load.target import Target

CONNECTIONS = 16
SECONDS = 1.0
SHARE = 0.4
"""At which share of the slower one's rate both are asked steadily."""

Requests = Callable[[], Iterator[bytes]]
Body = Callable[[int, str, str, str], dict[str, Any]]
"""Of a number, a branch, a date and a wall time."""


class Pair(NamedTuple):
    """The same thing done by a tool and by the interface."""

    name: str
    tool: Requests
    plain: Requests


class Round(NamedTuple):
    """Both as fast as they go: answers a second, processor time of one in µs; p99 of both, in ms, at one rate."""

    tool: float
    plain: float
    tool_cost: float
    plain_cost: float
    rate: float
    tool_p99: float
    plain_p99: float


def measure(folder: Path, *, rounds: int) -> Iterator[tuple[str, str, list[Round]]]:
    """The engine, the tool, its rounds."""
    for make in ENGINES:
        place = folder / make.__name__
        place.mkdir()
        place.chmod(0o755)
        with make(place) as engine:
            clinic = uvloop.run(_fill(engine))
            with serving(engine.url, keep=False) as served:
                for pair in _pairs(served.target, clinic):
                    found = [_round(served, engine, pair) for _ in range(rounds + 1)]
                    yield engine.name, pair.name, found[1:]


async def _fill(engine: Engine) -> Clinic:
    db = open_database(engine.url)
    clinic = await fill(db, now=system_clock())
    await db.close()
    return clinic


def _pairs(target: Target, clinic: Clinic) -> list[Pair]:
    numbers = count(1)

    def places() -> Iterator[tuple[int, str, str, str]]:
        """A number that was never before, a branch, a date, a wall time; spread over the clinic."""
        for number in numbers:
            on = clinic.first + timedelta(days=number % DATES)
            hour = list(HOURS.values())[number % len(HOURS)]
            yield number, clinic.branches[number % len(clinic.branches)], str(on), f"{hour:02d}:30"

    def post(path: str, body: Body, key: str) -> Requests:
        return lambda: (
            target.send("POST", path, body(*place), clinic.key, idempotency_key=f"{key}{place[0]}")
            for place in places()
        )

    def next_available(branch: str, on: str) -> str:
        return (
            f"/v1/appointment-slots/next-available?from={on}&days=1&limit=3&branch_id={branch}&appointment_type=Dental"
        )

    def check(_: int, branch: str, on: str, __: str) -> dict[str, Any]:
        return {"service": "Dental", "branch": branch, "date": on}

    def spoken(_: int, branch: str, on: str, time: str) -> dict[str, Any]:
        return {"service": SERVICES[0], "branch": branch, "date": on, "time": time}

    def instant(_: int, branch: str, on: str, time: str) -> dict[str, Any]:
        return {"appointment_type": SERVICES[0], "branch_id": branch, "appointment_date": f"{on}T{time}:00+05:30"}

    def patient(number: int, phone: str) -> dict[str, Any]:
        return {"patient_name": f"Patient {number}", phone: f"+91{number:010d}"}

    return [
        Pair(
            "check_availability against next-available of one day",
            post("/v1/tools/check_availability", check, "c"),
            lambda: (target.get(next_available(branch, on), clinic.key) for _, branch, on, _ in places()),
        ),
        Pair(
            "book_appointment against POST /v1/appointments",
            post("/v1/tools/book_appointment", lambda *at: spoken(*at) | patient(at[0], "phone"), "t"),
            post("/v1/appointments", lambda *at: instant(*at) | patient(at[0], "parent_phone"), "p"),
        ),
    ]


def _round(served: Served, engine: Engine, pair: Pair) -> Round:
    tool, plain = (
        ask(served, engine, requests(), seconds=SECONDS, connections=CONNECTIONS)
        for requests in (pair.tool, pair.plain)
    )
    rate = min(tool.load.rate, plain.load.rate) * SHARE
    tool_p99, plain_p99 = (
        put_steady_load(served.target, requests(), rate=rate, seconds=SECONDS * 2, connections=CONNECTIONS).percentile(
            0.99
        )
        for requests in (pair.tool, pair.plain)
    )
    costs = tool.server + tool.database, plain.server + plain.database
    return Round(tool.load.rate, plain.load.rate, *costs, rate, tool_p99, plain_p99)
