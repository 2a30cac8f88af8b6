"""Contract section 6, sentence by sentence: moving, completing, cancelling and confirming appointments again."""

from typing import Any

import httpx
import pytest

from slotkeeper.domain.model import Channel
from slotkeeper.operations import upkeep
from tests.contract.test_section_6_appointments import Clinic
from tests.world import APPOINTMENTS, MONDAY, Cast, Client, World, good, plus_days, refused

NEXT = plus_days(MONDAY, 7)
LEGAL = {
    "confirmed": {"confirmed", "completed", "cancelled"},
    "rescheduled": {"confirmed", "completed", "cancelled"},
    "completed": {"completed", "confirmed", "cancelled"},
    "cancelled": {"cancelled", "confirmed"},
}


@pytest.fixture
def clinic(world: World, owner: Client, cast: Cast) -> Clinic:
    return Clinic(world, owner, cast)


def ask(clinic: Clinic, data: dict[str, Any], client: Client | None = None, /, **fields: Any) -> httpx.Response:
    return (client or clinic.owner).patch(f"{APPOINTMENTS}/{data['appointment_id']}?expand=slot", fields)


def change(clinic: Clinic, data: dict[str, Any], client: Client | None = None, /, **fields: Any) -> dict[str, Any]:
    return dict(good(ask(clinic, data, client, **fields))["data"])


def at(time: str, on: str = MONDAY) -> str:
    return f"{on}T{time}:00Z"


def in_status(clinic: Clinic, status: str) -> dict[str, Any]:
    data = clinic.book()
    if status == "rescheduled":
        return change(clinic, data, appointment_date=at("10:00"))
    return data if status == "confirmed" else change(clinic, data, status=status)


def sound(clinic: Clinic) -> bool:
    return clinic.world.run(upkeep.check(clinic.world.db)) == []


def test_a_patch_names_at_least_one_field_of_an_appointment_that_is_there(clinic: Clinic, outsider: Client) -> None:
    data = clinic.book()
    refused(ask(clinic, data), 400, "VALIDATION_ERROR")
    refused(ask(clinic, data, outsider, notes="x"), 404, "NOT_FOUND")
    refused(ask(clinic, {"appointment_id": "appt_0000000000"}, notes="x"), 404, "NOT_FOUND")


def test_notes_and_the_doctor_change_without_touching_the_status(clinic: Clinic) -> None:
    data = clinic.book()
    clinic.world.clock.advance(minutes=5)
    noted = change(clinic, data, notes="Bring the card", assigned_doctor="Dr. Who")
    assert noted == data | {
        "notes": "Bring the card", "assigned_doctor": "Dr. Who", "updated_at": "2026-06-01T08:05:00.000Z"
    }  # fmt: skip
    assert change(clinic, data, notes=None, assigned_doctor=None)["notes"] is None


@pytest.mark.parametrize("status", LEGAL)
def test_a_whole_record_sent_back_has_no_effect(clinic: Clinic, status: str) -> None:
    good(clinic.owner.patch(f"/v1/appointment-slots/{clinic.window}", {"batch_name": None}))
    data = in_status(clinic, status)
    clinic.world.clock.advance(minutes=5)
    assert data["batch"] is None
    assert change(clinic, data, **data) == data
    refused(ask(clinic, data, **(data | {"patient_name": "Grace"})), 400, "VALIDATION_ERROR")


def test_rescheduled_and_an_absent_batch_can_be_repeated_but_not_asked_for(clinic: Clinic) -> None:
    data = clinic.book()
    refused(ask(clinic, data, status="rescheduled"), 400, "VALIDATION_ERROR")
    refused(ask(clinic, data, batch=None), 400, "VALIDATION_ERROR")


def test_a_move_on_the_same_window_date_takes_no_place(clinic: Clinic) -> None:
    good(clinic.owner.patch(f"/v1/appointment-slots/{clinic.window}", {"max_slots": 1}))
    data = clinic.book()
    moved = change(clinic, data, appointment_date=at("10:15"))
    assert (moved["start_time"], moved["status"], moved["slot_id"]) == ("10:15", "rescheduled", data["slot_id"])
    assert clinic.filled() == {clinic.window: 1}
    assert sound(clinic)


