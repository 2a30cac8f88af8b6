"""What is meant by a date that was said: values, the question to ask back, and some arithmetic of months."""

from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

from slotkeeper.tools.spoken_times import ANY, Times

DAY = timedelta(days=1)
WEEK = 7 * DAY

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip


class Why(StrEnum):
    """Why a date has to be asked for again."""

    NEEDED = "DATE_NEEDED"
    UNCLEAR = "DATE_NOT_UNDERSTOOD"
    AMBIGUOUS = "DATE_AMBIGUOUS"
    NOT_REAL = "DATE_NOT_REAL"
    OTHER_WEEKDAY = "DATE_IS_ANOTHER_WEEKDAY"
    PAST = "IN_THE_PAST"


class When(NamedTuple):
    """The dates that are meant, both ends included, and what of them."""

    first: date
    last: date
    times: Times = ANY

    @property
    def is_one(self) -> bool:
        """Whether it is a single date."""
        return self.first == self.last


class Question(NamedTuple):
    """What has to be asked back, and the dates to choose from."""

    why: Why
    dates: tuple[date, ...] = ()


class Ask(Exception):
    """A date has to be asked for again."""

    def __init__(self, why: Why, *dates: date) -> None:
        super().__init__(why)
        self.question = Question(why, dates)


def real(year: int, month: int, number: int) -> date | None:
    """A date, None where there is no such one."""
    try:
        return date(year, month, number)
    except ValueError:
        return None


def month_after(first: date) -> tuple[int, int]:
    """Year and month after a month."""
    return (first.year + 1, 1) if first.month == 12 else (first.year, first.month + 1)


def end_of(first: date) -> date:
    """The last day of a month."""
    return date(*month_after(first), 1) - DAY


def later(on: date, months: int) -> date:
    """So many months later, on the last day of a month that is too short."""
    year, month = divmod(on.year * 12 + on.month - 1 + months, 12)
    return min(real(year, month + 1, on.day) or end_of(date(year, month + 1, 1)), end_of(date(year, month + 1, 1)))
