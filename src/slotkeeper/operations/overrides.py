"""What one date says instead of the window: for one service (4.3), or for the whole window-date (4.5).

An override replaces the number it overrides. A field that says what holds already has no effect. What
holds is what this override, or else the window, says; where a client sends the whole record back, also
what was shown (contract.md section 3).
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypedDict

from slotkeeper.domain import capacity
from slotkeeper.domain.access import Caller, Scope
from slotkeeper.domain.calendar import find_closure, is_skipped, wants
from slotkeeper.domain.errors import Conflict, NotFound
from slotkeeper.domain.model import (
    NO_OVERRIDE,
    Override,
    Service,
    Slot,
    Status,
    TrackingRecord,
    Window,
    WindowDate,
)
from slotkeeper.domain.slot_ids import SlotId
from slotkeeper.operations.acts import Act, changed
from slotkeeper.operations.availability import is_shown, record
from slotkeeper.operations.projection import project_date
from slotkeeper.operations.windows import require_window
from slotkeeper.store import days, directory
from slotkeeper.store.closures import list_closures
from slotkeeper.store.database import Connection, Database


class RecordChanges(TypedDict, total=False):
    """What a PATCH of a record may say; None takes that override off."""

    status: Status | None
    max_slots: int | None


class DayChanges(TypedDict, total=False):
    """What a PATCH of a window-date may say; None takes that override off."""

    status: Status | None
    max_slots: int | None
    ai_slots: int | None
    reason: str | None


async def update_record(
    db: Database,
    caller: Caller,
    slot_id: SlotId,
    *,
    changes: RecordChanges,
    expect: Callable[[TrackingRecord], None],
    whole: bool,
    now: int,
) -> TrackingRecord:
    """Override the status or the places of one service on one window-date; the weekly window stays.

    ``whole``: the client sends the record back as it was shown, but for what it changes.
    Raises NotFound where there is no such window, service or covered date; Conflict for OPEN where a
    closure or the lack of a covering window speaks first.
    """
    caller.require(Scope.SLOTS_WRITE)
    org_id, calendar_id, on = caller.org_id, slot_id.calendar_id, _date_of(slot_id)
    about = {"window": calendar_id, "date": on, "service": slot_id.service_id}
    act = Act(caller, "records.update", str(slot_id), now, about)

    async def work(tx: Connection) -> TrackingRecord:
        window = await require_window(tx, org_id, calendar_id, lock=True)
        at = await require_window_date(tx, org_id, window, on, now=now)
        service = _served(at, await directory.list_services(tx, org_id), slot_id.service_id)
        shown = record(at, service)
        expect(shown)
        if changes.get("status") is Status.OPEN and not at.covered:
            await _refuse_open(tx, org_id, window, on)
        stored = at.overrides.get(service.service_id, NO_OVERRIDE)
        own = _own(stored, at, between=at.overrides.get(None, NO_OVERRIDE))
        override = stored._replace(**_effective(changes, own, shown if whole else None))
        if override == stored:
            return shown
        await act.note(tx, *changed(stored, override))
        return record(await _override(tx, org_id, at, service.service_id, override, now=now), service)

    return await act.write(db, work)


async def update_day(
    db: Database,
    caller: Caller,
    slot_id: SlotId,
    *,
    changes: DayChanges,
    expect: Callable[[Slot], None],
    whole: bool,
    now: int,
) -> Slot:
    """Override the status, the places or the AI's places of a whole window-date, whatever services it serves.

    ``whole``: the client sends the slot back as it was shown, but for what it changes.
    Raises NotFound where there is no such window or covered date; Conflict for OPEN where a closure or
    the lack of a covering window speaks first.
    """
    caller.require(Scope.SLOTS_WRITE)
    org_id, calendar_id, on = caller.org_id, slot_id.calendar_id, _date_of(slot_id)
    act = Act(caller, "days.update", str(slot_id), now, {"window": calendar_id, "date": on})

    async def work(tx: Connection) -> Slot:
        window = await require_window(tx, org_id, calendar_id, lock=True)
        at = await require_window_date(tx, org_id, window, on, now=now)
        services = [(service.service_id, service.active) for service in await directory.list_services(tx, org_id)]
        shown = capacity.slot(at, capacity.served(at, services))
        expect(shown)
        if changes.get("status") is Status.OPEN and not at.covered:
            await _refuse_open(tx, org_id, window, on)
        stored = at.overrides.get(None, NO_OVERRIDE)
        own = _own(stored, at)
        override = stored._replace(**_effective(changes, own, shown if whole else None))
        if override == stored:
            return shown
        await act.note(tx, *changed(stored, override))
        overridden = await _override(tx, org_id, at, None, override, now=now)
        return capacity.slot(overridden, capacity.served(overridden, services))

    return await act.write(db, work)


async def require_window_date(tx: Connection, org_id: str, window: Window, on: date, *, now: int) -> WindowDate:
    """A window on a date, locked, its record made on the spot. Raises NotFound where the window is not on it."""
    at = await days.lock_window_date(tx, org_id, window.calendar_id, on, now=now)
    if at is None and wants(window, on):
        await project_date(tx, org_id, window.calendar_id, on, now=now)
        at = await days.lock_window_date(tx, org_id, window.calendar_id, on, now=now)
    if at is None:
        state = f"is on {window.day}s" if window.enabled else "is disabled"
        raise NotFound(
            f"The window {window.calendar_id} has no record on {on} ({on:%A}): it {state}. "
            "'GET /v1/appointment-slots/schedule-tracking' lists the records of a date."
        )
    return at


def _own(stored: Override, at: WindowDate, *, between: Override = NO_OVERRIDE) -> dict[str, Any]:
    """What holds by this override, or by the window in all that nothing ``between`` the two speaks of."""
    window = Override(Status.OPEN, at.max_slots, at.ai_slots)
    own = {name: value for name, value in window._asdict().items() if getattr(between, name) is None}
    return own | {name: value for name, value in stored._asdict().items() if value is not None}


def _effective(
    changes: RecordChanges | DayChanges, own: Mapping[str, Any], shown: TrackingRecord | Slot | None
) -> dict[str, Any]:
    """The changes without those that say what holds already, or, of a record sent back, what was shown."""
    return {
        name: value
        for name, value in changes.items()
        if value is None
        or not ((name in own and value == own[name]) or (shown is not None and value == getattr(shown, name, None)))
    }


async def _override(
    tx: Connection, org_id: str, at: WindowDate, service_id: str | None, override: Override, *, now: int
) -> WindowDate:
    await days.set_override(
        tx,
        org_id,
        calendar_id=at.calendar_id,
        on=at.date,
        service_id=service_id,
        override=override,
        now=now,
    )
    overrides = {key: value for key, value in at.overrides.items() if key != service_id}
    if override != NO_OVERRIDE:
        overrides[service_id] = override
    return at._replace(overrides=overrides)


def _served(at: WindowDate, services: list[Service], service_id: str | None) -> Service:
    for service in services:
        if service.service_id == service_id and is_shown(at, service):
            return service
    raise NotFound(
        f"The window {at.calendar_id} has no record of a service {service_id} on {at.date}. "
        "'GET /v1/appointment-slots/schedule-tracking' lists the records of a date."
    )


async def _refuse_open(tx: Connection, org_id: str, window: Window, on: date) -> None:
    """Say what speaks before an override. Raises Conflict."""
    closures = await list_closures(tx, org_id, date_from=on, date_to=on)
    closure = find_closure(closures, window.branch_id, on)
    zones = await directory.list_zones(tx, org_id)
    if closure is not None:
        why = f"the closure '{closure.reason}' ({closure.date_from} to {closure.date_to}) closes it; remove the closure"
    elif not window.enabled:
        why = "its window is disabled; enable the window"
    elif not wants(window, on):
        why = f"its window is on {window.day}s now; change the window's day"
    elif is_skipped(window.start_time, window.end_time, on=on, timezone=zones[window.branch_id]):
        why = f"{window.start_time}–{window.end_time} does not occur on that date, because clocks go forward"
    else:
        why = "its record is out of date; regenerate it"
    raise Conflict(f"{on} cannot be opened: {why}.")


def _date_of(slot_id: SlotId) -> date:
    if slot_id.date is None:
        raise ValueError("the slot_id of a window-date has a date")
    return slot_id.date
