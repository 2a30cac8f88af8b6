"""A call of a tool that comes again: what is the same call, what is another one, and what a repeat is told."""

import asyncio
from typing import Any

import pytest

from tests.doors.tooling import Agent, Clinic, open_clinic
from tests.world import Client, good

ASHA = {"patient_name": "Asha Rao", "phone": "+91 98765 43210"}
ROHAN = ASHA | {"patient_name": "Rohan Rao"}
PLACE = {"service": "checkup", "date": "2026-06-08", "time": "09:30"}


@pytest.fixture
def clinic(owner: Client) -> Clinic:
    return open_clinic(owner)


def filled(clinic: Clinic, on: str = "2026-06-08") -> int:
    return sum(int(record["filled_slots"]) for record in clinic.owner.records(on, appointment_type_id=clinic.checkup))


def replayed(agent: Agent, tool: str, **more: Any) -> dict[str, Any]:
    response = agent.send(tool, **more)
    assert response.headers.get("idempotent-replay") == "true", response.text
    answer: dict[str, Any] = response.json()
    return answer


HEADERS = [
    {"idempotency-key": "booking-1"},
    {"x-tool-call-id": "call_abc123"},
    {"x-tool-call-id": "call_abc123", "x-call-id": "phone-call-1"},
    {"x-call-id": "phone-call-1"},
]


@pytest.mark.parametrize("headers", HEADERS, ids=["key", "tool call", "tool call and call", "call"])
@pytest.mark.parametrize("tool", ["hold_slot", "book_appointment", "close_day", "set_places"])
def test_a_repeat_gets_the_first_answer_and_has_no_second_effect(
    clinic: Clinic, tool: str, headers: dict[str, str]
) -> None:
    every: dict[str, dict[str, Any]] = {
        "hold_slot": PLACE,
        "book_appointment": PLACE | ASHA,
        "close_day": {"date": "2026-06-08"},
        "set_places": {"date": "2026-06-08", "time": "9:30", "places": 7},
    }
    said = every[tool]
    first = clinic.agent.send(tool, headers=headers, **said)
    assert first.json()["ok"], first.text
    before = clinic.owner.records("2026-06-08")
    clinic.owner.world.clock.advance(seconds=20)
    again = clinic.agent.send(tool, headers=headers, **dict(reversed(said.items())), branch=None)
    assert again.content == first.content
    assert again.headers["idempotent-replay"] == "true"
    assert clinic.owner.records("2026-06-08") == before


@pytest.mark.parametrize("headers", HEADERS, ids=["key", "tool call", "tool call and call", "call"])
def test_a_move_and_a_cancellation_are_repeated_too(clinic: Clinic, headers: dict[str, str]) -> None:
    clinic.agent.done("book_appointment", "BOOKED", **PLACE, **ASHA)
    for tool, said in (
        ("reschedule_appointment", ASHA | {"date": "2026-06-15", "time": "4 pm"}),
        ("cancel_appointment", ASHA),
    ):
        own = {name: f"{value}-{tool}" if name != "x-call-id" else value for name, value in headers.items()}
        first = clinic.agent.send(tool, headers=own, **said)
        assert first.json()["ok"], first.text
        assert clinic.agent.send(tool, headers=own, **said).json() == first.json()


def test_a_mother_books_two_children_in_one_call(clinic: Clinic) -> None:
    agent = Agent(clinic.owner, call_id="phone-call-1")
    first = agent.done("book_appointment", "BOOKED", **PLACE, **ASHA)
    second = agent.done("book_appointment", "BOOKED", **PLACE, **ROHAN)
    assert first["data"]["appointment_id"] != second["data"]["appointment_id"]
    assert filled(clinic) == 2
    assert replayed(agent, "book_appointment", **PLACE, **ASHA) == first
    assert replayed(agent, "book_appointment", **PLACE, **ROHAN) == second
    assert filled(clinic) == 2


def test_a_mother_holds_two_places_in_one_call_and_books_each(clinic: Clinic) -> None:
    agent = Agent(clinic.owner, call_id="phone-call-1")
    one = agent.done("hold_slot", "HELD", **PLACE)["data"]["hold_id"]
    other = agent.done("hold_slot", "HELD", **PLACE | {"time": "09:45"})["data"]["hold_id"]
    agent.done("book_appointment", "BOOKED", hold_id=one, **ASHA)
    agent.done("book_appointment", "BOOKED", hold_id=other, **ROHAN)
    assert filled(clinic) == 2


