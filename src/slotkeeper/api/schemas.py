"""What answers look like: exactly the documented keys, in the documented order (contract.md sections 4 to 6)."""

from functools import lru_cache
from typing import Annotated, Any, Generic, Literal, TypeVar

from msgspec import Struct

from slotkeeper.api import fields
from slotkeeper.domain import model
from slotkeeper.domain.calendar import iso_instant
from slotkeeper.operations.appointments import Shown

T = TypeVar("T")

instant = lru_cache(maxsize=4096)(iso_instant)


class SlotView(Struct, frozen=True, gc=False):
    """One calendar window on one date, with its live counts."""

    slot_id: Annotated[fields.DayId, "`calendar_id||date`; the PATCH and disable endpoints take it as it is."]
    calendar_id: fields.Uuid
    branch_id: fields.Uuid
    day: fields.DayWord
    session: fields.SessionWord
    batch: Annotated[str | None, "A label that tells windows of one session apart."]
    start_time: Annotated[fields.WallTime, "On the branch's clock."]
    end_time: Annotated[fields.WallTime, "On the branch's clock."]
    appointment_type: Annotated[fields.Uuid | None, "The only service of the window; null where it serves every one."]
    max_slots: Annotated[fields.Places, "Places on this date."]
    ai_slots: Annotated[fields.Places, "How many of them keys of the `ai` channel may fill."]
    filled_slots: Annotated[fields.Count, "Appointments that are not cancelled."]
    available_slots: Annotated[fields.Count, "`ai_slots` − `filled_slots` − live holds, never below 0."]
    status: fields.StatusWord
    created_at: Annotated[fields.Instant, "When the window was created."]
    updated_at: Annotated[fields.Instant, "When the window was last changed."]


class AvailabilityView(Struct, frozen=True):
    """What can be booked on a date."""

    success: Literal[True]
    date: fields.Date
    slots: list[SlotView]


class RecordView(Struct, frozen=True, gc=False):
    """A schedule tracking record: one window on one date, for one service that it serves."""

    slot_id: Annotated[fields.RecordId, "`calendar_id||date||appointment_type_id`."]
    calendar_id: fields.Uuid
    appointment_type_id: fields.Uuid
    appointment_type_name: fields.Name
    date: fields.Date
    day_of_week: fields.DayWord
    session: fields.SessionWord
    batch: Annotated[str | None, "A label that tells windows of one session apart."]
    start_time: Annotated[fields.WallTime, "On the branch's clock."]
    end_time: Annotated[fields.WallTime, "On the branch's clock."]
    max_slots: Annotated[fields.Places, "The limit for this service on this date."]
    filled_slots: Annotated[fields.Count, "Appointments of any service that are not cancelled."]
    available_slots: Annotated[fields.Count, "`max_slots` − `filled_slots` − live holds, never below 0."]
    status: fields.StatusWord


class ChangeView(Struct, frozen=True):
    """What regenerate would do to one window-date."""

    slot_id: fields.DayId
    change: Annotated[
        str, "`make`, `write`, `close` or `remove`: the record is made, corrected, kept but closed, or taken away."
    ]
    reason: Annotated[str, "Why, in a sentence."]


class RegeneratedView(Struct, frozen=True):
    """What regenerate did: `processed` = `upserted` + `skipped` + `errors`."""

    success: Literal[True]
    processed: Annotated[fields.Count, "Window-dates wanted in the range, together with those stored for it."]
    skipped: Annotated[fields.Count, "Kept and closed, because something stands on a date that no window covers."]
    errors: Annotated[fields.Count, "Could not be written."]
    upserted: Annotated[fields.Count, "The stored record now says what the windows say."]


class DryRunView(Struct, frozen=True):
    """What regenerate would do; nothing was changed."""

    success: Literal[True]
    processed: fields.Count
    skipped: fields.Count
    errors: fields.Count
    upserted: fields.Count
    changes: list[ChangeView]


class WindowView(Struct, frozen=True, gc=False):
    """A calendar window: the weekly rule."""

    slot_id: Annotated[fields.Uuid, "The same as `calendar_id`."]
    calendar_id: fields.Uuid
    branch_id: fields.Uuid
    day: fields.DayWord
    session: fields.SessionWord
    batch: Annotated[str | None, "A label that tells windows of one session apart."]
    start_time: Annotated[fields.WallTime, "On the branch's clock."]
    end_time: Annotated[fields.WallTime, "On the branch's clock."]
    appointment_type: Annotated[fields.Uuid | None, "The only service of the window; null where it serves every one."]
    max_slots: fields.PlacesOfWindow
    ai_slots: Annotated[fields.Places, "As `max_slots` where none was given."]
    status: Annotated[fields.StatusWord, "CLOSED where the window is disabled."]
    created_at: fields.Instant
    updated_at: fields.Instant


class AppointmentView(Struct, frozen=True):
    """One promised place."""

    appointment_id: Annotated[fields.AppointmentId, "`appt_` and ten lower-case letters or digits."]
    appointment_type: Annotated[fields.Uuid, "The service."]
    branch_id: fields.Uuid
    date: Annotated[fields.Date, "On the branch's calendar."]
    session: fields.SessionWord
    batch: Annotated[str | None, "The window's label."]
    token: Annotated[fields.Count | None, "The number on this window and date; null where token numbers are off."]
    patient_name: str
    parent_phone: str
    assigned_doctor: str | None
    status: fields.AppointmentStatusWord
    external_reference_id: str | None
    created_at: fields.Instant
    updated_at: fields.Instant


