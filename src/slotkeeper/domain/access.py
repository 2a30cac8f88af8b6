"""Scopes, callers and the form of an API key (contract.md section 3)."""

import hashlib
import re
from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple

from slotkeeper.domain.errors import InsufficientScope
from slotkeeper.domain.model import Channel

KEY_PREFIX = "sk_live_"
SECRET_LENGTH = 40
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
HIGHEST_RATE = 1_000_000
"""The highest limit of requests a minute that a key may have."""

_KEY = re.compile(r"sk_live_([0-9a-f]{32})_([0-9A-Za-z]{32,64})", re.ASCII)


class Scope(StrEnum):
    """What a key may do."""

    SLOTS_READ = "slots:read"
    SLOTS_WRITE = "slots:write"
    APPOINTMENTS_READ = "appointments:read"
    APPOINTMENTS_WRITE = "appointments:write"
    ADMIN = "admin"


class Once(NamedTuple):
    """What makes a request take effect once, however often it is sent (contract.md section 6).

    ``key`` is the client's; ``fingerprint`` tells whether it is the same request again; ``answer`` writes
    out what came of it, as status and text.
    """

    key: str
    fingerprint: str
    answer: Callable[[Any], tuple[int, str]]


class Caller(NamedTuple):
    """Who asks, an organization's key or a person with their scopes and channel; and by which request.

    ``key_id`` is empty for a person at the dashboard, whose ``user_id`` it is, and for the one at the command line,
    who has neither; ``request_id`` where there is no request. A key may end at an instant,
    ``expires_at``.
    """

    org_id: str
    key_id: str
    scopes: frozenset[str]
    channel: Channel
    rate_limit: int
    request_id: str = ""
    once: Once | None = None
    expires_at: int | None = None
    user_id: str = ""

    @property
    def id(self) -> str:
        """Under whose name requests and holds are kept."""
        return self.key_id or self.user_id

    def with_once(self, once: Once) -> "Caller":
        """The same caller, for a request that takes effect once."""
        return Caller(
            self.org_id,
            self.key_id,
            self.scopes,
            self.channel,
            self.rate_limit,
            self.request_id,
            once,
            self.expires_at,
            self.user_id,
        )

    def require(self, scope: Scope) -> None:
        """Raise InsufficientScope unless the key carries the scope."""
        if scope not in self.scopes:
            raise InsufficientScope(scope)


def make_key(org_id: str, secret: str) -> str:
    """The key's text: prefix, organization id without dashes, secret of base62 characters."""
    return f"{KEY_PREFIX}{org_id.replace('-', '')}_{secret}"


def organization_of_key(key: str) -> str | None:
    """The organization id that a key's text carries, or None where the text is no key."""
    found = _KEY.fullmatch(key)
    return None if found is None else with_dashes(found[1])


def with_dashes(plain: str) -> str:
    """The id of 32 hexadecimal digits."""
    return f"{plain[:8]}-{plain[8:12]}-{plain[12:16]}-{plain[16:20]}-{plain[20:]}"


def hash_key(key: str) -> str:
    """What is stored of a key: its SHA-256 in hex. A key's 238 random bits need no salt or stretching."""
    return hashlib.sha256(key.encode()).hexdigest()


def operator(org_id: str) -> Caller:
    """The person at the command line: every scope, no key, no rate limit."""
    return Caller(org_id, "", frozenset(Scope), Channel.STAFF, 0)
