"""Texts that people write, read into the words of the field; one reader for all doors.

Each function gives the value, or None where the text is none of its kind.
"""

import re

from slotkeeper.domain.model import Day, Session

NAME_LENGTH = 100
"""How long the name of an organization, a branch or a service may be."""
BATCH_LENGTH = 32
REASON_LENGTH = 200
NOTES_LENGTH = 2000
"""How long what is noted of an appointment may be."""

_WALL_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
# Control characters (NUL among them) and lone surrogates, which no database stores and no answer carries.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_PHONE = re.compile(r"\+?[0-9 ()./-]{6,40}", re.ASCII)
_NO_DIGITS = re.compile("[^0-9]")
_DAYS = {day.lower(): day for day in Day}
_SESSIONS = {session.lower(): session for session in Session}


def parse_wall_time(text: str) -> str | None:
    """A wall time ``HH:MM`` from 00:00 to 23:59."""
    return text if _WALL_TIME.fullmatch(text) else None


def parse_day(text: str) -> Day | None:
    """A weekday, in any case."""
    return _DAYS.get(text.lower())


def parse_session(text: str) -> Session | None:
    """A session, in any case."""
    return _SESSIONS.get(text.lower())


def parse_phone(text: str) -> str | None:
    """A phone number as it is written: 6 to 15 digits among the signs that people put between them."""
    trimmed = text.strip()
    return trimmed if _PHONE.fullmatch(trimmed) and 6 <= len(_NO_DIGITS.sub("", trimmed)) <= 15 else None


def parse_text(text: str, *, longest: int) -> str | None:
    """One line of text without the white space around it: not blank, at most ``longest`` characters as given."""
    if len(text) > longest or _UNPRINTABLE.search(text):
        return None
    return text.strip() or None