def test_a_move_takes_the_new_place_and_frees_the_old_one(clinic: Clinic) -> None:
    moved = change(clinic, clinic.book(), appointment_date=at("09:30", NEXT))
    assert (moved["date"], moved["status"]) == (NEXT, "rescheduled")
    assert (clinic.filled(), clinic.filled(NEXT)) == ({clinic.window: 0}, {clinic.window: 1})
    assert sound(clinic)


def test_a_moves_status_can_be_given(clinic: Clinic) -> None:
    data = change(clinic, clinic.book(), appointment_date=at("10:00"))
    assert change(clinic, data, appointment_date=at("10:30"), status="confirmed")["status"] == "confirmed"


def test_when_the_new_place_is_refused_the_old_one_stays(clinic: Clinic) -> None:
    data = clinic.book()
    good(clinic.owner.override(clinic.window, NEXT, max_slots=0))
    refused(ask(clinic, data, appointment_date=at("09:30", NEXT)), 409, "SLOT_FULL")
    refused(ask(clinic, data, appointment_date=at("13:00")), 422, "OUTSIDE_AVAILABILITY")
    refused(ask(clinic, data, appointment_date="2026-05-04T09:30:00Z"), 422, "OUTSIDE_AVAILABILITY")
    assert good(clinic.owner.get(f"{APPOINTMENTS}/{data['appointment_id']}", expand="slot"))["data"] == data
    assert clinic.filled() == {clinic.window: 1}
    assert sound(clinic)


def test_a_move_takes_what_it_does_not_say_from_the_appointment(clinic: Clinic) -> None:
    clinic.owner.window(batch_name="MB", start_time="11:00", end_time="13:00")
    evening = clinic.owner.window(batch_name="MA", session="Evening", start_time="09:00", end_time="20:00")
    data = clinic.book(session="Morning")
    refused(ask(clinic, data, appointment_date=at("11:30")), 422, "OUTSIDE_AVAILABILITY")  # that one is of batch MB
    moved = change(clinic, data, appointment_date=at("11:30"), batch="MB")
    assert (moved["batch"], moved["session"]) == ("MB", "Morning")
    moved = change(clinic, moved, session="Evening", batch="MA")
    assert (moved["start_time"], moved["slot_id"][:36]) == ("11:30", evening)


def test_its_own_window_comes_first_where_it_still_fits(clinic: Clinic) -> None:
    good(clinic.owner.patch(f"/v1/appointment-slots/{clinic.window}", {"batch_name": None}))
    earlier = clinic.owner.window(batch_name="A", start_time="08:00", end_time="12:00")
    data = clinic.book(batch="A")
    own = clinic.book(patient_name="Grace", appointment_date=at("09:30", NEXT))
    assert (data["slot_id"][:36], own["slot_id"][:36]) == (earlier, earlier)
    assert change(clinic, own, appointment_date=at("09:45", NEXT))["slot_id"] == own["slot_id"]


def test_its_own_window_does_not_fit_any_more_once_it_is_closed(clinic: Clinic) -> None:
    data = clinic.book()
    good(clinic.owner.override(clinic.window, MONDAY, status="CLOSED"))
    refused(ask(clinic, data, appointment_date=at("10:00")), 422, "OUTSIDE_AVAILABILITY")
    other = clinic.owner.window(batch_name="MA", session="Evening")
    assert change(clinic, data, session="Evening")["slot_id"][:36] == other
    assert sound(clinic)


def test_a_new_place_is_taken_for_the_channel_of_the_key_that_asks(clinic: Clinic) -> None:
    data = clinic.book()
    good(clinic.owner.override(clinic.window, NEXT, ai_slots=0))
    refused(ask(clinic, data, appointment_date=at("09:30", NEXT)), 409, "SLOT_FULL")
    assert change(clinic, data, clinic.staff, appointment_date=at("09:30", NEXT))["date"] == NEXT


def test_an_appointment_is_no_duplicate_of_itself(clinic: Clinic) -> None:
    data = change(clinic, clinic.book(), appointment_date=at("09:30", NEXT))
    assert change(clinic, data, status="confirmed")["status"] == "confirmed"


