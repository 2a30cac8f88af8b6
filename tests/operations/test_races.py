"""Overselling is impossible with any number of server processes whose clocks disagree (contract section 2)."""

import multiprocessing
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import date

import pytest

from slotkeeper.operations import upkeep
from tests import racing
from tests.world import MONDAY, Cast, Client, World

PROCESSES = 3
PLACES = 20


@pytest.mark.slow
@pytest.mark.parametrize("cancelling", [False, True])
def test_processes_that_book_cancel_and_regenerate_at_once_never_oversell_or_lose_a_count(
    world: World, owner: Client, cast: Cast, rounds: Callable[[int], int], *, cancelling: bool
) -> None:
    owner.branch("Main Street")
    service = owner.service("Checkup")
    window = owner.window(max_slots=PLACES)
    place = racing.Place(world.path, cast.owner_org, window, date.fromisoformat(MONDAY), service)
    attempts, now = rounds(40), world.clock()
    with ProcessPoolExecutor(PROCESSES + 1, multiprocessing.get_context("spawn")) as pool:
        booking = [
            pool.submit(racing.book, place, racer, attempts, now + racer * 30_000, cancelling=cancelling)
            for racer in range(PROCESSES)
        ]
        regenerating = pool.submit(racing.regenerate, place, attempts, now)
        outcomes = sum((one.result() for one in booking), Counter[str]())
        assert regenerating.result() == 0
    assert set(outcomes) <= {"BOOKED", "CANCELLED", "SLOT_FULL"}
    assert outcomes["BOOKED"] + outcomes["SLOT_FULL"] == PROCESSES * attempts
    (record,) = owner.records()
    assert record["filled_slots"] == outcomes["BOOKED"] - outcomes["CANCELLED"] <= PLACES
    assert cancelling or outcomes["BOOKED"] == PLACES
    assert world.run(upkeep.check(world.db)) == []
