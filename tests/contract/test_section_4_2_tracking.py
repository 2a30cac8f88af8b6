"""Contract section 4.2, sentence by sentence."""

import pytest

from slotkeeper.operations import schedule
from tests import direct
from tests.world import MONDAY, TRACKING, WINDOWS, Cast, Client, World, good, plus_days, refused

UNKNOWN = "00000000-0000-4000-8000-000000000000"
TODAY = "2026-06-01"
KEYS = [
    "slot_id", "calendar_id", "appointment_type_id", "appointment_type_name", "date", "day_of_week", "session",
    "batch", "start_time", "end_time", "max_slots", "filled_slots", "available_slots", "status",
]  # fmt: skip
EVERY_DAY = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@pytest.fixture
def branch(owner: Client) -> str:
    return owner.branch("Main Street")


@pytest.fixture
def service(owner: Client, branch: str) -> str:
    assert branch
    return owner.service("Checkup")


@pytest.fixture
def week(owner: Client, service: str) -> list[str]:
    """A window for each weekday."""
    assert service
    return [owner.window(day=day) for day in EVERY_DAY]


def dates(owner: Client, first: str, last: str) -> list[str]:
    return [record["date"] for record in owner.records(first, last)]


def test_the_answer_has_exactly_success_and_data_and_each_record_exactly_the_documented_keys(
    owner: Client, service: str
) -> None:
    window = owner.window(batch_name="MA", ai_slots=10)
    answer = good(owner.get(TRACKING, date_from=MONDAY))
    assert list(answer) == ["success", "data"]
    (record,) = answer["data"]
    assert list(record) == KEYS
    assert record == {
        "slot_id": f"{window}||{MONDAY}||{service}", "calendar_id": window, "appointment_type_id": service,
        "appointment_type_name": "Checkup", "date": MONDAY, "day_of_week": "monday", "session": "Morning",
        "batch": "MA", "start_time": "09:00", "end_time": "11:00", "max_slots": 20, "filled_slots": 0,
        "available_slots": 20, "status": "OPEN",
    }  # fmt: skip


def test_date_from_is_required(owner: Client) -> None:
    error = refused(owner.get(TRACKING, date_to=MONDAY), 400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in error["details"]] == ["date_from"]


def test_date_to_defaults_to_date_from_and_both_ends_are_included(owner: Client, week: list[str]) -> None:
    assert week
    assert dates(owner, MONDAY, MONDAY) == [record["date"] for record in owner.records(MONDAY)] == [MONDAY]
    assert dates(owner, MONDAY, plus_days(MONDAY, 2)) == [plus_days(MONDAY, n) for n in range(3)]


def test_date_to_must_not_be_before_date_from(owner: Client) -> None:
    answer = owner.get(TRACKING, date_from=MONDAY, date_to=plus_days(MONDAY, -1))
    assert [detail["field"] for detail in refused(answer, 400, "VALIDATION_ERROR")["details"]] == ["date_to"]


def test_the_range_is_at_most_366_days(owner: Client) -> None:
    good(owner.get(TRACKING, date_from="2026-01-01", date_to=plus_days("2026-01-01", 365)))
    answer = owner.get(TRACKING, date_from="2026-01-01", date_to=plus_days("2026-01-01", 366))
    assert "366" in refused(answer, 400, "VALIDATION_ERROR")["message"]


def test_branch_service_and_session_filter(owner: Client, branch: str, service: str) -> None:
    other_branch, other = owner.branch("Other"), owner.service("Other")
    morning = owner.window(branch_id=branch)
    evening = owner.window(branch_id=other_branch, session="Evening", appointment_type_id=other)

    def seen(**filters: str) -> set[tuple[str, str]]:
        return {(one["calendar_id"], one["appointment_type_id"]) for one in owner.records(**filters)}

    assert seen() == {(morning, service), (morning, other), (evening, other)}
    assert seen(branch_id=branch) == {(morning, service), (morning, other)}
    assert seen(appointment_type_id=other) == {(morning, other), (evening, other)}
    assert seen(session="evening") == {(evening, other)}
    assert seen(branch_id=UNKNOWN) == seen(appointment_type_id=UNKNOWN) == set()


@pytest.mark.parametrize("name", ["branch_id", "appointment_type_id", "session"])
def test_a_malformed_filter_is_400(owner: Client, name: str) -> None:
    error = refused(owner.get(TRACKING, date_from=MONDAY, **{name: "x"}), 400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in error["details"]] == [name]


def test_max_slots_is_the_limit_of_that_service(owner: Client, service: str) -> None:
    other, window = owner.service("Other"), owner.window(ai_slots=1)
    good(owner.override(window, MONDAY, service, max_slots=6))
    assert {r["appointment_type_id"]: r["max_slots"] for r in owner.records()} == {service: 6, other: 20}


def test_available_slots_is_max_slots_less_filled_whatever_ai_slots_says(
    owner: Client, service: str, world: World, cast: Cast
) -> None:
    window = owner.window(ai_slots=1)
    world.book(cast.owner_org, window, MONDAY, service)
    assert owner.records()[0]["available_slots"] == 19


