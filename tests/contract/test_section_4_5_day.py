"""Contract section 4.5, sentence by sentence: PATCH of a whole window-date."""

import json

import pytest

from tests import direct
from tests.world import MONDAY, WINDOWS, Cast, Client, World, good, plus_days, refused

UNKNOWN = "00000000-0000-4000-8000-000000000000"
FAR = plus_days(MONDAY, 7 * 40)


class Day:
    """The page's window on the page's date."""

    def __init__(self, owner: Client) -> None:
        self.branch, self.service = owner.branch("Main Street"), owner.service("Checkup")
        self.window = owner.window(ai_slots=10, batch_name="MA")
        self.path = f"{WINDOWS}/days/{self.window}||{MONDAY}"


@pytest.fixture
def day(owner: Client) -> Day:
    return Day(owner)


@pytest.mark.parametrize("bars", ["||", "%7C%7C"])
def test_the_bars_may_be_raw_or_percent_encoded(owner: Client, day: Day, bars: str) -> None:
    answer = good(owner.patch(day.path.replace("||", bars), {"max_slots": 5}))
    assert answer["data"]["slot_id"] == f"{day.window}||{MONDAY}"


@pytest.mark.parametrize("form", ["{w}", "{w}||{d}||{s}", "{w}||", "{w}||2026-02-30", "x||{d}", "{d}||{w}"])
def test_any_form_but_the_two_part_one_is_400(owner: Client, day: Day, form: str) -> None:
    slot_id = form.format(w=day.window, d=MONDAY, s=day.service)
    error = refused(owner.patch(f"{WINDOWS}/days/{slot_id}", {"max_slots": 5}), 400, "VALIDATION_ERROR")
    assert "calendar_id||YYYY-MM-DD" in error["message"]


def test_the_answer_is_success_and_the_slot_as_availability_shows_it(owner: Client, day: Day) -> None:
    answer = good(owner.patch(day.path, {"max_slots": 7, "ai_slots": 3, "reason": "Second doctor away"}))
    assert list(answer) == ["success", "data"]
    assert json.dumps(answer["data"]) == json.dumps(owner.slots()[0]), "key order included"
    assert (answer["data"]["max_slots"], answer["data"]["ai_slots"]) == (7, 3)


def test_a_closed_slot_is_answered_with_its_status_and_leaves_availability(owner: Client, day: Day) -> None:
    (before,) = owner.slots()
    assert good(owner.patch(day.path, {"status": "CLOSED"}))["data"] == before | {"status": "CLOSED"}
    assert owner.slots() == []
    assert good(owner.patch(day.path, {"status": "OPEN"}))["data"] == before


def test_at_least_one_field_is_needed(owner: Client, day: Day) -> None:
    error = refused(owner.patch(day.path, {}), 400, "VALIDATION_ERROR")
    assert all(name in error["message"] for name in ("status", "max_slots", "ai_slots", "reason"))


@pytest.mark.parametrize("name", ["max_slots", "ai_slots"])
@pytest.mark.parametrize("value", [-1, 10_001, 2.5, "7", False, []])
def test_max_slots_and_ai_slots_are_integers_from_0_to_10000(owner: Client, day: Day, name: str, value: object) -> None:
    error = refused(owner.patch(day.path, {name: value}), 400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in error["details"]] == [name]


@pytest.mark.parametrize("value", [0, 1, 10_000])
def test_every_number_from_0_to_10000_is_taken(owner: Client, day: Day, value: int) -> None:
    data = good(owner.patch(day.path, {"max_slots": value, "ai_slots": value}))["data"]
    assert (data["max_slots"], data["ai_slots"], data["available_slots"]) == (value, value, value)


def test_a_reason_has_at_most_200_characters(owner: Client, day: Day) -> None:
    good(owner.patch(day.path, {"reason": "ü" * 200}))
    refused(owner.patch(day.path, {"reason": "u" * 201}), 400, "VALIDATION_ERROR")
    refused(owner.patch(day.path, {"reason": 7}), 400, "VALIDATION_ERROR")
    good(owner.patch(day.path, {"reason": None}))


def test_null_takes_it_off(owner: Client, day: Day) -> None:
    before = owner.slots()
    good(owner.patch(day.path, {"status": "CLOSED", "max_slots": 3, "ai_slots": 1, "reason": "Half a day"}))
    for name in ("status", "max_slots", "ai_slots", "reason"):
        good(owner.patch(day.path, {name: None}))
    assert owner.slots() == before
    good(owner.patch(f"{WINDOWS}/{day.window}", {"max_slots": 40, "ai_slots": 30}))
    assert (owner.slots()[0]["max_slots"], owner.slots()[0]["ai_slots"]) == (40, 30), "nothing is left of it"


