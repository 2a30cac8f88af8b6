"""Appointments: booked, read, searched, changed (contract.md section 6)."""

from datetime import date
from typing import Annotated, cast

import msgspec
from msgspec import UNSET, Struct, UnsetType

from slotkeeper.api import fields
from slotkeeper.api.reading import read_body, read_changes, read_query, require_unchanged
from slotkeeper.api.request import Request
from slotkeeper.api.schemas import (
    AppointmentsView,
    AppointmentView,
    BookedView,
    Data,
    ExpandedAppointmentView,
    appointment_view,
    expanded_appointment_view,
    pagination,
)
from slotkeeper.domain.errors import InvalidInput, NotFound
from slotkeeper.domain.model import Appointment
from slotkeeper.domain.ranges import date_range
from slotkeeper.operations import appointments
from slotkeeper.operations.appointments import Changing, NewAppointment, Search, Shown

Expand = Annotated[fields.Slot | None, "`slot`: add where and when it is, the channel and the notes."]


class ExpandQuery(Struct, frozen=True, kw_only=True):
    """How much to show."""

    expand: Expand = None


class SearchQuery(Struct, frozen=True, kw_only=True):
    """Which appointments to list."""

    date: Annotated[fields.Date | None, "On this date of the branch's calendar."] = None
    date_from: Annotated[fields.Date | None, "From this date on; not together with `date`."] = None
    date_to: Annotated[fields.Date | None, "Up to this date; at most 366 days in all. Default: `date_from`."] = None
    status: Annotated[fields.AppointmentStatus | None, "Only those with this status."] = None
    appointment_type: Annotated[fields.NameOrUuid | None, "Only those for this service, by UUID or name."] = None
    branch_id: Annotated[fields.Uuid | None, "Only those of this branch."] = None
    session: Annotated[fields.Session | None, "Only those of this session; read in any case."] = None
    batch: Annotated[fields.Batch | None, "Only those of windows with this label."] = None
    parent_phone: Annotated[fields.Phone | None, "Only those under this number; only its digits count."] = None
    patient_name: Annotated[fields.Name | None, "Only those of this name, in any case."] = None
    external_reference_id: Annotated[fields.Name | None, "Only those with this reference."] = None
    updated_since: Annotated[fields.Moment | None, "Changed at this instant or later; by `updated_at` then."] = None
    page: Annotated[fields.PageNumber, "Which page, from 1."] = 1
    limit: Annotated[fields.PageSize, "How many a page holds."] = 50
    expand: Expand = None


class NewAppointmentBody(Struct, frozen=True, kw_only=True):
    """A booking."""

    appointment_type: Annotated[
        fields.NameOrUuid | None, "The service, by UUID or name, in any case; needed unless `hold_id` says it."
    ] = None
    appointment_date: Annotated[
        fields.Moment | None, "When; needed unless `hold_id` names a hold that was taken for a time."
    ] = None
    patient_name: fields.Name
    parent_phone: fields.Phone
    branch_id: Annotated[fields.Uuid | None, "Needed only where there are several branches."] = None
    session: fields.Session | None = None
    batch: fields.Batch | None = None
    assigned_doctor: fields.Name | None = None
    notes: fields.Notes | None = None
    external_reference_id: Annotated[fields.Name | None, "Your own id for it; it need not be unique."] = None
    hold_id: Annotated[
        fields.Uuid | None, "Turn this hold into the appointment; what the hold says must agree or be left out."
    ] = None


class AppointmentBody(Struct, frozen=True, kw_only=True):
    """What to change; at least one field."""

    appointment_date: Annotated[fields.Moment | UnsetType, "Move it to this instant."] = UNSET
    status: fields.NextStatus | UnsetType = UNSET
    assigned_doctor: Annotated[fields.Name | UnsetType | None, "null: nobody."] = UNSET
    notes: Annotated[fields.Notes | UnsetType | None, "null: none."] = UNSET
    session: Annotated[fields.Session | UnsetType, "Move it to a window of this session."] = UNSET
    batch: Annotated[
        fields.Batch | UnsetType | None, "Move it to a window with this label; null only where it has none."
    ] = UNSET


