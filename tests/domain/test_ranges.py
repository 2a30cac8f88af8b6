"""Ranges of dates."""

from datetime import date

import pytest

from slotkeeper.domain.errors import InvalidInput
from slotkeeper.domain.ranges import date_range

FIRST = date(2026, 1, 1)


def test_without_a_last_date_it_is_the_first() -> None:
    assert date_range(FIRST, None) == (FIRST, FIRST) == date_range(FIRST, FIRST)


def test_366_days_with_both_ends_are_the_most() -> None:
    assert date_range(FIRST, date(2027, 1, 1)) == (FIRST, date(2027, 1, 1))
    with pytest.raises(InvalidInput, match="at most 366 days, both included, not 367"):
        date_range(FIRST, date(2027, 1, 2))


def test_the_last_date_must_not_be_before_the_first() -> None:
    with pytest.raises(
        InvalidInput, match=r"'date_to' must not be before 'date_from' \(2026-01-01\), not 2025-12-31\."
    ):
        date_range(FIRST, date(2025, 12, 31))
