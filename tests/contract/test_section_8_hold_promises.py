"""Contract section 8, sentence by sentence: a live hold is a promise, and what breaks it."""

from typing import Any

import pytest

from tests.contract.clinic import Clinic
from tests.world import APPOINTMENTS, MONDAY, WINDOWS, Cast, Client, World, good, plus_days, refused


@pytest.fixture
def clinic(world: World, owner: Client, cast: Cast) -> Clinic:
    return Clinic(world, owner, cast)


def close(clinic: Clinic, how: str) -> None:
    """Take the clinic's window, date or service away from new bookings."""
    owner, window = clinic.owner, f"{WINDOWS}/{clinic.window}"
    if how == "closure":
        good(owner.post("/v1/closures", {"date_from": MONDAY, "reason": "Closed"}), 201)
    elif how == "closure of the branch":
        good(owner.post("/v1/closures", {"date_from": MONDAY, "reason": "Closed", "branch_id": clinic.branch}), 201)
    elif how == "day":
        good(owner.override(clinic.window, MONDAY, status="CLOSED"))
    elif how == "record":
        good(owner.override(clinic.window, MONDAY, clinic.service, status="CLOSED"))
    elif how == "disabled":
        good(owner.post(f"{window}/disable"))
    elif how == "moved to Tuesday":
        good(owner.patch(window, {"day": "tuesday"}))
    elif how == "for another service":
        good(owner.patch(window, {"appointment_type_id": owner.service("Vaccination")}))


CLOSINGS = [
    "closure", "closure of the branch", "day", "record", "disabled", "moved to Tuesday", "for another service",
]  # fmt: skip


@pytest.mark.parametrize("how", ["day", "ai of the day", "record", "window", "ai of the window"])
def test_no_lowered_limit_breaks_the_promise(clinic: Clinic, how: str) -> None:
    hold = clinic.hold()
    good(clinic.owner.post(APPOINTMENTS, clinic.body("Alan Turing")), 201)
    if how == "day":
        good(clinic.owner.override(clinic.window, MONDAY, max_slots=0))
    elif how == "ai of the day":
        good(clinic.owner.override(clinic.window, MONDAY, ai_slots=0))
    elif how == "record":
        good(clinic.owner.override(clinic.window, MONDAY, clinic.service, max_slots=0))
    elif how == "window":
        clinic.limits(max_slots=1)
    else:
        clinic.limits(ai_slots=0)
    refused(clinic.owner.post(APPOINTMENTS, clinic.body("Grace Hopper")), 409, "SLOT_FULL")
    refused(clinic.ask(), 409, "SLOT_FULL")
    good(clinic.confirm(hold), 201)
    counts = clinic.counts()
    assert (counts.filled, counts.left_to_ai) == (2, 0)


@pytest.mark.parametrize(
    "tightened",
    [{"min_notice_hours": 8_760}, {"max_advance_days": 0}, {"allow_cancellation": False, "allow_rescheduling": False}],
)
def test_no_booking_rule_breaks_the_promise(clinic: Clinic, tightened: dict[str, Any]) -> None:
    hold = clinic.hold()
    clinic.rules(**tightened)
    if "allow_cancellation" not in tightened:
        refused(clinic.owner.post(APPOINTMENTS, clinic.body("Alan Turing")), 422, "NOT_ALLOWED_BY_POLICY")
    good(clinic.confirm(hold), 201)


@pytest.mark.parametrize("how", CLOSINGS)
def test_a_closing_breaks_the_promise_and_leaves_the_hold(clinic: Clinic, how: str) -> None:
    hold = clinic.hold(ttl_seconds=60)
    close(clinic, how)
    before = clinic.dump()
    for client in (clinic.owner, clinic.staff):
        refused(clinic.confirm(hold, client), 422, "OUTSIDE_AVAILABILITY")
    assert good(clinic.shown(hold))["data"]["hold_id"] == hold["hold_id"]
    assert clinic.dump() == before
    clinic.world.clock.advance(seconds=60)
    refused(clinic.confirm(hold), 409, "HOLD_EXPIRED")


