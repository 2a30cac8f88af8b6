"""What a view gets and gives, and what one line of the table in ``routes.py`` says."""

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from slotkeeper.dashboard.cookies import Cookies
from slotkeeper.dashboard.forms import Form
from slotkeeper.dashboard.refusals import ChangedMeanwhile
from slotkeeper.domain.access import Caller, Once, Scope
from slotkeeper.domain.errors import NotFound, SlotkeeperError
from slotkeeper.domain.model import Branch
from slotkeeper.operations import Clock, Database
from slotkeeper.operations.board import Boards
from slotkeeper.operations.facts import Knowledge, Known
from slotkeeper.operations.line import Line
from slotkeeper.operations.sign_ins import SignedIn
from slotkeeper.texts import Texts

Result = TypeVar("Result")

PREFIX = "/app"
"""Where the dashboard is; paths in the table, in views and in ``Redirect`` are below it."""

LARGEST_FORM = 64 * 1024
"""The largest form in bytes, unless the table says otherwise."""

_ONCE = re.compile(r"[0-9A-Za-z_-]{16,64}")


class Site(NamedTuple):
    """What all visits share. ``public_url`` and ``proxies`` are the settings."""

    db: Database
    line: Line
    knowledge: Knowledge
    clock: Clock
    public_url: str
    proxies: int
    boards: Boards


class Undo(NamedTuple):
    """A form beside a message that takes back what it tells of: a label, a path to POST to, and what is sent."""

    label: str
    path: str
    fields: Mapping[str, str]


class Flash(NamedTuple):
    """What the next page says at its top, in the reader's language already."""

    text: str
    undo: Undo | None = None


class Page(NamedTuple):
    """A page to be rendered: a template and what it shows."""

    template: str
    values: Mapping[str, Any] = {}
    status: int = 200


class Redirect(NamedTuple):
    """Where the browser goes next, a path below PREFIX, and what is said there."""

    path: str
    flash: Flash | None = None


Answer = Page | Redirect | Response
"""A Response is sent as it is, with the headers that every answer has: for what is no page, such as a stream."""


@dataclass(slots=True)
class Visit:
    """One request of a browser that passed the checks of the door.

    ``now`` is the instant that it came in, ``address`` where from. ``who`` is None on the pages that are open to
    everybody. ``form`` is empty unless the request is a POST; ``refusal`` is why what was typed there was refused,
    where the page is shown again. ``branch`` is the one that the person looks at, None where there is none at all.
    """

    site: Site
    request: Request
    now: int
    request_id: str
    address: str
    texts: Texts
    cookies: Cookies
    who: SignedIn | None = None
    known: Known | None = None
    branch: Branch | None = None
    form: Form = field(default_factory=Form)
    refusal: SlotkeeperError | None = None

    @property
    def db(self) -> Database:
        """The database."""
        return self.site.db

    @property
    def signed_in(self) -> SignedIn:
        """Who is signed in; only for views that are not open to everybody."""
        if self.who is None:
            raise RuntimeError("a view that is open to everybody asks who is signed in")
        return self.who

    @property
    def caller(self) -> Caller:
        """The person as the caller of operations."""
        return self.signed_in.caller

    @property
    def place(self) -> Branch:
        """The branch that the person looks at. Raises NotFound where the organization has none."""
        if self.branch is None:
            raise NotFound(self.texts.gettext("There is no branch yet. An admin can open one in the configuration."))
        return self.branch

    @property
    def zone(self) -> str:
        """The time zone of the branch looked at, or else of the organization."""
        if self.known is None:
            return "UTC"
        return self.known.configuration.timezone if self.branch is None else self.known.zones[self.branch.branch_id]

    @property
    def home_zone(self) -> str:
        """The organization's own time zone."""
        return "UTC" if self.known is None else self.known.configuration.timezone

    @property
    def outside(self) -> str:
        """How browsers and programs reach this server, without a slash at its end."""
        return self.site.public_url.rstrip("/") or str(self.request.base_url).rstrip("/")

    @property
    def branches(self) -> Sequence[Branch]:
        """All branches of the organization by name."""
        return () if self.known is None else self.known.branches

    def may(self, scope: Scope | None) -> bool:
        """Whether the person's role has a scope: for what a page offers. The operation refuses by itself."""
        return self.who is not None and (scope is None or scope in self.who.caller.scopes)

    def query(self, name: str) -> str | None:
        """A parameter of the address, None where it is absent, empty or given twice."""
        given = self.request.query_params.getlist(name)
        return given[0] if len(given) == 1 and given[0] else None

    def target(self, name: str) -> str:
        """The text in the place of ``{name}`` in the path."""
        return str(self.request.path_params[name])

    def require_seen(self, stored: str) -> None:
        """What a form is about must stand as its page showed it, where the page says how. Raises ChangedMeanwhile."""
        if self.form.seen not in ("", stored):
            raise ChangedMeanwhile(self.texts)

    def once(self, told: Callable[[Result], Redirect]) -> Caller:
        """The caller for an operation that has its effect once, however often this very form is sent.

        ``told`` says where the result leads; a form that is sent again is led there too.
        """
        key = self.form.once
        if not _ONCE.fullmatch(key):
            return self.caller
        said = json.dumps([self.request.url.path, sorted(self.form.fields.items())])
        fingerprint = hashlib.sha256(said.encode(errors="replace")).hexdigest()

        def write(result: Result) -> tuple[int, str]:
            return 303, json.dumps(told(result))

        return self.caller.with_once(Once(f"form-{key}-{fingerprint[:32]}", fingerprint, write))


def redirect_of(text: str) -> Redirect:
    """The redirect that ``once`` wrote down."""
    path, flash = json.loads(text)
    if flash is None:
        return Redirect(path)
    said, undo = flash
    return Redirect(path, Flash(said, None if undo is None else Undo(*undo)))


View = Callable[[Visit], Awaitable[Answer]]


class Route(NamedTuple):
    """One line of the table: how a view is reached and who may.

    ``scope`` None: whoever is signed in; ``is_open``: everybody. ``again`` shows the form again whose POST was
    refused, by default the view that answers GET at the same path. ``counts`` is False for what a page asks for by
    itself, which keeps nobody signed in; where it is open too, nobody is asked who they are. ``largest`` is the
    largest form in bytes.
    """

    method: str
    path: str
    view: View
    scope: Scope | None = None
    is_open: bool = False
    again: View | None = None
    counts: bool = True
    largest: int = LARGEST_FORM
