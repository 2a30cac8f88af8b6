"""The clinic's own tools: days closed, places set (contract.md section 4.5)."""

import pytest

from slotkeeper.domain.access import Scope
from tests.doors.tooling import Agent, Clinic, open_clinic
from tests.world import Cast, Client, World

PLACE = {"service": "checkup", "date": "2026-06-08", "time": "09:30"}


@pytest.fixture
def clinic(owner: Client) -> Clinic:
    return open_clinic(owner)


def test_a_day_is_closed_for_new_bookings_and_those_that_stand_are_kept(clinic: Clinic) -> None:
    clinic.agent.done("book_appointment", "BOOKED", **PLACE, patient_name="Asha Rao", phone="555 555 5555")
    said = clinic.agent.done("close_day", "CLOSED", date="next Monday", reason="The doctor is ill")
    assert said["spoken"] == (
        "Closed at Main Street: Monday the 8th of June from nine to eleven in the morning and from three to five "
        "in the afternoon; the one booking that stands is kept."
    )
    assert said["data"] == {"closed": 2, "bookings_kept": 1, "branch": "Main Street"}
    assert clinic.owner.slots("2026-06-08") == []
    assert len(clinic.owner.slots("2026-06-15")) == 2
    clinic.agent.refused("check_availability", "CLOSED_ON_DATE", **PLACE)
    assert clinic.owner.records("2026-06-08")[0]["filled_slots"] == 1


def test_a_part_of_a_day_or_one_window_is_closed_alone(clinic: Clinic) -> None:
    clinic.agent.done("close_day", "CLOSED", date="June 8th", time="in the afternoon")
    assert [slot["calendar_id"] for slot in clinic.owner.slots("2026-06-08")] == [clinic.morning]
    clinic.agent.done("close_day", "CLOSED", slot_id=f"{clinic.morning}||2026-06-15")
    assert [slot["calendar_id"] for slot in clinic.owner.slots("2026-06-15")] == [clinic.afternoon]
    clinic.agent.refused("close_day", "NO_WINDOW", date="June 9th")
    clinic.agent.refused("close_day", "DATE_NEEDED")
    clinic.agent.refused("close_day", "DATE_AMBIGUOUS", date="next week")


def test_the_places_of_one_window_are_set(clinic: Clinic) -> None:
    said = clinic.agent.done("set_places", "SET", date="June 8th", time="half past nine", places=7, ai_places="3")
    assert said["spoken"] == (
        "Set at Main Street, Monday the 8th of June from nine to eleven in the morning: seven places, of which an AI "
        "may take three; three places left."
    )
    slot = clinic.owner.slots("2026-06-08")[0]
    assert (slot["max_slots"], slot["ai_slots"], slot["available_slots"]) == (7, 3, 3)
    assert clinic.owner.slots("2026-06-15")[0]["max_slots"] == 20
    asked = clinic.agent.refused("set_places", "TIME_NEEDED", date="June 8th", places=7)
    named = [one["slot_id"] for one in asked["options"]]
    assert named == [f"{clinic.morning}||2026-06-08", f"{clinic.afternoon}||2026-06-08"]
    clinic.agent.done("set_places", "SET", slot_id=named[1], places=0)
    clinic.agent.refused("set_places", "BAD_ARGUMENTS", date="June 8th", time="9:30", places=10_001)


@pytest.mark.parametrize("wrong", [{"date": "2026-06-15"}, {"branch": "riverside"}, {"time": "in the afternoon"}])
def test_what_is_said_beside_a_window_must_be_the_same(clinic: Clinic, wrong: dict[str, str]) -> None:
    clinic.owner.branch("Riverside", timezone="Europe/Berlin")
    slot_id = f"{clinic.morning}||2026-06-08"
    for tool, more in (("close_day", {}), ("set_places", {"places": 7})):
        refused = clinic.agent.refused(tool, "PLACES_DIFFER", slot_id=slot_id, **more, **wrong)
        assert refused["spoken"] == (
            "That would be at Main Street, Monday the 8th of June from nine to eleven in the morning; is that right?"
        )
    slot = clinic.owner.slots("2026-06-08")[0]
    assert (slot["max_slots"], slot["status"]) == (20, "OPEN")
    said = {"date": "next week", "branch": "main", "time": "2026-06-08T09:00"}
    clinic.agent.done("set_places", "SET", slot_id=slot_id, places=7, **said)


def test_only_keys_that_may_write_slots_have_them(clinic: Clinic, world: World, cast: Cast) -> None:
    agent = Agent(world.key(cast.owner_org, [Scope.SLOTS_READ, Scope.APPOINTMENTS_WRITE, Scope.APPOINTMENTS_READ]))
    assert agent.send("close_day", date="June 8th").status_code == 403
    clerk = Agent(world.key(cast.owner_org, [Scope.SLOTS_WRITE]))
    clerk.done("close_day", "CLOSED", date="June 8th")
    assert clinic.owner.slots("2026-06-08") == []
