"""Many voice agents at once against real server processes: no place is sold twice, none past the AI's limit."""

import asyncio
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from slotkeeper.domain.model import DAYS, Channel
from slotkeeper.operations import upkeep
from tests.doors.terminal import Terminal
from tests.world import Cast, Client, World

CALLERS = 40
LIMIT = 7

pytestmark = pytest.mark.slow


async def at_once(url: str, key: str, calls: list[tuple[str, dict[str, Any], str]]) -> list[dict[str, Any]]:
    """The answers to calls of tools, all sent together, each in a phone call of its own."""
    async with httpx.AsyncClient(base_url=url, timeout=60) as http:

        async def call(tool: str, said: dict[str, Any], call_id: str) -> dict[str, Any]:
            headers = {"authorization": f"Bearer {key}", "x-call-id": call_id}
            answer = await http.post(f"/v1/tools/{tool}", json=said, headers=headers)
            assert answer.status_code == 200, answer.text
            found: dict[str, Any] = answer.json()
            return found

        return await asyncio.gather(*(call(*one) for one in calls))


def test_two_server_processes_never_pass_the_limit_of_the_agents(
    world: World, owner: Client, cast: Cast, tmp_path: Path
) -> None:
    on = date.today() + timedelta(days=14)  # noqa: DTZ011 - the servers go by the real clock
    branch = owner.branch("Main Street")
    service = owner.service("Checkup")
    window = owner.window(branch_id=branch, day=DAYS[on.weekday()], max_slots=20, ai_slots=LIMIT)
    key = world.key(cast.owner_org, channel=Channel.AI).key
    assert key is not None
    place = {"slot_id": f"{window}||{on}||{service}", "time": "09:30"}
    calls = []
    for number in range(CALLERS):
        patient = {"patient_name": f"Patient {number}", "phone": f"555 000 {number:04d}"}
        said = place if number % 2 else place | patient
        calls += [("hold_slot" if number % 2 else "book_appointment", said, f"call-{number}")] * 2  # each sent twice
    with Terminal(tmp_path, world.url).serving("--workers", "2") as (_, ready):
        answers = asyncio.run(at_once(ready["url"], key, calls))
        holds = {answer["data"]["hold_id"] for answer in answers if answer["reason_code"] == "HELD"}
        later = [
            ("book_appointment", {"hold_id": hold, "patient_name": f"Late {hold}", "phone": "555 999 9999"}, hold)
            for hold in holds
        ]
        confirmed = asyncio.run(at_once(ready["url"], key, later))
    booked = {answer["data"]["appointment_id"] for answer in answers if answer["reason_code"] == "BOOKED"}
    assert len(booked) + len(holds) == LIMIT
    assert Counter(answer["reason_code"] for answer in confirmed) == Counter(["BOOKED"] * len(holds))
    assert {answer["reason_code"] for answer in answers} <= {"BOOKED", "HELD", "SLOT_FULL"}
    (record,) = owner.records(str(on))
    assert record["filled_slots"] == LIMIT
    assert world.run(upkeep.check(world.db)) == []
