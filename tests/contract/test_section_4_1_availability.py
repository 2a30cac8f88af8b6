"""Contract section 4.1, sentence by sentence."""

import pytest

from tests import direct
from tests.world import AVAILABILITY, MONDAY, WINDOWS, Cast, Client, World, good, plus_days, refused

UNKNOWN = "00000000-0000-4000-8000-000000000000"
KEYS = [
    "slot_id", "calendar_id", "branch_id", "day", "session", "batch", "start_time", "end_time", "appointment_type",
    "max_slots", "ai_slots", "filled_slots", "available_slots", "status", "created_at", "updated_at",
]  # fmt: skip


@pytest.fixture
def branch(owner: Client) -> str:
    return owner.branch("Main Street")


@pytest.fixture
def service(owner: Client, branch: str) -> str:
    assert branch
    return owner.service("Checkup")


def test_the_answer_has_exactly_success_date_and_slots_and_each_slot_exactly_the_documented_keys(
    owner: Client, service: str
) -> None:
    owner.window(appointment_type_id=service)
    answer = good(owner.get(AVAILABILITY, date=MONDAY))
    assert list(answer) == ["success", "date", "slots"]
    assert answer["date"] == MONDAY
    assert [list(slot) for slot in answer["slots"]] == [KEYS]


def test_a_slots_values_are_those_of_its_window(owner: Client, branch: str, service: str, world: World) -> None:
    window = owner.window(batch_name="MA", ai_slots=10)
    world.clock.advance(days=1)
    good(owner.patch(f"{WINDOWS}/{window}", {"end_time": "12:00"}))
    (slot,) = owner.slots()
    assert slot == {
        "slot_id": f"{window}||{MONDAY}", "calendar_id": window, "branch_id": branch, "day": "monday",
        "session": "Morning", "batch": "MA", "start_time": "09:00", "end_time": "12:00", "appointment_type": None,
        "max_slots": 20, "ai_slots": 10, "filled_slots": 0, "available_slots": 10, "status": "OPEN",
        "created_at": "2026-06-01T08:00:00.000Z", "updated_at": "2026-06-02T08:00:00.000Z",
    }  # fmt: skip
    assert service


def test_appointment_type_is_the_service_of_a_window_for_one_service_and_null_else(owner: Client, service: str) -> None:
    owner.window(appointment_type_id=service)
    owner.window(session="Evening", start_time="18:00", end_time="20:00")
    assert [slot["appointment_type"] for slot in owner.slots()] == [service, None]


def test_batch_is_null_where_the_window_has_none(owner: Client, service: str) -> None:
    owner.window()
    assert service
    assert owner.slots()[0]["batch"] is None


def test_date_is_required(owner: Client) -> None:
    error = refused(owner.get(AVAILABILITY), 400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in error["details"]] == ["date"]


def test_only_windows_of_that_weekday_are_listed(owner: Client, service: str) -> None:
    windows = {day: owner.window(day=day) for day in ("monday", "tuesday", "sunday")}
    assert service
    assert [slot["calendar_id"] for slot in owner.slots(MONDAY)] == [windows["monday"]]
    assert [slot["calendar_id"] for slot in owner.slots(plus_days(MONDAY, 1))] == [windows["tuesday"]]
    assert [slot["calendar_id"] for slot in owner.slots(plus_days(MONDAY, 6))] == [windows["sunday"]]
    assert owner.slots(plus_days(MONDAY, 2)) == []


def test_a_disabled_window_is_not_listed(owner: Client, service: str) -> None:
    window = owner.window()
    good(owner.post(f"{WINDOWS}/{window}/disable"))
    assert service
    assert owner.slots() == []


def test_a_window_disabled_with_a_booking_is_not_listed_either(
    owner: Client, service: str, world: World, cast: Cast
) -> None:
    window = owner.window()
    world.book(cast.owner_org, window, MONDAY, service)
    good(owner.post(f"{WINDOWS}/{window}/disable"))
    assert owner.slots() == []


def test_a_window_is_listed_while_at_least_one_record_is_open(owner: Client, service: str) -> None:
    window, second = owner.window(), owner.service("Second")
    good(owner.override(window, MONDAY, service, status="CLOSED"))
    assert len(owner.slots()) == 1
    good(owner.override(window, MONDAY, second, status="CLOSED"))
    assert owner.slots() == []


@pytest.mark.parametrize("whole_branch", [True, False])
def test_a_date_in_a_closure_is_not_listed(
    owner: Client, branch: str, service: str, world: World, cast: Cast, *, whole_branch: bool
) -> None:
    owner.window()
    chosen = branch if whole_branch else None
    direct.closure(world.url, cast.owner_org, MONDAY, MONDAY, branch_id=chosen, now=world.clock())
    far = plus_days(MONDAY, 7 * 52)
    direct.closure(world.url, cast.owner_org, far, far, branch_id=chosen, now=world.clock())
    assert service
    assert owner.slots(MONDAY) == []
    assert owner.slots(far) == [], "also where no record is stored"
    assert len(owner.slots(plus_days(MONDAY, 7))) == 1


