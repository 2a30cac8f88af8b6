"""Contract sections 2 and 8: closures."""

from typing import Any

import pytest

from slotkeeper.operations import upkeep
from tests.world import APPOINTMENTS, MONDAY, WINDOWS, Cast, Client, World, good, plus_days, refused

CLOSURES = "/v1/closures"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
SHOWN = ["closure_id", "branch_id", "date_from", "date_to", "reason", "source", "created_at"]
NEXT = plus_days(MONDAY, 7)


class Clinic:
    """Two branches, one service, a window on Monday mornings in each."""

    def __init__(self, world: World, owner: Client, cast: Cast) -> None:
        self.world, self.owner, self.org_id = world, owner, cast.owner_org
        self.branches = [owner.branch(name) for name in ("Main Street", "Side Street")]
        self.service = owner.service("Checkup")
        self.windows = [owner.window(branch_id=branch) for branch in self.branches]
        self.people = 0

    def close(self, first: str = MONDAY, last: str | None = None, **fields: Any) -> dict[str, Any]:
        body = {"date_from": first, "reason": "Christmas"} | ({} if last is None else {"date_to": last}) | fields
        return dict(good(self.owner.post(CLOSURES, body), 201)["data"])

    def open(self, closure: dict[str, Any]) -> None:
        assert good(self.owner.request("DELETE", f"{CLOSURES}/{closure['closure_id']}")) == {"success": True}

    def is_open(self, on: str = MONDAY) -> list[bool]:
        """For each window; availability and tracking must agree where a record is stored."""
        listed = {slot["calendar_id"] for slot in self.owner.slots(on)}
        for record in self.owner.records(on):
            assert (record["status"] == "OPEN") == (record["calendar_id"] in listed)
        assert self.world.run(upkeep.check(self.world.db)) == []
        return [window in listed for window in self.windows]

    def book(self, on: str = MONDAY, branch: int = 0) -> Any:
        self.people += 1
        body = {
            "appointment_type": self.service,
            "appointment_date": f"{on}T09:30:00Z",
            "patient_name": f"Patient {self.people}",
            "parent_phone": "+49 151 7654321",
            "branch_id": self.branches[branch],
        }
        return self.owner.post(APPOINTMENTS, body)


@pytest.fixture
def clinic(world: World, owner: Client, cast: Cast) -> Clinic:
    return Clinic(world, owner, cast)


def test_a_closure_has_exactly_its_keys(clinic: Clinic) -> None:
    closure = clinic.close("2026-12-24", "2026-12-26")
    assert list(closure) == SHOWN
    assert closure["branch_id"] is None
    assert (closure["date_from"], closure["date_to"], closure["source"]) == ("2026-12-24", "2026-12-26", "api")
    assert good(clinic.owner.get(f"{CLOSURES}/{closure['closure_id']}"))["data"] == closure


def test_it_closes_its_dates_of_every_branch_until_it_is_removed(clinic: Clinic) -> None:
    assert clinic.is_open() == [True, True]
    closure = clinic.close(MONDAY, NEXT)
    assert [clinic.is_open(on) for on in (MONDAY, NEXT)] == [[False, False]] * 2
    assert clinic.is_open(plus_days(NEXT, 7)) == [True, True]
    refused(clinic.book(), 422, "OUTSIDE_AVAILABILITY")
    clinic.open(closure)
    assert [clinic.is_open(on) for on in (MONDAY, NEXT)] == [[True, True]] * 2
    good(clinic.book(), 201)
    refused(clinic.owner.request("DELETE", f"{CLOSURES}/{closure['closure_id']}"), 404, "NOT_FOUND")


def test_it_can_be_for_one_branch(clinic: Clinic) -> None:
    clinic.close(branch_id=clinic.branches[1])
    assert clinic.is_open() == [True, False]
    refused(clinic.owner.post(CLOSURES, {"date_from": MONDAY, "reason": "X", "branch_id": UNKNOWN}), 404, "NOT_FOUND")


def test_of_two_on_one_date_removing_one_leaves_it_closed(clinic: Clinic) -> None:
    one, other = clinic.close(), clinic.close(branch_id=clinic.branches[0])
    clinic.open(one)
    assert clinic.is_open() == [False, True]
    clinic.open(other)
    assert clinic.is_open() == [True, True]


def test_it_stands_before_every_override_and_names_itself(clinic: Clinic) -> None:
    window = clinic.windows[0]
    good(clinic.owner.override(window, MONDAY, status="OPEN", max_slots=30))
    closure = clinic.close()
    assert clinic.is_open() == [False, False]
    for part in ((), (clinic.service,)):
        error = refused(clinic.owner.override(window, MONDAY, *part, status="OPEN"), 409, "CONFLICT")
        assert "Christmas" in error["message"]
    clinic.open(closure)
    (slot,) = [slot for slot in clinic.owner.slots() if slot["calendar_id"] == window]
    assert slot["max_slots"] == 30


