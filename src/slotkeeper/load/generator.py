"""A load generator that is faster than what it measures: requests made beforehand, over kept-alive connections.

A closed load asks the next thing as soon as it has an answer: how many answers there are in a second. An open load asks
at given moments, whether or not answers have come: how long they take at that rate. There the latency counts from the
moment at which the request was due, so that a server which stalls is charged for all who would have come meanwhile.
"""

import asyncio
import selectors
import ssl
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple, Protocol, cast

from slotkeeper.load.target import Target

if sys.platform != "win32":
    import uvloop

CONNECTIONS = 32
PATIENCE = 30
"""For how many seconds a load goes on without an answer, not counting those in which this process stood still."""
_GOOD = (b"HTTP/1.1 200", b"HTTP/1.1 201")
_LENGTH = b"content-length: "


class Pair(NamedTuple):
    """Two requests that are measured as one: the second is made from the answer to the first."""

    first: bytes
    then: Callable[[bytes], bytes]


Request = bytes | Pair


class Refused(Exception):
    """An answer that is neither 200 nor 201, which ends a load."""

    def __init__(self, head: bytes, body: bytes) -> None:
        super().__init__((head + b"\r\n\r\n" + body).decode("latin-1"))
        status = head[9:12]
        self.status = int(status) if status.isdigit() else 0
        self.body = body


@dataclass(slots=True)
class Load:
    """What one round measured: latencies in seconds, sorted; the size of one answer's body; bodies where asked for."""

    seconds: float = 0.0
    size: int = 0
    latencies: list[float] = field(default_factory=list)
    bodies: list[bytes] | None = None

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """The latency that a share of the answers stays below, in milliseconds."""
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * share))] * 1000


class _Course(Protocol):
    """Says which connection asks what next."""

    load: Load
    done: "asyncio.Future[None]"

    def answered(self, connection: "_Connection", latency: float) -> None: ...


