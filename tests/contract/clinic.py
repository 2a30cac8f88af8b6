"""A clinic whose places are held, booked and asked for again."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

import httpx

from slotkeeper.domain.model import Channel
from slotkeeper.operations import upkeep
from tests import direct
from tests.world import APPOINTMENTS, MONDAY, Cast, Client, World, good

HOLDS = "/v1/holds"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


class Counts(NamedTuple):
    """A window-date as availability and schedule tracking show it: what is filled, what is left to whom."""

    filled: int
    left_to_ai: int
    left: int


class Clinic:
    """One branch, one service, a window on Monday mornings with two places; and somebody of the staff."""

    def __init__(self, world: World, owner: Client, cast: Cast) -> None:
        self.world, self.owner, self.org_id = world, owner, cast.owner_org
        self.branch = owner.branch("Main Street")
        self.service = owner.service("Checkup")
        self.window = owner.window(max_slots=2, batch_name="MA")
        self.staff = world.key(cast.owner_org, channel=Channel.STAFF)
        self.slot_id = f"{self.window}||{MONDAY}||{self.service}"

    def body(self, name: str = "Ada Lovelace", /, **fields: Any) -> dict[str, Any]:
        """A booking; a field given as ``...`` is left out."""
        wanted = {
            "appointment_type": self.service,
            "appointment_date": f"{MONDAY}T09:30:00Z",
            "patient_name": name,
            "parent_phone": "+49 151 7654321",
        }
        return {field: value for field, value in (wanted | fields).items() if value is not ...}

    def ask(self, client: Client | None = None, /, **fields: Any) -> httpx.Response:
        """Ask for a hold, of the clinic's slot unless ``appointment_date`` says when."""
        body = fields if "appointment_date" in fields else {"slot_id": self.slot_id} | fields
        return (client or self.owner).post(HOLDS, body)

    def hold(self, client: Client | None = None, /, **fields: Any) -> dict[str, Any]:
        return dict(good(self.ask(client, **fields), 201)["data"])

    def confirm(self, hold: dict[str, Any], client: Client | None = None, /, **fields: Any) -> httpx.Response:
        """Book with a hold; a field given as ``...`` is left out."""
        body = self.body(**{"appointment_type": ...} | fields) | {"hold_id": hold["hold_id"]}
        return (client or self.owner).post(APPOINTMENTS, body)

    def shown(self, hold: dict[str, Any], client: Client | None = None) -> httpx.Response:
        return (client or self.owner).get(f"{HOLDS}/{hold['hold_id']}")

    def release(self, hold: dict[str, Any], client: Client | None = None) -> httpx.Response:
        return (client or self.owner).request("DELETE", f"{HOLDS}/{hold['hold_id']}")

    def extend(self, hold: dict[str, Any], client: Client | None = None, /, **fields: Any) -> httpx.Response:
        return (client or self.owner).patch(f"{HOLDS}/{hold['hold_id']}", fields)

    def rules(self, **settings: Any) -> None:
        good(self.owner.patch("/v1/appointment-config", settings))

    def limits(self, **limits: Any) -> None:
        good(self.owner.patch(f"/v1/appointment-slots/{self.window}", limits))

    def counts(self, on: str = MONDAY) -> Counts:
        """The numbers of the clinic's window on a date; nothing may have drifted."""
        (slot,) = [one for one in self.owner.slots(on) if one["calendar_id"] == self.window]
        records = [one for one in self.owner.records(on) if one["calendar_id"] == self.window]
        (record,) = [one for one in records if one["appointment_type_id"] == self.service]
        assert slot["filled_slots"] == record["filled_slots"]
        assert self.world.run(upkeep.check(self.world.db)) == []
        return Counts(slot["filled_slots"], slot["available_slots"], record["available_slots"])

    def once(self, path: str, key: str, body: Any, client: Client | None = None) -> httpx.Response:
        """POST with an Idempotency-Key."""
        return (client or self.owner).request("POST", path, json=body, headers={"idempotency-key": key})

    def at_once(self, requests: Sequence[tuple[str, str, Any]], **headers: str) -> list[httpx.Response]:
        """The answers to requests of the owner (method, path, body) that come in together."""
        sent = {"authorization": f"Bearer {self.owner.key}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }

        async def rush() -> list[httpx.Response]:
            http = self.world.http
            asked = (http.request(method, path, json=body, headers=sent) for method, path, body in requests)
            return await asyncio.gather(*asked)

        return self.world.run(rush())

    def stored(self, table: str) -> int:
        """How many rows a table holds of this organization."""
        return len(direct.dump(self.world.url, self.org_id)[table])

    def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that is stored but for the audit trail, in which refusals are noted."""
        return {table: rows for table, rows in direct.dump(self.world.url, self.org_id).items() if table != "audit"}
