"""Houses to move between: a Slotkeeper on a database of any engine, and a clinic whose every table has rows.

What is compared is read from the database itself, by the schema's own words.
"""

import asyncio
import io
import re
from collections.abc import Callable, Coroutine, Sequence
from importlib import resources
from typing import Any, NamedTuple, TypeVar

import httpx

from slotkeeper.app import create_app, open_database
from slotkeeper.domain.access import Scope, operator
from slotkeeper.domain.model import Channel
from slotkeeper.domain.users import Role
from slotkeeper.operations import access, directory, exports, imports, users
from slotkeeper.operations.exports import Export
from slotkeeper.operations.imports import Imported
from slotkeeper.settings import Settings
from slotkeeper.store import rate_leases
from slotkeeper.store.database import SQL, Database
from tests.engines import BOTH
from tests.world import APPOINTMENTS, MONDAY, WINDOWS, MovableClock, good

T = TypeVar("T")
HOLDS = "/v1/holds"
PAIRS = [(one, other) for one in BOTH for other in BOTH]
"""Every engine to move from, with every one to move to."""

SCHEMA = resources.files("slotkeeper.store").joinpath("schema.sql").read_text(encoding="utf-8")
STAY = {"rate_leases", "sign_ins", "attempts", "imports"}
COLUMNS = {
    table: re.findall(r"^    (\w+) (?:UUID|TEXT|DATE|INSTANT|INTEGER|BOOLEAN)\b", body, re.MULTILINE)
    for table, body in re.findall(r"CREATE TABLE (\w+) \((.*?)^\);", SCHEMA, re.MULTILINE | re.DOTALL)
    if table not in STAY
}
"""The columns of every table that moves, as the schema declares them."""

Rows = dict[str, list[tuple[Any, ...]]]


