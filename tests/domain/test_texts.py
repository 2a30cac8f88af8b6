"""Texts that people write."""

import pytest

from slotkeeper.domain.model import Day, Session
from slotkeeper.domain.texts import parse_day, parse_session, parse_text, parse_wall_time


@pytest.mark.parametrize("text", ["00:00", "09:30", "19:59", "23:59"])
def test_a_wall_time_is_read(text: str) -> None:
    assert parse_wall_time(text) == text


@pytest.mark.parametrize("text", ["", "24:00", "9:00", "09:60", "09:00:00", "09:00\n", " 09:00", "٠٩:٠٠", "0900"])
def test_no_other_text_is_a_wall_time(text: str) -> None:
    assert parse_wall_time(text) is None


def test_days_and_sessions_are_read_in_any_case() -> None:
    assert [parse_day(text) for text in ("monday", "MONDAY", "Mon", "")] == [Day.MONDAY, Day.MONDAY, None, None]
    assert [parse_session(text) for text in ("evening", "EVENING", "Night")] == [Session.EVENING, Session.EVENING, None]


def test_a_line_of_text_is_trimmed() -> None:
    assert parse_text("\u00a0 Straße 東京 🩺 ", longest=20) == "Straße 東京 🩺"


@pytest.mark.parametrize(
    "text", ["", " ", "\u2003", "a\x00", "a\nb", "\x85", "a\x7f", "\ud800", "x" * 11, " " * 11 + "x"]
)
def test_a_blank_unprintable_or_long_text_is_none(text: str) -> None:
    assert parse_text(text, longest=10) is None