def test_a_closure_of_another_branch_closes_nothing(owner: Client, service: str, world: World, cast: Cast) -> None:
    owner.window()
    other = owner.branch("Other")
    direct.closure(world.url, cast.owner_org, MONDAY, MONDAY, branch_id=other, now=world.clock())
    assert service
    assert len(owner.slots()) == 1


def test_a_full_window_is_listed_with_0_available(owner: Client, service: str, world: World, cast: Cast) -> None:
    window = owner.window(max_slots=1)
    world.book(cast.owner_org, window, MONDAY, service)
    (slot,) = owner.slots()
    assert (slot["filled_slots"], slot["available_slots"], slot["status"]) == (1, 0, "OPEN")


def test_max_slots_is_the_largest_limit_among_active_services_with_an_open_record(owner: Client, service: str) -> None:
    window = owner.window()
    larger, closed, inactive = owner.service("Larger"), owner.service("Closed"), owner.service("Inactive")
    for who, places in [(service, 5), (larger, 8), (closed, 50), (inactive, 60)]:
        good(owner.override(window, MONDAY, who, max_slots=places))
    good(owner.override(window, MONDAY, closed, status="CLOSED"))
    good(owner.patch(f"/v1/services/{inactive}", {"active": False}))
    assert owner.slots()[0]["max_slots"] == 8


@pytest.mark.parametrize(("ai_slots", "places", "shown"), [(10, 30, 10), (10, 4, 4), (None, 4, 4), (None, 30, 30)])
def test_ai_slots_is_the_lower_of_ai_and_max_slots(
    owner: Client, service: str, ai_slots: int | None, places: int, shown: int
) -> None:
    window = owner.window(**({} if ai_slots is None else {"ai_slots": ai_slots}))
    good(owner.override(window, MONDAY, service, max_slots=places))
    (slot,) = owner.slots()
    assert (slot["max_slots"], slot["ai_slots"], slot["available_slots"]) == (places, shown, shown)


def test_neither_the_clock_nor_a_booking_rule_takes_a_window_off_the_list_or_changes_a_number(
    owner: Client, service: str, world: World, cast: Cast
) -> None:
    window = owner.window()
    world.book(cast.owner_org, window, MONDAY, service)
    before = owner.slots()
    good(owner.patch("/v1/appointment-config", {"min_notice_hours": 8000, "max_advance_days": 0}))
    assert owner.slots() == before
    world.clock.set("2026-06-15T10:30:00Z")
    assert owner.slots() == before
    world.clock.set("2027-01-01T00:00:00Z")
    assert owner.slots() == before


@pytest.mark.parametrize("on", ["2000-01-03", "2026-05-25", "2028-06-12", "2100-12-27"])
def test_it_works_for_any_date_without_stored_records(owner: Client, service: str, on: str) -> None:
    window = owner.window()
    assert service
    assert owner.records(on) == []
    assert [slot["slot_id"] for slot in owner.slots(on)] == [f"{window}||{on}"]


def test_where_a_record_is_stored_the_record_speaks(owner: Client, service: str, world: World) -> None:
    window = owner.window()
    world.clock.set("2026-06-16T08:00:00Z")
    good(owner.patch(f"{WINDOWS}/{window}", {"start_time": "08:00", "max_slots": 5, "session": "Evening"}))
    assert service
    (past,) = owner.slots(MONDAY)
    assert (past["start_time"], past["max_slots"], past["session"]) == ("09:00", 20, "Morning")
    assert len(owner.slots(MONDAY, session="Morning")) == 1
    assert owner.slots(MONDAY, session="Evening") == []
    (coming,) = owner.slots(plus_days(MONDAY, 7))
    assert (coming["start_time"], coming["max_slots"], coming["session"]) == ("08:00", 5, "Evening")


def test_a_window_whose_services_are_all_inactive_is_not_listed(owner: Client, service: str) -> None:
    owner.window(appointment_type_id=service)
    owner.window(session="Evening")
    other = owner.service("Other")
    good(owner.patch(f"/v1/services/{service}", {"active": False}))
    assert [slot["appointment_type"] for slot in owner.slots()] == [None]
    good(owner.patch(f"/v1/services/{other}", {"active": False}))
    assert owner.slots() == []


def test_an_organization_with_no_service_at_all_lists_its_unrestricted_windows_with_their_own_numbers(
    owner: Client, branch: str
) -> None:
    window = owner.window(max_slots=12, ai_slots=4)
    assert branch
    (slot,) = owner.slots()
    assert (slot["calendar_id"], slot["max_slots"], slot["ai_slots"], slot["available_slots"]) == (window, 12, 4, 4)
    assert slot["status"] == "OPEN"


