"""A clinic whose changes stand in the audit trail, and what its owner reads there."""

from typing import Any

from slotkeeper.domain import access
from slotkeeper.domain.model import Day, Session
from slotkeeper.operations.window_import import Imported, ImportRow, import_windows
from tests import direct
from tests.world import APPOINTMENTS, MONDAY, WINDOWS, Cast, Client, World, good

AUDIT = "/v1/audit"
ENTRY = [
    "audit_id", "at", "action", "subject", "key_id", "user_id", "channel", "request_id", "outcome", "before", "after",
]  # fmt: skip


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

    def bring_in(self, *rows: ImportRow, dry_run: bool = False) -> Imported:
        """Import windows as the person at the command line does."""
        operator, now = access.operator(self.org_id), self.world.clock()
        return self.world.run(import_windows(self.world.db, operator, rows, dry_run=dry_run, now=now))

    def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that is stored but for the trail."""
        return {table: rows for table, rows in direct.dump(self.world.url, self.org_id).items() if table != "audit"}


def row(line: int, session: Session = Session.MORNING, **fields: Any) -> ImportRow:
    """A line of a file of windows: by itself the clinic's own window, as it is."""
    return ImportRow(line, "", Day.MONDAY, session, None, "09:00", "11:00", 1, None, None)._replace(**fields)