class ExpandedAppointmentView(AppointmentView, frozen=True):
    """One promised place, with where it is."""

    appointment_date: Annotated[fields.Instant, "When it is; follows from date, wall time and the branch's zone."]
    start_time: Annotated[fields.WallTime, "The wall time of the appointment."]
    slot_id: Annotated[fields.RecordId, "`calendar_id||date||appointment_type_id`."]
    channel: fields.ChannelWord
    notes: str | None


class BookedView(Struct, frozen=True):
    """A booking that was taken."""

    success: Literal[True]
    appointment_id: fields.AppointmentId
    token: fields.Count | None
    data: AppointmentView | ExpandedAppointmentView


class Pagination(Struct, frozen=True):
    """Where a page stands."""

    page: fields.PageNumber
    limit: fields.PageSize
    total: fields.Count
    total_pages: fields.Count


class AppointmentsView(Struct, frozen=True):
    """One page of appointments."""

    success: Literal[True]
    data: list[AppointmentView | ExpandedAppointmentView]
    pagination: Pagination


class ServiceView(Struct, frozen=True):
    """A service, which is the same as an appointment type."""

    service_id: fields.Uuid
    name: fields.Name
    active: Annotated[fields.Flag, "Only active services are offered."]
    created_at: fields.Instant
    updated_at: fields.Instant


class BranchView(Struct, frozen=True):
    """A physical place."""

    branch_id: fields.Uuid
    name: fields.Name
    timezone: Annotated[fields.Timezone | None, "null: the organization's."]
    created_at: fields.Instant
    updated_at: fields.Instant


class ConfigurationView(Struct, frozen=True):
    """The organization's time zone and booking rules."""

    timezone: fields.Timezone
    allow_cancellation: fields.Flag
    cancellation_notice_hours: fields.Hours
    allow_rescheduling: fields.Flag
    allow_duplicate_booking: fields.Flag
    min_notice_hours: fields.Hours
    max_advance_days: Annotated[fields.Days | None, "null: no limit."]
    token_numbers: fields.Flag
    horizon_days: Annotated[fields.Days, "For how many dates after today schedule tracking records are kept."]


class HealthView(Struct, frozen=True):
    """The server answers."""

    success: Literal[True]
    status: Literal["alive", "ready", "degraded"]


class DoneView(Struct, frozen=True):
    """It is done; there is nothing more to say."""

    success: Literal[True]


class Data(Struct, Generic[T], frozen=True):
    """An answer with its data."""

    success: Literal[True]
    data: T


def pagination(page: int, limit: int, total: int) -> Pagination:
    """Where a page of so many entries stands among all of them."""
    return Pagination(page, limit, total, -(-total // limit))


def slot_view(slot: model.Slot) -> SlotView:
    """A slot as availability shows it."""
    return SlotView(
        f"{slot.calendar_id}||{slot.date}",
        slot.calendar_id,
        slot.branch_id,
        slot.day,
        slot.session,
        slot.batch,
        slot.start_time,
        slot.end_time,
        slot.appointment_type,
        slot.max_slots,
        slot.ai_slots,
        slot.filled_slots,
        slot.available_slots,
        slot.status,
        instant(slot.created_at),
        instant(slot.updated_at),
    )


def record_view(record: model.TrackingRecord) -> RecordView:
    """A record as schedule tracking shows it."""
    slot_id = f"{record.calendar_id}||{record.date}||{record.appointment_type_id}"
    return RecordView(slot_id, *record)


def window_view(window: model.Window) -> WindowView:
    """A calendar window; ``ai_slots`` that follow ``max_slots`` are shown as it."""
    return WindowView(
        window.calendar_id,
        window.calendar_id,
        window.branch_id,
        window.day,
        window.session,
        window.batch,
        window.start_time,
        window.end_time,
        window.service_id,
        window.max_slots,
        window.max_slots if window.ai_slots is None else window.ai_slots,
        model.Status.OPEN if window.enabled else model.Status.CLOSED,
        instant(window.created_at),
        instant(window.updated_at),
    )


def appointment_view(shown: Shown) -> AppointmentView:
    """An appointment."""
    return AppointmentView(*_appointment_fields(shown.appointment))


def expanded_appointment_view(shown: Shown) -> ExpandedAppointmentView:
    """An appointment with where it is."""
    one = shown.appointment
    where = iso_instant(shown.instant), one.wall_time[:5], f"{one.calendar_id}||{one.date}||{one.service_id}"
    return ExpandedAppointmentView(*(*_appointment_fields(one), *where, one.channel, one.notes))


def _appointment_fields(one: model.Appointment) -> tuple[Any, ...]:
    return (
        one.appointment_id,
        one.service_id,
        one.branch_id,
        one.date,
        one.session,
        one.batch,
        one.token,
        one.patient_name,
        one.parent_phone,
        one.assigned_doctor,
        one.status,
        one.external_reference_id,
        instant(one.created_at),
        instant(one.updated_at),
    )


def service_view(service: model.Service) -> ServiceView:
    """A service."""
    created_at, updated_at = instant(service.created_at), instant(service.updated_at)
    return ServiceView(service.service_id, service.name, service.active, created_at, updated_at)


def branch_view(branch: model.Branch) -> BranchView:
    """A branch."""
    created_at, updated_at = instant(branch.created_at), instant(branch.updated_at)
    return BranchView(branch.branch_id, branch.name, branch.timezone, created_at, updated_at)


def configuration_view(configuration: model.Configuration) -> ConfigurationView:
    """The configuration."""
    return ConfigurationView(*configuration)
