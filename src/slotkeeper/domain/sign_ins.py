"""Signing in: the secrets that a browser or a link carries, when they end, and how often a password may be tried.

A secret carries its organization's id in its text, as an API key does, so that it is looked up where the organization
is. Only its SHA-256 is stored.
"""

import hashlib
import ipaddress
import re
from enum import StrEnum
from typing import NamedTuple

from slotkeeper.domain.access import with_dashes
from slotkeeper.domain.model import fold

MINUTE = 60_000
HOUR = 60 * MINUTE

IDLE = 2 * HOUR
"""For how long a person stays signed in who does nothing."""
LONGEST = 12 * HOUR
"""For how long a person stays signed in at most."""
SEEN_EVERY = 5 * MINUTE
"""How much later than it was a sign-in's last use is written down at the earliest: reading is much, writing little."""

WINDOW = 15 * MINUTE
"""For how long tries are counted from the first of them on."""

_SECRET = re.compile(r"([0-9a-f]{32})_[0-9A-Za-z]{40}", re.ASCII)


class Purpose(StrEnum):
    """What a one-time link is for."""

    INVITE = "invite"
    RESET = "reset"


LIVES = {Purpose.INVITE: 7 * 24 * HOUR, Purpose.RESET: 24 * HOUR}
"""For how long a link can be used."""


class Counter(NamedTuple):
    """What tries are counted by, and how many there may be within a WINDOW."""

    subject: str
    most: int


def make_secret(org_id: str, random: str) -> str:
    """The text of a secret: the organization's id without dashes, and 40 random base62 characters."""
    return f"{org_id.replace('-', '')}_{random}"


def organization_of(secret: str) -> str | None:
    """The organization id that a secret carries, None where the text is none."""
    found = _SECRET.fullmatch(secret)
    return None if found is None else with_dashes(found[1])


def hash_secret(secret: str) -> str:
    """What is stored of a secret: 238 random bits need no salt or stretching."""
    return hashlib.sha256(secret.encode()).hexdigest()


def has_ended(created_at: int, seen_at: int, now: int) -> bool:
    """Whether a sign-in has ended by itself."""
    return now >= created_at + LONGEST or now >= seen_at + IDLE


def counters_of(email: str, address: str) -> tuple[Counter, Counter, Counter]:
    """What a try is counted by: the account from this address, the account from everywhere, the address.

    Few tries are let through for the first, so that a stranger elsewhere keeps nobody out; many for the others.
    """
    account, place = fold(email), _place(address)
    return (
        Counter(_subject("both", account, place), 5),
        Counter(_subject("account", account), 100),
        Counter(_subject("address", place), 50),
    )


def _subject(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode(errors="replace")).hexdigest()


def _place(address: str) -> str:
    """The network of an address that belongs to one household or office."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))
    return str(found)
