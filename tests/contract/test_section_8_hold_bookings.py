"""Contract section 8, sentence by sentence: the booking that turns a hold into an appointment."""

import pytest

from slotkeeper.domain.access import Scope
from tests.contract.clinic import HOLDS, UNKNOWN, Clinic
from tests.world import APPOINTMENTS, MONDAY, Cast, Client, World, good, plus_days, refused

AT_TEN = f"{MONDAY}T10:00:00Z"


@pytest.fixture
def clinic(world: World, owner: Client, cast: Cast) -> Clinic:
    return Clinic(world, owner, cast)


def test_a_booking_with_a_hold_is_answered_as_any_other(clinic: Clinic) -> None:
    clinic.rules(token_numbers=True)
    hold = clinic.hold()
    body = clinic.body(hold_id=hold["hold_id"], notes="First visit", external_reference_id="crm-7")
    answer = good(clinic.owner.post(f"{APPOINTMENTS}?expand=slot", body), 201)
    assert list(answer) == ["success", "appointment_id", "token", "data"]
    data = answer["data"]
    assert (answer["appointment_id"], answer["token"]) == (data["appointment_id"], data["token"])
    assert isinstance(data["token"], int)
    assert (data["slot_id"], data["start_time"]) == (clinic.slot_id, "09:30")
    assert (data["session"], data["batch"], data["branch_id"]) == (hold["session"], hold["batch"], clinic.branch)
    assert (data["status"], data["notes"], data["external_reference_id"]) == ("confirmed", "First visit", "crm-7")
    path = f"{APPOINTMENTS}/{data['appointment_id']}"
    assert good(clinic.owner.get(path, expand="slot"))["data"] == data
    assert clinic.stored("holds") == 0


def test_a_hold_for_a_time_says_service_and_time_itself(clinic: Clinic) -> None:
    hold = clinic.hold(appointment_type="checkup", appointment_date=AT_TEN)
    data = good(clinic.confirm(hold, appointment_date=...), 201)["data"]
    shown = good(clinic.owner.get(f"{APPOINTMENTS}/{data['appointment_id']}", expand="slot"))["data"]
    assert (shown["appointment_date"], shown["slot_id"]) == (f"{MONDAY}T10:00:00.000Z", clinic.slot_id)


def test_a_hold_for_a_time_is_confirmed_for_any_time_of_its_window_date(clinic: Clinic) -> None:
    for number, time in enumerate(("09:00:00", "10:59:59")):
        hold = clinic.hold(appointment_type="Checkup", appointment_date=AT_TEN)
        answer = clinic.confirm(hold, appointment_date=f"{MONDAY}T{time}Z", patient_name=f"P {number}")
        assert good(answer, 201)["data"]["date"] == MONDAY


def test_a_hold_of_a_slot_leaves_the_time_to_the_booking(clinic: Clinic) -> None:
    hold = clinic.hold()
    error = refused(clinic.confirm(hold, appointment_date=...), 400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in error["details"]] == ["appointment_date"]
    assert good(clinic.shown(hold))["data"] == hold
    good(clinic.confirm(hold), 201)


@pytest.mark.parametrize("field", ["patient_name", "parent_phone"])
def test_a_hold_does_not_say_who_comes(clinic: Clinic, field: str) -> None:
    hold = clinic.hold()
    for wrong in (..., None, ""):
        error = refused(clinic.confirm(hold, **{field: wrong}), 400, "VALIDATION_ERROR")
        assert [detail["field"] for detail in error["details"]] == [field]
    assert good(clinic.shown(hold))["data"] == hold
    assert clinic.counts() == (0, 1, 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("appointment_date", f"{MONDAY}T08:59:59.999Z"),
        ("appointment_date", f"{MONDAY}T11:00:00Z"),
        ("appointment_date", f"{plus_days(MONDAY, 7)}T09:30:00Z"),
        ("appointment_date", f"{plus_days(MONDAY, 1)}T09:30:00Z"),
        ("session", "Afternoon"),
        ("batch", "MB"),
        ("branch_id", UNKNOWN),
        ("appointment_type", "Vaccination"),
    ],
)
def test_what_contradicts_the_hold_is_400_and_the_hold_stays(clinic: Clinic, field: str, value: str) -> None:
    clinic.owner.service("Vaccination")
    hold = clinic.hold()
    error = refused(clinic.confirm(hold, **{field: value}), 400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in error["details"]] == [field]
    assert good(clinic.shown(hold))["data"] == hold
    assert clinic.counts() == (0, 1, 1)
    good(clinic.confirm(hold), 201)


