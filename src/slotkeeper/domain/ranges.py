"""Ranges of dates as requests give them (contract.md sections 4.2 and 4.4)."""

from datetime import date

from slotkeeper.domain.errors import InvalidInput

LONGEST_RANGE = 366
"""How many dates a request may ask for, both ends included."""


def date_range(date_from: date, date_to: date | None) -> tuple[date, date]:
    """The first and the last date; without ``date_to``, one date. Raises InvalidInput."""
    if date_to is None:
        return date_from, date_from
    require_order(date_from, date_to)
    if (date_to - date_from).days >= LONGEST_RANGE:
        raise InvalidInput.of(
            "date_to",
            f"'date_from' to 'date_to' must be at most {LONGEST_RANGE} days, both included, "
            f"not {(date_to - date_from).days + 1}; ask for the rest in another request.",
        )
    return date_from, date_to


def require_order(date_from: date, date_to: date) -> None:
    """Refuse a last date before the first. Raises InvalidInput."""
    if date_to < date_from:
        raise InvalidInput.of("date_to", f"'date_to' must not be before 'date_from' ({date_from}), not {date_to}.")
