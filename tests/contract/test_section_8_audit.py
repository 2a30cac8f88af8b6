"""Contract section 8: the audit trail."""

from typing import Any

import pytest

from slotkeeper.domain import access
from slotkeeper.domain.access import Scope
from slotkeeper.domain.model import Channel
from slotkeeper.operations import audit, upkeep
from tests import direct
from tests.world import APPOINTMENTS, MONDAY, REGENERATE, WINDOWS, Cast, Client, World, good, refused

AUDIT = "/v1/audit"
ENTRY = [
    "audit_id", "at", "action", "subject", "key_id", "user_id", "channel", "request_id", "outcome", "before", "after",
]  # fmt: skip
BRANCH = {"name": "Main Street"}


def entries(client: Client, **filters: Any) -> list[dict[str, Any]]:
    return list(good(client.get(AUDIT, **{"limit": 200, **filters}))["data"])


def newest(client: Client, **filters: Any) -> dict[str, Any]:
    return entries(client, **filters)[0]


class Clinic:
    def __init__(self, world: World, owner: Client, cast: Cast) -> None:
        self.world, self.owner, self.org_id = world, owner, cast.owner_org
        self.branch, self.service = owner.branch("Main Street"), owner.service("Checkup")
        self.window = owner.window(max_slots=1)

    def body(self, **fields: Any) -> dict[str, Any]:
        return {
            "appointment_type": self.service,
            "appointment_date": f"{MONDAY}T09:30:00Z",
            "patient_name": "Zora Quimby",
            "parent_phone": "+49 151 7654321",
            "notes": "allergic to latex",
        } | fields

    def act(self, action: str) -> str | None:
        """Do something that an action is the name of; its subject."""
        owner, record = self.owner, f"{self.window}||{MONDAY}||{self.service}"
        if action.startswith("appointments."):
            booked = good(owner.post(APPOINTMENTS, self.body()), 201)["appointment_id"]
            changes: dict[str, dict[str, Any]] = {
                "move": {"appointment_date": f"{MONDAY}T10:00:00Z"},
                "cancel": {"status": "cancelled"},
                "complete": {"status": "completed"},
                "update": {"notes": "allergic to penicillin"},
            }
            verb = action.partition(".")[2]
            if verb == "confirm":
                good(owner.patch(f"{APPOINTMENTS}/{booked}", {"status": "completed"}))
                good(owner.patch(f"{APPOINTMENTS}/{booked}", {"status": "confirmed"}))
            elif verb != "create":
                good(owner.patch(f"{APPOINTMENTS}/{booked}", changes[verb]))
            return str(booked)
        if action.startswith("holds."):
            hold = good(owner.post("/v1/holds", {"slot_id": record}), 201)["data"]["hold_id"]
            if action == "holds.extend":
                good(owner.patch(f"/v1/holds/{hold}", {"ttl_seconds": 60}))
            elif action == "holds.release":
                good(owner.request("DELETE", f"/v1/holds/{hold}"))
            return str(hold)
        if action.startswith("closures."):
            body = {"date_from": MONDAY, "reason": "Closed"}
            closure = good(owner.post("/v1/closures", body), 201)["data"]["closure_id"]
            if action == "closures.delete":
                good(owner.request("DELETE", f"/v1/closures/{closure}"))
            return str(closure)
        window = f"{WINDOWS}/{self.window}"
        doing: dict[str, Any] = {
            "windows.create": lambda: good(owner.post(WINDOWS, {"day": "friday", "session": "Evening",
                "start_time": "17:00", "end_time": "19:00", "max_slots": 3}), 201)["data"]["calendar_id"],
            "windows.update": lambda: good(owner.patch(window, {"max_slots": 9}))["data"]["calendar_id"],
            "windows.disable": lambda: good(owner.post(f"{window}/disable"))["data"]["calendar_id"],
            "windows.enable": lambda: (good(owner.post(f"{window}/disable")), good(owner.post(f"{window}/enable")))[1][
                "data"]["calendar_id"],
            "records.update": lambda: (good(owner.override(self.window, MONDAY, self.service, max_slots=5)), record)[1],
            "days.update": lambda: (good(owner.override(self.window, MONDAY, status="CLOSED")), record[:48])[1],
            "schedule.regenerate": lambda: (owner.regenerate("2028-06-12", "2028-06-12"), "2028-06-12/2028-06-12")[1],
            "services.create": lambda: owner.service("Dentist"),
            "services.update": lambda: good(owner.patch(f"/v1/services/{self.service}", {"active": False}))["data"][
                "service_id"],
            "branches.create": lambda: owner.branch("Side Street"),
            "branches.update": lambda: good(owner.patch(f"/v1/branches/{self.branch}", {"name": "High"}))["data"][
                "branch_id"],
            "configuration.update": lambda: (good(owner.patch("/v1/appointment-config", {"min_notice_hours": 1})),
                self.org_id)[1],
        }  # fmt: skip
        return str(doing[action]())


