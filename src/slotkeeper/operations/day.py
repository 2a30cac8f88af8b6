"""A day of the front desk: the windows of a branch on a date, and who is booked into each."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from slotkeeper.domain import capacity
from slotkeeper.domain.access import Caller, Scope
from slotkeeper.domain.errors import NotFound
from slotkeeper.domain.model import NO_OVERRIDE, Appointment, Slot, WindowDate
from slotkeeper.store import appointments, days, directory, windows
from slotkeeper.store.database import Connection, Database


class Sheet(NamedTuple):
    """A window on a date: as availability shows it, its places, the services that it serves, and who is booked.

    ``left`` is what the staff may still book, ``reason`` why the date differs. ``appointments`` are by time,
    cancelled ones included.
    """

    slot: Slot
    holds: int
    left: int
    reason: str | None
    services: Sequence[str]
    appointments: Sequence[Appointment]


async def get_day(db: Database, caller: Caller, *, branch_id: str, on: date, now: int) -> list[Sheet]:
    """The windows of a branch on a date by time, closed ones included."""
    _require(caller)

    async def work(tx: Connection) -> list[Sheet]:
        return await _list_sheets(tx, caller.org_id, branch_id, on, None, now=now)

    return await db.read(work)


async def get_sheet(db: Database, caller: Caller, *, calendar_id: str, on: date, now: int) -> Sheet:
    """One window on a date. Raises NotFound where there is none on it."""
    _require(caller)

    async def work(tx: Connection) -> Sheet:
        window = await windows.find_window(tx, caller.org_id, calendar_id, lock=False)
        if window is not None:
            found = await _list_sheets(tx, caller.org_id, window.branch_id, on, calendar_id, now=now)
            if found:
                return found[0]
        raise NotFound(f"This organization has no window {calendar_id} on {on}.")

    return await db.read(work)


def _require(caller: Caller) -> None:
    caller.require(Scope.SLOTS_READ)
    caller.require(Scope.APPOINTMENTS_READ)


async def _list_sheets(
    tx: Connection, org_id: str, branch_id: str, on: date, calendar_id: str | None, *, now: int
) -> list[Sheet]:
    stored = await days.list_stored(tx, org_id, date_from=on, date_to=on, branch_id=branch_id, now=now)
    found = {at.calendar_id: at for at in stored}
    # Beyond the horizon the windows speak; within it a window that was disabled since may still have patients.
    projected = await days.list_on_date(tx, org_id, on=on, branch_id=branch_id, session=None, now=now)
    for at in projected.window_dates:
        found.setdefault(at.calendar_id, at)
    if calendar_id is not None:
        found = {calendar_id: found[calendar_id]} if calendar_id in found else {}
    services = [(one.service_id, one.active) for one in await directory.list_services(tx, org_id)]
    booked: dict[str, list[Appointment]] = {one: [] for one in found}
    for one in await appointments.list_on_date(tx, org_id, on=on, branch_id=branch_id, calendar_id=calendar_id):
        booked.setdefault(one.calendar_id, []).append(one)
    in_order = sorted(found.values(), key=lambda at: (at.start_time, at.end_time, at.batch or "", at.calendar_id))
    return [_sheet(at, services, booked[at.calendar_id]) for at in in_order]


def _sheet(at: WindowDate, services: capacity.Services, booked: Sequence[Appointment]) -> Sheet:
    served = capacity.served(at, services)
    slot = capacity.slot(at, served)
    left = capacity.left(slot.max_slots, at) if slot.status == "OPEN" else 0
    reason = at.overrides.get(None, NO_OVERRIDE).reason
    return Sheet(slot, at.holds, left, reason, [one for one in served if one is not None], booked)
