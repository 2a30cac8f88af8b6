"""What is read of a running server: each question beside the least work that the same server can answer with."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from itertools import repeat
from typing import NamedTuple

from slotkeeper.domain.errors import Conflict
from slotkeeper.domain.model import DAYS
from slotkeeper.load.asking import PLAIN, Asker
from slotkeeper.load.figures import Beside, Block, Row
from slotkeeper.load.generator import Load, put_load, put_steady_load

SLOTS = "/v1/appointment-slots"
FEW, FEWER = 8, 4
"""Over how many connections long answers are asked for at most."""
NOTE = f"healthz: GET {PLAIN} of the same server, which checks no key and asks nothing of the database"


class Plan(NamedTuple):
    """How often is measured, for how many seconds each time, and over how many connections."""

    rounds: int
    seconds: float
    connections: int


class Question(NamedTuple):
    """A row: what is asked, and over how many connections."""

    name: str
    path: str
    connections: int


def questions_of(asker: Asker, *, branch_id: str | None, on: date | None, today: date, most: int) -> list[Question]:
    """What is asked: about a window of the branch, or the first there is, on a date, or its next one.

    Raises Conflict where there is no open window to ask about.
    """
    branch = "" if branch_id is None else f"&branch_id={branch_id}"
    weekday = "" if on is None else f"&day={DAYS[on.weekday()]}"
    windows = asker.get(f"{SLOTS}?status=OPEN{branch}{weekday}")["data"]
    if not windows:
        raise Conflict(
            "There is no open calendar window to ask about: import some with 'slotkeeper windows import', or name a "
            "branch and a date that have one."
        )
    window = windows[0]
    if on is None:
        tomorrow = today + timedelta(days=1)
        on = tomorrow + timedelta(days=(DAYS.index(window["day"]) - tomorrow.weekday()) % 7)
    place = f"branch_id={window['branch_id']}"

    def tracking(days: int) -> str:
        return f"{SLOTS}/schedule-tracking?date_from={on}&date_to={on + timedelta(days=days - 1)}&{place}"

    availability = f"{SLOTS}/availability?date={on}"
    return [
        Question("availability, branch and date", f"{availability}&{place}", most),
        Question("  whole organization", availability, most),
        Question("  branch and session", f"{availability}&{place}&session={window['session']}", most),
        Question("tracking of a branch, 1 day", tracking(1), most),
        Question("  31 days", tracking(31), min(most, FEW)),
        Question("  366 days", tracking(366), min(most, FEWER)),
        Question("next-available, 30 days", f"{SLOTS}/next-available?from={on}", most),
    ]


def measure_reads(
    asker: Asker, questions: Sequence[Question], plan: Plan, progress: Callable[[int, int], None] | None
) -> tuple[Block, Block]:
    """All questions as fast as they are answered, and then at half of that. Raises Unavailable, Conflict."""
    target = asker.target
    total = (plan.rounds + 1) * len(questions)
    plain = target.get(PLAIN)
    loads: list[list[Load]] = [[] for _ in questions]
    limits: list[list[Load]] = [[] for _ in questions]
    steady: list[Row] = []
    with asker.explained():
        for number in range(plan.rounds):
            for place, one in enumerate(questions):
                for requests, found in ((target.get(one.path, asker.key), loads), (plain, limits)):
                    load = put_load(target, repeat(requests), seconds=plan.seconds, connections=one.connections)
                    found[place].append(load)
                if progress is not None:
                    progress(number * len(questions) + place + 1, total)
        for place, one in enumerate(questions):
            rate = max(load.rate for load in loads[place]) / 2
            steady.append(_steady(asker, one, rate, plan))
            if progress is not None:
                progress(plan.rounds * len(questions) + place + 1, total)
    rows = [
        Row(one.name, found, [beside_plain(found, beside)])
        for one, found, beside in zip(questions, loads, limits, strict=True)
    ]
    return (
        Block(f"{asker.url}, {plan.connections} connections", rows, [NOTE]),
        Block(f"{asker.url}, at half of the maximum load", steady, [f"{NOTE}, at the same rate"]),
    )


def beside_plain(loads: Sequence[Load], plain: Sequence[Load]) -> Beside:
    """The rate of the least work, and the share of it."""
    ratios = [load.rate / limit.rate for load, limit in zip(loads, plain, strict=True)]
    return Beside("healthz", [limit.rate for limit in plain], ratios)


def _steady(asker: Asker, question: Question, rate: float, plan: Plan) -> Row:
    requests = asker.target.get(question.path, asker.key), asker.target.get(PLAIN)
    load, plain = (
        put_steady_load(
            asker.target, repeat(request), rate=rate, seconds=plan.seconds * 2, connections=plan.connections
        )
        for request in requests
    )
    limit = plain.percentile(0.99)
    return Row(question.name, [load], [Beside("healthz p99", [limit], [load.percentile(0.99) / limit], unit=" ms")])
