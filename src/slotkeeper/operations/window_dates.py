"""One window on one date as the front desk changes it: what holds, and who says so."""

from datetime import date
from typing import NamedTuple

from slotkeeper.domain import capacity
from slotkeeper.domain.access import Caller, Scope
from slotkeeper.domain.calendar import find_closure
from slotkeeper.domain.errors import NotFound
from slotkeeper.domain.model import NO_OVERRIDE, Closure, Override, Service, Slot, TrackingRecord, Window, WindowDate
from slotkeeper.operations.availability import is_shown, record
from slotkeeper.operations.windows import require_window
from slotkeeper.store import days, directory
from slotkeeper.store.closures import list_closures
from slotkeeper.store.database import Connection, Database


class ServiceDate(NamedTuple):
    """One service on a window-date: its record, and the override on it."""

    record: TrackingRecord
    override: Override


class SeenDate(NamedTuple):
    """A window-date: the window, the numbers as availability shows them, and what stands against the window.

    ``override`` is the window-date's own (4.5), ``closure`` the first that stands on the date, and ``left`` what
    staff may still book.
    """

    window: Window
    at: WindowDate
    slot: Slot
    left: int
    override: Override
    closure: Closure | None
    services: list[ServiceDate]


async def get_window_date(db: Database, caller: Caller, calendar_id: str, on: date, *, now: int) -> SeenDate:
    """A window on a date, stored or not. Raises NotFound where the window is not on it."""
    caller.require(Scope.SLOTS_READ)
    org_id = caller.org_id

    async def work(tx: Connection) -> SeenDate:
        window = await require_window(tx, org_id, calendar_id, lock=False)
        at = await _find(tx, org_id, window, on, now=now)
        services = await directory.list_services(tx, org_id)
        closures = await list_closures(tx, org_id, date_from=on, date_to=on)
        return _seen(window, at, services, find_closure(closures, window.branch_id, on))

    return await db.read(work)


async def _find(tx: Connection, org_id: str, window: Window, on: date, *, now: int) -> WindowDate:
    """The stored record speaks, else the window does."""
    stored = await days.list_stored(tx, org_id, date_from=on, date_to=on, branch_id=window.branch_id, now=now)
    for at in stored:
        if at.calendar_id == window.calendar_id:
            return at
    wanted = await days.list_on_date(tx, org_id, on=on, branch_id=window.branch_id, session=None, now=now)
    for at in wanted.window_dates:
        if at.calendar_id == window.calendar_id:
            return at
    state = f"it is on {window.day}s" if window.enabled else "it is disabled"
    raise NotFound(f"This window is not on {on} ({on:%A}): {state}.")


def _seen(window: Window, at: WindowDate, services: list[Service], closure: Closure | None) -> SeenDate:
    slot = capacity.slot(at, capacity.served(at, [(service.service_id, service.active) for service in services]))
    shown = [
        ServiceDate(record(at, service), at.overrides.get(service.service_id, NO_OVERRIDE))
        for service in services
        if is_shown(at, service)
    ]
    override = at.overrides.get(None, NO_OVERRIDE)
    return SeenDate(window, at, slot, capacity.left(slot.max_slots, at), override, closure, shown)
