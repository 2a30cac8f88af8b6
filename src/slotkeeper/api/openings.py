"""What can be booked next, and why something can or cannot be booked (contract.md section 8)."""

from typing import Annotated, Literal

from msgspec import Struct, field

from slotkeeper.api import fields
from slotkeeper.api.reading import read_query
from slotkeeper.api.request import Request
from slotkeeper.domain.booking import Reason
from slotkeeper.domain.errors import InvalidInput
from slotkeeper.domain.model import day_of
from slotkeeper.operations import explain as explaining
from slotkeeper.operations import openings
from slotkeeper.operations.openings import Asking, Opening


class NextQuery(Struct, frozen=True, kw_only=True):
    """What to look for."""

    appointment_type: Annotated[
        fields.NameOrUuid | None, "The service, by UUID or name, in any case. Default: every one."
    ] = None
    branch_id: Annotated[fields.Uuid | None, "Only the windows of this branch."] = None
    session: Annotated[fields.Session | None, "Only the windows of this session; read in any case."] = None
    from_: Annotated[fields.Date | None, "The first date. Default: the branch's today."] = None
    days: Annotated[fields.NextDays, "How many dates to look through."] = 30
    limit: Annotated[fields.MostOpenings, "How many to list at most."] = 10


class OpeningView(Struct, frozen=True, gc=False):
    """A window on a date that a booking of this key would get now."""

    slot_id: Annotated[fields.RecordId, "`calendar_id||date||appointment_type_id`; a hold takes it as it is."]
    calendar_id: fields.Uuid
    branch_id: fields.Uuid
    appointment_type: Annotated[fields.Uuid, "The service."]
    date: fields.Date
    day: fields.DayWord
    session: fields.SessionWord
    batch: Annotated[str | None, "A label that tells windows of one session apart."]
    start_time: Annotated[fields.WallTime, "On the branch's clock; it may have passed, where the window is under way."]
    end_time: Annotated[fields.WallTime, "On the branch's clock."]
    available_slots: Annotated[fields.Count, "Places that the channel of this key can take."]


class NextView(Struct, frozen=True):
    """What can be booked next, by date and time."""

    success: Literal[True]
    from_: fields.Date = field(name="from")
    to: fields.Date
    data: list[OpeningView]


class ExplainQuery(Struct, frozen=True, kw_only=True):
    """What to explain."""

    date: Annotated[fields.Date, "On the branch's calendar."]
    branch_id: Annotated[fields.Uuid | None, "Needed only where there are several branches."] = None
    appointment_type: Annotated[
        fields.NameOrUuid | None, "The service, by UUID or name, in any case; needed where several are offered."
    ] = None
    time: Annotated[fields.WallTime | None, "Only the windows at this time of the branch's clock."] = None
    session: Annotated[fields.Session | None, "Only the windows of this session; not together with `time`."] = None


class ExplainedView(Struct, frozen=True):
    """One window on the date, and why it can or cannot be booked."""

    slot_id: Annotated[fields.RecordId, "`calendar_id||date||appointment_type_id`."]
    reason_code: fields.ReasonCode
    message: str
    available_slots: Annotated[fields.Count, "Places that the channel of this key can take; 0 unless OPEN."]


class ExplainView(Struct, frozen=True):
    """Why a date can or cannot be booked."""

    success: Literal[True]
    date: fields.Date
    bookable: fields.Flag
    reason_code: Annotated[fields.ReasonCode, "OPEN, or the reason that is nearest to a booking."]
    message: str
    data: list[ExplainedView]


async def list_next(request: Request) -> NextView:
    """List the first windows and dates that a booking of this key would get now, by date and time."""
    query = read_query(NextQuery, request.query)
    asking = Asking(query.appointment_type, query.branch_id, query.session, query.from_, query.days, query.limit)
    found = await openings.list_openings(request.db, request.caller, asking, now=request.now)
    return NextView(True, found.first, found.last, [_opening_view(opening) for opening in found.found])


async def explain(request: Request) -> ExplainView:
    """Say whether a date can be booked with this key now, and why not: as a whole, and for each window."""
    query = read_query(ExplainQuery, request.query)
    if query.time is not None and query.session is not None:
        raise InvalidInput.of("session", "'time' and 'session' do not go together; give one of them.")
    asked = explaining.Asked(query.date, query.branch_id, query.appointment_type, query.time, query.session)
    found = await explaining.explain(request.db, request.caller, asked, now=request.now)
    data = [
        ExplainedView(f"{one.calendar_id}||{query.date}||{found.service_id}", one.reason, one.message, one.available)
        for one in found.windows
    ]
    return ExplainView(True, query.date, found.reason is Reason.OPEN, found.reason, found.message, data)


def _opening_view(opening: Opening) -> OpeningView:
    at = opening.at
    return OpeningView(
        f"{at.calendar_id}||{at.date}||{opening.service_id}",
        at.calendar_id,
        at.branch_id,
        opening.service_id,
        at.date,
        day_of(at.date),
        at.session,
        at.batch,
        at.start_time,
        at.end_time,
        opening.available,
    )
