"""A place found, kept and booked by a voice agent."""

import pytest

from tests.doors.tooling import Clinic, open_clinic
from tests.world import Client

ASHA = {"patient_name": "Asha Rao", "phone": "+91 98765 43210"}


@pytest.fixture
def clinic(owner: Client) -> Clinic:
    return open_clinic(owner)


def test_a_caller_asks_chooses_and_books(clinic: Clinic) -> None:
    agent = clinic.agent
    found = agent.done("check_availability", "OPEN", date="next Monday", service="checkup")
    assert found["date"] == "2026-06-08"
    assert found["now"] == "2026-06-01T10:00:00+02:00"
    assert found["timezone"] == "Europe/Berlin"
    assert found["spoken"] == (
        "On Monday the 8th of June there is room from nine to eleven in the morning "
        "or from three to five in the afternoon."
    )
    chosen = found["options"][0]
    kept = agent.done("hold_slot", "HELD", slot_id=chosen["slot_id"], time="half past nine")
    assert kept["data"]["time"] == "2026-06-08T09:30"
    booked = agent.done("book_appointment", "BOOKED", hold_id=kept["data"]["hold_id"], **ASHA)
    assert booked["spoken"] == (
        "Booked for Asha Rao: General Checkup on Monday the 8th of June at half past nine in the morning."
    )
    assert clinic.owner.records("2026-06-08")[0]["filled_slots"] == 1


def test_a_place_can_be_booked_at_once(clinic: Clinic) -> None:
    booked = clinic.agent.done(
        "book_appointment", "BOOKED", service="Vaccination", date="Monday the 8th", time="three", **ASHA
    )
    assert booked["data"]["time"] == "2026-06-08T15:00"


def test_what_is_said_beside_an_id_must_be_the_same_place(clinic: Clinic) -> None:
    kept = clinic.agent.done("hold_slot", "HELD", service="checkup", date="June 8th", time="9:30")["data"]["hold_id"]
    slot_id = f"{clinic.morning}||2026-06-08||{clinic.checkup}"
    for wrong in ({"date": "June 15th"}, {"service": "vaccination"}):
        asked = clinic.agent.refused("book_appointment", "PLACES_DIFFER", hold_id=kept, **ASHA, **wrong)
        assert asked["spoken"] == (
            "That would be General Checkup on Monday the 8th of June at half past nine in the morning; is that right?"
        )
        clinic.agent.refused("hold_slot", "PLACES_DIFFER", slot_id=slot_id, time="9:30", **wrong)
    clinic.agent.done(
        "book_appointment", "BOOKED", hold_id=kept, **ASHA, date="next week", service="checkup", branch="main street"
    )


def test_a_hold_keeps_the_time_that_was_chosen(clinic: Clinic) -> None:
    slot_id = f"{clinic.morning}||2026-06-08||{clinic.checkup}"
    kept = clinic.agent.done("hold_slot", "HELD", slot_id=slot_id, time="quarter past ten")["data"]["hold_id"]
    booked = clinic.agent.done("book_appointment", "BOOKED", hold_id=kept, **ASHA)
    assert booked["data"]["time"] == "2026-06-08T10:15"
    later = clinic.agent.done("hold_slot", "HELD", slot_id=slot_id)["data"]
    assert later["time"] == "2026-06-08T09:00"
    clinic.agent.refused("hold_slot", "OUTSIDE_AVAILABILITY", slot_id=slot_id, time="2 pm")


def test_a_hold_that_ran_out_is_not_booked(clinic: Clinic) -> None:
    kept = clinic.agent.done("hold_slot", "HELD", service="checkup", date="June 8th", time="9:30")["data"]["hold_id"]
    clinic.owner.world.clock.advance(minutes=6)
    late = clinic.agent.refused("book_appointment", "HOLD_EXPIRED", hold_id=kept, **ASHA)
    assert late["spoken"] == "The place that I kept is no longer yours; shall I look again?"
    assert clinic.owner.records("2026-06-08")[0]["filled_slots"] == 0


