"""A database on several machines: which of them is the primary now.

The driver, and libpq, ask the hosts of a URL one after the other, within one patience for all of them: one that is
powered off uses it up, and the next is never asked. So all are asked at once, and the first that fits is taken.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

import asyncpg

from slotkeeper.store.pool import Raw

Connect = Callable[[str], Awaitable[Raw]]


def each_host(url: str) -> list[str]:
    """A URL with several hosts as one URL for each of them."""
    parts = urlsplit(url)
    user, at, place = parts.netloc.rpartition("@")
    if "," not in place:
        return [url]
    return [parts._replace(netloc=f"{user}{at}{host}").geturl() for host in place.split(",")]


async def first_that_fits(urls: Sequence[str], connect: Connect) -> Raw:
    """A connection to the first host that gives one. Raises what the most telling of them raised."""
    if len(urls) == 1:
        return await connect(urls[0])
    asked = [asyncio.ensure_future(connect(url)) for url in urls]
    chosen: Raw | None = None
    try:
        waiting = set(asked)
        while waiting and chosen is None:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            chosen = next((one.result() for one in done if one.exception() is None), None)
    finally:
        try:
            await _leave(asked, chosen)
        except BaseException:
            if chosen is not None:
                chosen.terminate()
            raise
    if chosen is None:
        raise max((error for one in asked if (error := one.exception()) is not None), key=_tells)
    return chosen


async def _leave(asked: Sequence["asyncio.Future[Raw]"], chosen: Raw | None) -> None:
    """Give up the hosts that are not needed."""
    for one in asked:
        one.cancel()
    for ended in await asyncio.gather(*asked, return_exceptions=True):
        if ended is not chosen and not isinstance(ended, BaseException):
            ended.terminate()


def _tells(error: BaseException) -> int:
    """How much an error says: a server's refusal more than a standby, and that more than a host that is away."""
    if isinstance(error, asyncpg.PostgresError):
        return 2
    return 1 if isinstance(error, asyncpg.InternalClientError) else 0