def test_the_branch_of_a_hold_need_not_be_said_again_where_there_are_several(clinic: Clinic) -> None:
    other = clinic.owner.branch("Harbour")
    hold = clinic.hold()
    refused(clinic.confirm(hold, branch_id=other), 400, "VALIDATION_ERROR")
    assert good(clinic.confirm(hold), 201)["data"]["branch_id"] == clinic.branch


def test_a_hold_id_is_read_in_any_case_and_null_is_none(clinic: Clinic) -> None:
    refused(clinic.owner.post(APPOINTMENTS, clinic.body(hold_id="monday")), 400, "VALIDATION_ERROR")
    good(clinic.owner.post(APPOINTMENTS, clinic.body(hold_id=None)), 201)
    upper = {"hold_id": clinic.hold()["hold_id"].upper()}
    good(clinic.confirm(upper, patient_name="Grace Hopper"), 201)
    assert clinic.counts() == (2, 0, 0)


def test_confirming_turns_the_hold_into_an_appointment_and_the_sum_stays(clinic: Clinic) -> None:
    first, second = clinic.hold(), clinic.hold()
    assert clinic.counts() == (0, 0, 0)
    refused(clinic.owner.post(APPOINTMENTS, clinic.body("Alan Turing")), 409, "SLOT_FULL")
    booked = good(clinic.confirm(first), 201)
    assert clinic.counts() == (1, 0, 0)
    refused(clinic.owner.post(APPOINTMENTS, clinic.body("Alan Turing")), 409, "SLOT_FULL")
    good(clinic.confirm(second, patient_name="Grace Hopper"), 201)
    assert clinic.counts() == (2, 0, 0)
    good(clinic.owner.patch(f"{APPOINTMENTS}/{booked['appointment_id']}", {"status": "cancelled"}))
    assert clinic.counts() == (1, 1, 1)


def test_a_hold_is_confirmed_in_its_last_millisecond_and_expired_in_the_next(clinic: Clinic) -> None:
    holds = [clinic.hold(ttl_seconds=30), clinic.hold(ttl_seconds=30)]
    clinic.world.clock.advance(seconds=29.999)
    good(clinic.confirm(holds[0]), 201)
    clinic.world.clock.advance(milliseconds=1)
    refused(clinic.confirm(holds[1], patient_name="Grace Hopper"), 409, "HOLD_EXPIRED")
    assert clinic.counts() == (1, 1, 1)


def test_a_hold_that_was_extended_is_confirmed_after_its_first_end(clinic: Clinic) -> None:
    hold = clinic.hold(ttl_seconds=30)
    good(clinic.extend(hold, ttl_seconds=300))
    clinic.world.clock.advance(seconds=299)
    good(clinic.confirm(hold), 201)


@pytest.mark.parametrize("gone", ["ran out", "released", "confirmed", "cancelled after"])
def test_a_hold_that_is_gone_is_expired_and_books_nothing(clinic: Clinic, gone: str) -> None:
    hold = clinic.hold(ttl_seconds=30)
    if gone == "ran out":
        clinic.world.clock.advance(seconds=30)
    elif gone == "released":
        good(clinic.release(hold))
    else:
        booked = good(clinic.confirm(hold, patient_name="Grace Hopper"), 201)["appointment_id"]
        if gone == "cancelled after":
            good(clinic.owner.patch(f"{APPOINTMENTS}/{booked}", {"status": "cancelled"}))
    before = clinic.dump()
    for _ in range(2):
        refused(clinic.confirm(hold), 409, "HOLD_EXPIRED")
    assert clinic.dump() == before
    assert clinic.counts().filled == (1 if gone == "confirmed" else 0)


def test_a_hold_that_never_was_is_404_and_so_is_another_organizations(clinic: Clinic, outsider: Client) -> None:
    refused(clinic.confirm({"hold_id": UNKNOWN}), 404, "NOT_FOUND")
    hold = clinic.hold()
    outsider.branch("Elsewhere")
    outsider.service("Checkup")
    refused(clinic.confirm(hold, outsider), 404, "NOT_FOUND")
    assert good(clinic.shown(hold))["data"] == hold
    good(clinic.release(hold))
    refused(clinic.confirm(hold, outsider), 404, "NOT_FOUND")