def test_a_hold_that_was_confirmed_is_told_as_booked_to_whoever_booked_it(clinic: Clinic) -> None:
    kept = clinic.agent.done("hold_slot", "HELD", service="checkup", date="June 8th", time="9:30")["data"]["hold_id"]
    booked = clinic.agent.done("book_appointment", "BOOKED", hold_id=kept, **ASHA)["data"]
    again = clinic.agent.done("book_appointment", "BOOKED", hold_id=kept, **ASHA | {"phone": "098765 43210"})
    assert again["data"]["appointment_id"] == booked["appointment_id"]
    assert again["spoken"] == (
        "That is booked already: General Checkup on Monday the 8th of June at half past nine in the morning."
    )
    for other in ({"patient_name": "Rohan Rao"}, {"phone": "555 555 5555"}):
        refused = clinic.agent.refused("book_appointment", "HOLD_EXPIRED", hold_id=kept, **ASHA | other)
        assert refused["spoken"] == "That place is booked already; shall I look for another one?"
        assert refused["date"] is None
        assert booked["appointment_id"] not in str(refused)
    assert clinic.owner.records("2026-06-08")[0]["filled_slots"] == 1
    clinic.agent.done("cancel_appointment", "CANCELLED", appointment_id=booked["appointment_id"])
    gone = clinic.agent.refused("book_appointment", "HOLD_EXPIRED", hold_id=kept, **ASHA)
    assert gone["spoken"] == "The place that I kept is no longer yours; shall I look again?"


def test_a_hold_that_was_confirmed_is_not_released(clinic: Clinic) -> None:
    kept = clinic.agent.done("hold_slot", "HELD", service="checkup", date="June 8th", time="9:30")["data"]["hold_id"]
    booked = clinic.agent.done("book_appointment", "BOOKED", hold_id=kept, **ASHA)["data"]["appointment_id"]
    refused = clinic.agent.refused("release_hold", "CONFLICT", hold_id=kept)
    assert refused["spoken"] == "That place is booked; shall I cancel the appointment?"
    assert refused["data"]["appointment_id"] == booked
    assert clinic.owner.records("2026-06-08")[0]["filled_slots"] == 1
    clinic.agent.refused("release_hold", "NOT_FOUND", hold_id="11111111-1111-4111-8111-111111111111")
    clinic.agent.done("cancel_appointment", "CANCELLED", appointment_id=booked)
    clinic.agent.done("release_hold", "RELEASED", hold_id=kept)


def test_a_hold_that_ran_out_or_was_released_may_be_released_again(clinic: Clinic) -> None:
    place = {"service": "checkup", "date": "June 8th", "time": "9:30"}
    for minutes in (0, 6):
        kept = clinic.agent.done("hold_slot", "HELD", **place)["data"]["hold_id"]
        clinic.owner.world.clock.advance(minutes=minutes)
        for _ in range(2):
            clinic.agent.done("release_hold", "RELEASED", hold_id=kept)


def test_a_slot_beside_a_hold_must_be_what_is_held(clinic: Clinic) -> None:
    kept = clinic.agent.done("hold_slot", "HELD", service="checkup", date="June 8th", time="9:30")["data"]["hold_id"]
    for window, on, service in (
        (clinic.morning, "2026-06-15", clinic.checkup),
        (clinic.afternoon, "2026-06-08", clinic.checkup),
        (clinic.morning, "2026-06-08", clinic.vaccination),
    ):
        refused = clinic.agent.refused(
            "book_appointment", "PLACES_DIFFER", hold_id=kept, slot_id=f"{window}||{on}||{service}", **ASHA
        )
        assert "'slot_id'" in refused["data"]["advice"]
    slot_id = f"{clinic.morning}||2026-06-08||{clinic.checkup}"
    booked = clinic.agent.done("book_appointment", "BOOKED", hold_id=kept, slot_id=slot_id, **ASHA)
    assert booked["data"]["time"] == "2026-06-08T09:30"