@pytest.fixture
def clinic(world: World, owner: Client, cast: Cast) -> Clinic:
    return Clinic(world, owner, cast)


@pytest.mark.parametrize(
    "action",
    [
        *(f"appointments.{verb}" for verb in ("create", "move", "cancel", "complete", "confirm", "update")),
        *("holds.create", "holds.extend", "holds.release", "closures.create", "closures.delete"),
        *(f"windows.{verb}" for verb in ("create", "update", "enable", "disable")),
        *("records.update", "days.update", "schedule.regenerate", "services.create", "services.update"),
        *("branches.create", "branches.update", "configuration.update"),
    ],
)
def test_every_change_has_its_entry(clinic: Clinic, action: str) -> None:
    subject = clinic.act(action)
    entry = newest(clinic.owner)
    assert list(entry) == ENTRY
    assert (entry["action"], entry["subject"], entry["outcome"]) == (action, subject, "done")
    assert (entry["at"], entry["channel"], entry["user_id"]) == ("2026-06-01T08:00:00.000Z", "ai", None)
    assert entry["before"] or entry["after"]
    for trace in ("Zora", "7654321", "allergic"):
        assert trace not in str(entries(clinic.owner)), trace


def test_an_entry_says_only_what_changed_by_which_key_and_request(clinic: Clinic) -> None:
    answer = clinic.owner.patch(f"{WINDOWS}/{clinic.window}", {"max_slots": 7, "start_time": "09:00"})
    entry = newest(clinic.owner)
    assert (entry["before"], entry["after"]) == ({"max_slots": 1}, {"max_slots": 7})
    assert entry["request_id"] == answer.headers["x-request-id"]
    (key,) = direct.rows(
        clinic.world.path, "SELECT key_id FROM api_keys WHERE org_id = ? AND scopes LIKE '%admin%'", clinic.org_id
    )
    assert entry["key_id"] == key[0]


def test_what_changes_nothing_has_no_entry(clinic: Clinic) -> None:
    before = len(entries(clinic.owner))
    good(clinic.owner.patch(f"{WINDOWS}/{clinic.window}", {"max_slots": 1}))
    good(clinic.owner.post(f"{WINDOWS}/{clinic.window}/enable"))
    good(clinic.owner.post(REGENERATE, {"date_from": MONDAY}))
    good(clinic.owner.post("/v1/closures", {"date_from": MONDAY, "reason": "X", "dry_run": True}))
    clinic.owner.slots()
    assert len(entries(clinic.owner)) == before


def test_a_refusal_by_a_rule_has_an_entry_with_code_window_date_and_service(clinic: Clinic) -> None:
    good(clinic.owner.post(APPOINTMENTS, clinic.body()), 201)
    refused(clinic.owner.post(APPOINTMENTS, clinic.body(patient_name="Grace Hopper")), 409, "SLOT_FULL")
    entry = newest(clinic.owner)
    assert (entry["action"], entry["subject"], entry["outcome"]) == ("appointments.create", None, "refused")
    said = {"code": "SLOT_FULL", "window": clinic.window, "date": MONDAY, "service": clinic.service}
    assert (entry["before"], entry["after"]) == (None, said)
    assert "Grace" not in str(entry)
    refused(clinic.owner.post("/v1/services", {"name": "checkup"}), 409, "CONFLICT")
    assert newest(clinic.owner)["after"] == {"code": "CONFLICT"}
    before = len(entries(clinic.owner))
    refused(clinic.owner.post("/v1/services", {"name": ""}), 400, "VALIDATION_ERROR")
    refused(clinic.owner.post(APPOINTMENTS, clinic.body(appointment_type="Nobody's")), 404, "NOT_FOUND")
    assert len(entries(clinic.owner)) == before