def test_a_window_for_one_service_is_shown_once_and_an_unrestricted_one_once_per_active_service(
    owner: Client, service: str
) -> None:
    second, third = owner.service("Second"), owner.service("Third")
    own, everyone = owner.window(appointment_type_id=service), owner.window(session="Evening")
    good(owner.patch(f"/v1/services/{third}", {"active": False}))
    shown = {(record["calendar_id"], record["appointment_type_id"]) for record in owner.records()}
    assert shown == {(own, service), (everyone, service), (everyone, second)}


def test_a_service_made_later_is_served_by_the_records_there_are(owner: Client, service: str) -> None:
    owner.window()
    later = owner.service("Later")
    assert {record["appointment_type_id"] for record in owner.records()} == {service, later}


def test_a_window_date_is_stored_once_whatever_it_serves(owner: Client, service: str, world: World) -> None:
    owner.service("Second")
    owner.window()
    assert service
    assert direct.rows(world.url, "SELECT count(*) FROM days WHERE date = ?", MONDAY) == [(1,)]


def test_a_record_keeps_its_own_copy_of_the_window(owner: Client, service: str, world: World) -> None:
    window, other = owner.window(batch_name="MA"), owner.service("Other")
    before = owner.records(TODAY)
    world.clock.set("2026-06-02T00:00:00Z")
    changes = {"session": "Evening", "batch_name": "EA", "start_time": "17:00", "end_time": "19:00", "max_slots": 3}
    good(owner.patch(f"{WINDOWS}/{window}", changes | {"appointment_type_id": other}))
    assert owner.records(TODAY) == before, "past records stay as they were"
    assert service
    (record,) = owner.records()
    assert (record["session"], record["batch"], record["start_time"], record["max_slots"]) == (
        "Evening",
        "EA",
        "17:00",
        3,
    )
    assert record["appointment_type_id"] == other


def test_past_records_stay_until_somebody_regenerates_them(owner: Client, service: str, world: World) -> None:
    window = owner.window()
    world.clock.set("2026-06-02T00:00:00Z")
    good(owner.patch(f"{WINDOWS}/{window}", {"max_slots": 3}))
    assert service
    assert owner.records(TODAY)[0]["max_slots"] == 20
    owner.regenerate(TODAY)
    assert owner.records(TODAY)[0]["max_slots"] == 3


