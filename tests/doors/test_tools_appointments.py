"""Appointments that there are, by voice: found, moved, cancelled, and never told to anybody else."""

from typing import Any

import pytest

from slotkeeper.domain.access import Scope
from tests.doors.tooling import Agent, Clinic, open_clinic
from tests.world import Cast, Client, World, good

ASHA = {"patient_name": "Asha Rao", "phone": "+91 98765 43210"}


@pytest.fixture
def clinic(owner: Client) -> Clinic:
    return open_clinic(owner)


def book(clinic: Clinic, **more: Any) -> str:
    said = ASHA | {"service": "checkup", "date": "2026-06-08", "time": "09:30"} | more
    return str(clinic.agent.done("book_appointment", "BOOKED", **said)["data"]["appointment_id"])


@pytest.mark.parametrize(
    ("name", "phone"),
    [
        ("Asha Rao", "+91 98765 43210"), ("asha rao", "00919876543210"), ("Rao, Asha", "9876543210"),
        ("Asha Devi Rao", "098765 43210"), ("Mrs. Asha Rao", "nine eight seven six five four three two one zero"),
        ("Ásha Rao", "91-98765-43210"),
    ],
)  # fmt: skip
def test_an_appointment_is_found_by_name_and_number(clinic: Clinic, name: str, phone: str) -> None:
    appointment_id = book(clinic)
    found = clinic.agent.done("find_appointment", "FOUND", patient_name=name, phone=phone)
    assert [one["appointment_id"] for one in found["options"]] == [appointment_id]
    assert found["options"][0]["spoken"] == (
        "General Checkup on Monday the 8th of June at half past nine in the morning"
    )
    assert found["date"] == "2026-06-08"


@pytest.mark.parametrize(
    ("name", "phone"),
    [
        ("Rohan Rao", "+91 98765 43210"), ("Asha Rao", "+91 98765 43211"), ("Asha Rao", "543210"), ("x", "9876543210"),
        ("Asha", "9876543210"), ("Rao", "9876543210"), ("Asha Rao", "6543210"), ("Asha Rao", "8765 43210"),
        ("Asha Rao", "+44 98765 43210"), ("Asha Rao", "1 98765 43210"), ("Rohan Asha Meera Rao Kumar", "9876543210"),
    ],
)  # fmt: skip
def test_nothing_is_said_of_another_patient(clinic: Clinic, name: str, phone: str) -> None:
    book(clinic)
    found = clinic.agent.refused("find_appointment", "NOT_FOUND", patient_name=name, phone=phone)
    assert found["options"] == []
    assert "June" not in found["spoken"]
    assert "Asha" not in str(found)


def test_a_name_that_two_of_a_family_have_finds_neither(clinic: Clinic) -> None:
    book(clinic)
    book(clinic, patient_name="Rohan Rao")
    found = clinic.agent.refused("find_appointment", "NOT_FOUND", patient_name="Rao", phone=ASHA["phone"])
    assert "Asha" not in str(found)
    assert "Rohan" not in str(found)


def test_a_list_of_names_and_the_end_of_a_number_tell_nothing_and_cancel_nothing(clinic: Clinic) -> None:
    book(clinic, patient_name="Dr. Maria da Silva", phone="+49 170 1234567")
    names = "Asha Ravi Meera Priya Maria da Silva Kumar Rao Anita Sunil John Mary Smith"
    whole, end = "+49 170 1234567", "1234567"
    for name, phone in ((names, end), (names, whole), ("da", whole), ("Maria", whole), ("Maria da", whole),
                        ("Maria da Silva Junior Extra", whole), ("Maria da Silva", end), ("da Silva", whole),
                        ("Maria da Silva", "701234567")):  # fmt: skip
        for tool in ("find_appointment", "cancel_appointment"):
            clinic.agent.refused(tool, "NOT_FOUND", patient_name=name, phone=phone)
    for name in ("María da Silva", "Silva Maria", "Maria da Silva Junior"):
        for phone in (whole, "0170 1234567", "0049 170 1234567", "+49 (0)170 1234567"):
            clinic.agent.done("find_appointment", "FOUND", patient_name=name, phone=phone)


def test_a_short_number_is_the_whole_of_itself(clinic: Clinic) -> None:
    book(clinic, phone="555 019")
    clinic.agent.done("find_appointment", "FOUND", patient_name="Asha Rao", phone="555019")
    clinic.agent.refused("find_appointment", "NOT_FOUND", patient_name="Asha Rao", phone="49555019")


def test_a_patient_with_one_name_is_found_by_it(clinic: Clinic) -> None:
    book(clinic, patient_name="Suharto")
    for name in ("suharto", "Mr. Suharto", "Suharto Senior"):
        clinic.agent.done("find_appointment", "FOUND", patient_name=name, phone=ASHA["phone"])
    clinic.agent.refused("find_appointment", "NOT_FOUND", patient_name="Haji Suharto Senior", phone=ASHA["phone"])