def test_entries_are_listed_newest_first_page_by_page_and_by_filter(clinic: Clinic) -> None:
    for number in range(5):
        clinic.world.clock.advance(hours=12)
        clinic.owner.service(f"Service {number}")
    found = entries(clinic.owner, action="services.create")
    assert [one["after"]["name"] for one in found] == [*(f"Service {number}" for number in (4, 3, 2, 1, 0)), "Checkup"]
    pages = [good(clinic.owner.get(AUDIT, action="services.create", limit=4, page=page)) for page in (1, 2)]
    assert [*pages[0]["data"], *pages[1]["data"]] == found
    assert pages[1]["pagination"] == {"page": 2, "limit": 4, "total": 6, "total_pages": 2}
    asked = {"action": "services.create"}
    assert len(entries(clinic.owner, **asked, **{"from": "2026-06-02", "to": "2026-06-02"})) == 2
    assert len(entries(clinic.owner, **asked, **{"from": "2026-06-02T08:00:00Z"})) == 4
    assert len(entries(clinic.owner, subject=found[0]["subject"])) == 1
    assert entries(clinic.owner, key_id="00000000-0000-4000-8000-000000000000") == []
    refused(clinic.owner.get(AUDIT, **{"from": "yesterday"}), 400, "VALIDATION_ERROR")


def test_only_admins_read_the_trail_of_their_own_organization(clinic: Clinic, outsider: Client) -> None:
    writer = clinic.world.key(clinic.org_id, [Scope.SLOTS_WRITE, Scope.APPOINTMENTS_WRITE], channel=Channel.STAFF)
    refused(writer.get(AUDIT), 403, "INSUFFICIENT_SCOPE")
    assert clinic.window not in str(entries(outsider))


def test_keys_are_noted_without_their_text(clinic: Clinic) -> None:
    made = clinic.world.key(clinic.org_id)
    entry = newest(clinic.owner, action="keys.create")
    assert entry["key_id"] is None
    assert made.key is not None
    assert made.key[-30:] not in str(entries(clinic.owner))


def test_entries_are_kept_as_long_as_the_organization_says(clinic: Clinic) -> None:
    world, operator = clinic.world, access.operator(clinic.org_id)
    assert world.run(audit.keep_days(world.db, operator, 30, now=world.clock())) == 730
    world.clock.advance(days=29)
    world.run(audit.forget_old(world.db, now=world.clock()))
    kept = len(entries(clinic.owner))
    assert kept > 4
    clinic.owner.service("Dentist")
    world.clock.advance(days=1, milliseconds=1)
    world.run(audit.forget_old(world.db, now=world.clock()))
    assert [one["action"] for one in entries(clinic.owner)] == ["services.create"]


def test_erasing_a_patient_reaches_the_answers_kept_for_a_retry(clinic: Clinic) -> None:
    headers = {"idempotency-key": "key-1"}
    first = clinic.owner.request("POST", f"{APPOINTMENTS}?expand=slot", json=clinic.body(), headers=headers)
    good(first, 201)
    world, operator = clinic.world, access.operator(clinic.org_id)
    world.run(upkeep.erase_patient(world.db, operator, phone="+49 151 7654321", name=None, now=world.clock()))
    for trace in ("Zora", "7654321", "allergic"):
        assert trace not in repr(direct.dump(world.path, clinic.org_id)), trace
    again = clinic.owner.request("POST", f"{APPOINTMENTS}?expand=slot", json=clinic.body(), headers=headers)
    assert again.headers["idempotent-replay"] == "true"
    assert good(again, 201)["appointment_id"] == first.json()["appointment_id"]
    assert newest(clinic.owner)["action"] == "patients.erase"
