"""The people who work with the dashboard: their roles, and what is asked of their e-mails and passwords."""

import re
import unicodedata
from enum import StrEnum
from typing import NamedTuple

from slotkeeper.domain.access import Caller, Scope
from slotkeeper.domain.errors import InvalidInput
from slotkeeper.domain.model import Channel, fold

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 200
LONGEST_EMAIL = 254

_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+@[^@\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")


class Role(StrEnum):
    """What a person is at the clinic: each may do what the one before it may, and more."""

    DESK = "desk"
    MANAGER = "manager"
    ADMIN = "admin"


_DESK = frozenset({Scope.SLOTS_READ, Scope.APPOINTMENTS_READ, Scope.APPOINTMENTS_WRITE})
SCOPES: dict[Role, frozenset[str]] = {
    Role.DESK: _DESK,
    Role.MANAGER: _DESK | {Scope.SLOTS_WRITE},
    Role.ADMIN: _DESK | {Scope.SLOTS_WRITE, Scope.ADMIN},
}
"""The scopes of each role."""


class User(NamedTuple):
    """A person; ``language`` None follows the browser, without ``has_password`` nobody can sign in yet."""

    user_id: str
    email: str
    name: str
    role: Role
    language: str | None
    has_password: bool
    disabled_at: int | None
    created_at: int
    updated_at: int


def staff(org_id: str, user_id: str, role: Role, request_id: str = "") -> Caller:
    """A person of an organization as the caller of an operation: the scopes of the role, no rate limit."""
    return Caller(org_id, "", SCOPES[role], Channel.STAFF, 0, request_id, user_id=user_id)


def parse_email(text: str) -> str | None:
    """An e-mail address without the white space around it, None where it cannot be one."""
    email = text.strip()
    return email if len(email) <= LONGEST_EMAIL and _EMAIL.fullmatch(email) else None


def parse_language(text: str) -> str | None:
    """A language tag such as ``en`` or ``en-GB``."""
    return text if _LANGUAGE.fullmatch(text) else None


def normal_password(password: str) -> str:
    """A password as it is hashed: the same whichever keyboard wrote it."""
    return unicodedata.normalize("NFKC", password)


def check_password(password: str, user: User) -> None:
    """Refuse a new password that is too short, or easy to guess for whoever knows the person. Raises InvalidInput."""
    plain = normal_password(password)
    if not SHORTEST_PASSWORD <= len(plain) <= LONGEST_PASSWORD or re.search(r"[\x00\ud800-\udfff]", plain):
        raise InvalidInput.of(
            "password",
            f"A password has {SHORTEST_PASSWORD}–{LONGEST_PASSWORD} characters; several words make a good one.",
        )
    known = {fold(user.email), fold(user.email.partition("@")[0]), fold(user.name)}
    rest = fold(plain)
    for word in sorted(known, key=len, reverse=True):
        rest = rest.replace(word, "")
    if len(set(rest)) < 5:
        raise InvalidInput.of(
            "password", "This password is easy to guess: take one with more different characters, and not your name."
        )