async def create_appointment(request: Request) -> msgspec.Struct | None:
    """Book a place. The window is the first open one with room that fits the instant and what else is given.

    It is answered only after the place is durably taken.
    """
    query = read_query(ExpandQuery, request.query)
    body = read_body(NewAppointmentBody, request.body)
    new = NewAppointment(
        body.appointment_type,
        body.appointment_date,
        body.patient_name,
        body.parent_phone,
        body.branch_id,
        body.session,
        body.batch,
        body.assigned_doctor,
        body.notes,
        body.external_reference_id,
        body.hold_id,
    )

    def booked(shown: Shown) -> BookedView:
        return BookedView(True, shown.appointment.appointment_id, shown.appointment.token, _view(shown, query.expand))

    caller = request.once(body, booked)
    return request.answer(await appointments.book_appointment(request.site.line, caller, new, now=request.now), booked)


async def get_appointment(request: Request) -> Data[AppointmentView | ExpandedAppointmentView]:
    """Show one appointment."""
    query = read_query(ExpandQuery, request.query)
    shown = await appointments.get_appointment(request.db, request.caller, _id(request))
    return Data(True, _view(shown, query.expand))


async def update_appointment(request: Request) -> Data[AppointmentView | ExpandedAppointmentView]:
    """Move an appointment, complete, cancel or confirm it again, or change what is noted of it.

    A new place is taken and the old one freed in one step; when the new one is refused, the old one stays.
    """
    query = read_query(ExpandQuery, request.query)
    changes, echoed = read_changes(AppointmentBody, ExpandedAppointmentView, request.body)

    def expect(stored: Appointment, timezone: str) -> None:
        require_unchanged(echoed, expanded_appointment_view(Shown(stored, timezone)))

    change = Changing(_id(request), cast("appointments.AppointmentChanges", changes), expect)
    shown = await appointments.change_appointment(request.site.line, request.caller, change, now=request.now)
    return Data(True, _view(shown, query.expand))


def _id(request: Request) -> str:
    """The id in the path. Raises NotFound for one that no database could hold."""
    if "\x00" in request.target:
        raise NotFound("This organization has no appointment with a NUL in its id.")
    return request.target


async def list_appointments(request: Request) -> AppointmentsView:
    """List appointments by time, or by their last change with `updated_since`."""
    query = read_query(SearchQuery, request.query)
    found, total = await appointments.search_appointments(
        request.db,
        request.caller,
        _search(query),
        service=query.appointment_type,
        page=query.page,
        limit=query.limit,
    )
    return AppointmentsView(
        True, [_view(shown, query.expand) for shown in found], pagination(query.page, query.limit, total)
    )


def _search(query: SearchQuery) -> Search:
    first, last = _dates(query)
    return appointments.search(
        first,
        last,
        status=query.status,
        branch_id=query.branch_id,
        session=query.session,
        batch=query.batch,
        parent_phone=query.parent_phone,
        patient_name=query.patient_name,
        external_reference_id=query.external_reference_id,
        updated_since=query.updated_since,
    )


def _dates(query: SearchQuery) -> tuple[date | None, date | None]:
    """The dates asked for; none where any will do."""
    if query.date is not None:
        if query.date_from is not None or query.date_to is not None:
            raise InvalidInput.of("date", "'date' is one date; give it, or 'date_from' and 'date_to', but not both.")
        return query.date, query.date
    if query.date_from is None:
        if query.date_to is not None:
            raise InvalidInput.of("date_from", "'date_to' needs 'date_from' beside it.")
        return None, None
    return date_range(query.date_from, query.date_to)


def _view(shown: Shown, expand: str | None) -> AppointmentView | ExpandedAppointmentView:
    return appointment_view(shown) if expand is None else expanded_appointment_view(shown)
