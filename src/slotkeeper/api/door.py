"""The door itself: one request in, the checks of contract.md section 3 in their order, one answer out.

Starlette's router finds the path; behind it these are plain ASGI applications, because availability is
asked thousands of times a second and every layer between the server and a handler is paid each time.
"""

import contextlib
import itertools
import logging
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec
from starlette.applications import Starlette
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send

from slotkeeper.api.problems import Headers, problem
from slotkeeper.api.request import REPLAY, Operation, Page, Request, Site
from slotkeeper.domain.access import Caller
from slotkeeper.domain.errors import (
    InternalError,
    InvalidInput,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    SlotkeeperError,
    Unauthorized,
    UnsupportedMediaType,
)
from slotkeeper.domain.model import Channel
from slotkeeper.operations import Clock, access
from slotkeeper.operations.acts import Replayed
from slotkeeper.operations.availability import LONGEST_WORDS, Asked, Proof
from slotkeeper.operations.rate_limits import RateLimits

log = logging.getLogger(__name__)

LARGEST_BODY = 64 * 1024
"""The largest body of a request in bytes, unless its operation says otherwise."""

TOO_LARGE = f"The body must be at most 64 KiB ({LARGEST_BODY:,} bytes)."
NOT_JSON = "The body must be JSON in UTF-8: send the header 'Content-Type: application/json'."

JSON = b"application/json"
REQUEST_ID = b"x-request-id"
IDEMPOTENCY_KEY = b"idempotency-key"
NOBODY = Caller("", "", frozenset(), Channel.AI, 0)
"""The caller of the operations that are open to everybody: no organization, no scope."""

_IDEMPOTENCY_KEY = re.compile(rb"[\x20-\x7e]{1,255}")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_JSON_TYPE = re.compile(rb'application/json[ \t]*(;[ \t]*charset[ \t]*=[ \t]*"?utf-8"?[ \t]*)?', re.IGNORECASE)

RequestHeaders = dict[bytes, bytes]
Methods = dict[str, Operation]


class Disconnected(Exception):
    """The client went away before its request was complete; there is nobody to answer."""


class Answer(NamedTuple):
    """What is sent back, but for the headers that every answer has."""

    status: int
    content_type: bytes
    content: bytes
    headers: Headers | tuple[tuple[bytes, bytes], ...] = ()


