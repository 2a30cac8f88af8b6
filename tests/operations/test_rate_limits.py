"""The rate limits of one server process."""

import asyncio

import pytest

from slotkeeper.domain.access import Caller
from slotkeeper.domain.errors import RateLimitExceeded
from slotkeeper.domain.model import Channel
from slotkeeper.operations.rate_limits import RateLimiter


def caller(key_id: str, limit: int) -> Caller:
    return Caller("org", key_id, frozenset(), Channel.AI, limit)


def admit(limiter: RateLimiter, who: Caller, now: int) -> bool:
    try:
        asyncio.run(limiter.admit(who, now))
    except RateLimitExceeded:
        return False
    return True


def test_each_key_has_its_own_limit_and_0_means_none() -> None:
    limiter = RateLimiter()
    assert [admit(limiter, caller("a", 2), 0) for _ in range(3)] == [True, True, False]
    assert admit(limiter, caller("b", 2), 0)
    assert all(admit(limiter, caller("c", 0), 0) for _ in range(100))


@pytest.mark.parametrize(("now", "seconds"), [(0, 60), (1, 60), (1_000, 59), (59_000, 1), (59_999, 1)])
def test_the_wait_is_told_in_whole_seconds_after_which_it_works(now: int, seconds: int) -> None:
    limiter = RateLimiter()
    assert admit(limiter, caller("a", 1), 0)
    with pytest.raises(RateLimitExceeded) as error:
        asyncio.run(limiter.admit(caller("a", 1), now))
    assert error.value.retry_after == seconds
    assert admit(limiter, caller("a", 1), now + seconds * 1_000)


def test_keys_that_are_no_longer_used_are_forgotten() -> None:
    limiter = RateLimiter()
    for number in range(1_000):
        admit(limiter, caller(f"old {number}", 5), number)
    for number in range(3):
        admit(limiter, caller(f"new {number}", 5), 200_000 + number)
    assert sorted(limiter._windows) == ["new 0", "new 1", "new 2"]