def test_it_holds_whatever_services_the_window_date_serves_also_those_added_later(owner: Client, day: Day) -> None:
    good(owner.patch(day.path, {"max_slots": 6, "status": "CLOSED"}))
    later = owner.service("Later")
    shown = {record["appointment_type_id"]: (record["max_slots"], record["status"]) for record in owner.records()}
    assert shown == {day.service: (6, "CLOSED"), later: (6, "CLOSED")}


def test_it_holds_for_that_window_date_only(owner: Client, day: Day) -> None:
    evening = owner.window(session="Evening")
    good(owner.patch(day.path, {"status": "CLOSED"}))
    assert [slot["calendar_id"] for slot in owner.slots()] == [evening]
    assert len(owner.slots(plus_days(MONDAY, 7))) == 2
    assert good(owner.get(f"{WINDOWS}/{day.window}"))["data"]["status"] == "OPEN"


def test_the_override_of_a_record_speaks_before_that_of_its_window_date(owner: Client, day: Day) -> None:
    good(owner.override(day.window, MONDAY, day.service, max_slots=4, status="CLOSED"))
    good(owner.patch(day.path, {"max_slots": 9}))
    (record,) = owner.records()
    assert (record["max_slots"], record["status"]) == (4, "CLOSED")


def test_no_such_window_or_covered_date_is_404(owner: Client, day: Day) -> None:
    for slot_id in (f"{UNKNOWN}||{MONDAY}", f"{day.window}||{plus_days(MONDAY, 1)}"):
        refused(owner.patch(f"{WINDOWS}/days/{slot_id}", {"max_slots": 5}), 404, "NOT_FOUND")


def test_a_closure_speaks_before_it(owner: Client, day: Day, world: World, cast: Cast) -> None:
    direct.closure(world.url, cast.owner_org, MONDAY, MONDAY, now=world.clock())
    assert owner.patch(day.path, {"status": "OPEN"}).status_code in (200, 409)
    assert owner.records()[0]["status"] == "CLOSED"
    assert owner.slots() == []


def test_a_date_beyond_the_horizon_can_be_closed_and_given_more_places(owner: Client, day: Day) -> None:
    path = f"{WINDOWS}/days/{day.window}||{FAR}"
    assert good(owner.patch(path, {"max_slots": 50, "ai_slots": 45}))["data"]["available_slots"] == 45
    assert owner.slots(FAR)[0]["max_slots"] == 50
    good(owner.patch(path, {"status": "CLOSED"}))
    assert owner.slots(FAR) == []
    assert owner.records(FAR)[0]["status"] == "CLOSED"


def test_a_whole_slot_sent_back_changes_nothing_whatever_its_services_say(owner: Client, day: Day) -> None:
    other = owner.service("Other")
    good(owner.override(day.window, MONDAY, other, max_slots=30, status="OPEN"))
    for fields in ({"reason": "Half a day"}, {"status": "CLOSED"}):
        good(owner.patch(day.path, fields))
        good(owner.override(day.window, MONDAY, other, status="OPEN"))
        before = (owner.slots(), owner.records())
        assert before[0][0]["max_slots"] == 30
        good(owner.patch(day.path, before[0][0]))
        assert (owner.slots(), owner.records()) == before


def test_overrides_on_two_dates_of_a_window_do_not_meet(owner: Client, day: Day) -> None:
    later = plus_days(MONDAY, 7)
    good(owner.patch(day.path, {"max_slots": 6}))
    good(owner.override(day.window, later, status="CLOSED"))
    good(owner.override(day.window, later, day.service, max_slots=3))
    assert owner.slots()[0]["max_slots"] == owner.records()[0]["max_slots"] == 6
    assert owner.slots(later) == []
    assert [(record["max_slots"], record["status"]) for record in owner.records(later)] == [(3, "CLOSED")]


def test_what_is_set_explicitly_holds_for_services_that_are_added_later(owner: Client) -> None:
    owner.branch("Main Street")
    service = owner.service("Checkup")
    window = owner.window()
    good(owner.override(window, MONDAY, service, status="CLOSED", max_slots=30))
    good(owner.override(window, MONDAY, status="CLOSED"))
    good(owner.override(window, MONDAY, max_slots=30))
    owner.service("Vaccination")
    assert owner.slots() == []
    numbers = {one["appointment_type_name"]: (one["max_slots"], one["status"]) for one in owner.records(MONDAY)}
    assert numbers == {"Checkup": (30, "CLOSED"), "Vaccination": (30, "CLOSED")}