class Door:
    """Answers HTTP requests by a table of operations; itself the answer to every path that is not in it."""

    def __init__(self, site: Site, operations: Iterable[Operation], *, limits: RateLimits, clock: Clock) -> None:
        self._site = site
        self._operations = tuple(operations)
        self._clock = clock
        self._limits = limits
        self._encode = msgspec.json.Encoder().encode
        self._request_ids = RequestIds()

    def router(self, lifespan: Lifespan[Starlette] | None = None) -> Router:
        """Leads to this door: the paths of the table, fixed ones before those with a ``{…}``, else in their order."""
        paths: dict[str, Methods] = {}
        for operation in sorted(self._operations, key=lambda operation: "{" in operation.path):
            methods = paths.setdefault(operation.path, {})
            methods[operation.method] = operation
            if operation.method == "GET":
                methods["HEAD"] = operation
        doorways = {path: Doorway(self, methods) for path, methods in paths.items()}
        return Paths(doorways, default=self, lifespan=lifespan)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Say that there is nothing at a path; a connection that is no HTTP request is turned away."""
        if scope["type"] == "http":
            await self.answer(None, scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def answer(self, methods: Methods | None, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request to a path with some methods, or to a path that leads nowhere."""
        headers = once(scope["headers"])
        request_id = headers[REQUEST_ID] = self._request_ids.of(headers)
        operation = None
        try:
            operation = _pick(methods, scope)
            if operation.refused is not None:
                receive = Kept(receive)
            answer = await self._answer(operation, scope, headers, receive)
        except SlotkeeperError as error:
            answer = await _refuse(error, operation, headers, receive)
        except Disconnected:
            return
        except Exception:  # the last resort, so that no client ever sees a stack trace
            log.exception("request %s failed: %s %r", request_id.decode(), scope["method"], scope["path"])
            answer = await _refuse(InternalError(request_id.decode()), operation, headers, receive)
        await reply(answer, request_id, scope["method"], send)

    async def _answer(self, operation: Operation, scope: Scope, headers: RequestHeaders, receive: Receive) -> Answer:
        """The checks that are left, in their order: key, rate limit, scope, body; then the handler does the rest."""
        now = self._clock()
        asked, caller, proof = None, NOBODY, None
        if operation.asks is not None:
            asked = self._asked(scope["query_string"], headers)
            standing = self._site.replies.recall(asked, now)
            if standing is not None:
                await self._limits.admit(standing.caller, now)
                return Answer(operation.status, JSON, standing.reply)
        if operation.needs_key:
            caller, proof = await self._identify(operation, scope["query_string"], headers, now)
            await self._limits.admit(caller, now)
            if operation.scope is not None:
                caller.require(operation.scope)
        request = Request(
            self._site,
            self._site.db,
            caller,
            now,
            next(iter(scope["path_params"].values()), "") if "path_params" in scope else "",
            scope["query_string"],
            b"" if operation.body is None else await read_content(headers, receive, operation.largest),
            [],
            idempotency_key(scope["headers"], headers) if operation.method == "POST" else None,
            scope["path"],
            operation,
            proof,
            asked,
            headers,
        )
        try:
            content = await operation.handler(request)
        except Replayed as before:
            return Answer(before.status, JSON, before.answer.encode(), REPLAY)
        if isinstance(content, Page):
            status = content.status or operation.status
            return Answer(status, content.content_type.encode(), content.content, content.headers)
        return Answer(operation.status, JSON, request.written[-1] if content is None else self._encode(content))

    def _asked(self, query: bytes, headers: RequestHeaders) -> Asked:
        """How availability is asked for."""
        authorization = headers.get(b"authorization", b"")
        is_short = len(authorization) + len(query) <= LONGEST_WORDS
        return Asked(self._site.db.stamp() if is_short else None, (authorization, query))

    async def _identify(
        self, operation: Operation, query: bytes, headers: RequestHeaders, now: int
    ) -> tuple[Caller, Proof | None]:
        """Who asks, and what proves a kept reply fresh where the operation is asked for one."""
        db, key, request_id = self._site.db, bearer(headers), headers[REQUEST_ID].decode()
        if operation.asks is not None:
            with contextlib.suppress(InvalidInput):  # which is said after all that is checked before
                question = operation.asks(query)
                return await access.authenticate_for(db, key, question, now=now, request_id=request_id)
        return await access.authenticate(db, key, now=now, request_id=request_id), None


class Paths(Router):
    """Starlette's router, with a look-up for the paths that are fixed: those that are asked for most are."""

    def __init__(self, doorways: Mapping[str, "Doorway"], *, default: ASGIApp, lifespan: Lifespan[Any] | None) -> None:
        routes = [Route(path, doorway) for path, doorway in doorways.items()]
        super().__init__(routes, default=default, redirect_slashes=False, lifespan=lifespan)
        self._fixed = {path: doorway for path, doorway in doorways.items() if "{" not in path}

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lead one request to its doorway."""
        doorway = self._fixed.get(scope["path"]) if scope["type"] == "http" and not scope.get("root_path") else None
        if doorway is None:
            await super().app(scope, receive, send)
        else:
            await doorway.door.answer(doorway.methods, scope, receive, send)


class Doorway:
    """What the router calls for a path of the table."""

    def __init__(self, door: Door, methods: Methods) -> None:
        self.door = door
        self.methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request to this path."""
        await self.door.answer(self.methods, scope, receive, send)


def _pick(methods: Methods | None, scope: Scope) -> Operation:
    """The operation of a path and a method. Raises NotFound, MethodNotAllowed."""
    if methods is None:
        path: str = scope["path"]
        shown = path[:80].encode(errors="replace").decode()
        hint = " without the slash at its end" if path.endswith("/") and len(path) > 1 else ""
        raise NotFound(f"There is nothing at '{shown}'; look at the path{hint}. GET /docs lists all there is.")
    operation = methods.get(scope["method"])
    if operation is None:
        raise MethodNotAllowed(scope["method"], tuple(methods))
    return operation


class RequestIds:
    """Names requests: by their caller's own id where it is sane, else by one of ours."""

    def __init__(self) -> None:
        self._prefix = secrets.token_hex(6).encode()
        self._numbers = itertools.count(1)

    def of(self, headers: RequestHeaders) -> bytes:
        """The id of a request, which its answer carries and the log knows."""
        own = headers.get(REQUEST_ID)
        if own is not None and _REQUEST_ID.fullmatch(own):
            return own
        return b"req_%s_%d" % (self._prefix, next(self._numbers))