def test_one_number_in_two_spellings_is_one_patient(clinic: Clinic) -> None:
    one = book(clinic, phone="9876543210")
    asked = clinic.agent.refused(
        "book_appointment", "DUPLICATE_BOOKING", service="checkup", date="2026-06-15", time="9:30",
        patient_name="Asha  rao", phone="+91 98765 43210",
    )  # fmt: skip
    assert [option["appointment_id"] for option in asked["options"]] == [one]
    assert asked["spoken"].endswith("shall I move it, or cancel it?")
    other = book(clinic, phone="+91 98765 43210", service="Vaccination")
    book(clinic, patient_name="Rohan Rao")
    for phone in ("98765 43210", "+91 98765 43210", "098765 43210"):
        found = clinic.agent.done("find_appointment", "FOUND", patient_name="Asha Rao", phone=phone)
        assert {option["appointment_id"] for option in found["options"]} == {one, other}
        asked = clinic.agent.refused(
            "cancel_appointment", "APPOINTMENT_AMBIGUOUS", patient_name="Asha Rao", phone=phone
        )
        assert len(asked["options"]) == 2
    good(clinic.owner.patch("/v1/appointment-config", {"allow_duplicate_booking": True}))
    book(clinic, phone="0 98765 43210")


@pytest.mark.parametrize("missing", ["patient_name", "phone"])
def test_both_name_and_number_are_needed(clinic: Clinic, missing: str) -> None:
    said = {name: value for name, value in ASHA.items() if name != missing}
    found = clinic.agent.refused("find_appointment", "BAD_ARGUMENTS", **said)
    assert found["data"]["wrong"] == {missing: "is required"}
    assert found["spoken"].startswith("Please tell me the p")


def test_an_answer_repeats_the_name_as_it_was_said_and_not_as_it_is_stored(clinic: Clinic) -> None:
    book(clinic, patient_name="Asha Devi Rao")
    found = clinic.agent.done("find_appointment", "FOUND", patient_name="Asha Rao", phone=ASHA["phone"])
    assert "Devi" not in str(found)


def test_an_appointment_of_another_clinic_is_not_found(clinic: Clinic, outsider: Client) -> None:
    appointment_id = book(clinic)
    outsider.branch("Elsewhere")
    stranger = Agent(outsider)
    stranger.refused("find_appointment", "NOT_FOUND", **ASHA)
    stranger.refused("cancel_appointment", "NOT_FOUND", appointment_id=appointment_id)
    stranger.refused(
        "reschedule_appointment", "NOT_FOUND", appointment_id=appointment_id, date="2026-06-15", time="9:30"
    )


def test_an_id_with_another_patients_name_or_number_is_not_found(clinic: Clinic) -> None:
    appointment_id = book(clinic)
    for wrong in ({"patient_name": "Rohan"}, {"phone": "555 0199 22"}):
        clinic.agent.refused("cancel_appointment", "NOT_FOUND", appointment_id=appointment_id, **wrong)
    clinic.agent.done("cancel_appointment", "CANCELLED", appointment_id=appointment_id, **ASHA)


def test_an_appointment_is_moved_to_another_session_of_another_day(clinic: Clinic) -> None:
    appointment_id = book(clinic)
    moved = clinic.agent.done(
        "reschedule_appointment", "MOVED", appointment_id=appointment_id, date="Monday the 15th", time="ten past four"
    )
    assert moved["spoken"] == (
        "The appointment is moved: General Checkup on Monday the 15th of June at ten past four in the afternoon."
    )
    assert moved["data"]["time"] == "2026-06-15T16:10"
    shown = good(clinic.owner.get(f"/v1/appointments/{appointment_id}", expand="slot"))["data"]
    assert (shown["status"], shown["date"], shown["start_time"]) == ("rescheduled", "2026-06-15", "16:10")


def test_another_time_on_the_same_day_needs_no_day(clinic: Clinic) -> None:
    moved = clinic.agent.done("reschedule_appointment", "MOVED", appointment_id=book(clinic), time="quarter past ten")
    assert moved["data"]["time"] == "2026-06-08T10:15"
    assert clinic.owner.records("2026-06-08")[0]["filled_slots"] == 1


def test_an_appointment_is_moved_to_an_option(clinic: Clinic) -> None:
    option = clinic.agent.done("find_next_available", "OPEN", service="checkup", date="2026-06-15")["options"][1]
    moved = clinic.agent.done(
        "reschedule_appointment",
        "MOVED",
        slot_id=option["slot_id"],
        time=option["time"],
        **ASHA,
        appointment_id=book(clinic),
    )
    assert moved["data"]["time"] == option["time"] == "2026-06-15T15:00"


