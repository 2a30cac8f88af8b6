"""Connections to a database server, kept open and lent out one at a time.

asyncpg has a pool of its own; a third of the cost of a short read went into it: each release is a task of its own, and
every call goes through a proxy. What is needed here is less: some connections, the last one used first (its
statements are prepared, its pages warm), and a bounded wait for the next one.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

Raw = Any  # asyncpg.Connection, which comes without types


class Pool:
    """Up to ``most`` connections, each opened when it is first needed."""

    def __init__(self, connect: Callable[[], Awaitable[Raw]], most: int) -> None:
        self._connect = connect
        self._most = most
        self._open = 0  # connections that are open or being opened, or that a waiter may open
        self._idle: list[Raw] = []
        self._waiting: deque[asyncio.Future[Raw | None]] = deque()

    async def take(self, patience: float) -> Raw:
        """A connection, to be given back. Raises TimeoutError, and what connecting raises."""
        while self._idle:
            raw = self._idle.pop()
            if not raw.is_closed():
                return raw
            self._open -= 1
        if self._open < self._most:
            self._open += 1
        else:
            lent = await self._wait(patience)
            if lent is not None and not lent.is_closed():
                return lent  # else its place is this one's
        try:
            return await self._connect()
        except BaseException:
            self._free()
            raise

    def give(self, raw: Raw) -> None:
        """Give a connection back, in the state of a new one; one that is closed is replaced when it is needed."""
        if raw.is_closed():
            self._free()
            return
        waiter = self._next_waiter()
        if waiter is None:
            self._idle.append(raw)
        else:
            waiter.set_result(raw)

    def distrust(self) -> None:
        """Make all idle connections anew: the server behind them does not answer, or is no primary any more."""
        for raw in self._idle:
            raw.terminate()

    async def close(self, patience: float) -> None:
        """Close the idle ones in order; those that are lent out close when their process ends."""
        idle, self._idle = self._idle, []
        for raw in idle:
            try:
                await raw.close(timeout=patience)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                raw.terminate()
            self._open -= 1

    async def _wait(self, patience: float) -> Raw | None:
        """The next connection that is given back; None where one may be opened instead. Raises TimeoutError."""
        waiter: asyncio.Future[Raw | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(patience):
                return await waiter
        except BaseException:
            if waiter.done() and not waiter.cancelled():  # lent in the very moment in which nobody waited any more
                lent = waiter.result()
                if lent is not None:
                    self.give(lent)
                else:
                    self._free()
            raise

    def _free(self) -> None:
        """One connection is no more: whoever waits first may open the next in its place."""
        waiter = self._next_waiter()
        if waiter is None:
            self._open -= 1
        else:
            waiter.set_result(None)

    def _next_waiter(self) -> "asyncio.Future[Raw | None] | None":
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                return waiter
        return None
