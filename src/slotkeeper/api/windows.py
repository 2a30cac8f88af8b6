"""Calendar windows: the weekly rules (contract.md section 5)."""

from typing import Annotated, cast

from msgspec import UNSET, Struct, UnsetType

from slotkeeper.api import fields
from slotkeeper.api.reading import COUNTED, expecting, read_body, read_changes, read_query
from slotkeeper.api.request import Request
from slotkeeper.api.schemas import Data, WindowView, window_view
from slotkeeper.domain.model import Window
from slotkeeper.domain.slot_ids import parse_slot_id
from slotkeeper.operations import windows

_INSTEAD = {
    "batch": "'batch_name' sets it",
    "appointment_type": "'appointment_type_id' sets it",
    "status": "'POST /v1/appointment-slots/{slot_id}/disable' and '…/enable' set it",
    "filled_slots": COUNTED,
    "available_slots": COUNTED,
}
"""What sets the fields of an answer that a body cannot."""


class WindowsQuery(Struct, frozen=True, kw_only=True):
    """Which windows to list."""

    branch_id: Annotated[fields.Uuid | None, "Only the windows of this branch."] = None
    day: Annotated[fields.Day | None, "Only the windows of this weekday; read in any case."] = None
    session: Annotated[fields.Session | None, "Only the windows of this session; read in any case."] = None
    status: Annotated[fields.Status | None, "Only the enabled (OPEN) or the disabled (CLOSED) windows."] = None


class NewWindowBody(Struct, frozen=True, kw_only=True):
    """A new window."""

    branch_id: Annotated[fields.Uuid | None, "Needed only where there are several branches."] = None
    day: fields.Day
    session: fields.Session
    start_time: Annotated[fields.WallTime, "On the branch's clock."]
    end_time: Annotated[fields.WallTime, "After `start_time`, on the same day."]
    max_slots: Annotated[fields.PlacesOfWindow, "Places on each date."]
    ai_slots: Annotated[
        fields.Places | None, "How many of them keys of the `ai` channel may fill: 0 to `max_slots`. Default: all."
    ] = None
    batch_name: Annotated[fields.Batch | None, "A label that tells windows of one session apart."] = None
    appointment_type_id: Annotated[
        fields.NameOrUuid | None, "The only service of the window, by UUID or name. Default: every service."
    ] = None


class WindowBody(Struct, frozen=True, kw_only=True):
    """What to change about a window; at least one field. The result must satisfy the rules of a new one."""

    day: fields.Day | UnsetType = UNSET
    session: fields.Session | UnsetType = UNSET
    start_time: Annotated[fields.WallTime | UnsetType, "On the branch's clock."] = UNSET
    end_time: Annotated[fields.WallTime | UnsetType, "After `start_time`, on the same day."] = UNSET
    max_slots: Annotated[fields.PlacesOfWindow | UnsetType, "Places on each date."] = UNSET
    ai_slots: Annotated[
        fields.Places | UnsetType | None, "How many of them keys of the `ai` channel may fill; null: all."
    ] = UNSET
    batch_name: Annotated[fields.Batch | UnsetType | None, "null: no batch."] = UNSET
    appointment_type_id: Annotated[
        fields.NameOrUuid | UnsetType | None, "The only service of the window, by UUID or name; null: every service."
    ] = UNSET


class NoFields(Struct, frozen=True):
    """Nothing: no body, or an empty JSON object."""


async def list_windows(request: Request) -> Data[list[WindowView]]:
    """List the calendar windows, disabled ones included."""
    query = read_query(WindowsQuery, request.query)
    found = await windows.list_windows(
        request.db,
        request.caller,
        branch_id=query.branch_id,
        day=query.day,
        session=query.session,
        status=query.status,
    )
    return Data(True, [window_view(window) for window in found])


async def get_window(request: Request) -> Data[WindowView]:
    """Show one calendar window."""
    return Data(True, window_view(await windows.get_window(request.db, request.caller, _calendar_id(request))))


async def create_window(request: Request) -> Data[WindowView]:
    """Add a calendar window; its schedule tracking records are made at once.

    Branch, day, session, batch and service together must be new.
    """
    body = read_body(NewWindowBody, request.body, instead=_INSTEAD)
    window = await windows.create_window(
        request.db,
        request.once(body, _shown),
        branch_id=body.branch_id,
        day=body.day,
        session=body.session,
        start_time=body.start_time,
        end_time=body.end_time,
        max_slots=body.max_slots,
        ai_slots=body.ai_slots,
        batch=body.batch_name,
        service=body.appointment_type_id,
        now=request.now,
    )
    return _shown(window)


async def update_window(request: Request) -> Data[WindowView]:
    """Change a calendar window; its records follow from the branch's today on, its appointments stay."""
    calendar_id = _calendar_id(request)
    changes, echoed = read_changes(WindowBody, WindowView, request.body, instead=_INSTEAD)
    window = await windows.update_window(
        request.db,
        request.caller,
        calendar_id,
        changes=cast("windows.WindowChanges", changes),
        expect=expecting(echoed, window_view, instead=_INSTEAD),
        whole=bool(echoed),
        now=request.now,
    )
    return Data(True, window_view(window))


async def disable_window(request: Request) -> Data[WindowView]:
    """Disable a calendar window: it leaves availability, its appointments stay. Doing it twice changes nothing."""
    return await _set_enabled(request, enabled=False)


async def enable_window(request: Request) -> Data[WindowView]:
    """Enable a calendar window again. Doing it twice changes nothing."""
    return await _set_enabled(request, enabled=True)


async def _set_enabled(request: Request, *, enabled: bool) -> Data[WindowView]:
    calendar_id = _calendar_id(request)
    caller = request.once(read_body(NoFields, request.body or b"{}"), _shown)
    return _shown(await windows.set_enabled(request.db, caller, calendar_id, enabled=enabled, now=request.now))


def _shown(window: Window) -> Data[WindowView]:
    return Data(True, window_view(window))


def _calendar_id(request: Request) -> str:
    """The window of a ``slot_id`` in any of its forms: the first segment counts."""
    return parse_slot_id(request.target, parts=(1, 2, 3)).calendar_id