def test_a_place_at_another_branch_or_for_another_service_is_booked_anew(clinic: Clinic) -> None:
    appointment_id = book(clinic)
    river = clinic.owner.branch("Riverside", timezone="Europe/Berlin")
    window = clinic.owner.window(branch_id=river)
    for slot_id, said in (
        (f"{window}||2026-06-15||{clinic.checkup}",
         "This appointment can only be moved at Main Street; shall I book anew at the other branch, and cancel it?"),
        (f"{clinic.morning}||2026-06-15||{clinic.vaccination}",
         "This appointment is for General Checkup; shall I book anew for the other, and cancel it?"),
    ):  # fmt: skip
        refused = clinic.agent.refused(
            "reschedule_appointment", "PLACES_DIFFER", appointment_id=appointment_id, slot_id=slot_id, time="9:30"
        )
        assert refused["spoken"] == said
        assert "book_appointment" in refused["data"]["advice"]
        differs = clinic.agent.refused("hold_slot", "PLACES_DIFFER", slot_id=slot_id, time="9:30", date="2026-06-22")
        assert (" at Riverside " in differs["spoken"]) is (window in slot_id)
    moved = clinic.agent.done(
        "reschedule_appointment", "MOVED", appointment_id=appointment_id, time="half past nine",
        slot_id=f"{clinic.morning}||2026-06-15||{clinic.checkup}",
    )  # fmt: skip
    assert moved["date"] == "2026-06-15"


def test_a_refused_move_keeps_the_old_place_and_offers_others(clinic: Clinic) -> None:
    appointment_id = book(clinic)
    for number in range(2):
        book(clinic, patient_name=f"Other {number}", date="2026-06-15", time="15:00")
    refused = clinic.agent.refused(
        "reschedule_appointment", "SLOT_FULL", appointment_id=appointment_id, date="2026-06-15", time="15:00"
    )
    assert refused["options"]
    assert refused["spoken"].startswith("That time is fully booked; the next free is ")
    shown = good(clinic.owner.get(f"/v1/appointments/{appointment_id}", expand="slot"))["data"]
    assert (shown["status"], shown["date"]) == ("confirmed", "2026-06-08")


def test_a_cancelled_place_is_free_at_once(clinic: Clinic) -> None:
    appointment_id = book(clinic)
    said = clinic.agent.done("cancel_appointment", "CANCELLED", appointment_id=appointment_id)
    assert said["spoken"] == (
        "The appointment is cancelled: General Checkup on Monday the 8th of June at half past nine in the morning."
    )
    assert clinic.owner.records("2026-06-08")[0]["filled_slots"] == 0
    clinic.agent.done("cancel_appointment", "CANCELLED", appointment_id=appointment_id)
    clinic.agent.refused("find_appointment", "NOT_FOUND", **ASHA)


def test_one_of_several_appointments_is_asked_for(clinic: Clinic) -> None:
    book(clinic)
    book(clinic, service="Vaccination", time="10:00")
    asked = clinic.agent.refused("cancel_appointment", "APPOINTMENT_AMBIGUOUS", **ASHA)
    assert len({one["appointment_id"] for one in asked["options"]}) == 2
    assert "Vaccination" in asked["spoken"]
    clinic.agent.refused("cancel_appointment", "PATIENT_NEEDED", patient_name="Asha Rao")


def test_the_rules_of_the_clinic_are_named(clinic: Clinic) -> None:
    appointment_id = book(clinic)
    good(clinic.owner.patch("/v1/appointment-config", {"cancellation_notice_hours": 400, "allow_rescheduling": False}))
    refused = clinic.agent.refused("cancel_appointment", "NOT_ALLOWED_BY_POLICY", appointment_id=appointment_id)
    assert refused["spoken"] == "Cancelling needs 400 hours of notice; our staff can help you."
    refused = clinic.agent.refused(
        "reschedule_appointment", "NOT_ALLOWED_BY_POLICY", appointment_id=appointment_id, date="2026-06-15", time="9"
    )
    assert refused["spoken"] == "Appointments are not moved here; our staff can help you."


def test_a_key_needs_the_scope_of_each_tool(clinic: Clinic, world: World, cast: Cast) -> None:
    reader = Agent(world.key(cast.owner_org, [Scope.APPOINTMENTS_READ]))
    reader.refused("find_appointment", "NOT_FOUND", **ASHA)
    answer = reader.send("cancel_appointment", appointment_id=book(clinic))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "INSUFFICIENT_SCOPE")
    writer = Agent(world.key(cast.owner_org, [Scope.APPOINTMENTS_WRITE]))
    writer.done("cancel_appointment", "CANCELLED", **ASHA)
