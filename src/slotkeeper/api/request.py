"""What a handler gets and gives, and what one line of the table in ``routes.py`` says."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from slotkeeper.domain.access import Caller, Scope
from slotkeeper.domain.errors import SlotkeeperError
from slotkeeper.operations import Database
from slotkeeper.operations.appointments import Line
from slotkeeper.operations.availability import Replies


class Page(NamedTuple):
    """An answer that is bytes already."""

    content_type: str
    content: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Site(NamedTuple):
    """What all requests share. ``require_ready`` raises Unavailable where the database cannot serve."""

    db: Database
    require_ready: Callable[[], Awaitable[None]]
    pages: Mapping[str, Page]
    replies: Replies
    line: Line


class Request(NamedTuple):
    """One request that passed the checks of contract.md section 3, up to the size and type of its body.

    ``target`` is the text in the place of the path's ``{…}``, ``now`` the instant that it came in.
    """

    site: Site
    db: Database
    caller: Caller
    now: int
    target: str
    query: bytes
    body: bytes


Handler = Callable[[Request], Awaitable[msgspec.Struct | Page]]


class Operation(NamedTuple):
    """One operation of the interface: how it is reached, what it reads and answers, what it refuses with.

    ``scope`` None: open to everybody. ``answer`` is the shape that is answered, or the media type of a
    page. ``target`` is the type of the path's ``{…}``, ``query`` and ``body`` are the shapes that are
    read. ``refuses`` holds the refusals of its own, besides those that every operation of its form has.
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