def test_one_hold_confirmed_by_many_at_once_gives_one_appointment(clinic: Clinic) -> None:
    hold = clinic.hold()
    bodies = [clinic.body(f"P {number}", hold_id=hold["hold_id"]) for number in range(20)]
    ahead = clinic.body("Alan Turing")  # while it is written the others wait, and are then judged together
    first, *answers = clinic.at_once([("POST", APPOINTMENTS, body) for body in [ahead, *bodies]])
    good(first, 201)
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    for answer in answers:
        if answer.status_code == 409:
            refused(answer, 409, "HOLD_EXPIRED")
    assert clinic.counts() == (2, 0, 0)


def test_a_hold_that_is_released_while_it_is_confirmed_gives_its_place_once(clinic: Clinic) -> None:
    hold = clinic.hold()
    confirmation = ("POST", APPOINTMENTS, clinic.body(hold_id=hold["hold_id"]))
    booked, released = clinic.at_once([confirmation, ("DELETE", f"{HOLDS}/{hold['hold_id']}", None)])
    good(released)
    assert booked.status_code in {201, 409}
    filled = 1 if booked.status_code == 201 else 0
    assert clinic.counts() == (filled, 2 - filled, 2 - filled)


def test_the_ai_limit_counts_holds_of_every_channel(clinic: Clinic) -> None:
    clinic.limits(ai_slots=1)
    staffs = clinic.hold(clinic.staff)
    assert clinic.counts() == (0, 0, 1)
    refused(clinic.owner.post(APPOINTMENTS, clinic.body("Alan Turing")), 409, "SLOT_FULL")
    good(clinic.release(staffs))
    own = clinic.hold()
    assert clinic.counts() == (0, 0, 1)
    good(clinic.owner.post(APPOINTMENTS, clinic.body("Alan Turing") | {"hold_id": own["hold_id"]}), 201)
    assert clinic.counts() == (1, 0, 1)
    good(clinic.staff.post(APPOINTMENTS, clinic.body("Grace Hopper")), 201)
    assert clinic.counts() == (2, 0, 0)


def test_any_key_of_the_organization_confirms_but_ai_never_a_hold_of_the_staff(clinic: Clinic) -> None:
    other = clinic.world.key(clinic.org_id, [Scope.APPOINTMENTS_WRITE])
    good(clinic.confirm(clinic.hold(), other), 201)
    staffs = clinic.hold(clinic.staff)
    for ai in (clinic.owner, other):
        refused(clinic.confirm(staffs, ai, patient_name="Grace Hopper"), 409, "CONFLICT")
    assert good(clinic.shown(staffs))["data"] == staffs
    good(clinic.confirm(staffs, clinic.staff, patient_name="Grace Hopper"), 201)
    assert clinic.counts() == (2, 0, 0)


def test_the_staff_confirms_a_hold_of_the_ai_channel(clinic: Clinic) -> None:
    good(clinic.confirm(clinic.hold(), clinic.staff), 201)
    assert clinic.counts() == (1, 1, 1)


def test_confirming_needs_the_scope_of_bookings(clinic: Clinic) -> None:
    hold = clinic.hold()
    without = clinic.world.key(clinic.org_id, [one for one in Scope if one is not Scope.APPOINTMENTS_WRITE])
    error = refused(clinic.confirm(hold, without), 403, "INSUFFICIENT_SCOPE")
    assert "appointments:write" in error["message"]
    assert good(clinic.shown(hold))["data"] == hold


def test_a_confirmation_that_is_sent_again_gets_its_answer_and_not_that_the_hold_is_gone(clinic: Clinic) -> None:
    hold = clinic.hold(ttl_seconds=30)
    body = clinic.body(hold_id=hold["hold_id"])
    first = clinic.once(APPOINTMENTS, "key-1", body)
    good(first, 201)
    clinic.world.clock.advance(seconds=60)
    again = clinic.once(APPOINTMENTS, "key-1", body)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotent-replay"] == "true"
    refused(clinic.once(APPOINTMENTS, "key-2", body), 409, "HOLD_EXPIRED")
    assert clinic.counts() == (1, 1, 1)
