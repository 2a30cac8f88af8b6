"""The board of the front desk: a branch's week at a glance."""

from datetime import date, timedelta
from typing import NamedTuple

from slotkeeper.domain import capacity
from slotkeeper.domain.access import Caller, Scope
from slotkeeper.domain.model import Slot, WindowDate
from slotkeeper.store import days, directory
from slotkeeper.store.database import Connection, Database

DAYS_SHOWN = 7


class Card(NamedTuple):
    """A window-date as the desk sees it: as availability shows it, its live holds, and what staff may still book."""

    slot: Slot
    holds: int
    left: int
    reason: str | None


async def get_week(db: Database, caller: Caller, *, branch_id: str, monday: date, now: int) -> dict[date, list[Card]]:
    """The stored window-dates of a branch from a date on for seven days, each day by time, closed ones included."""
    caller.require(Scope.SLOTS_READ)
    org_id, last = caller.org_id, monday + timedelta(days=DAYS_SHOWN - 1)

    async def work(tx: Connection) -> dict[date, list[Card]]:
        services = [(service.service_id, service.active) for service in await directory.list_services(tx, org_id)]
        week: dict[date, list[Card]] = {monday + timedelta(days=number): [] for number in range(DAYS_SHOWN)}
        for at in await days.list_stored(tx, org_id, date_from=monday, date_to=last, branch_id=branch_id, now=now):
            week[at.date].append(_card(at, services))
        return week

    return await db.read(work)


def _card(at: WindowDate, services: capacity.Services) -> Card:
    slot = capacity.slot(at, capacity.served(at, services))
    override = at.overrides.get(None)
    return Card(slot, at.holds, capacity.left(slot.max_slots, at), None if override is None else override.reason)
