"""What the person who runs Slotkeeper does: recount everything, erase a person (contract.md sections 2 and 7)."""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from slotkeeper.domain.access import Caller, Scope
from slotkeeper.domain.errors import NotFound
from slotkeeper.domain.model import fold
from slotkeeper.operations.acts import Act
from slotkeeper.store import appointments, directory, requests
from slotkeeper.store.appointments import Difference
from slotkeeper.store.database import Connection, Database

ERASED = "(erased)"

__all__ = ["ERASED", "Difference", "Erased", "check", "erase_patient"]


class Erased(NamedTuple):
    """How many appointments were erased, and the names that stood in them, each once in any case."""

    appointments: int
    names: list[str]


async def check(db: Database) -> list[Difference]:
    """Recount every window-date of every organization; each count that differs (there must never be one)."""

    async def work(tx: Connection) -> list[Difference]:
        found: list[Difference] = []
        for organization in await directory.list_organizations(tx):
            found += await appointments.list_differences(tx, organization.org_id)
        return found

    return await db.read_aside(work)


async def erase_patient(
    db: Database, caller: Caller, *, phone: str, name: str | None, now: int, dry_run: bool = False
) -> Erased:
    """Replace a person's name, phone and notes everywhere; the counts stay. With ``dry_run`` only say whose.

    Without ``name``, everybody under that phone number. Raises NotFound where there is nobody. What is
    noted of it in the audit trail names the appointments, not the person.
    """
    caller.require(Scope.ADMIN)
    org_id = caller.org_id
    act = Act(caller, "patients.erase", "patient", now)

    async def find(tx: Connection) -> dict[str, str]:
        found = {
            appointment_id: patient
            for appointment_id, patient in await appointments.list_of_phone(tx, org_id, phone)
            if name is None or fold(patient) == fold(name)
        }
        if not found:
            raise NotFound("No appointment has that phone number" + ("." if name is None else " and that name."))
        return found

    async def work(tx: Connection) -> dict[str, str]:
        found = await find(tx)
        await appointments.erase(tx, org_id, list(found), erased=ERASED, now=now)
        await _erase_answers(tx, org_id, list(found))
        await act.note(tx, None, {"appointments": list(found)})
        return found

    found = await (db.read(find) if dry_run else act.write(db, work))
    return Erased(len(found), sorted({fold(patient): patient for patient in found.values()}.values()))


async def _erase_answers(tx: Connection, org_id: str, appointment_ids: Iterable[str]) -> None:
    """Erase the patient in the answers that are kept for a retry of the booking."""
    for appointment_id in appointment_ids:
        kept = await requests.list_mentioning(tx, org_id, appointment_id)
        erased = [one._replace(answer=_erase_answer(one.answer)) for one in kept]
        await requests.replace_answers(tx, org_id, erased)


def _erase_answer(answer: str) -> str:
    said: dict[str, Any] = json.loads(answer)
    shown = said.get("data", {})
    blank = {"patient_name": ERASED, "parent_phone": "", "notes": ERASED}
    shown |= {name: text for name, text in blank.items() if shown.get(name)}
    return json.dumps(said, separators=(",", ":"), ensure_ascii=False)
