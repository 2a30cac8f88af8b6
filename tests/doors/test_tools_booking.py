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
