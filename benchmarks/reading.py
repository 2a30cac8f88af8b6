"""The rows of what is read: availability, tracking, next-available; beside the constant (L1) and the bare SQL (L2)."""

from datetime import timedelta
from itertools import repeat
from typing import NamedTuple

from benchmarks.bare_sql import rate_of, statements_of
from benchmarks.clinic import SERVICES, Clinic
from benchmarks.engines import Engine
from benchmarks.measuring import Bench, Rounds, ask, ask_constant, beside_one_process, beside_rates, cores_goal
from benchmarks.serving import Served
from slotkeeper.load.figures import Beside, Goal, Row
from slotkeeper.load.generator import CONNECTIONS, put_load

SLOTS = "/v1/appointment-slots"
BARE_SECONDS = 0.25
AVAILABILITY = "availability, branch and date"


class Question(NamedTuple):
    """A row: what is asked, and over how many connections; an answer of megabytes over fewer."""

    noun: str
    name: str
    path: str
    connections: int = CONNECTIONS


def questions_of(clinic: Clinic) -> list[Question]:
    """What is asked of a clinic: about a date with windows in the hall too, and about the dates from then on."""
    on = clinic.first + timedelta(days=-clinic.first.weekday() % 7)  # a Monday
    branch = clinic.branches[0]

    def tracking(days: int) -> str:
        last = on + timedelta(days=days - 1)
        return f"{SLOTS}/schedule-tracking?date_from={on}&date_to={last}&branch_id={branch}"

    availability = f"{SLOTS}/availability?date={on}"
    service = SERVICES[0].replace(" ", "%20")
    return [
        Question("availability", AVAILABILITY, f"{availability}&branch_id={branch}"),
        Question("availability", "  whole organization", availability),
        Question("availability", "  branch and session", f"{availability}&branch_id={branch}&session=Morning"),
        Question("tracking", "tracking of a branch, 1 day", tracking(1)),
        Question("tracking", "  31 days", tracking(31), 8),
        Question("tracking", "  366 days", tracking(366), 4),
        Question("next", "next-available, 30 days", f"{SLOTS}/next-available?appointment_type={service}&from={on}"),
    ]


def measure(bench: Bench, nouns: set[str]) -> list[list[Row]]:
    """For each server its rows. All servers, the constant and the bare SQL take turns in each round."""
    engine, clinic, servers = bench.engine, bench.clinic, bench.servers
    asked = [one for one in questions_of(clinic) if one.noun in nouns]
    statements = [statements_of(engine.url, one.path, clinic.key) for one in asked]
    sizes = [
        put_load(servers[0].target, [_request(servers[0], clinic, one)], seconds=5, connections=1).size for one in asked
    ]
    rounds = [[Rounds(one.name, served) for served in servers] for one in asked]
    bare: list[list[float]] = [[] for _ in asked]
    for number, seconds in enumerate(bench.plan.each()):
        for place, one in enumerate(asked):
            for found, served in zip(rounds[place], servers, strict=True):
                answers = ask(
                    served, engine, repeat(_request(served, clinic, one)), seconds=seconds, connections=one.connections
                )
                constant = ask_constant(served, engine, sizes[place], seconds=seconds, connections=one.connections)
                if number:
                    found.add(answers, constant)
            rate = rate_of(engine.url, statements[place], seconds=min(seconds, BARE_SECONDS))
            if number:
                bare[place].append(rate)
    return [
        [_row(engine, rounds[place], which, bare[place]) for place in range(len(asked))]
        for which in range(len(servers))
    ]


def _request(served: Served, clinic: Clinic, question: Question) -> bytes:
    return served.target.get(question.path, clinic.key)


def _row(engine: Engine, rounds: list[Rounds], which: int, bare: list[float]) -> Row:
    found = rounds[which]
    is_goal = found.name == AVAILABILITY
    beside: list[Beside] = []
    if which == 0:
        on_server = engine.pid is not None
        beside.append(found.beside_constant(Goal(0.33 if on_server else 0.7) if is_goal else None))
        beside.append(beside_rates("L2", found.rates, bare))
        if is_goal:
            beside.append(found.beside_constants_processor(Goal(2.5, at_most=True) if on_server else None))
    else:
        beside.append(found.beside_constant())
        beside.append(beside_one_process(rounds[0], found, cores_goal(1.6, found.served.workers) if is_goal else None))
    return found.row(engine, beside)