def test_what_is_closed_elsewhere_leaves_the_promise_alone(clinic: Clinic) -> None:
    hold, owner = clinic.hold(), clinic.owner
    other, service = owner.branch("Harbour"), owner.service("Vaccination")
    good(owner.post("/v1/closures", {"date_from": MONDAY, "reason": "Closed", "branch_id": other}), 201)
    good(owner.post("/v1/closures", {"date_from": plus_days(MONDAY, 1), "reason": "Closed"}), 201)
    good(owner.override(clinic.window, plus_days(MONDAY, 7), status="CLOSED"))
    good(owner.override(clinic.window, MONDAY, service, status="CLOSED"))
    good(clinic.confirm(hold), 201)


def test_a_record_that_is_open_on_a_closed_day_is_confirmed(clinic: Clinic) -> None:
    hold = clinic.hold()
    close(clinic, "day")
    refused(clinic.confirm(hold), 422, "OUTSIDE_AVAILABILITY")
    good(clinic.owner.override(clinic.window, MONDAY, clinic.service, status="OPEN"))
    good(clinic.confirm(hold), 201)
    assert clinic.counts() == (1, 1, 1)


def test_a_duplicate_booking_leaves_the_hold_until_the_reason_is_gone(clinic: Clinic) -> None:
    standing = good(clinic.owner.post(APPOINTMENTS, clinic.body()), 201)["appointment_id"]
    hold = clinic.hold()
    message = refused(clinic.confirm(hold, patient_name=" ada  LOVELACE"), 409, "DUPLICATE_BOOKING")["message"]
    assert standing in message
    assert (clinic.stored("appointments"), clinic.stored("holds")) == (1, 1)
    assert good(clinic.shown(hold))["data"] == hold
    good(clinic.owner.patch(f"{APPOINTMENTS}/{standing}", {"status": "cancelled"}))
    good(clinic.confirm(hold), 201)
    assert clinic.counts() == (1, 1, 1)


def test_a_duplicate_is_confirmed_where_the_organization_allows_it(clinic: Clinic) -> None:
    good(clinic.owner.post(APPOINTMENTS, clinic.body()), 201)
    hold = clinic.hold()
    refused(clinic.confirm(hold), 409, "DUPLICATE_BOOKING")
    clinic.rules(allow_duplicate_booking=True)
    good(clinic.confirm(hold), 201)
    assert clinic.counts() == (2, 0, 0)


def test_two_holds_for_one_patient_confirmed_at_once_give_one_appointment(clinic: Clinic) -> None:
    holds = [clinic.hold(), clinic.hold()]
    bodies = [clinic.body(hold_id=hold["hold_id"]) for hold in holds]
    answers = clinic.at_once([("POST", APPOINTMENTS, body) for body in bodies])
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    (loser,) = [place for place, answer in enumerate(answers) if answer.status_code == 409]
    refused(answers[loser], 409, "DUPLICATE_BOOKING")
    assert good(clinic.shown(holds[loser]))["data"] == holds[loser]
    assert clinic.counts() == (1, 0, 0)


def test_a_service_that_is_taken_off_offer_leaves_the_promise_alone(clinic: Clinic) -> None:
    hold = clinic.hold()
    good(clinic.owner.patch(f"/v1/services/{clinic.service}", {"active": False}))
    good(clinic.confirm(hold), 201)


def test_a_window_that_moved_to_other_hours_is_said_and_confirmed_at_one_of_those(clinic: Clinic) -> None:
    hold = clinic.hold()
    good(clinic.owner.patch(f"/v1/appointment-slots/{clinic.window}", {"start_time": "14:00", "end_time": "16:00"}))
    error = refused(clinic.confirm(hold), 400, "VALIDATION_ERROR")
    assert "14:00–16:00" in error["message"]
    good(clinic.confirm(hold, appointment_date=f"{MONDAY}T14:30:00Z"), 201)
