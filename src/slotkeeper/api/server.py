"""The server below the door: uvicorn, so that also what is no HTTP request gets the one envelope.

What uvicorn leaves open is closed here: how long the head of a request may be and how long a client
may take to send one.
"""

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from multiprocessing import resource_tracker
from typing import Any, cast

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.supervisors import Multiprocess

from slotkeeper.api.door import JSON, RequestIds
from slotkeeper.api.problems import problem
from slotkeeper.domain.errors import InvalidInput

log = logging.getLogger(__name__)

LONGEST_HEAD = 32 * 1024
"""The request line and all headers together, in bytes."""
SECONDS_TO_SEND = 30
"""How long a client may take to send a whole request, from its first byte; so long it may also send none at first."""
SECONDS_IDLE = 75
"""How long a connection is kept without a request after an answer."""
SECONDS_TO_FINISH = 10
"""How long requests under way may take after the program was told to stop."""

ON_STOP = "slotkeeper.on_stop"
"""Under which name the scope of a request holds what ends an answer that goes on for as long as the server does."""

_NOT_HTTP = "The request is not valid HTTP/1.1: check its path (ASCII, the rest percent-encoded), headers and body."
_HEAD_TOO_LONG = f"The request line and the headers must be at most {LONGEST_HEAD:,} bytes together."


