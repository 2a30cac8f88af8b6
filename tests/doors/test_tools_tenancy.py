"""Another clinic's ids and names: a tool answers them like those of nobody."""

from typing import Any
from uuid import uuid4

import pytest

from slotkeeper.tools.arguments import arguments_of
from slotkeeper.tools.table import TOOLS
from tests import direct
from tests.doors.tooling import Agent, open_clinic
from tests.world import Cast, Client, World

ASHA = {"patient_name": "Asha Rao", "phone": "+91 98765 43210"}
PLACE = {"service": "checkup", "date": "2026-06-08", "time": "09:30"}
IDS = ("service", "branch", "slot_id", "hold_id", "appointment_id")


@pytest.mark.parametrize("tool", [tool.name for tool in TOOLS])
def test_an_id_of_another_clinic_is_answered_like_an_id_of_nobody(
    world: World, owner: Client, outsider: Client, cast: Cast, tool: str
) -> None:
    theirs = open_clinic(owner)
    booked = theirs.agent.done("book_appointment", "BOOKED", **PLACE, **ASHA)["data"]["appointment_id"]
    held = theirs.agent.done("hold_slot", "HELD", **PLACE)["data"]["hold_id"]
    outsider.branch("Elsewhere", timezone="Europe/Berlin")
    outsider.service("Checkup")
    outsider.window()
    stranger = Agent(outsider)
    before = direct.dump(world.url, cast.owner_org)
    names = {one.name for one in arguments_of(next(one for one in TOOLS if one.name == tool).arguments)}
    foreign = {
        "service": theirs.checkup,
        "branch": theirs.branch,
        "slot_id": f"{theirs.morning}||2026-06-08||{theirs.checkup}",
        "hold_id": held,
        "appointment_id": booked,
    }
    nobodys = {
        name: str(uuid4()) for name in IDS
    } | {"slot_id": f"{uuid4()}||2026-06-08||{uuid4()}", "appointment_id": "appt_0000000000"}  # fmt: skip
    for name in names & set(IDS):
        plain: dict[str, Any] = {"date": "2026-06-15", "time": "09:30", "places": 3, **ASHA}
        said = {own: value for own, value in plain.items() if own in names}
        asked = [said | {name: foreign[name]}, said | {name: nobodys[name]}]
        found, expected = (stranger.call(tool, **one) for one in asked)
        same = ("ok", "reason_code", "spoken", "options")
        told = [{one: answer[one] for one in same} for answer in (found, expected)]
        assert told[0] == told[1], name
        assert found["ok"] is False or tool == "release_hold"
        assert "General" not in str(found)
        assert "Main Street" not in str(found)
    assert direct.dump(world.url, cast.owner_org) == before, "nothing of the owner's has changed"


def test_a_patient_of_another_clinic_is_not_found(owner: Client, outsider: Client) -> None:
    open_clinic(owner).agent.done("book_appointment", "BOOKED", **PLACE, **ASHA)
    outsider.branch("Elsewhere")
    Agent(outsider).refused("find_appointment", "NOT_FOUND", **ASHA)
    Agent(outsider).refused("cancel_appointment", "NOT_FOUND", **ASHA)