def test_the_same_from_another_phone_call_is_another_request(clinic: Clinic) -> None:
    for number in range(2):
        answer = Agent(clinic.owner, call_id=f"call-{number}").send("hold_slot", headers=None, **PLACE)
        assert "idempotent-replay" not in answer.headers
    assert clinic.owner.slots("2026-06-08")[0]["available_slots"] == 18


def test_a_platform_that_counts_its_tool_calls_from_one_books_every_caller(clinic: Clinic) -> None:
    for patient in (ASHA, ROHAN):
        clinic.agent.done("book_appointment", "BOOKED", headers={"x-tool-call-id": "call_1"}, **PLACE, **patient)
    assert filled(clinic) == 2


def test_an_own_key_for_another_request_is_a_conflict(clinic: Clinic) -> None:
    key = {"idempotency-key": "booking-1"}
    clinic.agent.done("book_appointment", "BOOKED", headers=key, **PLACE, **ASHA)
    clinic.agent.refused("book_appointment", "CONFLICT", headers=key, **PLACE, **ROHAN)
    clinic.agent.refused("hold_slot", "CONFLICT", headers=key, **PLACE)
    assert filled(clinic) == 1


def test_a_caller_may_change_their_mind_twice(clinic: Clinic) -> None:
    agent = Agent(clinic.owner, call_id="phone-call-1")
    seen = set()
    for _ in range(3):
        hold_id = agent.done("hold_slot", "HELD", **PLACE)["data"]["hold_id"]
        seen.add(hold_id)
        agent.done("release_hold", "RELEASED", hold_id=hold_id)
    assert len(seen) == 3
    for _ in range(3):
        booked = agent.done("book_appointment", "BOOKED", **PLACE, **ASHA)["data"]["appointment_id"]
        seen.add(booked)
        assert filled(clinic) == 1
        agent.done("cancel_appointment", "CANCELLED", appointment_id=booked)
        assert filled(clinic) == 0
    assert len(seen) == 6


def test_a_caller_may_move_there_and_back_and_there_again(clinic: Clinic) -> None:
    agent = Agent(clinic.owner, call_id="phone-call-1")
    own = agent.done("book_appointment", "BOOKED", **PLACE, **ASHA)["data"]["appointment_id"]
    for on in ("2026-06-15", "2026-06-22", "2026-06-15", "2026-06-22", "2026-06-15"):
        moved = agent.done("reschedule_appointment", "MOVED", appointment_id=own, date=on, time="9:30")
        assert moved["date"] == on
        assert filled(clinic, on) == 1


def test_what_is_cancelled_is_what_is_meant_and_not_what_was_cancelled_before(clinic: Clinic) -> None:
    agent = Agent(clinic.owner, call_id="phone-call-1")
    first = agent.done("book_appointment", "BOOKED", **PLACE, **ASHA)["data"]["appointment_id"]
    agent.done("cancel_appointment", "CANCELLED", **ASHA)
    second = agent.done("book_appointment", "BOOKED", **PLACE | {"time": "10:30"}, **ASHA)["data"]["appointment_id"]
    cancelled = agent.done("cancel_appointment", "CANCELLED", **ASHA)
    assert cancelled["data"]["appointment_id"] == second != first
    agent.refused("find_appointment", "NOT_FOUND", **ASHA)
    assert filled(clinic) == 0
    assert replayed(agent, "cancel_appointment", **ASHA) == cancelled


def test_what_is_moved_is_what_is_meant_and_not_what_was_moved_before(clinic: Clinic) -> None:
    agent = Agent(clinic.owner, call_id="phone-call-1")
    there = ASHA | {"date": "2026-06-15", "time": "9:30"}
    agent.done("book_appointment", "BOOKED", **PLACE, **ASHA)
    first = agent.done("reschedule_appointment", "MOVED", **there)["data"]["appointment_id"]
    good(clinic.owner.patch(f"/v1/appointments/{first}", {"status": "completed"}))
    good(clinic.owner.patch("/v1/appointment-config", {"allow_duplicate_booking": True}))
    second = agent.done("book_appointment", "BOOKED", **PLACE | {"time": "10:30"}, **ASHA)["data"]["appointment_id"]
    assert agent.done("reschedule_appointment", "MOVED", **there)["data"]["appointment_id"] == second
    assert filled(clinic) == 0


