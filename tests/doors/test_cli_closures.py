"""``closures``: from a calendar file, from a country's public holidays, and by hand."""

from datetime import date
from pathlib import Path

import pytest

from slotkeeper.cli.closure_file import NAMELESS, list_holidays, read_calendar
from slotkeeper.domain.errors import InvalidInput
from tests.doors.terminal import Terminal

FIRST, LAST = date(2026, 11, 1), date(2027, 12, 31)


def calendar(*events: str) -> bytes:
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//a clinic//EN"]
    lines = [
        line for event in events for line in ("BEGIN:VEVENT", "DTSTAMP:20260101T000000Z", *event.split(), "END:VEVENT")
    ]
    return "\r\n".join([*head, *lines, "END:VCALENDAR", ""]).replace("_", " ").encode()


def read(*events: str, timezone: str = "Asia/Kolkata") -> list[tuple[str, str, str]]:
    found = read_calendar(calendar(*events), first=FIRST, last=LAST, timezone=timezone)
    return [(str(one.first), str(one.last), one.reason) for one in found]


ALL_DAY = "UID:1 DTSTART;VALUE=DATE:20261224 DTEND;VALUE=DATE:20261227 SUMMARY:Christmas_days"


def test_the_end_of_an_event_of_whole_days_is_not_part_of_it() -> None:
    assert read(ALL_DAY) == [("2026-12-24", "2026-12-26", "Christmas days")]
    assert read("UID:1 DTSTART;VALUE=DATE:20261224") == [("2026-12-24", "2026-12-24", NAMELESS)]


def test_an_event_with_times_closes_the_dates_that_it_touches_on_the_branchs_clock() -> None:
    evening = "UID:1 DTSTART:20261201T200000Z DTEND:20261201T220000Z SUMMARY:Training"
    assert read(evening) == [("2026-12-02", "2026-12-02", "Training")]
    assert read(evening, timezone="UTC") == [("2026-12-01", "2026-12-01", "Training")]
    midnight = "UID:1 DTSTART:20261201T200000 DTEND:20261203T000000 SUMMARY:Move"
    assert read(midnight) == [("2026-12-01", "2026-12-02", "Move")]


def test_a_recurring_event_closes_each_of_its_dates_but_its_exceptions_within_the_range() -> None:
    yearly = "UID:1 DTSTART;VALUE=DATE:20200606 SUMMARY:Founding_day RRULE:FREQ=YEARLY"
    assert read(yearly) == [("2027-06-06", "2027-06-06", "Founding day")]
    weekly = "UID:2 DTSTART;VALUE=DATE:20261201 SUMMARY:Course RRULE:FREQ=WEEKLY;COUNT=3 EXDATE;VALUE=DATE:20261208"
    assert [first for first, _, _ in read(weekly)] == ["2026-12-01", "2026-12-15"]


def test_cancelled_events_and_those_outside_the_range_are_left_out() -> None:
    assert read(f"{ALL_DAY} STATUS:CANCELLED") == []
    assert read(ALL_DAY.replace("2026", "2028")) == []


@pytest.mark.parametrize(
    "content", [b"", b"date,reason\n2026-12-24,Christmas\n", b"\xff\xfe\x00", b"BEGIN:VCALENDAR\r\n"]
)
def test_a_file_that_is_no_calendar_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"no calendar file"):
        read_calendar(content, first=FIRST, last=LAST, timezone="UTC")


def test_public_holidays_are_those_of_the_country_and_its_part() -> None:
    found = {one.first: one.reason for one in list_holidays("de", "BY", [2027], language="de")}
    assert found[date(2027, 1, 6)] == "Heilige Drei Könige"
    assert date(2027, 1, 6) not in {one.first for one in list_holidays("DE", None, [2027], language=None)}
    assert date(2027, 8, 15) in {one.first for one in list_holidays("IN", None, [2027], language=None)}


@pytest.mark.parametrize(
    ("country", "part", "language", "said"),
    [("XX", None, None, "AD"), ("DE", "ZZ", None, "BY"), ("DE", None, "xx", "de")],
)
def test_what_is_not_known_is_told_with_some_that_are(
    country: str, part: str | None, language: str | None, said: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        list_holidays(country, part, [2027], language=language)
    assert said in refused.value.message


@pytest.mark.slow
def test_closures_are_imported_made_listed_and_removed(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    terminal.clinic()
    (tmp_path / "days.ics").write_bytes(calendar(ALL_DAY))
    range_ = ("--from", "2026-11-01", "--to", "2027-12-31")
    dry = terminal.json("closures", "import", "days.ics", *range_, "--dry-run")
    assert (dry["created"], dry["dry_run"], dry["closures"][0]["id"]) == (1, True, None)
    assert terminal.json("closures", "list") == {"closures": []}
    assert terminal.json("closures", "import", "days.ics", *range_)["created"] == 1
    again = terminal.json("closures", "import", "days.ics", *range_)
    assert (again["created"], again["unchanged"]) == (0, 1)
    assert terminal.json("closures", "import", "--country", "IN", "--year", "2027")["created"] > 2
    made = terminal.json(
        "closures", "create", "--from", "2028-01-04", "--reason", "Moving house", "--branch", "main street"
    )
    assert (made["date_to"], made["source"], made["affected"]) == ("2028-01-04", "cli", [])
    listed = terminal.json("closures", "list", "--from", "2028-01-01")["closures"]
    assert [one["id"] for one in listed] == [made["id"]]
    assert terminal.json("closures", "remove", made["id"]) == {"id": made["id"], "removed": True}
    assert "no closure" in terminal.refused("closures", "remove", made["id"])
    assert "no calendar file" in terminal.refused("closures", "import", __file__)
    terminal.refused("closures", "import", code=2)
    terminal.refused("closures", "import", "days.ics", "--country", "DE", code=2)
    assert "closures.delete" in terminal.done("audit", "list", "--limit", "1")
