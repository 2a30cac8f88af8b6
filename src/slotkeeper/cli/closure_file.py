"""Where closures come from: the events of an .ics file (RFC 5545), or a country's public holidays.

The libraries are imported when they are needed: a server never is in need of them.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from slotkeeper.domain.errors import InvalidInput
from slotkeeper.domain.slot_ids import FIRST_YEAR, LAST_YEAR
from slotkeeper.domain.texts import REASON_LENGTH

NAMELESS = "Closed"


class Dates(NamedTuple):
    """Dates, both ends included, and why they are closed."""

    first: date
    last: date
    reason: str


def read_calendar(content: bytes, *, first: date, last: date, timezone: str) -> list[Dates]:
    """The events of an .ics file that touch the dates from first to last, recurring ones once for each time.

    An event with times closes every date that it touches in the time zone. Cancelled ones are left out.
    Raises InvalidInput where the file is no calendar.
    """
    import icalendar  # noqa: PLC0415
    import recurring_ical_events  # noqa: PLC0415

    try:
        calendar = icalendar.Calendar.from_ical(content)
        events = recurring_ical_events.of(calendar).between(first, last + timedelta(days=1))
        found = [_event(event, timezone) for event in events if str(event.get("STATUS", "")).upper() != "CANCELLED"]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise InvalidInput.of("file", f"This is no calendar file (.ics) that can be read: {error}.") from error
    return sorted({one for one in found if one.first <= last and one.last >= first})


def _event(event: Any, timezone: str) -> Dates:  # noqa: ANN401 - a component of the library's
    start, end = event.start, event.end
    reason = " ".join(str(event.get("SUMMARY", "")).split())[:REASON_LENGTH].strip() or NAMELESS
    if isinstance(start, datetime):
        first, until = _local(start, timezone), _local(end, timezone)
        # What ends at midnight does not touch the day that begins then.
        last = (until - timedelta(microseconds=1)).date() if until > first else first.date()
        return Dates(first.date(), last, reason)
    return Dates(start, max(start, end - timedelta(days=1)), reason)


def _local(moment: datetime, timezone: str) -> datetime:
    """A moment on the branch's clock; a floating one is on it already."""
    from slotkeeper.domain.calendar import zone  # noqa: PLC0415

    return moment if moment.tzinfo is None else moment.astimezone(zone(timezone)).replace(tzinfo=None)


def list_holidays(country: str, subdivision: str | None, years: Iterable[int], *, language: str | None) -> list[Dates]:
    """The public holidays of a country (ISO 3166-1 code), or of one of its parts, in some years.

    Raises InvalidInput where the country, the part or the language is not known; it lists some that are.
    """
    import holidays  # noqa: PLC0415

    known = holidays.list_supported_countries()
    code = country.upper()
    if code not in known:
        raise InvalidInput.of("country", f"'{country}' is no country that is known here; known are {_some(known)}.")
    parts = known[code]
    if subdivision is not None and subdivision.upper() not in (part.upper() for part in parts):
        raise InvalidInput.of(
            "subdivision", f"'{subdivision}' is no part of {code} that is known here; known are {_some(parts)}."
        )
    part = next((one for one in parts if subdivision is not None and one.upper() == subdivision.upper()), None)
    languages = holidays.list_localized_countries().get(code, [])
    if language is not None and languages and language not in languages:
        raise InvalidInput.of(
            "language", f"The holidays of {code} have no names in '{language}'; there are {_some(languages)}."
        )
    found = holidays.country_holidays(code, subdiv=part, years=sorted(set(years)), language=language)
    return sorted(
        Dates(on, on, name[:REASON_LENGTH]) for on, name in found.items() if FIRST_YEAR <= on.year <= LAST_YEAR
    )


def _some(names: Iterable[str]) -> str:
    listed = sorted(names)
    return ", ".join(listed[:20]) + (" …" if len(listed) > 20 else "") if listed else "none"
