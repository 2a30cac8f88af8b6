"""The forms of ``slot_id``: ``calendar_id``, ``calendar_id||date``, ``calendar_id||date||service``.

One parser for all doors (contract.md sections 3–5): every part must be well-formed.
"""

from __future__ import annotations

import re
from datetime import date
from typing import NamedTuple

from slotkeeper.domain.errors import InvalidInput

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

FIRST_YEAR, LAST_YEAR = 2000, 2100

FORMS = {
    1: "calendar_id",
    2: "calendar_id||YYYY-MM-DD",
    3: "calendar_id||YYYY-MM-DD||appointment_type_id",
}


class SlotId(NamedTuple):
    """A ``slot_id`` taken apart; absent parts are None."""

    calendar_id: str
    date: date | None = None
    service_id: str | None = None

    def __str__(self) -> str:
        parts = [self.calendar_id]
        if self.date is not None:
            parts.append(self.date.isoformat())
        if self.service_id is not None:
            parts.append(self.service_id)
        return "||".join(parts)


def parse_uuid(text: str) -> str | None:
    """The UUID in lower case, or None where the text is none."""
    return text.lower() if _UUID.fullmatch(text) else None


def parse_date(text: str) -> date | None:
    """The date of a strict, real ``YYYY-MM-DD`` in the years 2000–2100, else None."""
    if not _DATE.fullmatch(text):
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if FIRST_YEAR <= day.year <= LAST_YEAR else None


def parse_slot_id(text: str, *, parts: tuple[int, ...]) -> SlotId:
    """Take a ``slot_id`` apart that has one of the given numbers of parts.

    Raises InvalidInput that shows the form that would be right.
    """
    found = text.split("||")
    calendar_id = parse_uuid(found[0])
    on = parse_date(found[1]) if len(found) > 1 else None
    service_id = parse_uuid(found[2]) if len(found) > 2 else None
    well_formed = (
        len(found) in parts
        and calendar_id is not None
        and (len(found) < 2 or on is not None)
        and (len(found) < 3 or service_id is not None)
    )
    if not well_formed or calendar_id is None:
        forms = " or ".join(f"'{FORMS[number]}'" for number in parts)
        raise InvalidInput.of("slot_id", f"'slot_id' must have the form {forms}, with real UUIDs and a real date.")
    return SlotId(calendar_id, on, service_id)