def test_a_place_that_was_lost_since_is_not_told_as_booked(clinic: Clinic) -> None:
    agent = Agent(clinic.owner, call_id="phone-call-1")
    there = {"service": "checkup", "date": "2026-06-08", "time": "15:00"}
    booked = agent.done("book_appointment", "BOOKED", **there, **ASHA)["data"]["appointment_id"]
    agent.done("cancel_appointment", "CANCELLED", appointment_id=booked)
    for name in ("Other One", "Other Two"):
        clinic.agent.done("book_appointment", "BOOKED", **there, patient_name=name, phone="555 555 5555")
    agent.refused("book_appointment", "SLOT_FULL", **there, **ASHA)


def test_a_day_that_was_opened_again_is_closed_again(clinic: Clinic) -> None:
    agent = Agent(clinic.owner, call_id="phone-call-1")
    said = {"date": "2026-06-08", "time": "in the morning"}
    for _ in range(3):
        agent.done("close_day", "CLOSED", **said)
        assert len(clinic.owner.slots("2026-06-08")) == 1
        closed = replayed(agent, "close_day", **said)
        assert closed["spoken"].startswith("Closed at Main Street")
        good(clinic.owner.patch(f"/v1/appointment-slots/days/{clinic.morning}||2026-06-08", {"status": "OPEN"}))
        assert len(clinic.owner.slots("2026-06-08")) == 2


def test_places_that_were_set_otherwise_since_are_set_again(clinic: Clinic) -> None:
    agent = Agent(clinic.owner, call_id="phone-call-1")
    said = {"slot_id": f"{clinic.morning}||2026-06-08"}
    for places in (5, 8, 5, 8, 5):
        done = agent.done("set_places", "SET", places=places, **said)
        assert done["data"]["places"] == places == clinic.owner.slots("2026-06-08")[0]["max_slots"]
        assert replayed(agent, "set_places", places=places, **said) == done


def test_a_refusal_is_judged_afresh(clinic: Clinic) -> None:
    agent = Agent(clinic.owner, call_id="phone-call-1")
    clinic.owner.override(clinic.morning, "2026-06-08", status="CLOSED")
    agent.refused("book_appointment", "OUTSIDE_AVAILABILITY", **PLACE, **ASHA)
    clinic.owner.override(clinic.morning, "2026-06-08", status=None)
    agent.done("book_appointment", "BOOKED", **PLACE, **ASHA)


def test_a_tool_without_any_id_is_done_each_time(clinic: Clinic) -> None:
    one = clinic.agent.done("hold_slot", "HELD", **PLACE)["data"]["hold_id"]
    assert one != clinic.agent.done("hold_slot", "HELD", **PLACE)["data"]["hold_id"]


def test_an_id_that_is_too_long_is_refused_before_anything_is_done(clinic: Clinic) -> None:
    for header in ("x-call-id", "x-tool-call-id", "idempotency-key"):
        answer = clinic.agent.send("hold_slot", headers={header: "x" * 256}, **PLACE)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert clinic.owner.slots("2026-06-08")[0]["available_slots"] == 20


def test_twenty_moves_of_one_appointment_at_once_take_one_place(clinic: Clinic) -> None:
    """Each with an id of its own, so that they come into one line together."""
    own = clinic.agent.done("book_appointment", "BOOKED", **PLACE, **ASHA)["data"]["appointment_id"]
    mondays = ["2026-06-15", "2026-06-22", "2026-06-29", "2026-07-06"]

    async def all_at_once() -> list[Any]:
        http, headers = clinic.owner.world.http, {"authorization": f"Bearer {clinic.owner.key}"}
        calls = []
        for number in range(20):
            body = {"appointment_id": own, "date": mondays[number % 4], "time": "9:30"}
            more = headers | {"x-tool-call-id": f"call-{number}"}
            calls.append(http.post("/v1/tools/reschedule_appointment", json=body, headers=more))
        return await asyncio.gather(*calls)

    answers = clinic.owner.world.run(all_at_once())
    assert {answer.json()["reason_code"] for answer in answers} == {"MOVED"}
    assert sum(filled(clinic, on) for on in ["2026-06-08", *mondays]) == 1


def test_twenty_equal_bookings_at_once_are_one(clinic: Clinic) -> None:
    async def all_at_once() -> list[Any]:
        http = clinic.owner.world.http
        headers = {"authorization": f"Bearer {clinic.owner.key}", "x-call-id": "phone-call-1"}
        post = [http.post("/v1/tools/book_appointment", json=PLACE | ASHA, headers=headers) for _ in range(20)]
        return await asyncio.gather(*post)

    answers = clinic.owner.world.run(all_at_once())
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["reason_code"] == "BOOKED"
    assert filled(clinic) == 1