def test_slots_come_by_start_time_end_time_batch_and_calendar_id(owner: Client, branch: str, service: str) -> None:
    times = [("10:00", "12:00"), ("09:00", "12:00"), ("09:00", "10:00")]
    for start, end in times:
        for number, batch in enumerate(["b", None, "Z", "é"]):
            session = ("Morning", "Afternoon", "Evening")[times.index((start, end))]
            owner.window(start_time=start, end_time=end, session=session, batch_name=batch and f"{batch}{number}")
    for session in ("Afternoon", "Evening"):
        owner.window(start_time="09:00", end_time="10:00", session=session, branch_id=branch, batch_name="same")
    slots = owner.slots()
    order = [(s["start_time"], s["end_time"], s["batch"] or "", s["calendar_id"]) for s in slots]
    assert order == sorted(order), "text is ordered by code point, an absent value before any other"
    assert len(slots) == 14
    assert service


def test_branch_id_and_session_filter(owner: Client, branch: str, service: str) -> None:
    other = owner.branch("Other")
    morning, evening = owner.window(branch_id=branch), owner.window(branch_id=branch, session="Evening")
    elsewhere = owner.window(branch_id=other)
    assert service
    assert {slot["calendar_id"] for slot in owner.slots(branch_id=branch)} == {morning, evening}
    assert [slot["calendar_id"] for slot in owner.slots(branch_id=other)] == [elsewhere]
    assert {slot["calendar_id"] for slot in owner.slots(session="Morning")} == {morning, elsewhere}
    assert owner.slots(branch_id=other, session="Evening") == []


@pytest.mark.parametrize("text", ["evening", "EVENING", "eVeNiNg", "Evening"])
def test_a_session_is_read_in_any_case(owner: Client, service: str, text: str) -> None:
    owner.window(session="Evening")
    assert service
    assert [slot["session"] for slot in owner.slots(session=text)] == ["Evening"]


@pytest.mark.parametrize("text", ["Night", "morn", "Morning ", "Mornıng"])
def test_an_unknown_session_is_400(owner: Client, text: str) -> None:
    error = refused(owner.get(AVAILABILITY, date=MONDAY, session=text), 400, "VALIDATION_ERROR")
    assert all(name in error["message"] for name in ("Morning", "Afternoon", "Evening"))


def test_an_unknown_branch_gives_an_empty_list_and_a_malformed_one_400(owner: Client, service: str) -> None:
    owner.window()
    assert service
    assert owner.slots(branch_id=UNKNOWN) == []
    refused(owner.get(AVAILABILITY, date=MONDAY, branch_id="main"), 400, "VALIDATION_ERROR")


def test_appointment_type_id_lists_only_windows_that_serve_it_with_its_numbers_and_status(
    owner: Client, service: str
) -> None:
    other = owner.service("Other")
    own, everyone = owner.window(appointment_type_id=service), owner.window(session="Evening", ai_slots=10)
    good(owner.override(everyone, MONDAY, service, max_slots=6))
    assert {slot["calendar_id"]: slot["max_slots"] for slot in owner.slots(appointment_type_id=service)} == {
        own: 20,
        everyone: 6,
    }
    (slot,) = owner.slots(appointment_type_id=other)
    assert (slot["calendar_id"], slot["max_slots"], slot["ai_slots"]) == (everyone, 20, 10)
    assert slot["appointment_type"] is None
    good(owner.override(everyone, MONDAY, service, status="CLOSED"))
    assert [slot["calendar_id"] for slot in owner.slots(appointment_type_id=service)] == [own]


def test_appointment_type_id_of_an_unknown_or_inactive_service_lists_nothing(owner: Client, service: str) -> None:
    owner.window()
    assert owner.slots(appointment_type_id=UNKNOWN) == []
    good(owner.patch(f"/v1/services/{service}", {"active": False}))
    owner.service("Other")
    assert owner.slots(appointment_type_id=service) == []
    refused(owner.get(AVAILABILITY, date=MONDAY, appointment_type_id="Checkup"), 400, "VALIDATION_ERROR")


def test_a_window_wholly_inside_the_skipped_hour_is_closed_on_that_date(owner: Client) -> None:
    berlin = owner.branch("Berlin", timezone="Europe/Berlin")
    owner.service("Checkup")
    inside = owner.window(branch_id=berlin, day="sunday", start_time="02:00", end_time="03:00")
    partly = owner.window(branch_id=berlin, day="sunday", start_time="02:30", end_time="04:00", session="Evening")
    assert [slot["calendar_id"] for slot in owner.slots("2027-03-28")] == [partly]
    assert {slot["calendar_id"] for slot in owner.slots("2027-04-04")} == {inside, partly}
    owner.regenerate("2027-03-28")
    records = {record["calendar_id"]: record["status"] for record in owner.records("2027-03-28")}
    assert records == {inside: "CLOSED", partly: "OPEN"}
