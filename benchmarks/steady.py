"""How long answers take at half of the maximum load, beside the constant at the same rate on the same quiet server.

An open load: latencies count from when a request was due. Each is measured alone, while a writer makes checkpoints
happen (SQLite), and while another organization is regenerated over HTTP by the same server (``disturbing.py``). The
constant is measured without either, so that what they cost is not hidden.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from itertools import cycle, repeat
from typing import NamedTuple

from benchmarks.bare import seconds_to_sync
from benchmarks.booking import APPOINTMENTS, requests_of, size_of_answer
from benchmarks.clinic import Clinic, Patients
from benchmarks.disturbing import CHECKPOINTS, REGENERATE, Disturber
from benchmarks.measuring import Bench, constant
from benchmarks.reading import questions_of
from benchmarks.regenerating import Schedule
from benchmarks.serving import Served
from slotkeeper.load.figures import Beside, Goal, Row
from slotkeeper.load.generator import Load, put_load, put_steady_load

CONNECTIONS = 64
LONGER = 3.0
"""How many times as long as elsewhere each load lasts: what is rare has to happen in it."""

Make = Callable[[int], Iterable[bytes]]
"""Makes so many requests; where they may repeat, without end."""


class _Kind(NamedTuple):
    """A row: what is asked, the constant for the same requests, and for how many syncs of the disk an answer waits."""

    name: str
    make: Make
    make_constant: Make
    syncs: int
    goal: Goal


def measure(bench: Bench, other: Schedule) -> list[Row]:
    """The rows, on the first of the servers; all take turns in each round."""
    engine, served, plan = bench.engine, bench.servers[0], bench.plan
    seconds = plan.seconds * LONGER
    disturbances = [None, *([CHECKPOINTS] if engine.pid is None else []), REGENERATE]
    rows = []
    with ExitStack() as stack:
        disturbers = [one and stack.enter_context(Disturber(one, engine.url, other, served)) for one in disturbances]
        for kind in _kinds(bench.clinic, served, bench.patients):
            rate = _most(served, kind, seconds) / 2
            loads: list[list[Load]] = [[] for _ in disturbers]
            constants, syncs = [], []
            for _ in range(plan.rounds):
                constants.append(_load(served, kind.make_constant, rate, seconds))
                for found, disturber in zip(loads, disturbers, strict=True):
                    with disturber.at_work() if disturber else ExitStack():
                        found.append(_load(served, kind.make, rate, seconds))
                syncs.append(seconds_to_sync(bench.folder) * 1000 * kind.syncs)
            for found, disturbance in zip(loads, disturbances, strict=True):
                name = f"  {disturbance}" if disturbance else kind.name
                rows.append(Row(name, found, [_beside(kind, found, constants, syncs)]))
    return rows


def _kinds(clinic: Clinic, served: Served, patients: Patients) -> Iterator[_Kind]:
    target = served.target
    question = target.get(questions_of(clinic)[0].path, clinic.key)
    size = size_of_answer(served, question)
    always = repeat(target.get(constant(size)))
    yield _Kind("availability, branch and date", lambda _: repeat(question), lambda _: always, 0, Goal(3, at_most=True))

    def book(path: str, number: int) -> list[bytes]:
        return requests_of(target, path, patients.spread(number), clinic.key)

    size = size_of_answer(served, book(APPOINTMENTS, 1)[0])
    again = book(constant(size), 1000)
    yield _Kind(
        "booking, 210 windows, 60 dates",
        partial(book, APPOINTMENTS),
        lambda _: cycle(again),
        1,
        Goal(6, at_most=True),
    )


def _most(served: Served, kind: _Kind, seconds: float) -> float:
    """How many are answered in a second at most."""
    rates = [put_load(served.target, kind.make(int(20_000 * seconds)), seconds=seconds / 2).rate for _ in range(2)]
    return max(rates)


def _load(served: Served, make: Make, rate: float, seconds: float) -> Load:
    return put_steady_load(
        served.target, make(int(rate * seconds)), rate=rate, seconds=seconds, connections=CONNECTIONS
    )


def _beside(kind: _Kind, loads: list[Load], constants: list[Load], syncs: list[float]) -> Beside:
    limits = [load.percentile(0.99) for load in constants]
    found = [max(0.0, load.percentile(0.99) - sync) for load, sync in zip(loads, syncs, strict=True)]
    ratios = [one / limit for one, limit in zip(found, limits, strict=True)]
    return Beside("L1 p99", limits, ratios, kind.goal, unit=" ms")