def test_it_outlives_regenerate_and_changes_of_windows(clinic: Clinic) -> None:
    clinic.close()
    assert clinic.owner.regenerate(MONDAY)["upserted"] == 2
    good(clinic.owner.post(f"{WINDOWS}/{clinic.windows[0]}/disable"))
    good(clinic.owner.post(f"{WINDOWS}/{clinic.windows[0]}/enable"))
    good(clinic.owner.patch(f"{WINDOWS}/{clinic.windows[1]}", {"max_slots": 5}))
    assert clinic.is_open() == [False, False]


def test_dates_without_a_record_are_closed_too(clinic: Clinic) -> None:
    far = plus_days(MONDAY, 7 * 40)
    assert clinic.is_open(far) == [True, True]
    good(clinic.book(plus_days(far, 7)), 201)
    closure = clinic.close(far, plus_days(far, 14))
    assert [clinic.is_open(plus_days(far, days)) for days in (0, 7, 14)] == [[False, False]] * 3
    refused(clinic.book(far), 422, "OUTSIDE_AVAILABILITY")
    refused(clinic.book(plus_days(far, 7)), 422, "OUTSIDE_AVAILABILITY")
    clinic.open(closure)
    assert [clinic.is_open(plus_days(far, days)) for days in (0, 7, 14)] == [[True, True]] * 3


def test_bookings_on_its_dates_stay_and_a_dry_run_names_those_still_to_come(clinic: Clinic) -> None:
    kept = [good(clinic.book(on, branch), 201)["appointment_id"] for on, branch in ((MONDAY, 0), (NEXT, 1))]
    gone = good(clinic.book(), 201)["appointment_id"]
    good(clinic.owner.patch(f"{APPOINTMENTS}/{gone}", {"status": "cancelled"}))
    body = {"date_from": MONDAY, "date_to": NEXT, "reason": "Christmas", "dry_run": True}
    answer = good(clinic.owner.post(CLOSURES, body))
    assert list(answer) == ["success", "data", "affected"]
    assert list(answer["data"]) == SHOWN
    assert answer["data"]["closure_id"] is None
    assert answer["affected"] == kept
    assert good(clinic.owner.post(CLOSURES, body | {"branch_id": clinic.branches[1]}))["affected"] == kept[1:]
    assert clinic.is_open() == [True, True]
    assert good(clinic.owner.get(CLOSURES))["data"] == []
    clinic.close(MONDAY, NEXT)
    assert good(clinic.owner.get(f"{APPOINTMENTS}/{kept[0]}"))["data"]["status"] == "confirmed"
    clinic.world.clock.set(f"{MONDAY}T09:30:00.001Z")
    assert good(clinic.owner.post(CLOSURES, body))["affected"] == kept[1:]


def test_past_dates_stay_as_they_were_until_somebody_regenerates_them(clinic: Clinic) -> None:
    clinic.world.clock.set(f"{NEXT}T08:00:00Z")
    clinic.close(MONDAY, NEXT)
    assert {record["status"] for record in clinic.owner.records(MONDAY)} == {"OPEN"}
    assert {record["status"] for record in clinic.owner.records(NEXT)} == {"CLOSED"}
    clinic.owner.regenerate(MONDAY)
    assert {record["status"] for record in clinic.owner.records(MONDAY)} == {"CLOSED"}


def test_closures_are_listed_by_date_and_filtered_by_the_dates_they_touch(clinic: Clinic) -> None:
    late, early = clinic.close(NEXT), clinic.close("2026-06-10", "2026-06-20", branch_id=clinic.branches[0])
    answer = good(clinic.owner.get(CLOSURES))
    assert answer["data"] == [early, late]
    assert answer["pagination"] == {"page": 1, "limit": 50, "total": 2, "total_pages": 1}
    assert good(clinic.owner.get(CLOSURES, date_from="2026-06-21"))["data"] == [late]
    assert good(clinic.owner.get(CLOSURES, date_to="2026-06-10"))["data"] == [early]
    assert good(clinic.owner.get(CLOSURES, branch_id=clinic.branches[1]))["data"] == [late]
    assert good(clinic.owner.get(CLOSURES, limit=1, page=2))["data"] == [late]


def test_a_wrong_closure_says_what_would_be_right(clinic: Clinic, colleague: Client) -> None:
    for wrong in (
        {"date_from": NEXT, "date_to": MONDAY, "reason": "X"},
        {"date_from": MONDAY},
        {"reason": "X"},
        {"date_from": MONDAY, "reason": "x" * 201},
    ):
        refused(clinic.owner.post(CLOSURES, wrong), 400, "VALIDATION_ERROR")
    refused(colleague.post(CLOSURES, {"date_from": MONDAY, "reason": "X"}), 403, "INSUFFICIENT_SCOPE")
    assert good(colleague.get(CLOSURES))["data"] == []
    refused(clinic.owner.get(f"{CLOSURES}/{UNKNOWN}"), 404, "NOT_FOUND")
