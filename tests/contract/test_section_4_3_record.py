"""Contract section 4.3, sentence by sentence: PATCH of a schedule tracking record."""

import json

import pytest

from tests import direct
from tests.world import MONDAY, WINDOWS, Cast, Client, World, good, plus_days, refused

UNKNOWN = "00000000-0000-4000-8000-000000000000"
FAR = plus_days(MONDAY, 7 * 40)


class Record:
    """The page's record on the page's date."""

    def __init__(self, owner: Client) -> None:
        self.branch, self.service = owner.branch("Main Street"), owner.service("Checkup")
        self.window = owner.window(ai_slots=10)
        self.slot_id = f"{self.window}||{MONDAY}||{self.service}"
        self.path = f"{WINDOWS}/tracking/{self.slot_id}"


@pytest.fixture
def record(owner: Client) -> Record:
    return Record(owner)


@pytest.mark.parametrize("bars", ["||", "%7C%7C", "%7c%7c", "|%7C"])
def test_the_bars_may_be_raw_or_percent_encoded(owner: Client, record: Record, bars: str) -> None:
    path = record.path.replace("||", bars)
    assert good(owner.patch(path, {"max_slots": 5}))["data"]["slot_id"] == record.slot_id


@pytest.mark.parametrize("form", ["{w}", "{w}||{d}", "{w}||{d}||", "{w}||{d}||{s}||{s}", "{w}|{d}|{s}", "{w}||{s}||{d}",
                                  "{w}||2026-02-30||{s}", "x||{d}||{s}", "{w}||{d}||Checkup",
                                  "{w} ||{d}||{s}"])  # fmt: skip
def test_any_other_form_of_slot_id_is_400(owner: Client, record: Record, form: str) -> None:
    slot_id = form.format(w=record.window, d=MONDAY, s=record.service)
    error = refused(owner.patch(f"{WINDOWS}/tracking/{slot_id}", {"status": "CLOSED"}), 400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in error["details"]] == ["slot_id"]
    assert "calendar_id||YYYY-MM-DD||appointment_type_id" in error["message"]


def test_the_answer_is_success_and_the_record_as_schedule_tracking_shows_it(owner: Client, record: Record) -> None:
    answer = good(owner.patch(record.path, {"status": "CLOSED", "max_slots": 7}))
    assert list(answer) == ["success", "data"]
    assert json.dumps(answer["data"]) == json.dumps(owner.records()[0]), "key order included"
    assert (answer["data"]["status"], answer["data"]["max_slots"]) == ("CLOSED", 7)


def test_status_and_max_slots_may_come_alone_or_together(owner: Client, record: Record) -> None:
    assert good(owner.patch(record.path, {"status": "CLOSED"}))["data"]["max_slots"] == 20
    assert good(owner.patch(record.path, {"max_slots": 3}))["data"]["status"] == "CLOSED"
    assert good(owner.patch(record.path, {"status": "OPEN", "max_slots": 4}))["data"]["max_slots"] == 4


def test_at_least_one_field_is_needed(owner: Client, record: Record) -> None:
    error = refused(owner.patch(record.path, {}), 400, "VALIDATION_ERROR")
    assert "status" in error["message"]
    assert "max_slots" in error["message"]


@pytest.mark.parametrize("places", [0, 1, 10_000])
def test_max_slots_is_an_integer_from_0_to_10000(owner: Client, record: Record, places: int) -> None:
    assert good(owner.patch(record.path, {"max_slots": places}))["data"]["max_slots"] == places


@pytest.mark.parametrize("places", [-1, 10_001, 1.5, "5", True, [], {}, 10**30, 5.0000001])
def test_any_other_max_slots_is_400(owner: Client, record: Record, places: object) -> None:
    error = refused(owner.patch(record.path, {"max_slots": places}), 400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in error["details"]] == ["max_slots"]


@pytest.mark.parametrize("status", ["open", "Closed", "", "FULL", 1, True, ["OPEN"]])
def test_any_status_but_open_and_closed_is_400(owner: Client, record: Record, status: object) -> None:
    error = refused(owner.patch(record.path, {"status": status}), 400, "VALIDATION_ERROR")
    assert "OPEN" in error["message"]
    assert "CLOSED" in error["message"]


def test_null_takes_an_override_off(owner: Client, record: Record) -> None:
    before = owner.records()
    good(owner.patch(record.path, {"status": "CLOSED", "max_slots": 7}))
    assert good(owner.patch(record.path, {"status": None}))["data"]["status"] == "OPEN"
    assert good(owner.patch(record.path, {"max_slots": None}))["data"]["max_slots"] == 20
    assert owner.records() == before
    good(owner.patch(f"{WINDOWS}/{record.window}", {"max_slots": 25}))
    assert owner.records()[0]["max_slots"] == 25, "nothing is left of it"


def test_null_where_nothing_is_overridden_changes_nothing(owner: Client, record: Record) -> None:
    before = owner.records()
    assert good(owner.patch(record.path, {"status": None, "max_slots": None}))["data"] == before[0]
    assert owner.records() == before


def test_it_holds_for_this_date_and_service_only(owner: Client, record: Record) -> None:
    other = owner.service("Other")
    good(owner.patch(record.path, {"status": "CLOSED", "max_slots": 7}))
    by_service = {shown["appointment_type_id"]: shown for shown in owner.records()}
    assert (by_service[other]["status"], by_service[other]["max_slots"]) == ("OPEN", 20)
    for shown in owner.records(plus_days(MONDAY, 7)) + owner.records(plus_days(MONDAY, -7)):
        assert (shown["status"], shown["max_slots"]) == ("OPEN", 20)


