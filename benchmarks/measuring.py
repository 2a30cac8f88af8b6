"""One round against a server: its answers, and the processor time that it and the database took for each."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

from benchmarks.clinic import Clinic, Patients
from benchmarks.engines import Engine
from benchmarks.serving import CONSTANT, Served, resident_megabytes, seconds_of_family
from slotkeeper.load.figures import Beside, Goal, Row
from slotkeeper.load.generator import CONNECTIONS, Load, Request, put_load


class Bench(NamedTuple):
    """What is measured: servers of different numbers of processes on one database, with a clinic in it."""

    engine: Engine
    folder: Path
    clinic: Clinic
    patients: Patients
    servers: Sequence["Served"]
    plan: "Plan"


class Asked(NamedTuple):
    """One round: the load, and the processor microseconds of the server and of the database for one answer."""

    load: Load
    server: float
    database: float


class Plan(NamedTuple):
    """How often is measured, and for how many seconds each time; what comes first does not count."""

    rounds: int
    seconds: float

    def each(self) -> Sequence[float]:
        """The seconds of each round, the first one a short one that does not count."""
        return [min(0.2, self.seconds), *[self.seconds] * self.rounds]


def ask(
    served: Served,
    engine: Engine,
    requests: Iterable[Request],
    *,
    seconds: float,
    connections: int = CONNECTIONS,
    with_bodies: bool = False,
) -> Asked:
    """Put a closed load on a server, and say what it cost."""
    server, database = seconds_of_family(served.pid), engine.seconds_of_processor()
    load = put_load(served.target, requests, seconds=seconds, connections=connections, with_bodies=with_bodies)
    database = engine.seconds_of_processor() - database
    server = seconds_of_family(served.pid) - server
    number = len(load.latencies)
    return Asked(load, server / number * 1e6, database / number * 1e6)


def ask_constant(served: Served, engine: Engine, size: int, *, seconds: float, connections: int = CONNECTIONS) -> Asked:
    """L1: the same server answering so many bytes from a constant."""
    request = served.target.get(constant(size))
    return ask(served, engine, repeat(request), seconds=seconds, connections=connections)


def constant(size: int) -> str:
    """The path of a bare route that answers so many bytes."""
    return f"{CONSTANT}?{size}"


@dataclass(slots=True)
class Rounds:
    """What was measured of one row on one server, round by round, and the constant beside it."""

    name: str
    served: Served
    asked: list[Asked] = field(default_factory=list)
    constants: list[Asked] = field(default_factory=list)
    memory: float = 0.0

    @property
    def rates(self) -> list[float]:
        """Answers a second."""
        return [one.load.rate for one in self.asked]

    def add(self, asked: Asked, constant: Asked) -> None:
        """One more round."""
        self.asked.append(asked)
        self.constants.append(constant)
        self.memory = resident_megabytes(self.served.pid)

    def beside_constant(self, goal: Goal | None = None) -> Beside:
        """L1, the rate of the constant."""
        return beside_rates("L1", self.rates, [one.load.rate for one in self.constants], goal)

    def beside_constants_processor(self, goal: Goal | None = None) -> Beside:
        """What the server's processor time for an answer is to that for the constant."""
        limits = [one.server for one in self.constants]
        ratios = [one.server / limit for one, limit in zip(self.asked, limits, strict=True)]
        return Beside("L1 CPU", limits, ratios, goal, unit=" µs")

    def row(self, engine: Engine, beside: Sequence[Beside]) -> Row:
        """The row of the table."""
        return Row(
            self.name,
            [one.load for one in self.asked],
            beside,
            server=[one.server for one in self.asked],
            database=None if engine.pid is None else [one.database for one in self.asked],
            memory=self.memory,
        )


def beside_rates(name: str, rates: Sequence[float], limits: Sequence[float], goal: Goal | None = None) -> Beside:
    """A limit that is a rate of each round."""
    return Beside(name, limits, [rate / limit for rate, limit in zip(rates, limits, strict=True)], goal)


def beside_one_process(one: Rounds, several: Rounds, goal: Goal | None) -> Beside:
    """One server process beside several, on the same database, in the same rounds."""
    return beside_rates("1 process", several.rates, one.rates, goal)


def cores_goal(number: float, workers: int) -> Goal:
    """A goal for several server processes: judged only where each has a core besides that of the load generator."""
    return Goal(number, is_judged=(os.cpu_count() or 1) > workers)
