"""The door itself: one message over streamable HTTP in, the checks in their order, one answer out.

The order: path → method → where a browser's page came from → key → rate limit → size and type of the body. What is in
the message is then the SDK's to read (``protocol.py``), which is imported when the first message comes: it takes
twice as long to import as all the rest of the server, which many never need.

No message needs to know of another, so that any server process can answer it. A client of a revision with sessions is
given a name for its own all the same, and nothing is kept under it: with it a request that is sent again is known.
"""

import asyncio
import contextlib
import importlib
import logging
import secrets
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slotkeeper.api.door import (
    JSON,
    REQUEST_ID,
    Answer,
    Disconnected,
    Kept,
    RequestHeaders,
    RequestIds,
    bearer,
    once,
    read_content,
    refusal,
)
from slotkeeper.api.door import reply as send_answer
from slotkeeper.domain.errors import InternalError, Kind, MethodNotAllowed, NotFound, SlotkeeperError
from slotkeeper.mcp.talk import TALK, Talk
from slotkeeper.operations import Clock, access
from slotkeeper.operations.rate_limits import RateLimits
from slotkeeper.tools.calls import Site
from slotkeeper.tools.refusals import SORRY, sorry

log = logging.getLogger(__name__)

PATH = "/mcp"
SESSION = b"mcp-session-id"
CALL_ID = b"x-call-id"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

Transport = Callable[[Scope, Receive, Send], Awaitable[None]]


class ForeignOrigin(SlotkeeperError):
    """A page of another site sent it: it may have led a browser here under a name of its own."""

    code, kind = "FOREIGN_ORIGIN", Kind.FORBIDDEN

    def __init__(self) -> None:
        super().__init__(
            "A page of another site sent this request, and only pages of this server and of this machine may: "
            "connect from a program, or set SLOTKEEPER_PUBLIC_URL to the address by which browsers reach this server."
        )


class Head(msgspec.Struct):
    """What the door itself reads of a message."""

    method: str = ""
    id: int | str | None = None


class McpDoor:
    """Answers AI clients below one path."""

    def __init__(self, site: Site, *, limits: RateLimits, clock: Clock, public_url: str) -> None:
        self._site = site
        self._limits = limits
        self._clock = clock
        self._own = urlsplit(public_url).hostname
        self._request_ids = RequestIds()
        self._starting = asyncio.Lock()
        self._transport: Transport | None = None
        self._task: asyncio.Task[None] | None = None

    def beside(self, other: ASGIApp) -> ASGIApp:
        """An application that answers PATH by this one, and all else by another."""

        async def lead(scope: Scope, receive: Receive, send: Send) -> None:
            is_own = scope["type"] == "http" and scope["path"] in {PATH, f"{PATH}/"}
            await (self.answer if is_own else other)(scope, receive, send)

        return lead

    async def close(self) -> None:
        """Stop, where it was ever begun."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = once(scope["headers"])
        request_id = headers[REQUEST_ID] = self._request_ids.of(headers)
        sending = _Sending(send, [(REQUEST_ID, request_id)])
        receive = kept = Kept(receive)
        try:
            talk, body = await self._admit(scope, headers, receive)
            transport = self._transport or await self._start()
            sending.added += _session_of(body)
            await transport({**scope, TALK: talk}, _replayed(body, receive), sending)
        except SlotkeeperError as error:
            said = None if sorry(error) is None else _sorry(error, await kept.read(headers, None))
            await send_answer(said or refusal(error), request_id, scope["method"], send)
        except Disconnected:
            return
        except Exception:  # the last resort, so that no client ever sees a stack trace
            if sending.has_begun:
                raise
            log.exception("request %s failed: %s %r", request_id.decode(), scope["method"], scope["path"])
            await send_answer(refusal(InternalError(request_id.decode())), request_id, scope["method"], send)

    async def _admit(self, scope: Scope, headers: RequestHeaders, receive: Receive) -> tuple[Talk, bytes]:
        """The checks in their order; who talks, and what was sent. Raises SlotkeeperError, Disconnected."""
        if scope["path"] != PATH:
            raise NotFound(f"There is nothing at '{scope['path']}'; the Model Context Protocol is spoken at '{PATH}'.")
        if scope["method"] != "POST":
            raise MethodNotAllowed(scope["method"], ("POST",))  # no streams, and no sessions that could be ended
        self._refuse_foreign(scope)
        now = self._clock()
        request_id = headers[REQUEST_ID].decode()
        caller = await access.authenticate(self._site.db, bearer(headers), now=now, request_id=request_id)
        await self._limits.admit(caller, now)
        talk = Talk(caller, now, _text(headers, SESSION), _text(headers, CALL_ID), _text(headers, b"accept-language"))
        return talk, await read_content(headers, receive)

    def _refuse_foreign(self, scope: Scope) -> None:
        """Refuse what a page of a foreign site sent. Raises ForeignOrigin.

        A program sends no Origin. A page that leads to this machine by a name of its own ("DNS rebinding") does, and
        the Host that it sends is its own too: so an Origin is compared with what is known to be ours.
        """
        for name, value in scope["headers"]:
            if name == b"origin":
                with contextlib.suppress(ValueError):
                    host = urlsplit(value.decode("latin-1")).hostname
                    if host is not None and (host in LOOPBACK or host == self._own):
                        continue
                raise ForeignOrigin

    async def _start(self) -> Transport:
        """Begin to speak the protocol; the import goes on aside, so that other requests do not wait for it."""
        async with self._starting:
            if self._transport is None:
                await asyncio.to_thread(importlib.import_module, "slotkeeper.mcp.protocol")
                from slotkeeper.mcp import protocol  # noqa: PLC0415 - it is imported late, see above

                transport = protocol.over_http(self._site)
                ready = asyncio.Event()
                self._task = asyncio.create_task(protocol.keep(transport, ready))
                await ready.wait()
                self._transport = transport.handle_request
            return self._transport


def _sorry(error: SlotkeeperError, body: bytes) -> Answer | None:
    """What may pass in a moment, as what came of a call of a tool: a client keeps a status to itself.

    None for what was no call of a tool.
    """
    head = head_of(body)
    if head.method != "tools/call" or head.id is None:
        return None
    texts = [{"type": "text", "text": text} for text in (SORRY, error.message)]
    result = {"content": texts, "isError": True, "resultType": "complete"}
    return Answer(200, JSON, msgspec.json.encode({"jsonrpc": "2.0", "id": head.id, "result": result}))


def head_of(body: bytes) -> Head:
    """The method and the id of a message, as far as it can be read."""
    try:
        return msgspec.json.decode(body, type=Head)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Head()  # the SDK says what is wrong with it


def _session_of(body: bytes) -> list[tuple[bytes, bytes]]:
    """The header that names a session, in the answer to a message that begins one."""
    return [(SESSION, secrets.token_hex(16).encode())] if head_of(body).method == "initialize" else []


def _text(headers: RequestHeaders, name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")


def _replayed(body: bytes, receive: Receive) -> Receive:
    """What is received: the body that was read already, and then what comes after it."""
    left = [body]

    async def replayed() -> Message:
        return {"type": "http.request", "body": left.pop(), "more_body": False} if left else await receive()

    return replayed


class _Sending:
    """What the SDK sends, with some headers more."""

    def __init__(self, send: Send, added: list[tuple[bytes, bytes]]) -> None:
        self._send = send
        self.added = added
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        """Send one part of an answer."""
        if message["type"] == "http.response.start":
            self.has_begun = True
            message = {**message, "headers": [*message["headers"], *self.added]}
        await self._send(message)