def test_the_weekly_window_stays(owner: Client, record: Record) -> None:
    before = good(owner.get(f"{WINDOWS}/{record.window}"))
    good(owner.patch(record.path, {"status": "CLOSED", "max_slots": 7}))
    assert good(owner.get(f"{WINDOWS}/{record.window}")) == before


def test_an_override_survives_every_change_of_its_window(owner: Client, record: Record) -> None:
    good(owner.patch(record.path, {"max_slots": 7}))
    good(owner.patch(f"{WINDOWS}/{record.window}", {"max_slots": 30, "start_time": "08:00"}))
    (shown,) = owner.records()
    assert (shown["max_slots"], shown["start_time"]) == (7, "08:00")


def test_no_such_window_service_or_covered_date_is_404(owner: Client, record: Record) -> None:
    other = owner.service("Other")
    own = owner.window(session="Evening", appointment_type_id=other)
    for slot_id in (
        f"{UNKNOWN}||{MONDAY}||{record.service}",
        f"{record.window}||{MONDAY}||{UNKNOWN}",
        f"{record.window}||{plus_days(MONDAY, 1)}||{record.service}",
        f"{record.window}||{plus_days(FAR, 1)}||{record.service}",
        f"{own}||{MONDAY}||{record.service}",  # the window serves another one
    ):
        for body in ({"status": "OPEN"}, {"status": "CLOSED"}, {"max_slots": 5}, {"max_slots": None}):
            refused(owner.patch(f"{WINDOWS}/tracking/{slot_id}", body), 404, "NOT_FOUND")


def test_a_date_that_a_disabled_window_left_without_a_record_is_404(owner: Client, record: Record) -> None:
    good(owner.post(f"{WINDOWS}/{record.window}/disable"))
    refused(owner.patch(record.path, {"max_slots": 5}), 404, "NOT_FOUND")


def test_open_where_a_closure_speaks_first_is_409_that_names_it(
    owner: Client, record: Record, world: World, cast: Cast
) -> None:
    direct.closure(world.url, cast.owner_org, MONDAY, MONDAY, now=world.clock())
    error = refused(owner.patch(record.path, {"status": "OPEN"}), 409, "CONFLICT")
    assert "closure" in error["message"].lower() or "Holiday" in error["message"]
    assert good(owner.patch(record.path, {"max_slots": 9}))["data"]["max_slots"] == 9
    assert owner.records()[0]["status"] == "CLOSED"


def test_open_where_no_window_covers_the_date_any_more_is_409_that_names_it(
    owner: Client, record: Record, world: World, cast: Cast
) -> None:
    world.book(cast.owner_org, record.window, MONDAY, record.service)
    good(owner.post(f"{WINDOWS}/{record.window}/disable"))
    error = refused(owner.patch(record.path, {"status": "OPEN"}), 409, "CONFLICT")
    assert "window" in error["message"].lower()
    assert good(owner.patch(record.path, {"max_slots": 9}))["data"]["status"] == "CLOSED"


def test_a_refusal_changes_nothing(owner: Client, record: Record, world: World, cast: Cast) -> None:
    direct.closure(world.url, cast.owner_org, MONDAY, MONDAY, now=world.clock())
    before = direct.dump(world.url, cast.owner_org)
    refused(owner.patch(record.path, {"status": "OPEN", "max_slots": 3}), 409, "CONFLICT")
    after = direct.dump(world.url, cast.owner_org)
    assert {name: rows for name, rows in after.items() if name != "audit"} == {
        name: rows for name, rows in before.items() if name != "audit"
    }


def test_a_date_beyond_the_horizon_can_be_overridden(owner: Client, record: Record) -> None:
    slot_id = f"{record.window}||{FAR}||{record.service}"
    assert good(owner.patch(f"{WINDOWS}/tracking/{slot_id}", {"max_slots": 2}))["data"]["max_slots"] == 2
    assert owner.slots(FAR)[0]["max_slots"] == 2


def test_the_pages_closing_of_a_record_takes_effect_in_availability(owner: Client, record: Record) -> None:
    good(owner.patch(record.path, {"status": "CLOSED"}))
    assert owner.slots() == []
    good(owner.patch(record.path, {"status": "OPEN"}))
    assert len(owner.slots()) == 1


@pytest.mark.parametrize("other", [{"reason": "Half a day"}, {"ai_slots": 1}])
def test_what_is_stored_already_has_no_effect_whatever_else_the_day_says(
    owner: Client, record: Record, other: dict[str, object]
) -> None:
    good(owner.override(record.window, MONDAY, **other))
    good(owner.patch(record.path, {"max_slots": 20, "status": "OPEN"}))
    good(owner.patch(f"{WINDOWS}/{record.window}", {"max_slots": 25}))
    good(owner.override(record.window, MONDAY, status="CLOSED"))
    (shown,) = owner.records()
    assert (shown["max_slots"], shown["status"]) == (25, "CLOSED"), "20 and OPEN were what the window said anyway"


def test_what_the_day_says_becomes_the_records_own_when_it_is_asked_for(owner: Client, record: Record) -> None:
    good(owner.override(record.window, MONDAY, max_slots=7))
    good(owner.patch(record.path, {"max_slots": 7}))
    good(owner.override(record.window, MONDAY, max_slots=9))
    assert owner.records()[0]["max_slots"] == 7