class House:
    """A Slotkeeper on the database of a URL, which is migrated."""

    def __init__(self, url: str, clock: MovableClock | None = None) -> None:
        self.url, self.clock = url, clock or MovableClock()
        self.db: Database = open_database(url)
        self.runner = asyncio.Runner()
        self.run(self.db.migrate())
        app = create_app(self.db, Settings(), clock=self.clock)
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://slotkeeper.test")

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Drive one operation to its end."""
        return self.runner.run(work)

    def close(self) -> None:
        self.run(self.http.aclose())
        self.run(self.db.close())
        self.runner.close()

    def beside(self, work: Callable[["House"], T]) -> T:
        """Do something in this house from a connection of its own."""
        house = House(self.url, self.clock)
        try:
            return work(house)
        finally:
            house.close()

    def ask(self, key: str, method: str, path: str, body: Any = None, *, once: str | None = None) -> httpx.Response:
        """A request with an API key, and with an Idempotency-Key where it is to have its effect once."""
        headers = {"authorization": f"Bearer {key}"} | ({} if once is None else {"idempotency-key": once})
        return self.run(self.http.request(method, path, json=body, headers=headers))

    def make(self, key: str, path: str, body: Any) -> dict[str, Any]:
        """What a POST made."""
        return dict(good(self.ask(key, "POST", path, body), 201)["data"])

    def new_key(self, org_id: str) -> tuple[str, str]:
        """A key with every scope: its id and its text."""
        record, text = self.run(
            access.create_key(
                self.db,
                org_id,
                label="Schlüssel",
                scopes=list(Scope),
                channel=Channel.AI,
                rate_limit=0,
                expires_at=None,
                now=self.clock(),
            )
        )
        return record.key_id, text

    def names(self) -> list[str]:
        """The names of the organizations that are there, as a person sees them."""
        return [one.name for one in self.run(directory.list_organizations(self.db))]

    def rows(self, org_id: str) -> Rows:
        """Everything that moves, of one organization, without the note that it was moved."""

        async def work(tx: Any) -> Rows:
            kept: Rows = {}
            for table, columns in COLUMNS.items():
                statement = SQL(f"SELECT {', '.join(columns)} FROM {table} WHERE org_id = :org_id")
                kept[table] = sorted((plain(row) for row in await tx.fetch(statement, org_id=org_id)), key=repr)
            return kept

        found = self.run(self.db.read_aside(work))
        found["audit"] = [row for row in found["audit"] if "organizations.import" not in row]
        return found

    def count(self, org_id: str) -> int:
        """How many rows of an organization there are."""
        return sum(len(rows) for rows in self.rows(org_id).values())

    def export(self, organization: str | None = None) -> bytes:
        return self.exported(organization)[0]

    def exported(
        self, organization: str | None = None, on_write: Callable[[bytes], object] = len
    ) -> tuple[bytes, Export]:
        """The file of an export, and what it says of itself; ``on_write`` is told of each piece first."""
        file = io.BytesIO()

        def write(piece: bytes) -> None:
            on_write(piece)
            file.write(piece)

        made = self.run(exports.export(self.db, organization, write=write, clock=self.clock))
        return file.getvalue(), made

    def bring_in(self, file: bytes, **more: Any) -> list[Imported]:
        return self.run(imports.import_file(self.db, io.BytesIO(file), clock=self.clock, **more))


def plain(row: Sequence[Any]) -> tuple[Any, ...]:
    """A row as every engine gives it: truth values as 0 and 1."""
    return tuple(int(value) if isinstance(value, bool) else value for value in row)


class Furnished(NamedTuple):
    """A clinic that somebody works in."""

    org_id: str
    name: str
    key: str
    revoked: str
    service: str
    window: str
    hold: dict[str, Any]
    booked: httpx.Response

    def booking(self, name: str = "Ada Lovelace", **fields: Any) -> dict[str, Any]:
        return {
            "appointment_type": self.service,
            "appointment_date": f"{MONDAY}T09:30:00Z",
            "patient_name": name,
            "parent_phone": "+49 151 7654321",
        } | fields


def furnish(house: House, name: str = "Klinik Übersee 🩺") -> Furnished:
    """A clinic with rows in every table, with what is easily lost: text of all kinds, absent values, the dead."""
    org_id = house.run(directory.create_organization(house.db, name=name, timezone="UTC", now=house.clock())).org_id
    key_id, key = house.new_key(org_id)
    revoked_id, revoked = house.new_key(org_id)
    house.run(access.revoke_key(house.db, org_id, revoked_id, now=house.clock()))
    house.make(key, "/v1/branches", {"name": "本店 “Main”", "timezone": "Asia/Kolkata"})
    branch = house.make(key, "/v1/branches", {"name": "Śródmieście"})["branch_id"]
    service = house.make(key, "/v1/services", {"name": "Vorsorge \\ 'check'"})["service_id"]
    old = house.make(key, "/v1/services", {"name": "Old"})["service_id"]
    good(house.ask(key, "PATCH", f"/v1/services/{old}", {"active": False}))
    body = {"branch_id": branch, "day": "monday", "session": "Morning", "start_time": "09:00", "end_time": "11:00"}
    window = house.make(key, WINDOWS, body | {"max_slots": 20, "ai_slots": 10, "batch_name": "MÄ"})["calendar_id"]
    house.make(key, WINDOWS, body | {"max_slots": 5, "session": "Evening", "appointment_type_id": service})
    good(house.ask(key, "PATCH", f"{WINDOWS}/days/{window}||2026-06-22", {"max_slots": 3, "reason": "Fête"}))
    good(house.ask(key, "PATCH", f"{WINDOWS}/tracking/{window}||2026-06-22||{service}", {"status": "CLOSED"}))
    house.make(key, "/v1/closures", {"date_from": "2026-12-24", "reason": "Święta"})
    clinic = Furnished(org_id, name, key, revoked, service, window, {}, httpx.Response(500))
    notes = {"notes": 'Zeile 1: "…"; emoji 👩🏽‍⚕️, U+2028 \u2028, ZWJ \u200d', "assigned_doctor": "Dr. Ñ"}
    booked = house.ask(key, "POST", APPOINTMENTS, clinic.booking(branch_id=branch, **notes), once="call-1")
    for person in ("Grace Hopper", "李 明"):
        asked = clinic.booking(person, branch_id=branch)
        gone = good(house.ask(key, "POST", APPOINTMENTS, asked), 201)["appointment_id"]
    good(house.ask(key, "PATCH", f"{APPOINTMENTS}/{gone}", {"status": "cancelled"}))
    slot_id = f"{window}||{MONDAY}||{service}"
    hold = house.make(key, HOLDS, {"slot_id": slot_id, "ttl_seconds": 900})
    house.run(
        house.db.write(
            lambda tx: rate_leases.take_lease(tx, org_id, key_id, revoked_id, share=1, counts_until=house.clock())
        )
    )
    boss = operator(org_id)
    for email, role in (("Ñandú@example.org", Role.ADMIN), ("gone@example.org", Role.DESK)):
        made = users.create_user(house.db, boss, email=email, name="Zoë “Zo”", role=role, now=house.clock())
        invited = house.run(made)
    house.run(users.disable_user(house.db, boss, invited.user.user_id, now=house.clock()))
    return clinic._replace(hold=hold, booked=booked)