@pytest.mark.parametrize("new", ["confirmed", "completed", "cancelled"])
@pytest.mark.parametrize("old", LEGAL)
def test_a_status_may_go_only_where_it_is_allowed_to(clinic: Clinic, old: str, new: str) -> None:
    data = in_status(clinic, old)
    answer = ask(clinic, data, status=new)
    if new in LEGAL[old]:
        assert good(answer)["data"]["status"] == new
    else:
        refused(answer, 409, "CONFLICT")
    left = good(clinic.owner.get(f"{APPOINTMENTS}/{data['appointment_id']}"))["data"]["status"]
    assert clinic.filled() == {clinic.window: int(left != "cancelled")}
    assert sound(clinic)


@pytest.mark.parametrize("status", ["completed", "cancelled"])
def test_a_move_together_with_an_end_or_after_one_is_a_conflict(clinic: Clinic, status: str) -> None:
    data = clinic.book()
    refused(ask(clinic, data, appointment_date=at("10:00"), status=status), 409, "CONFLICT")
    ended = change(clinic, data, status=status)
    refused(ask(clinic, ended, appointment_date=at("10:00")), 409, "CONFLICT")
    assert sound(clinic)


def test_cancelling_frees_the_place_at_once_and_cancelling_again_answers_with_the_record_as_it_is(
    clinic: Clinic,
) -> None:
    cancelled = change(clinic, clinic.book(), status="cancelled")
    assert clinic.filled() == {clinic.window: 0}
    clinic.world.clock.advance(minutes=5)
    clinic.rules(allow_cancellation=False)
    assert change(clinic, cancelled, status="cancelled") == cancelled
    assert clinic.filled() == {clinic.window: 0}


def test_a_cancelled_one_is_confirmed_by_taking_a_place(clinic: Clinic) -> None:
    good(clinic.owner.patch(f"/v1/appointment-slots/{clinic.window}", {"max_slots": 1}))
    data = change(clinic, clinic.book(), status="cancelled")
    other = clinic.book(patient_name="Grace")
    refused(ask(clinic, data, status="confirmed"), 409, "SLOT_FULL")
    change(clinic, other, status="cancelled")
    assert change(clinic, data, status="confirmed")["status"] == "confirmed"
    assert clinic.filled() == {clinic.window: 1}
    assert sound(clinic)


def test_cancelling_and_moving_obey_the_rules_of_the_organization(clinic: Clinic) -> None:
    data = clinic.book()
    clinic.rules(allow_cancellation=False, allow_rescheduling=False)
    for client in (clinic.owner, clinic.staff):  # the allow settings bind everybody
        error = refused(ask(clinic, data, client, status="cancelled"), 422, "NOT_ALLOWED_BY_POLICY")
        assert "allow_cancellation" in error["message"]
        error = refused(ask(clinic, data, client, appointment_date=at("10:00")), 422, "NOT_ALLOWED_BY_POLICY")
        assert "allow_rescheduling" in error["message"]
    assert change(clinic, data, status="completed")["status"] == "completed"


def test_the_notice_and_advance_rules_bind_the_ai_channel_only(clinic: Clinic) -> None:
    data = clinic.book()
    clinic.rules(cancellation_notice_hours=24, min_notice_hours=24, max_advance_days=14)
    clinic.world.clock.set(at("10:30", plus_days(MONDAY, -1)))
    for name, fields in (
        ("cancellation_notice_hours", {"status": "cancelled"}),
        ("min_notice_hours", {"appointment_date": at("10:00")}),
        ("max_advance_days", {"appointment_date": at("09:30", plus_days(MONDAY, 14))}),
    ):
        assert name in refused(ask(clinic, data, **fields), 422, "NOT_ALLOWED_BY_POLICY")["message"]
    refused(clinic.ask(patient_name="Grace"), 422, "NOT_ALLOWED_BY_POLICY")
    good(clinic.ask(clinic.staff, patient_name="Grace"), 201)
    assert change(clinic, data, clinic.staff, status="cancelled")["status"] == "cancelled"
    good(clinic.ask(patient_name="Alan", appointment_date=at("09:30", NEXT)), 201)


def test_a_staff_key_is_of_the_staff_channel(clinic: Clinic) -> None:
    assert clinic.book(clinic.staff)["channel"] == Channel.STAFF