def once(headers: Sequence[tuple[bytes, bytes]]) -> RequestHeaders:
    """The headers by name. One sent twice counts as not sent, because two readers might take different ones."""
    found = dict(headers)
    if len(found) < len(headers):
        names = [name for name, _ in headers]
        return {name: value for name, value in found.items() if names.count(name) == 1}
    return found


def idempotency_key(sent: Sequence[tuple[bytes, bytes]], headers: RequestHeaders) -> str | None:
    """The Idempotency-Key of a request. Raises InvalidInput for one that is malformed, or is sent twice."""
    given = headers.get(IDEMPOTENCY_KEY)
    if given is None and not any(name == IDEMPOTENCY_KEY for name, _ in sent):
        return None
    if given is None or not _IDEMPOTENCY_KEY.fullmatch(given):
        raise InvalidInput.of(
            "Idempotency-Key", "'Idempotency-Key' must be 1 to 255 printable ASCII characters, and be sent once."
        )
    return given.decode("ascii")


def bearer(headers: RequestHeaders) -> str | None:
    """The key of the Authorization header. Raises Unauthorized for another scheme."""
    value = headers.get(b"authorization")
    if value is None:
        return None
    scheme, _, key = value.partition(b" ")
    if scheme.lower() != b"bearer":
        raise Unauthorized
    return key.strip().decode("latin-1")


def refuse_size(headers: RequestHeaders, largest: int = LARGEST_BODY) -> None:
    """Refuse a body by the length that it announces. Raises PayloadTooLarge."""
    length = headers.get(b"content-length", b"0")
    # A number of more digits is too large whatever it is, and slow to read.
    if length.isdigit() and (len(length) > 9 or int(length) > largest):
        raise _too_large(largest)


def _too_large(largest: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The body must be at most {largest // 1024:,} KiB ({largest:,} bytes).")


async def read_content(headers: RequestHeaders, receive: Receive, largest: int | None = None) -> bytes:
    """The body of a request. Raises PayloadTooLarge as soon as it is, UnsupportedMediaType, Disconnected."""
    largest = largest or LARGEST_BODY
    refuse_size(headers, largest)
    content = b""
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Disconnected
        content += message.get("body", b"")
        more = message.get("more_body", False)
        if len(content) > largest:
            raise _too_large(largest)
    if content:
        _refuse_type(headers)
    return content


def _refuse_type(headers: RequestHeaders) -> None:
    if not _JSON_TYPE.fullmatch(headers.get(b"content-type", b"")):
        raise UnsupportedMediaType(NOT_JSON)
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise UnsupportedMediaType("The body must be sent as it is, without a 'Content-Encoding'.")


class Kept:
    """What is received of a request, kept: a refusal, too, may have to be told by what was asked."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._content = b""
        self._is_whole = False

    async def __call__(self) -> Message:
        """Receive the next message."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._content += message.get("body", b"")
            self._is_whole = not message.get("more_body", False)
        return message

    async def read(self, headers: RequestHeaders, largest: int | None) -> bytes:
        """The body, whether or not it was read before; empty where it is too large, or does not come."""
        if not self._is_whole and not self._content:
            with contextlib.suppress(SlotkeeperError, Disconnected):
                await read_content(headers, self, largest)
        return self._content if self._is_whole else b""


async def _refuse(
    error: SlotkeeperError, operation: Operation | None, headers: RequestHeaders, receive: Receive
) -> Answer:
    """The answer to a request that was refused, in the operation's own way where it has one."""
    if operation is not None and operation.refused is not None and isinstance(receive, Kept):
        own = await operation.refused(error, partial(receive.read, headers, operation.largest))
        if own is not None:
            return Answer(own.status or 200, own.content_type.encode(), own.content, own.headers)
    return refusal(error)


def refusal(error: SlotkeeperError) -> Answer:
    """The answer to a request that was refused."""
    status, content, headers = problem(error)
    return Answer(status, JSON, content, headers)


async def reply(answer: Answer, request_id: bytes, method: str, send: Send) -> None:
    """Send an answer; HEAD gets the same headers and no content."""
    headers = [
        (b"content-type", answer.content_type),
        (b"content-length", b"%d" % len(answer.content)),
        (b"x-request-id", request_id),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else answer.content})
