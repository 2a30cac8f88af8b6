"""What a handler gets and gives, and what one line of the table in ``routes.py`` says."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec

from slotkeeper.domain.access import Caller, Once, Scope
from slotkeeper.domain.errors import SlotkeeperError
from slotkeeper.operations import Database
from slotkeeper.operations.availability import Asked, Proof, Question, Replies
from slotkeeper.operations.facts import Knowledge
from slotkeeper.operations.line import Line
from slotkeeper.tools.turn import Site as Tools

Result = TypeVar("Result")


REPLAY = ((b"idempotent-replay", b"true"),)
"""The header of an answer that was given before."""
NO_HEADERS: Mapping[bytes, bytes] = {}
NO_NAMES: Mapping[str, str] = {}


class Page(NamedTuple):
    """An answer that is bytes already; ``status`` None is the operation's own."""

    content_type: str
    content: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    status: int | None = None


class Site(NamedTuple):
    """What all requests share.

    ``is_whole``: whether all of the database serves; raises Unavailable where none of it does.
    """

    db: Database
    is_whole: Callable[[], Awaitable[bool]]
    pages: Mapping[str, Page]
    replies: Replies
    line: Line
    knowledge: Knowledge
    tools: Tools


class Request(NamedTuple):
    """One request that passed the checks of contract.md section 3, up to the size and type of its body.

    ``target`` is the text in the place of the path's ``{…}``, ``now`` the instant that it came in,
    ``once_key`` its Idempotency-Key. ``written`` is what was stored as its answer; the last, where a transaction was
    tried again. ``proof`` came with the key, where the operation asks for it, and ``asked`` is how. ``headers`` are
    those that were sent, by their lower-case names.
    """

    site: Site
    db: Database
    caller: Caller
    now: int
    target: str
    query: bytes
    body: bytes
    written: list[bytes]
    once_key: str | None
    path: str
    operation: "Operation"
    proof: Proof | None = None
    asked: Asked | None = None
    headers: Mapping[bytes, bytes] = NO_HEADERS

    def answer(self, result: Result, answer: Callable[[Result], msgspec.Struct]) -> msgspec.Struct | None:
        """What a result is answered with, unless that was written out already to be stored."""
        return None if self.written else answer(result)

    def once(self, body: msgspec.Struct, answer: Callable[[Result], msgspec.Struct]) -> Caller:
        """The caller, for an operation whose result is answered so, and that takes effect once for its Idempotency-Key.

        ``body`` is what was read of the request: the same request again reads the same.
        """
        if self.once_key is None:
            return self.caller

        def write(result: Result) -> tuple[int, str]:
            content = msgspec.json.encode(answer(result))
            self.written.append(content)
            return self.operation.status, content.decode()

        said = f"{self.operation.method} {self.path}\n".encode() + msgspec.json.encode(body)
        return self.caller.with_once(Once(self.once_key, hashlib.sha256(said).hexdigest(), write))


Reading = Callable[[], Awaitable[bytes]]
"""Gives the body of a request that was refused, as far as there is one that can be read."""

Handler = Callable[[Request], Awaitable[msgspec.Struct | Page | None]]
"""Gives what is answered; None where that is what was stored as the answer."""


class Operation(NamedTuple):
    """One operation of the interface: how it is reached, what it reads and answers, what it refuses with.

    ``scope`` None: open to everybody. ``answer`` is the shape that is answered, or the media type of a
    page. ``target`` is the type of the path's ``{…}``, ``query`` and ``body`` are the shapes that are
    read. ``dry_run`` is the shape of the answer, with status 200, to a request that changes nothing.
    ``refuses`` holds the refusals of its own, besides those that every operation of its form has. ``asks`` reads the
    question of availability in a query string, whose proof is then read in one statement with the key. ``any_key``: it
    needs a key, and what that may do decides what is answered. ``headers`` are those that it reads besides, each with
    what it says. ``largest`` is how many bytes its body may have, None as many as usual. ``refused`` is how it says no
    where its clients cannot read the one envelope; what it has no answer for is told in that one.
    """

    method: str
    path: str
    scope: Scope | None
    handler: Handler
    summary: str
    answer: Any
    target: Any = None
    query: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None
    status: int = 200
    refuses: tuple[type[SlotkeeperError], ...] = ()
    dry_run: type[msgspec.Struct] | None = None
    asks: Callable[[bytes], Question] | None = None
    any_key: bool = False
    headers: Mapping[str, str] = NO_NAMES
    largest: int | None = None
    refused: Callable[[SlotkeeperError, Reading], Awaitable[Page | None]] | None = None

    @property
    def needs_key(self) -> bool:
        """Whether it answers nobody without a key."""
        return self.scope is not None or self.any_key
