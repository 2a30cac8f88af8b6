"""Contract section 8: what is refused, or torn in the middle, leaves its refusal in the audit trail at most."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests import direct
from tests.contract.trail import Clinic, entries, newest
from tests.world import APPOINTMENTS, MONDAY, REGENERATE, WINDOWS, Cast, Client, World, good, refused

Attempt = tuple[httpx.Response, str | None]
"""The answer to a request that a rule refuses, and the subject of its entry."""


@pytest.fixture
def clinic(world: World, owner: Client, cast: Cast) -> Clinic:
    return Clinic(world, owner, cast)


def record(clinic: Clinic) -> str:
    return f"{clinic.window}||{MONDAY}||{clinic.service}"


def clash(clinic: Clinic, path: str, body: dict[str, Any]) -> httpx.Response:
    """A request with an Idempotency-Key that another one has used."""
    headers = {"idempotency-key": "used"}
    good(clinic.owner.request("POST", "/v1/services", json={"name": "Dentist"}, headers=headers), 201)
    return clinic.owner.request("POST", path, json=body, headers=headers)


def twin_of_the_window(clinic: Clinic) -> Attempt:
    body = {"day": "monday", "session": "Morning", "start_time": "09:00", "end_time": "11:00", "max_slots": 1}
    return clinic.owner.post(WINDOWS, body), None


def window_into_its_twin(clinic: Clinic) -> Attempt:
    clinic.owner.window(session="Evening")
    return clinic.owner.patch(f"{WINDOWS}/{clinic.window}", {"session": "Evening"}), clinic.window


def disable(clinic: Clinic) -> Attempt:
    return clash(clinic, f"{WINDOWS}/{clinic.window}/disable", {}), clinic.window


def enable(clinic: Clinic) -> Attempt:
    return clash(clinic, f"{WINDOWS}/{clinic.window}/enable", {}), clinic.window


def regenerate(clinic: Clinic) -> Attempt:
    return clash(clinic, REGENERATE, {"date_from": MONDAY}), f"{MONDAY}/{MONDAY}"


def open_a_closed_record(clinic: Clinic) -> Attempt:
    good(clinic.owner.post("/v1/closures", {"date_from": MONDAY, "reason": "Closed"}), 201)
    return clinic.owner.override(clinic.window, MONDAY, clinic.service, status="OPEN"), record(clinic)


def open_a_closed_day(clinic: Clinic) -> Attempt:
    good(clinic.owner.post("/v1/closures", {"date_from": MONDAY, "reason": "Closed"}), 201)
    return clinic.owner.override(clinic.window, MONDAY, status="OPEN"), f"{clinic.window}||{MONDAY}"


def name_like_another(noun: str) -> Callable[[Clinic], Attempt]:
    def attempt(clinic: Clinic) -> Attempt:
        good(clinic.owner.post(f"/v1/{noun}", {"name": "Twin"}), 201)
        own = clinic.service if noun == "services" else clinic.branch
        return clinic.owner.patch(f"/v1/{noun}/{own}", {"name": "TWIN"}), own

    return attempt


def hold_a_full_window(clinic: Clinic) -> Attempt:
    good(clinic.owner.post(APPOINTMENTS, clinic.body()), 201)
    return clinic.owner.post("/v1/holds", {"slot_id": record(clinic)}), None


def move_into_a_full_window(clinic: Clinic) -> Attempt:
    clinic.owner.window(session="Evening", start_time="17:00", end_time="19:00")
    good(clinic.owner.post(APPOINTMENTS, clinic.body()), 201)
    evening = clinic.body(patient_name="Grace Hopper", appointment_date=f"{MONDAY}T17:30:00Z")
    moving = str(good(clinic.owner.post(APPOINTMENTS, evening), 201)["appointment_id"])
    change = {"appointment_date": f"{MONDAY}T10:00:00Z", "session": "Morning"}
    return clinic.owner.patch(f"{APPOINTMENTS}/{moving}", change), moving


@pytest.mark.parametrize(
    ("action", "attempt", "code", "about"),
    [
        ("windows.create", twin_of_the_window, "CONFLICT", []),
        ("windows.update", window_into_its_twin, "CONFLICT", ["window"]),
        ("windows.disable", disable, "CONFLICT", ["window"]),
        ("windows.enable", enable, "CONFLICT", ["window"]),
        ("schedule.regenerate", regenerate, "CONFLICT", []),
        ("records.update", open_a_closed_record, "CONFLICT", ["window", "date", "service"]),
        ("days.update", open_a_closed_day, "CONFLICT", ["window", "date"]),
        ("services.update", name_like_another("services"), "CONFLICT", []),
        ("branches.update", name_like_another("branches"), "CONFLICT", []),
        ("holds.create", hold_a_full_window, "SLOT_FULL", ["window", "date", "service"]),
        ("appointments.move", move_into_a_full_window, "SLOT_FULL", ["window", "date", "service"]),
    ],
)
def test_a_refusal_is_noted_with_what_it_was_about(
    clinic: Clinic, action: str, attempt: Callable[[Clinic], Attempt], code: str, about: list[str]
) -> None:
    answer, subject = attempt(clinic)
    refused(answer, 409, code)
    entry = newest(clinic.owner)
    assert (entry["action"], entry["subject"], entry["outcome"]) == (action, subject, "refused")
    assert (entry["before"], entry["request_id"]) == (None, answer.headers["x-request-id"])
    known = {"window": clinic.window, "date": MONDAY, "service": clinic.service}
    assert entry["after"] == {"code": code} | {name: known[name] for name in about}
    for trace in ("Grace", "Zora", "7654321", "allergic"):
        assert trace not in str(entries(clinic.owner)), trace


CHANGES: dict[str, tuple[str, Callable[[Clinic], httpx.Response]]] = {
    "windows.create": ("windows", lambda at: at.owner.post(WINDOWS, {"day": "friday", "session": "Evening",
        "start_time": "17:00", "end_time": "19:00", "max_slots": 3})),
    "windows.update": ("windows", lambda at: at.owner.patch(f"{WINDOWS}/{at.window}", {"max_slots": 9})),
    "windows.disable": ("windows", lambda at: at.owner.post(f"{WINDOWS}/{at.window}/disable")),
    "records.update": ("overrides", lambda at: at.owner.override(at.window, MONDAY, at.service, max_slots=5)),
    "days.update": ("overrides", lambda at: at.owner.override(at.window, MONDAY, status="CLOSED")),
    "services.create": ("services", lambda at: at.owner.post("/v1/services", {"name": "Dentist"})),
    "services.update": ("services", lambda at: at.owner.patch(f"/v1/services/{at.service}", {"active": False})),
    "branches.create": ("branches", lambda at: at.owner.post("/v1/branches", {"name": "Side Street"})),
    "branches.update": ("branches", lambda at: at.owner.patch(f"/v1/branches/{at.branch}", {"name": "High Street"})),
    "configuration.update": ("organizations", lambda at: at.owner.patch(
        "/v1/appointment-config", {"min_notice_hours": 1})),
    "appointments.create": ("appointments", lambda at: at.owner.post(APPOINTMENTS, at.body())),
    "holds.create": ("holds", lambda at: at.owner.post("/v1/holds", {"slot_id": record(at)})),
    "closures.create": ("closures", lambda at: at.owner.post(
        "/v1/closures", {"date_from": MONDAY, "reason": "Closed"})),
}  # fmt: skip
"""A request for each action, and the table that it changes."""


def done(clinic: Clinic) -> list[dict[str, Any]]:
    return [entry for entry in entries(clinic.owner) if entry["outcome"] == "done"]


@pytest.mark.parametrize("action", CHANGES)
def test_a_change_whose_entry_cannot_be_stored_does_not_happen(clinic: Clinic, action: str) -> None:
    direct.refuse(clinic.world.url, "INSERT", "audit", when="NEW.outcome = 'done'")
    before = clinic.dump()
    assert not CHANGES[action][1](clinic).is_success
    assert clinic.dump() == before
    direct.allow(clinic.world.url, "audit")
    assert CHANGES[action][1](clinic).is_success
    assert newest(clinic.owner)["action"] == action
    assert clinic.dump() != before


@pytest.mark.parametrize("action", CHANGES)
def test_a_change_that_cannot_be_stored_has_no_entry(clinic: Clinic, action: str) -> None:
    table, attempt = CHANGES[action]
    for event in ("INSERT", "UPDATE"):
        direct.refuse(clinic.world.url, event, table, name=f"jam_{event}")
    before, noted = clinic.dump(), done(clinic)
    assert not attempt(clinic).is_success
    assert (clinic.dump(), done(clinic)) == (before, noted)
