"""Passwords hashed with Argon2id, aside from the event loop and never many at once.

A hash costs memory and a part of a second on purpose, so nobody may ask for more of them than a processor can spare:
one is computed at a time in each server process, and beyond a short queue whoever asks is told to come back.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from slotkeeper.domain.errors import Unavailable
from slotkeeper.domain.users import LONGEST_PASSWORD, normal_password

T = TypeVar("T")

HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""Argon2id by the lower of OWASP's recommendations: some 20 ms and 19 MiB each."""
MOST_WAITING = 20
"""How many may wait at once for their turn in a server process."""

_waiting = 0


async def hash_password(password: str) -> str:
    """What is stored of a password. Raises Unavailable where too many wait."""
    return await _aside(lambda: HASHER.hash(normal_password(password)))


async def is_password(password_hash: str | None, password: str) -> bool:
    """Whether a password is the one of a hash. It takes as long where there is no hash. Raises Unavailable."""
    plain = normal_password(password)

    def verify() -> bool:
        try:
            HASHER.verify(password_hash or _nobodys(), plain)
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None

    return len(plain) <= LONGEST_PASSWORD and await _aside(verify)


def is_weak(password_hash: str) -> bool:
    """Whether a hash was made with less effort than is made today."""
    return HASHER.check_needs_rehash(password_hash)


@cache
def _nobodys() -> str:
    return HASHER.hash("nobody's password")


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="passwords")


async def _aside(work: Callable[[], T]) -> T:
    global _waiting  # noqa: PLW0603 - one queue in each server process, whatever asks
    if _waiting >= MOST_WAITING:
        raise Unavailable("Too many people sign in at this moment; try again in some seconds.")
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_thread(), work)
    finally:
        _waiting -= 1
