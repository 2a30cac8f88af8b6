"""Dates as people say them, each taken as a person takes it: a table of what is said, where, and when."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotkeeper.domain.calendar import today
from slotkeeper.tools.spoken_dates import resolve
from slotkeeper.tools.spoken_meanings import Question, When
from slotkeeper.tools.spoken_times import END, START, Times, both, read_times

TABLE = Path(__file__).with_name("spoken_dates.txt")


def rows() -> list[tuple[str, str, str, str]]:
    """Zone, moment, what is said, what is meant."""
    found = []
    zone = moment = ""
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("@ "):
            zone, moment = line[2:].split(", ")
        elif line and not line.startswith("#"):
            said, meant = line.split(" | ")
            found.append((zone, moment, said, meant))
    return found


def shown(found: When | Question) -> str:
    """What is meant as the table writes it."""
    if isinstance(found, Question):
        return " ".join(["?", found.why, *(str(on) for on in found.dates)])
    dates = str(found.first) if found.is_one else f"{found.first}..{found.last}"
    return " ".join(filter(None, [dates, shown_times(found.times)]))


def shown_times(times: Times) -> str:
    if times.exact is not None:
        return times.exact
    bounds = f"{times.start.replace(START, '')}-{times.end.replace(END, '')}"
    return " ".join(filter(None, [times.session, bounds.strip("-") and bounds]))


def instant(zone: str, moment: str) -> int:
    return int(datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@pytest.mark.parametrize(("zone", "moment", "said", "meant"), rows())
def test_a_date_is_taken_as_a_person_takes_it(zone: str, moment: str, said: str, meant: str) -> None:
    assert shown(resolve(said, zone=zone, now=instant(zone, moment))) == meant


def test_the_table_has_two_hundred_rows_and_none_twice() -> None:
    assert len(rows()) >= 200
    assert len({row[:3] for row in rows()}) == len(rows())
    assert len({zone for zone, *_ in rows()}) >= 6


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("9", "09:00"), ("at 9", "09:00"), ("nine", "09:00"), ("09:30", "09:30"), ("9.30", "09:30"), ("930", "09:30"),
        ("0930", "09:30"), ("1430", "14:30"), ("nine thirty", "09:30"), ("half past nine", "09:30"),
        ("at half past nine", "09:30"), ("half nine", "09:30"), ("quarter to ten", "09:45"), ("ten to ten", "09:50"),
        ("five past four", "16:05"), ("4 o'clock", "16:00"), ("4 in the afternoon", "16:00"), ("noon", "12:00"),
        ("eight in the evening", "20:00"), ("8 pm", "20:00"), ("12 am", "00:00"), ("12 pm", "12:00"),
        ("10ish", "09:30-10:31"), ("after 4", "16:00-"), ("before 11", "-11:00"), ("between 2 and 4", "14:00-16:00"),
        ("morning", "Morning"), ("in the morning", "Morning"), ("first thing", "Morning -12:00"), ("any time", ""),
        ("15:00 sharp", "15:00"), ("14:30:00", "14:30"),
        ("Ten", "10:00"), ("Two thirty", "14:30"), ("Three o'clock", "15:00"), ("Half past Two", "14:30"),
        ("5 to 7", "17:00-19:00"), ("5 to 7 pm", "17:00-19:00"), ("five to seven", "18:55"), ("at 5 to 7", "18:55"),
        ("10 to 12", "10:00-12:00"), ("ten to twelve", "11:50"), ("9 to 11", "09:00-11:00"), ("9-11", "09:00-11:00"),
        ("2pm-4pm", "14:00-16:00"), ("from five to seven", "17:00-19:00"), ("before midnight", ""),
        ("from 11 to 1 in the afternoon", "11:00-13:00"),
    ],
)  # fmt: skip
def test_a_time_is_taken_as_a_person_takes_it(said: str, meant: str) -> None:
    found = read_times(said)
    assert found is not None
    assert shown_times(found) == meant


@pytest.mark.parametrize(
    "said", ["25:00", "half past", "soon", "9 or 10", "13 pm", "tomorrow", "-", "9:75", "4 to 2 pm", "5-4"]
)
def test_what_is_no_time_is_asked_for_again(said: str) -> None:
    assert read_times(said) is None


@pytest.mark.parametrize(
    ("part", "said", "meant"),
    [
        ("evening", "7", "19:00"), ("evening", "seven thirty", "19:30"), ("morning", "5", "05:00"),
        ("afternoon", "12", "12:00"), ("morning", "after 9", "Morning 09:00-"), ("morning", "any time", "Morning"),
        ("evening", "7 to 9", "Evening 19:00-21:00"), ("after 4", "5", "17:00"), ("at 9", "nine", "09:00"),
        ("after 2", "before 4", "14:00-16:00"), ("morning", "3 pm", None), ("after 4", "3", None), ("9", "10", None),
        ("morning", "in the afternoon", None), ("after 4", "before 3", None),
    ],
)  # fmt: skip
def test_a_time_is_taken_together_with_the_one_before_it(part: str, said: str, meant: str | None) -> None:
    before = read_times(part)
    assert before is not None
    after = read_times(said, before.session)
    assert after is not None
    found = both(before, after)
    assert (None if found is None else shown_times(found)) == meant


WORDS = [
    "today", "tomorrow", "monday", "friday", "next", "this", "week", "in", "of", "the", "15th", "3/4", "2025-06-15",
    "2027", "june", "at", "half", "past", "nine", "4", "after", "morning", "last", "first", "a", "two", "month", "end",
    "before", "noon", "ish", "between", "and", "31", "february", "2026-02-30", "tonight", "weekend", "days", "from",
]  # fmt: skip


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=6), st.integers(1_750_000_000_000, 1_900_000_000_000))
def test_nothing_that_can_be_said_is_taken_for_a_day_that_is_over(words: list[str], now: int) -> None:
    found = resolve(" ".join(words), zone="Europe/Berlin", now=now)
    if isinstance(found, When):
        assert today(now, "Europe/Berlin") <= found.first <= found.last


@given(st.text(max_size=80))
def test_whatever_is_said_there_is_an_answer(text: str) -> None:
    assert isinstance(resolve(text, zone="Asia/Kolkata", now=1_780_000_000_000), When | Question)
    read_times(text)