def test_records_come_by_date_start_time_batch_calendar_id_and_service_name(owner: Client, service: str) -> None:
    for name in ("zebra", "Apple", "Ähre", "apple juice"):
        owner.service(name)
    for number, (start, batch) in enumerate([("10:00", None), ("09:00", "b"), ("09:00", None), ("09:00", "B")]):
        for day in ("tuesday", "monday"):
            owner.window(day=day, start_time=start, batch_name=batch, session=("Morning", "Evening")[number // 2])
    records = owner.records(MONDAY, plus_days(MONDAY, 1))
    names = ("date", "start_time", "batch", "calendar_id", "appointment_type_name")
    order = [tuple(record[name] or "" for name in names) for record in records]
    assert order == sorted(order)
    assert len(order) == 2 * 4 * 5
    assert service


def test_records_exist_for_today_and_the_90_dates_after_it_once_a_window_is_made(
    owner: Client, week: list[str]
) -> None:
    assert week
    assert dates(owner, "2026-05-01", "2026-12-31") == [plus_days(TODAY, n) for n in range(91)]


@pytest.mark.parametrize("horizon", [0, 1, 8])
def test_horizon_days_says_how_many_dates_after_today(owner: Client, service: str, horizon: int) -> None:
    good(owner.patch("/v1/appointment-config", {"horizon_days": horizon}))
    assert service
    for day in EVERY_DAY:
        owner.window(day=day)
    assert dates(owner, "2026-05-01", "2026-12-31") == [plus_days(TODAY, n) for n in range(horizon + 1)]


@pytest.mark.parametrize(
    ("zone", "today"),
    [("Pacific/Kiritimati", "2026-06-02"), ("Pacific/Pago_Pago", "2026-05-31"), ("UTC", "2026-06-01")],
)
def test_today_is_the_branchs(owner: Client, world: World, zone: str, today: str) -> None:
    world.clock.set("2026-06-01T10:30:00Z")
    owner.branch("Far away", timezone=zone)
    owner.service("Checkup")
    for day in EVERY_DAY:
        owner.window(day=day)
    assert dates(owner, "2026-05-01", "2026-12-31")[0] == today


def test_a_branch_without_a_zone_takes_the_organizations(world: World) -> None:
    world.clock.set("2026-06-01T10:30:00Z")
    clinic = world.clinic("Line Islands", "Pacific/Kiritimati")
    clinic.branch("Main")
    clinic.service("Checkup")
    for day in EVERY_DAY:
        clinic.window(day=day)
    assert dates(clinic, "2026-05-01", "2026-12-31")[0] == "2026-06-02"


def test_records_are_rolled_forward_when_a_branchs_day_begins(owner: Client, week: list[str], world: World) -> None:
    assert week
    last = plus_days(TODAY, 90)
    world.clock.set("2026-06-01T23:59:59Z")
    assert world.roll_forward() == 0
    world.clock.set("2026-06-02T00:00:00Z")
    assert world.roll_forward() == 1
    assert dates(owner, last, plus_days(last, 30)) == [last, plus_days(last, 1)]
    assert world.roll_forward() == 0, "nothing is left to make"


def test_a_window_made_in_the_first_minute_of_a_day_has_all_its_records(
    owner: Client, service: str, world: World
) -> None:
    world.clock.set("2026-06-02T00:00:00Z")
    assert service
    for day in EVERY_DAY:
        owner.window(day=day)
    assert dates(owner, "2026-05-01", "2026-12-31") == [plus_days("2026-06-02", n) for n in range(91)]


def test_rolling_forward_catches_up_after_any_time_and_for_every_organization(
    outsider: Client, week: list[str], world: World
) -> None:
    outsider.branch("Elsewhere")
    outsider.service("Checkup")
    outsider.window()
    world.clock.advance(days=400)
    assert week
    assert world.roll_forward() == 91 + 13, "each weekday here, Mondays there"
    assert len(outsider.records("2027-07-06", "2027-10-31")) == 13


def test_rolling_forward_knows_closures_made_beyond_the_horizon(
    owner: Client, week: list[str], world: World, cast: Cast
) -> None:
    assert week
    far = plus_days(TODAY, 95)
    direct.closure(world.url, cast.owner_org, far, far, now=world.clock())
    world.clock.advance(days=10)
    world.roll_forward()
    assert [record["status"] for record in owner.records(far)] == ["CLOSED"]


def test_a_booking_or_an_override_further_out_makes_the_record_on_the_spot(
    owner: Client, service: str, world: World, cast: Cast
) -> None:
    window = owner.window()
    booked, whole, own = (plus_days(MONDAY, 7 * weeks) for weeks in (30, 31, 32))
    assert dates(owner, booked, own) == []
    world.book(cast.owner_org, window, booked, service)
    good(owner.override(window, whole, max_slots=3))
    good(owner.override(window, own, service, status="CLOSED"))
    assert dates(owner, booked, own) == [booked, whole, own]


def test_a_lower_horizon_takes_no_record_away(owner: Client, week: list[str], world: World) -> None:
    good(owner.patch("/v1/appointment-config", {"horizon_days": 3}))
    world.roll_forward()
    assert week
    assert len(dates(owner, TODAY, "2026-12-31")) == 91


def test_a_higher_horizon_makes_the_missing_records(owner: Client, week: list[str], world: World) -> None:
    good(owner.patch("/v1/appointment-config", {"horizon_days": 100}))
    world.roll_forward()
    assert week
    assert len(dates(owner, TODAY, "2026-12-31")) == 101


@pytest.mark.parametrize("horizon", [-1, 731, 1.5, "90", None, True])
def test_horizon_days_is_0_to_730(owner: Client, horizon: object) -> None:
    refused(owner.patch("/v1/appointment-config", {"horizon_days": horizon}), 400, "VALIDATION_ERROR")


def test_an_organization_without_services_or_windows_has_no_records(owner: Client, branch: str, world: World) -> None:
    assert branch
    assert owner.records() == []
    owner.window()
    assert owner.records() == [], "a record is shown per service"
    assert world.run(schedule.roll_forward(world.db, now=world.clock())) == 0


def test_a_new_zone_of_a_branch_moves_its_today_and_its_skipped_hours(owner: Client, world: World) -> None:
    branch = owner.branch("Main")
    owner.service("Checkup")
    good(owner.patch("/v1/appointment-config", {"horizon_days": 400}))
    window = owner.window(day="sunday", start_time="02:00", end_time="03:00")
    assert owner.records("2027-03-28")[0]["status"] == "OPEN"
    good(owner.patch(f"/v1/branches/{branch}", {"timezone": "Europe/Berlin"}))
    assert owner.records("2027-03-28")[0]["status"] == "CLOSED"
    good(owner.patch(f"/v1/branches/{branch}", {"timezone": None}))
    good(owner.patch("/v1/appointment-config", {"timezone": "America/New_York"}))
    assert owner.records("2027-03-28")[0]["status"] == "OPEN"
    assert owner.records("2027-03-14")[0]["status"] == "CLOSED"
    world.clock.set("2026-06-14T02:00:00Z")  # still the 13th in New York
    good(owner.patch("/v1/appointment-config", {"timezone": "UTC"}))
    good(owner.patch(f"{WINDOWS}/{window}", {"max_slots": 5}))
    assert [record["max_slots"] for record in owner.records("2026-06-07", "2026-06-14")] == [20, 5]


def test_records_end_with_the_last_date_that_there_is(owner: Client, world: World) -> None:
    world.clock.set("2100-12-20T08:00:00Z")
    owner.branch("Main")
    owner.service("Checkup")
    for day in EVERY_DAY:
        owner.window(day=day)
    world.clock.set("2100-12-31T23:00:00Z")
    world.roll_forward()
    assert dates(owner, "2100-12-01", "2100-12-31") == [f"2100-12-{day}" for day in range(20, 32)]
