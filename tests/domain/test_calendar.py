"""Wall clocks against zones: every weekday, leap days, year ends, half-hour offsets, gaps and overlaps."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotkeeper.domain import calendar
from slotkeeper.domain.model import Day, Session, Window

ODD_ZONES = [
    "UTC",
    "Asia/Kolkata",  # +05:30
    "Asia/Kathmandu",  # +05:45
    "Australia/Eucla",  # +08:45
    "Australia/Lord_Howe",  # moves by half an hour
    "America/St_Johns",  # -03:30
    "Pacific/Marquesas",  # -09:30
    "Pacific/Chatham",  # +12:45 / +13:45
    "Pacific/Kiritimati",  # +14
    "Pacific/Pago_Pago",  # -11
    "Pacific/Apia",
    "Europe/Berlin",
    "Europe/Dublin",  # winter time is the one with the smaller offset and a negative DST
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Beirut",
    "Africa/Casablanca",
    "America/Asuncion",
]
zones = st.sampled_from(ODD_ZONES)
days = st.dates(date(2000, 1, 1), date(2100, 12, 31))
DAY_NAMES = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def window(day: Day, *, enabled: bool = True) -> Window:
    return Window("w", "b", day, Session.MORNING, None, "09:00", "11:00", None, 20, 10, enabled, 0, 0)


def millis(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize("year", [2000, 2023, 2024, 2096, 2100])
@pytest.mark.parametrize("day", list(Day))
def test_a_window_wants_each_of_its_weekdays_over_leap_days_and_year_ends(year: int, day: Day) -> None:
    first, last = date(year - 1, 12, 20) if year > 2000 else date(2000, 1, 1), date(year, 12, 31)
    wanted = calendar.wanted_dates(window(day), first, last)
    every = [first + timedelta(n) for n in range((last - first).days + 1)]
    assert wanted == [on for on in every if DAY_NAMES[on.isoweekday() - 1] == day.value]
    assert all((later - earlier).days == 7 for earlier, later in pairwise(wanted))


def test_the_29th_of_february_is_a_date_like_any_other_where_it_exists() -> None:
    assert calendar.wants(window(Day.THURSDAY), date(2024, 2, 29))
    assert calendar.wanted_dates(window(Day.THURSDAY), date(2024, 2, 29), date(2024, 2, 29)) == [date(2024, 2, 29)]
    assert date(2024, 2, 29) in calendar.dates_between(date(2024, 2, 28), date(2024, 3, 1))
    assert len(list(calendar.dates_between(date(2023, 2, 28), date(2023, 3, 1)))) == 2
    assert len(list(calendar.dates_between(date(2100, 2, 28), date(2100, 3, 1)))) == 2, "2100 is no leap year"


def test_a_disabled_window_wants_nothing() -> None:
    assert calendar.wanted_dates(window(Day.MONDAY, enabled=False), date(2026, 1, 1), date(2026, 12, 31)) == []


def test_dates_between_includes_both_ends_and_crosses_the_year() -> None:
    assert list(calendar.dates_between(date(2026, 12, 31), date(2027, 1, 1))) == [date(2026, 12, 31), date(2027, 1, 1)]
    assert list(calendar.dates_between(date(2026, 1, 1), date(2026, 1, 1))) == [date(2026, 1, 1)]
    assert list(calendar.dates_between(date(2026, 1, 2), date(2026, 1, 1))) == []


@pytest.mark.parametrize(
    ("instant", "zone", "today"),
    [
        ("2026-06-15T23:59:59.999+00:00", "UTC", "2026-06-15"),
        ("2026-06-15T18:30:00Z", "Asia/Kolkata", "2026-06-16"),
        ("2026-06-15T18:29:59Z", "Asia/Kolkata", "2026-06-15"),
        ("2026-06-15T10:00:00Z", "Pacific/Kiritimati", "2026-06-16"),
        ("2026-06-15T10:00:00Z", "Pacific/Pago_Pago", "2026-06-14"),
        ("2026-12-31T23:00:00Z", "Europe/Berlin", "2027-01-01"),
        ("2024-02-29T03:29:00Z", "America/St_Johns", "2024-02-28"),
        ("2011-12-30T09:59:59Z", "Pacific/Apia", "2011-12-29"),
        ("2011-12-30T10:00:00Z", "Pacific/Apia", "2011-12-31"),  # the 30th never was
    ],
)
def test_today_is_the_date_of_the_wall_clock_in_the_zone(instant: str, zone: str, today: str) -> None:
    assert calendar.today(millis(instant), zone) == date.fromisoformat(today)


GAPS = [
    ("Europe/Berlin", "2026-03-29", "02:00", "03:00"),
    ("Europe/Dublin", "2026-03-29", "01:00", "02:00"),
    ("America/New_York", "2026-03-08", "02:00", "03:00"),
    ("Australia/Lord_Howe", "2026-10-04", "02:00", "02:30"),
    ("America/Sao_Paulo", "2017-10-15", "00:00", "01:00"),
    ("Asia/Beirut", "2026-03-29", "00:00", "01:00"),
    ("Pacific/Chatham", "2026-09-27", "02:45", "03:45"),
    ("Pacific/Apia", "2011-12-30", "00:00", "24:00"),
    ("Africa/Casablanca", "2026-03-22", "02:00", "03:00"),
    ("America/Asuncion", "2023-10-01", "00:00", "01:00"),
]
# Random dates hardly ever meet a gap, so half of them are dates that have one.
zone_days = st.tuples(zones, days) | st.sampled_from([(zone, date.fromisoformat(on)) for zone, on, _, _ in GAPS])


@pytest.mark.parametrize(("zone", "on", "start", "end"), GAPS)
def test_the_skipped_wall_times_of_a_date_are_known(zone: str, on: str, start: str, end: str) -> None:
    assert calendar.skipped_time(date.fromisoformat(on), zone) == (start, end)


@pytest.mark.parametrize(
    ("zone", "on"),
    [
        ("Europe/Berlin", "2026-10-25"),  # an overlap skips nothing
        ("Australia/Lord_Howe", "2026-04-05"),
        ("America/Sao_Paulo", "2018-02-17"),  # midnight comes twice, on the evening before
        ("America/Sao_Paulo", "2018-02-18"),
        ("America/Sao_Paulo", "2026-10-18"),  # no summer time any more
        ("Pacific/Apia", "2011-12-29"),
        ("Pacific/Apia", "2011-12-31"),
        ("Asia/Kolkata", "2026-03-29"),
        ("Asia/Beirut", "2026-03-28"),  # the gap begins at the next midnight
        ("Europe/Berlin", "2026-03-28"),
        ("Europe/Berlin", "2026-03-30"),
    ],
)
def test_a_date_without_a_gap_skips_nothing(zone: str, on: str) -> None:
    assert calendar.skipped_time(date.fromisoformat(on), zone) is None


@pytest.mark.parametrize(
    ("start", "end", "skipped"),
    [
        ("02:00", "03:00", True),
        ("02:15", "02:45", True),
        ("01:59", "02:30", False),
        ("02:30", "03:01", False),
        ("01:00", "04:00", False),
        ("01:00", "02:00", False),
        ("03:00", "04:00", False),
    ],
)
def test_a_window_wholly_inside_the_skipped_hour_is_skipped_and_one_partly_in_it_is_not(
    start: str, end: str, *, skipped: bool
) -> None:
    gap = date(2026, 3, 29)
    assert calendar.is_skipped(start, end, on=gap, timezone="Europe/Berlin") is skipped
    assert calendar.is_skipped(start, end, on=gap + timedelta(7), timezone="Europe/Berlin") is False


def test_every_window_of_a_day_that_a_zone_skipped_is_skipped() -> None:
    for start, end in [("00:00", "23:59"), ("09:00", "11:00"), ("23:58", "23:59")]:
        assert calendar.is_skipped(start, end, on=date(2011, 12, 30), timezone="Pacific/Apia")


@given(zone_days, st.integers(0, 24 * 60 - 1))
def test_a_wall_time_is_skipped_exactly_where_no_instant_shows_it(zone_day: tuple[str, date], minute: int) -> None:
    zone, on = zone_day
    wall = f"{minute // 60:02d}:{minute % 60:02d}"
    naive = datetime.combine(on, datetime.min.time(), tzinfo=UTC) + timedelta(minutes=minute)
    shown = {
        f"{calendar.local(int((naive + shift).timestamp() * 1000), zone):%Y-%m-%d %H:%M}"
        for shift in (timedelta(minutes=m) for m in range(-26 * 60, 26 * 60 + 1, 15))
    }
    gap = calendar.skipped_time(on, zone)
    assert (f"{on} {wall}" not in shown) == (gap is not None and gap.start <= wall < gap.end)


@given(zone_days, st.integers(0, 24 * 60 - 1))
def test_a_wall_time_that_occurs_comes_back_from_its_instant(zone_day: tuple[str, date], minute: int) -> None:
    zone, on = zone_day
    wall = f"{minute // 60:02d}:{minute % 60:02d}"
    gap = calendar.skipped_time(on, zone)
    if gap is None or not gap.start <= wall < gap.end:
        assert f"{calendar.local(calendar.instant_of(on, wall, zone), zone):%Y-%m-%d %H:%M}" == f"{on} {wall}"


def test_a_wall_time_that_occurs_twice_means_the_first_time() -> None:
    assert calendar.instant_of(date(2026, 10, 25), "02:30", "Europe/Berlin") == millis("2026-10-25T00:30:00Z")
    assert calendar.instant_of(date(2026, 4, 5), "01:45", "Australia/Lord_Howe") == millis("2026-04-04T14:45:00Z")


@given(st.integers(millis("2000-01-01T00:00:00Z"), millis("2100-12-31T23:59:59Z")))
def test_an_instant_is_written_in_utc_with_milliseconds_and_reads_back(instant: int) -> None:
    text = calendar.iso_instant(instant)
    assert len(text) == len("2026-06-01T08:00:00.000Z")
    assert text.endswith("Z")
    assert calendar.parse_instant(text) == instant


@pytest.mark.parametrize("text", ["2026-06-01T08:00:00", "2026-06-01", "08:00", "", "yesterday"])
def test_an_instant_without_an_offset_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        calendar.parse_instant(text)
