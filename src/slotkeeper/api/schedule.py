"""Changing the schedule of single dates, and bringing it in line with the windows (contract.md sections 4.3 to 4.5)."""

from typing import Annotated, cast

from msgspec import UNSET, Struct, UnsetType

from slotkeeper.api import fields
from slotkeeper.api.reading import COUNTED, expecting, read_body, read_changes
from slotkeeper.api.request import Request
from slotkeeper.api.schemas import (
    ChangeView,
    Data,
    DryRunView,
    RecordView,
    RegeneratedView,
    SlotView,
    record_view,
    slot_view,
)
from slotkeeper.domain.model import Change, Regenerated
from slotkeeper.domain.ranges import date_range
from slotkeeper.domain.slot_ids import parse_slot_id
from slotkeeper.operations import overrides, schedule

_INSTEAD = {"filled_slots": COUNTED, "available_slots": COUNTED}


class RecordBody(Struct, frozen=True, kw_only=True):
    """What this date says instead of the window, for this service; at least one field."""

    status: Annotated[fields.Status | UnsetType | None, "null takes the override off."] = UNSET
    max_slots: Annotated[
        fields.Places | UnsetType | None, "The capacity for this date only; null takes the override off."
    ] = UNSET


class DayBody(Struct, frozen=True, kw_only=True):
    """What this date says instead of the window, whatever services it serves; at least one field."""

    status: Annotated[fields.Status | UnsetType | None, "null takes the override off."] = UNSET
    max_slots: Annotated[fields.Places | UnsetType | None, "null takes the override off."] = UNSET
    ai_slots: Annotated[fields.Places | UnsetType | None, "null takes the override off."] = UNSET
    reason: Annotated[fields.Reason | UnsetType | None, "Why, for people; null takes it off."] = UNSET


class RegenerateBody(Struct, frozen=True, kw_only=True):
    """Which dates to regenerate."""

    date_from: Annotated[fields.Date, "The first date; it may lie in the past."]
    date_to: Annotated[
        fields.Date | None, "The last date: not before `date_from`, at most 366 days in all. Default: `date_from`."
    ] = None
    dry_run: Annotated[fields.Flag, "true: change nothing, and list in `changes` what would be done."] = False


async def update_record(request: Request) -> Data[RecordView]:
    """Override the status or the capacity of one record: one window on one date, for one service.

    The weekly window stays as it is. Counts come from the appointments and cannot be set.
    """
    slot_id = parse_slot_id(request.target, parts=(3,))
    changes, echoed = read_changes(RecordBody, RecordView, request.body)
    record = await overrides.update_record(
        request.db,
        request.caller,
        slot_id,
        changes=cast("overrides.RecordChanges", changes),
        expect=expecting(echoed, record_view, instead=_INSTEAD),
        whole=bool(echoed),
        now=request.now,
    )
    return Data(True, record_view(record))


async def update_day(request: Request) -> Data[SlotView]:
    """Override the status, the capacity or the AI's share of a window on one date, for all of its services.

    It also holds for services that are added later. An override on a record of one service speaks before it.
    """
    slot_id = parse_slot_id(request.target, parts=(2,))
    changes, echoed = read_changes(DayBody, SlotView, request.body)
    slot = await overrides.update_day(
        request.db,
        request.caller,
        slot_id,
        changes=cast("overrides.DayChanges", changes),
        expect=expecting(echoed, slot_view, instead=_INSTEAD),
        whole=bool(echoed),
        now=request.now,
    )
    return Data(True, slot_view(slot))


async def regenerate(request: Request) -> RegeneratedView | DryRunView:
    """Bring the records of a date range in line with the calendar windows.

    Overrides, appointments and holds survive, and counts are recounted from the appointments. Doing it twice
    changes nothing the second time.
    """
    body = read_body(RegenerateBody, request.body)
    date_from, date_to = date_range(body.date_from, body.date_to)
    caller = request.caller if body.dry_run else request.once(body, _regenerated)
    done = await schedule.regenerate(
        request.db, caller, date_from=date_from, date_to=date_to, dry_run=body.dry_run, now=request.now
    )
    if not body.dry_run:
        return _regenerated(done)
    changes = [_change_view(change) for change in done.changes]
    return DryRunView(True, done.processed, done.skipped, done.errors, done.upserted, changes)


def _change_view(change: Change) -> ChangeView:
    return ChangeView(f"{change.calendar_id}||{change.date}", change.change, change.reason)


def _regenerated(done: Regenerated) -> RegeneratedView:
    return RegeneratedView(True, done.processed, done.skipped, done.errors, done.upserted)
