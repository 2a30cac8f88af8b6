"""One rate limit shared by several server processes, each with its own leases."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from slotkeeper.app import open_database
from slotkeeper.domain.access import Caller, Scope
from slotkeeper.domain.errors import RateLimitExceeded
from slotkeeper.domain.model import Channel
from slotkeeper.operations import access, directory
from slotkeeper.operations.rate_leases import MINUTE, SharedRateLimits
from slotkeeper.store.database import Database
from tests.engines import empty_database
from tests.waiting import wait_for

START = 1_780_300_800_000


@pytest.fixture
def database(engine: str, tmp_path: Path) -> Iterator[Database]:
    with empty_database(engine, tmp_path) as url:
        database = open_database(url)
        wait_for(database.migrate())
        yield database
        wait_for(database.close())


def _caller(database: Database, limit: int) -> Caller:
    async def make() -> Caller:
        organization = await directory.create_organization(database, name="Owner", timezone="UTC", now=START)
        _, text = await access.create_key(
            database,
            organization.org_id,
            label="",
            scopes=[Scope.SLOTS_READ],
            channel=Channel.AI,
            rate_limit=limit,
            expires_at=None,
            now=START,
        )
        return await access.authenticate(database, text, now=START)

    return wait_for(make())


def _admitted(database: Database, caller: Caller, asked: list[tuple[int, int]], processes: int) -> list[int]:
    """The instants at which requests got through; each is asked for by one of the processes."""

    async def ask() -> list[int]:
        limits = [SharedRateLimits(database) for _ in range(processes)]
        through, waits = [], []
        for instant, process in asked:
            try:
                await limits[process].admit(caller, instant)
                through.append(instant)
            except RateLimitExceeded as refused:
                waits.append(refused.retry_after)
        assert all(wait >= 1 for wait in waits)
        return through

    return wait_for(ask())


def _most_in_a_minute(instants: list[int]) -> int:
    return max(sum(start <= instant < start + MINUTE for instant in instants) for start in instants)


@pytest.mark.parametrize("limit", [1, 7, 60])
@pytest.mark.parametrize("seed", range(3))
def test_the_processes_together_never_let_more_than_the_limit_through_in_any_minute(
    database: Database, limit: int, seed: int
) -> None:
    dice = random.Random(seed)
    instant, asked = START, []
    for _ in range(limit * 8):
        instant += dice.choice([0, 3, 200, 2 * MINUTE // limit])
        asked.append((instant, dice.randrange(3)))
    through = _admitted(database, _caller(database, limit), asked, processes=3)
    assert _most_in_a_minute(through) <= limit
    assert len(through) >= limit / 2


def test_a_slow_caller_is_never_refused_whichever_process_answers(database: Database) -> None:
    asked = [(START + number * 1_500, number % 3) for number in range(120)]
    assert len(_admitted(database, _caller(database, 60), asked, processes=3)) == 120


def test_a_burst_gets_the_whole_limit_from_one_process_and_then_a_wait(database: Database) -> None:
    asked = [(START + number, 0) for number in range(100)]
    assert len(_admitted(database, _caller(database, 60), asked, processes=2)) == 60


def test_after_the_wait_requests_go_through_again(database: Database) -> None:
    caller = _caller(database, 10)

    async def ask() -> int:
        limits = SharedRateLimits(database)
        for number in range(10):
            await limits.admit(caller, START + number)
        with pytest.raises(RateLimitExceeded) as refused:
            await limits.admit(caller, START + 20)
        await limits.admit(caller, START + 20 + refused.value.retry_after * 1000)
        return refused.value.retry_after

    assert 59 <= wait_for(ask()) <= 67


def test_a_key_without_a_limit_needs_no_lease(database: Database) -> None:
    asked = [(START, 0)] * 500
    assert len(_admitted(database, _caller(database, 0), asked, processes=1)) == 500
