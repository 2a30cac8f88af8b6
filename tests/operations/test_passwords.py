"""Hashing passwords: aside, one at a time, and as long for nobody as for somebody."""

import asyncio
import time

import pytest
from argon2 import PasswordHasher

from slotkeeper.domain.errors import Unavailable
from slotkeeper.operations import passwords
from tests.signing import OTHER, PASSWORD
from tests.world import World

pytestmark = pytest.mark.usefixtures("quick_hashes")


def test_beyond_a_short_queue_whoever_asks_for_a_hash_is_told_to_come_back(world: World) -> None:
    async def crowd() -> list[bool | BaseException]:
        waiting = [passwords.is_password(None, PASSWORD) for _ in range(passwords.MOST_WAITING + 3)]
        return list(await asyncio.gather(*waiting, return_exceptions=True))

    ended = world.run(crowd())
    assert {type(one) for one in ended} == {bool, Unavailable}
    assert ended.count(False) == passwords.MOST_WAITING
    assert world.run(passwords.is_password(None, PASSWORD)) is False


def test_the_event_loop_goes_on_while_a_password_is_hashed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=4, memory_cost=32 * 1024, parallelism=1))

    async def beside() -> int:
        hashing = asyncio.ensure_future(passwords.hash_password(PASSWORD))
        turns = 0
        while not hashing.done():
            await asyncio.sleep(0)
            turns += 1
        return turns

    assert world.run(beside()) > 20


def test_an_unknown_e_mail_takes_as_long_as_a_wrong_password(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=2, memory_cost=4096, parallelism=1))
    passwords._nobodys.cache_clear()
    known = world.run(passwords.hash_password(PASSWORD))

    def best(password_hash: str | None) -> float:
        seconds = []
        for _ in range(7):
            begun = time.perf_counter()
            assert not world.run(passwords.is_password(password_hash, OTHER))
            seconds.append(time.perf_counter() - begun)
        return min(seconds)

    best(None)
    assert 0.5 < best(None) / best(known) < 2
