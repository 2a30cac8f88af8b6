"""A kept answer is what the database would say at that moment (contract.md sections 2 and 3): a hunt for others.

Two real servers that keep their replies are asked all the time, while they and another process change everything that
a reply depends on; some holds and keys end in between without any write. ``hunt.py`` says how answers are judged.
"""

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.doors.terminal import SLOTKEEPER, Terminal
from tests.engines import SQLITE
from tests.operations import forgetful
from tests.operations.changes import UNSEEN, Changes, Clinic, Rest, Step, Visit, open_clinic
from tests.operations.hand import Hand, Outcome, Task, sent_behind
from tests.operations.hunt import Hunt
from tests.operations.wire import Wire
from tests.world import Cast, World

pytestmark = pytest.mark.slow
AT_ONCE = 3
STORM = 0.3  # seconds


class Party(NamedTuple):
    """A clinic, its servers, another process, and the hunt."""

    clinic: Clinic
    ports: list[int]
    hand: Hand
    hunt: Hunt
    changes: Changes

    def do(self, step: Step, where: int | None) -> Outcome:
        """One step, by the server on a port or by the other process; only a rule may refuse it."""
        if isinstance(step.act, Rest):
            time.sleep(step.act.seconds)
            return Outcome(200, {})
        if isinstance(step.act, Task):
            told = self.hand.do(step.act)
        elif where is None:
            told = self.hand.do(sent_behind(step.act, self.clinic.owner.key, behind=0))
        else:
            with Wire(where, self.clinic.owner.key) as wire:
                answer = wire.send(step.act)
            told = Outcome(answer.status, json.loads(answer.content))
        assert told.status in {200, 201, 404, 409, 422}, (step, told)
        return told


@contextmanager
def party(world: World, cast: Cast, folder: Path, *program: str, servers: int = 2) -> Iterator[Party]:
    """Some servers of a clinic in the world's database, run by a program, and a hunt that begins."""
    clinic = open_clinic(world, cast)
    people = [clinic.owner, *clinic.others]
    terminal = Terminal(folder, clinic.url, program or SLOTKEEPER)
    with ExitStack() as stack:
        told = [stack.enter_context(terminal.serving())[1] for _ in range(servers)]
        ports = [urlsplit(one["url"]).port or 0 for one in told]
        hand = stack.enter_context(Hand(clinic.url))
        hunt = stack.enter_context(Hunt(clinic.url, ports, clinic.queries, people))
        yield Party(clinic, ports, hand, hunt, Changes(clinic, people))


def change(found: Party, shown: Counter[str], *, at_once: int) -> None:
    """Make one visit of each kind, so many at a time, step by step; count how often each step showed."""
    left = [make() for make in (*found.changes.visits(), *found.changes.comings())]
    random.shuffle(left)
    under_way: list[tuple[Visit, Step]] = []
    while left or under_way:
        while left and len(under_way) < at_once:
            visit = left.pop()
            under_way.append((visit, next(visit)))
        visit, step = under_way.pop(random.randrange(len(under_way)))
        begun = found.hunt.begin()
        told = found.do(step, random.choice((*found.ports, None)))
        if isinstance(step.act, Task) and step.name == "revoke":
            found.hunt.revoke(step.act.values["key_id"])
        shown[step.name] += found.hunt.note(step.name, begun)
        with suppress(StopIteration):
            under_way.append((visit, visit.send(told)))


def hunt_for(found: Party, rounds: int) -> Counter[str]:
    """Some rounds of changes, the first without visits that stand in each other's way; how often each step showed."""
    shown: Counter[str] = Counter()
    for number in range(rounds):
        change(found, shown, at_once=AT_ONCE if number else 1)
    return shown


def storm(found: Party) -> None:
    """Let all change at the same time for a moment, visit after visit."""
    end = time.monotonic() + STORM

    def rage(where: int | None) -> None:
        while time.monotonic() < end:
            visit = random.choice(found.changes.visits())()
            step = next(visit)
            with suppress(StopIteration):
                while True:
                    step = visit.send(found.do(step, where))

    begun = found.hunt.begin()
    places = (*found.ports, *found.ports, None)
    with ThreadPoolExecutor(len(places)) as pool:
        list(pool.map(rage, places))
    found.hunt.note("a storm", begun, storm=True)


def test_every_answer_is_what_the_database_said_while_it_was_asked(
    new_world: Callable[[], World], cast: Cast, rounds: Callable[[int], int], tmp_path: Path
) -> None:
    with party(new_world(), cast, tmp_path) as found:
        shown = hunt_for(found, rounds(2))
        counts = found.hunt.counts
    assert [name for name, many in shown.items() if many == 0 and name not in UNSEEN] == [], shown
    assert min(counts["200"], counts["401"], counts["403"], counts["after a hold ran out"]) > 0, counts


def test_after_any_storm_of_changes_every_answer_is_what_the_database_says(
    new_world: Callable[[], World], cast: Cast, rounds: Callable[[int], int], tmp_path: Path
) -> None:
    """Nobody knows what was true in the middle of one. What was kept there must not outlive it."""
    with party(new_world(), cast, tmp_path) as found:
        for _ in range(rounds(3)):
            storm(found)
        counts = found.hunt.counts
    assert min(counts["in a storm"], counts["200"]) > 100, counts


@pytest.mark.engines(SQLITE)
@pytest.mark.parametrize("what", forgetful.WAYS)
def test_a_server_that_forgets_a_part_of_the_proof_is_found_out(
    new_world: Callable[[], World], cast: Cast, tmp_path: Path, what: str
) -> None:
    """What proves a kept answer fresh is the same on both engines."""
    with (
        party(new_world(), cast, tmp_path, *forgetful.program(what), servers=1) as found,
        pytest.raises(AssertionError, match="the states that it may have seen"),
    ):
        hunt_for(found, 5)