class Protocol(HttpToolsProtocol):
    """HTTP/1.1 as uvicorn speaks it, with our refusals, a limit on the head and one on slow clients."""

    _ids = RequestIds()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.url, self.headers = b"", []  # until a request begins
        self._in_head = True
        self._in_body = False
        self._head_size = 0  # of what came of a head that is not complete, after the piece in which it began
        self._head_most = 0  # with that piece, which may hold the end of another request too
        self._piece = 0
        self._since: float | None = None  # when the request began that is not complete yet
        self._watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to watch a new connection."""
        super().connection_made(transport)
        self._since = self.loop.time()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop watching it."""
        super().connection_lost(exc)
        if self._watch is not None:
            self._watch.cancel()

    def shutdown(self) -> None:
        """Stop with the server: an answer under way is finished, and one that would never end is told to."""
        super().shutdown()
        cycle = cast("RequestResponseCycle | None", self.cycle)
        end = None if cycle is None else cast("dict[str, Any]", cycle.scope).get(ON_STOP)
        if end is not None:
            end()

    def _look(self) -> None:
        """Close the connection of a client that takes too long to send its request; look again later."""
        if self._since is not None:
            if self.flow.read_paused:
                self._since = self.loop.time()  # it is we who keep the client waiting
            elif self.loop.time() - self._since >= SECONDS_TO_SEND:
                self.transport.close()
        if not self.transport.is_closing():
            self._watch = self.loop.call_later(SECONDS_TO_SEND / 3, self._look)

    def data_received(self, data: bytes) -> None:
        """Parse what came; refuse what is no HTTP, and a head that does not end."""
        if self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        if self._since is None:
            self._since = self.loop.time()
        self._piece = len(data)
        if self._in_head:
            self._head_size += self._piece
            self._head_most += self._piece
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # the request is answered as if it had not asked for one
        except httptools.HttpParserError:
            self.send_400_response(_HEAD_TOO_LONG if self._is_head_too_long() else _NOT_HTTP)
        else:
            if self._in_head and (self._head_size > LONGEST_HEAD or self._is_head_too_long()):
                self.send_400_response(_HEAD_TOO_LONG)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head = True
        self._head_size, self._head_most = 0, self._piece

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; those that follow a chunked body are left out, because the request was judged without them."""
        if self._in_head:
            super().on_header(name, value)

    def _is_head_too_long(self) -> bool:
        """Whether what is known of a head is; it is counted only where so much came."""
        if self._head_most <= LONGEST_HEAD:
            return False
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > LONGEST_HEAD

    def on_headers_complete(self) -> None:
        """The head is complete."""
        if self._is_head_too_long():
            raise ValueError(_HEAD_TOO_LONG)  # the parser hands it to data_received as an error of its own
        self._in_head, self._in_body = False, True
        super().on_headers_complete()
        self.cycle.transport = cast("asyncio.Transport", _Sending(self.cycle, self.transport))

    def on_message_complete(self) -> None:
        """The request is complete; the client may rest."""
        self._in_body = False
        self._since = None
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP request in the one envelope, and hang up; never in the middle of another answer."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is not None and not cycle.response_complete and not self._in_body:
            cycle.keep_alive = False  # the request before this one gets its answer, and then it ends
            self.flow.pause_reading()
            return
        is_answered = cycle is not None and (cycle.response_started or bool(self.pipeline))
        if not (self._in_body and is_answered):
            self.transport.write(self._refusal(msg))
        self.transport.close()

    def _refusal(self, message: str) -> bytes:
        refused = problem(InvalidInput.of("", message))
        headers = [
            *self.server_state.default_headers,
            (b"content-type", JSON),
            (b"content-length", b"%d" % len(refused.content)),
            (b"x-request-id", self._ids.of({})),
            (b"connection", b"close"),
        ]
        head = b"".join(b"%s: %s\r\n" % header for header in headers)
        return b"HTTP/1.1 400 Bad Request\r\n%s\r\n%s" % (head, refused.content)


class _Sending:
    """What one answer is written to: its head leaves with the content, in one call of the system and one packet.

    Where the length of the content is not known, or none will come, the head leaves at once.
    """

    __slots__ = ("_cycle", "_head", "_transport")

    def __init__(self, cycle: RequestResponseCycle, transport: asyncio.Transport) -> None:
        self._cycle = cycle
        self._transport = transport
        self._head: bytes | None = b""  # None once it has left

    def write(self, data: bytes) -> None:
        """Write the head, or some of the content; before both perhaps that the client may go on."""
        cycle = self._cycle
        if self._head == b"" and cycle.response_started:
            if cycle.chunked_encoding is False and cycle.scope["method"] != "HEAD":
                self._head = data
                return
            self._head = None
        elif self._head:
            data, self._head = self._head + data, None
        self._transport.write(data)

    def is_closing(self) -> bool:
        """Whether the connection ends."""
        return self._transport.is_closing()

    def close(self) -> None:
        """End the connection once all is sent."""
        if self._head:
            self._transport.write(self._head)
        self._transport.close()


def run(app: str, listener: socket.socket, *, workers: int = 1) -> None:
    """Serve an application, named by its factory (``module:function``), until a signal ends it.

    Each of several workers is a process of its own and makes the application for itself.
    """
    end_on_hangup()
    config = configure(app, workers=workers)
    if workers > 1:
        Workers(config, [listener]).run()
        return
    server = uvicorn.Server(config)
    server.run(sockets=[listener])
    if not server.started:
        sys.exit(1)  # the log says why


def end_on_hangup() -> None:
    """Take the end of the terminal for SIGTERM, unless it is to be ignored, as ``nohup`` asks."""
    hangup = getattr(signal, "SIGHUP", None)  # not on every system
    if hangup is not None and signal.getsignal(hangup) is not signal.SIG_IGN:
        signal.signal(hangup, lambda *_: signal.raise_signal(signal.SIGTERM))


class Workers(Multiprocess):
    """Several server processes, and their parent that replaces one that dies."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket]) -> None:
        hangup = getattr(signal, "SIGHUP", None)
        on_hangup = None if hangup is None else signal.getsignal(hangup)
        super().__init__(config, sockets)
        if hangup is not None:
            signal.signal(hangup, on_hangup)  # not uvicorn's, which starts all processes anew
        self._ended_by: int | None = None

    def init_processes(self) -> None:
        """Start all processes."""
        with _ignored("SIGHUP"):
            resource_tracker.ensure_running()  # it would die of the terminal's end before the processes that it minds
        with _ignored("SIGINT"):
            super().init_processes()

    def run(self) -> None:
        """Serve until a signal ends it. Raises KeyboardInterrupt for Ctrl-C, SystemExit where no process can start."""
        super().run()
        if self._ended_by == signal.SIGINT:
            raise KeyboardInterrupt
        if self._ended_by is None:
            sys.exit(1)  # the log says why

    def handle_int(self) -> None:
        """Ctrl-C."""
        super().handle_int()
        self._ended_by = signal.SIGINT

    def handle_term(self) -> None:
        """SIGTERM."""
        super().handle_term()
        self._ended_by = signal.SIGTERM

    def keep_subprocess_alive(self) -> None:
        """Replace the processes that died, and log that they did."""
        if self.signal_queue:
            return  # they may have got the signal that ends this one too
        before = [process.pid for process in self.processes]
        with _ignored("SIGINT"):
            super().keep_subprocess_alive()
        for died, process in zip(before, self.processes, strict=True):
            if process.pid != died:
                log.warning("server process %s died, and %s took its place", died, process.pid)


@contextlib.contextmanager
def _ignored(name: str) -> Iterator[None]:
    """What a process starts here ignores a signal: Ctrl-C until its server minds it, or it ends in a stack trace."""
    number = getattr(signal, name, None)  # not every system has all
    if number is None:
        yield
        return
    before = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(number, before)


def configure(app: Any, *, workers: int = 1) -> uvicorn.Config:  # noqa: ANN401 - an application or its factory's name
    """How uvicorn is to serve: no access log, no server header, no trust in a proxy's headers, no WebSocket."""
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        workers=workers,
        http=Protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=SECONDS_IDLE,
        timeout_graceful_shutdown=SECONDS_TO_FINISH,
    )
