"""The types of fields by meaning: what a value must be, how it is read, and its JSON Schema.

A shape (a ``msgspec.Struct``) is annotated with these types; ``reading.py`` reads requests by them
and ``openapi.py`` documents requests and answers by them, so the three cannot disagree. A text in an
annotation describes the field: ``date: Annotated[fields.Date, "The date to look at."]``.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import partial
from typing import Annotated

from slotkeeper.domain import booking, model
from slotkeeper.domain.calendar import parse_instant, zone_names
from slotkeeper.domain.errors import InvalidInput
from slotkeeper.domain.slot_ids import FORMS, parse_date, parse_slot_id, parse_uuid
from slotkeeper.domain.texts import (
    BATCH_LENGTH,
    NAME_LENGTH,
    NOTES_LENGTH,
    REASON_LENGTH,
    parse_day,
    parse_phone,
    parse_session,
    parse_text,
    parse_wall_time,
)

UUID_PATTERN = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
# The real dates of the years 2000 to 2100, spelled out, because 'format: date' knows no limits.
DATE_PATTERN = (
    "(?:(?:20[0-9]{2}|2100)-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
    "|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    "|20(?:[02468][048]|[13579][26])-02-29)"
)
_LINE = "[^\\u0000-\\u001f\\u007f-\\u009f]"
_LINE_PATTERN = f"^{_LINE}*[^\\s\\u0000-\\u001f\\u007f-\\u009f]{_LINE}*$"


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A kind of value.

    ``must_be`` completes "'name' must be …". ``read`` gives the value of something out of JSON, or
    None where it is none of this kind. ``name`` is set where the OpenAPI document lists the schema
    once and refers to it.
    """

    must_be: str
    read: Callable[[object], object | None]
    schema: Mapping[str, object]
    name: str = ""


def text_kind(must_be: str, parse: Callable[[str], object | None], *, name: str = "", **schema: object) -> Kind:
    """A kind that is written as a JSON string; ``parse`` gives None for a text that is none of it."""

    def read(value: object) -> object | None:
        return parse(value) if isinstance(value, str) else None

    return Kind(must_be, read, {"type": "string", **schema}, name)


def whole_number(lowest: int, highest: int) -> Kind:
    """Whole numbers within limits. 20.0 is one, as JSON Schema has it; true and false are none."""

    def read(value: object) -> object | None:
        if isinstance(value, bool) or not isinstance(value, int | Decimal) or not lowest <= value <= highest:
            return None
        return int(value) if value == int(value) else None

    must_be = f"a whole number from {lowest:,} to {highest:,}"
    return Kind(must_be, read, {"type": "integer", "minimum": lowest, "maximum": highest})


def written_number(lowest: int, highest: int) -> Kind:
    """Whole numbers within limits as a query writes them: in digits."""

    def read(value: object) -> object | None:
        if not isinstance(value, str) or not _DIGITS.fullmatch(value):
            return None
        number = int(value)
        return number if lowest <= number <= highest else None

    kind = whole_number(lowest, highest)
    return Kind(kind.must_be, read, kind.schema)


def choice(values: type[StrEnum], parse: Callable[[str], StrEnum | None]) -> Kind:
    """One of the words of an enum."""
    *others, last = (f'"{value}"' for value in values)
    return text_kind(f"{', '.join(others)} or {last}", parse, enum=[value.value for value in values])


def line_of_text(longest: int) -> Kind:
    """One line of text, trimmed."""
    must_be = f"a text of 1 to {longest} characters, not blank and without control characters"
    return text_kind(
        must_be, partial(parse_text, longest=longest), minLength=1, maxLength=longest, pattern=_LINE_PATTERN
    )


def slot_id(*parts: int) -> Kind:
    """A ``slot_id`` with one of these numbers of parts; handlers take it apart with ``parse_slot_id``."""
    forms = {
        1: UUID_PATTERN,
        2: rf"{UUID_PATTERN}\|\|{DATE_PATTERN}",
        3: rf"{UUID_PATTERN}\|\|{DATE_PATTERN}\|\|{UUID_PATTERN}",
    }
    pattern = f"^(?:{'|'.join(forms[number] for number in parts)})$"
    names = " or ".join(f"`{FORMS[number]}`" for number in parts)

    def parse(text: str) -> str | None:
        try:
            return str(parse_slot_id(text, parts=parts))
        except InvalidInput:
            return None

    return text_kind(f"of the form {names}", parse, pattern=pattern)


def _zone(text: str) -> str | None:
    return text if text in zone_names() else None


def _status(text: str) -> model.Status | None:
    return _STATUSES.get(text)


def _instant(text: str) -> str | None:
    try:
        parse_instant(text)
    except ValueError:
        return None
    return text


def _moment(text: str) -> int | None:
    """An instant as bookings give it: with a time part, and Z or an offset, in the years that dates may have."""
    if not _MOMENT.fullmatch(text) or not "2000" <= text[:4] <= "2100":
        return None
    try:
        return parse_instant(text.upper())
    except (ValueError, OverflowError):
        return None


def _appointment_status(text: str) -> model.AppointmentStatus | None:
    return _APPOINTMENT_STATUSES.get(text)


def _channel(text: str) -> model.Channel | None:
    return next((channel for channel in model.Channel if channel == text), None)


