"""Two servers on one database, one of which stands still at a chosen moment until the other has gone on."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

PATIENCE = 1.0
"""For how many seconds the second one may go on while the first stands still; where it must wait, it waits so long."""


class Halt:
    """Where the first server stands still: after a function has done its work for the ``time``-th time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, *, time: int = 1) -> None:
        self._done = getattr(module, name)
        self._left = time
        self._reached = asyncio.Event()
        self._go_on = asyncio.Event()
        monkeypatch.setattr(module, name, self._call)

    async def _call(self, *given: Any, **named: Any) -> Any:
        result = await self._done(*given, **named)
        self._left -= 1
        if self._left == 0:
            self._reached.set()
            await self._go_on.wait()
        return result

    async def between(self, first: Coroutine[Any, Any, Any], second: Coroutine[Any, Any, Any]) -> tuple[Any, Any]:
        """Let the second one go while the first stands still; what came of both, errors as values."""
        one = asyncio.ensure_future(first)
        async with asyncio.timeout(20):
            reaching = asyncio.ensure_future(self._reached.wait())
            await asyncio.wait([one, reaching], return_when=asyncio.FIRST_COMPLETED)
            assert reaching.done(), f"it never came to the place where it was to stand still: {one}"
        other = asyncio.ensure_future(second)
        await asyncio.wait([other], timeout=PATIENCE)
        self._go_on.set()
        done = await asyncio.gather(one, other, return_exceptions=True)
        return done[0], done[1]
