"""A load generator that is faster than what it measures: requests made beforehand, over kept-alive connections."""

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import cast

import uvloop

CONNECTIONS = 32
PATIENCE = 30.0
_GOOD = (b"HTTP/1.1 200", b"HTTP/1.1 201")


@dataclass(slots=True)
class Load:
    """What one round measured; the size of one answer's body, latencies in seconds, sorted."""

    seconds: float
    size: int = 0
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """The latency that a share of the answers stays below, in milliseconds."""
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * share))] * 1000


class _Client(asyncio.Protocol):
    """One connection that asks the next thing as soon as it has its answer."""

    def __init__(self, requests: Iterator[bytes], load: Load, deadline: float, done: "asyncio.Future[None]") -> None:
        self._requests, self._load, self._deadline, self._done = requests, load, deadline, done
        self._missing = 0
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._ask()

    def _ask(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
            return
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self._missing == 0:
            self._head += data
            head, found, body = self._head.partition(b"\r\n\r\n")
            if not found:
                return
            self._head = b""
            if not head.startswith(_GOOD):
                self._fail(head + body)
                return
            start = head.lower().index(b"content-length: ") + 16
            self._load.size = int(head[start:].split(b"\r\n", 1)[0])
            self._missing = self._load.size - len(body)
        else:
            self._missing -= len(data)
        if self._missing == 0:
            now = time.perf_counter()
            self._load.latencies.append(now - self._sent)
            if now < self._deadline:
                self._ask()
            else:
                self._transport.close()

    def _fail(self, answer: bytes) -> None:
        if not self._done.done():
            self._done.set_exception(RuntimeError(answer.decode("latin-1")))
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (the protocol hands it over)
        if not self._done.done():
            self._done.set_result(None)


def put_load(port: int, requests: Iterable[bytes], *, seconds: float, connections: int = CONNECTIONS) -> Load:
    """Ask a server on loopback over some connections, one thing after the other, some seconds or until all is asked."""
    left = iter(requests)

    async def main() -> Load:
        loop = asyncio.get_running_loop()
        load = Load(0)
        start = time.perf_counter()
        waits = []
        for _ in range(connections):
            done = loop.create_future()
            await loop.create_connection(
                lambda done=done: _Client(left, load, start + seconds, done),  # type: ignore[misc]
                "127.0.0.1",
                port,
            )
            waits.append(done)
        await asyncio.wait_for(asyncio.gather(*waits), seconds + PATIENCE)
        load.seconds = time.perf_counter() - start
        load.latencies.sort()
        return load

    return uvloop.run(main())


def post(path: str, body: bytes, key: str, idempotency_key: str) -> bytes:
    """The bytes of a POST request with a JSON body."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
        f"Idempotency-Key: {idempotency_key}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def get(path: str, key: str | None = None) -> bytes:
    """The bytes of a GET request."""
    authorization = f"Authorization: Bearer {key}\r\n" if key else ""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{authorization}\r\n".encode()