class _Connection(asyncio.Protocol):
    """One connection, with one request under way at most."""

    def __init__(self, course: _Course) -> None:
        self._course, self._load = course, course.load
        self._head = b""
        self._parts: list[bytes] = []
        self._missing = 0
        self._is_good = self._is_asking = False
        self._then: Callable[[bytes], bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def ask(self, request: Request, due: float) -> None:
        """Send a request that was due at a moment."""
        self._due = due
        self._is_asking = True
        if isinstance(request, Pair):
            request, self._then = request
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self._missing == 0:
            self._head += data
            head, found, body = self._head.partition(b"\r\n\r\n")
            if not found:
                return
            self._head = b""
            start = head.lower().find(_LENGTH)
            if start < 0:
                self.fail(ValueError("an answer does not say its length: measure the server itself, not a proxy"))
                return
            size = int(head[start + len(_LENGTH) :].split(b"\r\n", 1)[0])
            self._is_good = head.startswith(_GOOD)
            self._parts = [body] if self._is_good else [head, body]
            self._load.size = size
            self._missing = size - len(body)
        else:
            self._parts.append(data)
            self._missing -= len(data)
        if self._missing == 0:
            self._end()

    def _end(self) -> None:
        """An answer is complete."""
        if not self._is_good:
            self.fail(Refused(self._parts[0], b"".join(self._parts[1:])))
        elif self._then is not None:
            then, self._then = self._then, None
            self._transport.write(then(b"".join(self._parts)))
        else:
            self._is_asking = False
            latency = time.perf_counter() - self._due
            self._load.latencies.append(latency)
            if self._load.bodies is not None:
                self._load.bodies.append(b"".join(self._parts))
            self._course.answered(self, latency)

    def fail(self, error: Exception) -> None:
        """End the whole load."""
        if not self._course.done.done():
            self._course.done.set_exception(error)

    def close(self) -> None:
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._is_asking:
            self.fail(exc or ConnectionResetError("the server hung up before it answered"))


class _Closed:
    """Each connection asks the next thing as soon as it has its answer, until a deadline or until all is asked."""

    def __init__(self, requests: Iterator[Request], load: Load, seconds: float) -> None:
        self.load = load
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._seconds = seconds

    def start(self, connections: list[_Connection]) -> None:
        self._busy = len(connections)
        self._deadline = time.perf_counter() + self._seconds
        for connection in connections:
            self._go_on(connection)

    def answered(self, connection: _Connection, latency: float) -> None:  # noqa: ARG002 (the other course needs it)
        self._go_on(connection)

    def _go_on(self, connection: _Connection) -> None:
        now = time.perf_counter()
        request = next(self._requests, None) if now < self._deadline else None
        if request is not None:
            connection.ask(request, now)
            return
        self._busy -= 1
        if self._busy == 0 and not self.done.done():
            self.done.set_result(None)


class _Open:
    """Requests at a steady rate: each by whichever connection is free, or by the next one that becomes so."""

    def __init__(self, requests: list[Request], load: Load, rate: float) -> None:
        self.load = load
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self._loop.create_future()
        self._requests = iter(requests)
        self._left = self._unsent = len(requests)
        self._step = 1 / rate
        self._waiting: deque[float] = deque()

    def start(self, connections: list[_Connection]) -> None:
        self._idle = list(connections)
        self._due = time.perf_counter()
        self._tick()

    def answered(self, connection: _Connection, latency: float) -> None:  # noqa: ARG002 (it is in the load)
        self._left -= 1
        if self._waiting:
            connection.ask(next(self._requests), self._waiting.popleft())
        else:
            self._idle.append(connection)
        if self._left == 0 and not self.done.done():
            self.done.set_result(None)

    def _tick(self) -> None:
        """Send what is due by now, and come back when the next one is."""
        if self.done.done():
            return
        while self._unsent and self._due <= time.perf_counter():
            self._unsent -= 1
            if self._idle:
                self._idle.pop().ask(next(self._requests), self._due)
            else:
                self._waiting.append(self._due)
            self._due += self._step
        if self._unsent:
            self._loop.call_later(max(0.0, self._due - time.perf_counter()), self._tick)


def put_load(
    target: Target,
    requests: Iterable[Request],
    *,
    seconds: float,
    connections: int = CONNECTIONS,
    with_bodies: bool = False,
) -> Load:
    """A closed load: one thing after the other over each connection, some seconds or until all is asked.

    Raises Refused, OSError, TimeoutError.
    """
    load = Load(bodies=[] if with_bodies else None)

    async def main() -> Load:
        return await _run(target, _Closed(iter(requests), load, seconds), connections)

    with asyncio.Runner(loop_factory=_fast_loop) as runner:
        return runner.run(main())


def put_steady_load(
    target: Target, requests: Iterable[Request], *, rate: float, seconds: float, connections: int = 2 * CONNECTIONS
) -> Load:
    """An open load: so many requests a second, whether or not answers come. Raises Refused, OSError, TimeoutError."""
    number = max(1, int(rate * seconds))

    async def main() -> Load:
        return await _run(target, _Open(list(islice(requests, number)), Load(), rate), connections)

    with asyncio.Runner(loop_factory=_exact_loop) as runner:
        return runner.run(main())


async def _run(target: Target, course: _Closed | _Open, connections: int) -> Load:
    loop = asyncio.get_running_loop()
    opened: list[_Connection] = []
    try:
        for _ in range(connections):
            _, connection = await loop.create_connection(
                lambda: _Connection(course),
                target.host,
                target.port,
                ssl=ssl.create_default_context() if target.tls else None,
            )
            opened.append(connection)
        start = time.perf_counter()
        course.start(opened)
        await _wait_for_end(course)
        course.load.seconds = time.perf_counter() - start
    finally:
        course.done.cancel()  # what becomes of the connections now is no part of it
        for connection in opened:
            connection.close()
        await asyncio.sleep(0)
    course.load.latencies.sort()
    return course.load


async def _wait_for_end(course: _Closed | _Open) -> None:
    """Wait as long as answers come. Raises what ended the load, TimeoutError where nothing comes any more."""
    answers, silent = 0, 0
    while not course.done.done():
        await asyncio.wait([course.done], timeout=1)
        silent = 0 if len(course.load.latencies) > answers else silent + 1
        answers = len(course.load.latencies)
        if silent > PATIENCE:
            raise TimeoutError(f"no answer came for {PATIENCE} seconds")
    await course.done


def _fast_loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop() if sys.platform == "win32" else uvloop.new_event_loop()


def _exact_loop() -> asyncio.AbstractEventLoop:
    """A loop whose timers are good to some microseconds; those of the others end on a whole millisecond."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())
