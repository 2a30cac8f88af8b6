"""Holds: places kept for a caller for some minutes (contract.md section 8)."""

from typing import Annotated

from msgspec import Struct

from slotkeeper.api import fields
from slotkeeper.api.reading import expecting, read_body, read_changes, read_id
from slotkeeper.api.request import Request
from slotkeeper.api.schemas import Data, DoneView, instant
from slotkeeper.domain.errors import InvalidInput
from slotkeeper.domain.model import Hold
from slotkeeper.domain.slot_ids import parse_slot_id
from slotkeeper.operations import holds
from slotkeeper.operations.holds import NewHold


class NewHoldBody(Struct, frozen=True, kw_only=True):
    """A hold: of a slot by its `slot_id`, or of a time as for a booking."""

    slot_id: Annotated[fields.PlaceId | None, "The slot; of two parts where `appointment_type` says the service."] = (
        None
    )
    appointment_type: Annotated[fields.NameOrUuid | None, "The service, by UUID or name, in any case."] = None
    appointment_date: Annotated[fields.Moment | None, "When; in place of `slot_id`."] = None
    branch_id: Annotated[fields.Uuid | None, "With `appointment_date`, where there are several branches."] = None
    session: Annotated[fields.Session | None, "With `appointment_date`."] = None
    batch: Annotated[fields.Batch | None, "With `appointment_date`."] = None
    ttl_seconds: Annotated[fields.HoldSeconds, "For how long."] = 300


class HoldBody(Struct, frozen=True, kw_only=True):
    """How long to keep it from now on."""

    ttl_seconds: Annotated[fields.HoldSeconds, "From now; never later than 900 seconds after it was taken."]


class HoldView(Struct, frozen=True):
    """A place that is kept until `expires_at`."""

    hold_id: fields.Uuid
    slot_id: Annotated[fields.RecordId, "`calendar_id||date||appointment_type_id`."]
    appointment_type: Annotated[fields.Uuid, "The service."]
    branch_id: fields.Uuid
    date: Annotated[fields.Date, "On the branch's calendar."]
    session: fields.SessionWord
    batch: Annotated[str | None, "The window's label."]
    start_time: Annotated[fields.WallTime, "Of the window, on the branch's clock."]
    end_time: Annotated[fields.WallTime, "Of the window, on the branch's clock."]
    channel: fields.ChannelWord
    expires_at: Annotated[fields.Instant, "From this moment on it counts for nothing."]
    created_at: fields.Instant


async def create_hold(request: Request) -> Data[HoldView]:
    """Keep a place for some minutes. A booking with its `hold_id` turns it into an appointment.

    A live hold is a promise: neither a lowered limit nor a booking rule refuses its confirmation.
    """
    body = read_body(NewHoldBody, request.body)
    new = NewHold(
        body.ttl_seconds,
        None if body.slot_id is None else parse_slot_id(body.slot_id, parts=(2, 3)),
        body.appointment_type,
        body.appointment_date,
        body.branch_id,
        body.session,
        body.batch,
    )
    _refuse_mixture(body)
    return _shown(await holds.take_hold(request.site.line, request.once(body, _shown), new, now=request.now))


async def get_hold(request: Request) -> Data[HoldView]:
    """Show a live hold; one that is gone is not found."""
    hold_id = read_id("hold_id", request.target)
    return _shown(await holds.get_hold(request.db, request.caller, hold_id, now=request.now))


async def update_hold(request: Request) -> Data[HoldView]:
    """Let a live hold end `ttl_seconds` from now."""
    hold_id = read_id("hold_id", request.target)
    changes, echoed = read_changes(HoldBody, HoldView, request.body)
    hold = await holds.extend_hold(
        request.db,
        request.caller,
        hold_id,
        ttl=changes["ttl_seconds"],
        expect=expecting(echoed, hold_view),
        now=request.now,
    )
    return _shown(hold)


async def delete_hold(request: Request) -> DoneView:
    """Give a hold's place back; also when it is gone already."""
    hold_id = read_id("hold_id", request.target)
    await holds.release_hold(request.db, request.caller, hold_id, now=request.now)
    return DoneView(True)


def hold_view(hold: Hold) -> HoldView:
    """A hold."""
    return HoldView(
        hold.hold_id,
        f"{hold.calendar_id}||{hold.date}||{hold.service_id}",
        hold.service_id,
        hold.branch_id,
        hold.date,
        hold.session,
        hold.batch,
        hold.start_time,
        hold.end_time,
        hold.channel,
        instant(hold.expires_at),
        instant(hold.created_at),
    )


def _shown(hold: Hold) -> Data[HoldView]:
    return Data(True, hold_view(hold))


def _refuse_mixture(body: NewHoldBody) -> None:
    """A hold is asked for in one of two ways. Raises InvalidInput."""
    if body.slot_id is None:
        return
    for name in ("appointment_date", "branch_id", "session", "batch"):
        if getattr(body, name) is not None:
            raise InvalidInput.of(name, f"'{name}' does not go with 'slot_id', which says it already; leave one out.")
