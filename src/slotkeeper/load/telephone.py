"""One caller's connection to a running server: one question after the other, each with how long its answer took."""

import asyncio
import json
import ssl
import time
from typing import Any, NamedTuple

from slotkeeper.load.target import Target

PATIENCE = 30
"""For how many seconds an answer is waited for."""


class Reply(NamedTuple):
    """An answer: its status, its JSON, and the seconds from the question to its last byte."""

    status: int
    body: dict[str, Any]
    seconds: float


class Telephone:
    """A kept-alive connection, opened by the first question and again where the server has closed it."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> Reply:
        """The answer to a request. Raises OSError, TimeoutError, ValueError for what is no answer in JSON."""
        if self._streams is None or self._streams[1].is_closing():
            self._streams = await self._dial()
        reader, writer = self._streams
        started = time.perf_counter()
        writer.write(request)
        async with asyncio.timeout(PATIENCE):
            status, content = await _receive(reader)
        return Reply(status, json.loads(content), time.perf_counter() - started)

    async def hang_up(self) -> None:
        """Close the connection, if there is one."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
            await asyncio.sleep(0)

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        context = ssl.create_default_context() if self._target.tls else None
        return await asyncio.open_connection(self._target.host, self._target.port, ssl=context)


async def _receive(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The status and the body of an answer."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        if not lengths:
            raise ValueError("an answer does not say its length: name the server itself, not a proxy")
        return int(head[9:12]), await reader.readexactly(int(lengths[0].partition(b":")[2]))
    except asyncio.IncompleteReadError:
        raise ConnectionResetError("the server hung up before it answered") from None