def _reason(text: str) -> booking.Reason | None:
    return booking.Reason(text) if text in tuple(booking.Reason) else None


def _same(word: str) -> Callable[[str], str | None]:
    return lambda text: text if text == word else None


def _flag(value: object) -> object | None:
    return value if isinstance(value, bool) else None


_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:[Zz]|[+-]\d{2}:\d{2})", re.ASCII)
_DIGITS = re.compile("[0-9]{1,18}", re.ASCII)
_APPOINTMENT_STATUSES = {status.value: status for status in model.AppointmentStatus}
_STATUSES = {status.value: status for status in model.Status}
_DAY = choice(model.Day, parse_day)
_SESSION = choice(model.Session, parse_session)
_STATUS = choice(model.Status, _status)

Uuid = Annotated[str, text_kind("a UUID", parse_uuid, format="uuid")]
Date = Annotated[
    date,
    text_kind(
        "a real date, written YYYY-MM-DD, in the years 2000 to 2100",
        parse_date,
        format="date",
        pattern=f"^{DATE_PATTERN}$",
    ),
]
WallTime = Annotated[
    str,
    text_kind("a wall time HH:MM from 00:00 to 23:59", parse_wall_time, pattern="^(?:[01][0-9]|2[0-3]):[0-5][0-9]$"),
]
Instant = Annotated[str, text_kind("an instant in ISO 8601 with an offset or Z", _instant, format="date-time")]
Day = Annotated[model.Day, _DAY]
Session = Annotated[model.Session, _SESSION]
Status = Annotated[model.Status, _STATUS]
# The same words as answers carry them.
DayWord = Annotated[str, _DAY]
SessionWord = Annotated[str, _SESSION]
StatusWord = Annotated[str, _STATUS]
AppointmentStatus = Annotated[model.AppointmentStatus, choice(model.AppointmentStatus, _appointment_status)]
AppointmentStatusWord = Annotated[str, choice(model.AppointmentStatus, _appointment_status)]
# "rescheduled" is read too, because a client may send a whole record back; it changes nothing.
NextStatus = Annotated[
    model.AppointmentStatus,
    text_kind(
        '"confirmed", "completed" or "cancelled"', _appointment_status, enum=["confirmed", "completed", "cancelled"]
    ),
]
ChannelWord = Annotated[str, choice(model.Channel, _channel)]
AppointmentId = Annotated[
    str, text_kind("an appointment's id", re.compile("appt_[0-9a-z]{10}").fullmatch, pattern="^appt_[0-9a-z]{10}$")
]
Moment = Annotated[
    int,
    text_kind(
        "an instant such as 2026-06-15T09:30:00+05:30: date, time, and Z or an offset, in the years 2000 to 2100",
        _moment,
        pattern=f"^{DATE_PATTERN}[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\\.[0-9]{{1,6}})?)?"
        "(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$",
    ),
]
DateOrMoment = Annotated[
    date | int,
    text_kind(
        "a date, written YYYY-MM-DD, or an instant such as 2026-06-15T09:30:00+05:30, in the years 2000 to 2100",
        lambda text: parse_date(text) or _moment(text),
        pattern=f"^{DATE_PATTERN}(?:[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\\.[0-9]{{1,6}})?)?"
        "(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9]))?$",
    ),
]
Phone = Annotated[
    str,
    text_kind(
        "a phone number of 6 to 15 digits; spaces and + ( ) . / - may stand between them",
        parse_phone,
        pattern=r"^\+?[0-9](?:[ ()./-]?[0-9]){5,14}$",
    ),
]
Slot = Annotated[str, text_kind('"slot"', _same("slot"), enum=["slot"])]
PageNumber = Annotated[int, written_number(1, 10**9)]
PageSize = Annotated[int, written_number(1, 200)]
Notes = Annotated[str, line_of_text(NOTES_LENGTH)]
Timezone = Annotated[
    str,
    text_kind("an IANA time zone such as Europe/Berlin", _zone, name="Timezone", enum=sorted(zone_names())),
]
Flag = Annotated[bool, Kind("true or false", _flag, {"type": "boolean"})]
Name = Annotated[str, line_of_text(NAME_LENGTH)]
Batch = Annotated[str, line_of_text(BATCH_LENGTH)]
Reason = Annotated[str, line_of_text(REASON_LENGTH)]
NameOrUuid = Annotated[str, line_of_text(NAME_LENGTH)]
Places = Annotated[int, whole_number(0, model.MOST_SLOTS)]
HoldSeconds = Annotated[int, whole_number(30, 900)]
NextDays = Annotated[int, written_number(1, 366)]
MostOpenings = Annotated[int, written_number(1, 50)]
PlacesOfWindow = Annotated[int, whole_number(1, model.MOST_SLOTS)]
Hours = Annotated[int, whole_number(0, 8_760)]
Days = Annotated[int, whole_number(0, 730)]
Count = Annotated[int, whole_number(0, 2**53 - 1)]
WindowId = Annotated[str, slot_id(1, 2, 3)]
DayId = Annotated[str, slot_id(2)]
RecordId = Annotated[str, slot_id(3)]
PlaceId = Annotated[str, slot_id(2, 3)]
ReasonCode = Annotated[str, choice(booking.Reason, _reason)]
