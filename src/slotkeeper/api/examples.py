"""The examples of the OpenAPI document: those of the page that the interface was written from, then ours.

One example for each shape; answers are put together from them.
"""

from collections.abc import Mapping
from typing import Any

from slotkeeper.api import (
    appointments,
    audit,
    availability,
    closures,
    directory,
    holds,
    openings,
    schedule,
    schemas,
    tools,
    windows,
)
from slotkeeper.tools.answer import Answer

_WINDOW = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
_SERVICE = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
_BRANCH = "0d6f2c9e-7a41-4b83-9c55-2f1e8a7b6d30"
_CREATED = "2026-05-01T10:00:00.000Z"

_TIMES = {"session": "Morning", "batch": "MA", "start_time": "09:00", "end_time": "11:00"}
_STAMPS = {"created_at": _CREATED, "updated_at": _CREATED}

_SLOT = {
    "slot_id": f"{_WINDOW}||2026-06-15",
    "calendar_id": _WINDOW,
    "branch_id": _BRANCH,
    "day": "monday",
    **_TIMES,
    "appointment_type": None,
    "max_slots": 20,
    "ai_slots": 10,
    "filled_slots": 3,
    "available_slots": 7,
    "status": "OPEN",
    **_STAMPS,
}
_RECORD = {
    "slot_id": f"{_WINDOW}||2026-06-15||{_SERVICE}",
    "calendar_id": _WINDOW,
    "appointment_type_id": _SERVICE,
    "appointment_type_name": "General Checkup",
    "date": "2026-06-15",
    "day_of_week": "monday",
    **_TIMES,
    "max_slots": 20,
    "filled_slots": 3,
    "available_slots": 17,
    "status": "OPEN",
}
_WINDOW_SHOWN = {
    "slot_id": _WINDOW,
    "calendar_id": _WINDOW,
    "branch_id": _BRANCH,
    "day": "monday",
    **_TIMES,
    "appointment_type": None,
    "max_slots": 20,
    "ai_slots": 10,
    "status": "OPEN",
    **_STAMPS,
}
_REGENERATED = {"success": True, "processed": 16, "skipped": 0, "errors": 0, "upserted": 16}
_CONFIGURATION = {
    "timezone": "Europe/Berlin",
    "allow_cancellation": True,
    "cancellation_notice_hours": 24,
    "allow_rescheduling": True,
    "allow_duplicate_booking": False,
    "min_notice_hours": 2,
    "max_advance_days": 90,
    "token_numbers": False,
    "horizon_days": 90,
}
_CHANGE = {
    "slot_id": f"{_WINDOW}||2026-06-15",
    "change": "make",
    "reason": "The window covers this date, and no record is stored.",
}

_APPOINTMENT = {
    "appointment_id": "appt_7h2k9x0q4d",
    "appointment_type": _SERVICE,
    "branch_id": _BRANCH,
    "date": "2026-06-15",
    "session": "Morning",
    "batch": "MA",
    "token": None,
    "patient_name": "Asha Rao",
    "parent_phone": "+91 98765 43210",
    "assigned_doctor": None,
    "status": "confirmed",
    "external_reference_id": None,
    **_STAMPS,
}
_EXPANDED = {
    **_APPOINTMENT,
    "appointment_date": "2026-06-15T04:00:00.000Z",
    "start_time": "09:30",
    "slot_id": f"{_WINDOW}||2026-06-15||{_SERVICE}",
    "channel": "ai",
    "notes": None,
}

_HOLD_ID = "5f0c8f5e-6a3b-4c1d-9e2f-7b8a9c0d1e2f"
_HOLD = {
    "hold_id": _HOLD_ID,
    "slot_id": f"{_WINDOW}||2026-06-15||{_SERVICE}",
    "appointment_type": _SERVICE,
    "branch_id": _BRANCH,
    "date": "2026-06-15",
    **_TIMES,
    "channel": "ai",
    "expires_at": "2026-06-01T08:05:00.000Z",
    "created_at": "2026-06-01T08:00:00.000Z",
}
_CLOSURE_ID = "3a8e7c10-52d4-4c1b-9a60-77c2d1e5f4b9"
_CLOSURE = {
    "closure_id": _CLOSURE_ID,
    "branch_id": None,
    "date_from": "2026-12-24",
    "date_to": "2026-12-26",
    "reason": "Christmas",
    "source": "api",
    "created_at": _CREATED,
}
_ENTRY = {
    "audit_id": "c2b7f0a4-1d7e-4d0f-8a55-3f1f0c9b7e21",
    "at": "2026-06-01T08:00:00.000Z",
    "action": "days.update",
    "subject": f"{_WINDOW}||2026-06-15",
    "key_id": "8f14e45f-ceea-467f-a34c-5b6b5a1d8e10",
    "user_id": None,
    "channel": "staff",
    "request_id": "req_4f1d0a9b7c2e_17",
    "outcome": "done",
    "before": {"status": None, "reason": None},
    "after": {"status": "CLOSED", "reason": "Public holiday"},
}
_OPENING = {
    "slot_id": f"{_WINDOW}||2026-06-15||{_SERVICE}",
    "calendar_id": _WINDOW,
    "branch_id": _BRANCH,
    "appointment_type": _SERVICE,
    "date": "2026-06-15",
    "day": "monday",
    **_TIMES,
    "available_slots": 7,
}
_EXPLAINED = {
    "slot_id": f"{_WINDOW}||2026-06-15||{_SERVICE}",
    "reason_code": "OPEN",
    "message": "09:00–11:00 on 2026-06-15 has 7 places left.",
    "available_slots": 7,
}

_FUNCTION = {
    "name": "release_hold",
    "description": "Call this when the caller does not want the place that hold_slot kept.",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"hold_id": {"type": "string", "description": "The hold_id that hold_slot answered."}},
        "required": ["hold_id"],
        "additionalProperties": False,
    },
}
_ANSWER = {
    "ok": True,
    "reason_code": "BOOKED",
    "spoken": "Booked for Asha Rao: General Checkup on Monday the 15th of June at half past nine in the morning.",
    "date": "2026-06-15",
    "now": "2026-06-01T10:00:00+02:00",
    "timezone": "Europe/Berlin",
    "options": [],
    "data": {
        "appointment_id": "appt_7h2k9x0q4d",
        "patient_name": "Asha Rao",
        "service": "General Checkup",
        "branch": "Main Street",
        "time": "2026-06-15T09:30",
    },
}

EXAMPLES: dict[Any, Mapping[str, object]] = {
    availability.AvailabilityQuery: {"date": "2026-06-15", "session": "Morning"},
    availability.TrackingQuery: {"date_from": "2026-06-15", "date_to": "2026-06-21"},
    schedule.RecordBody: {"status": "CLOSED"},
    schedule.DayBody: {"max_slots": 30, "reason": "A second doctor on this day"},
    schedule.RegenerateBody: {"date_from": "2026-06-15", "date_to": "2026-06-30"},
    windows.WindowsQuery: {"day": "monday", "session": "Morning", "status": "OPEN"},
    windows.NewWindowBody: {
        "day": "monday",
        "session": "Morning",
        "start_time": "09:00",
        "end_time": "11:00",
        "max_slots": 20,
        "ai_slots": 10,
        "batch_name": "MA",
    },
    windows.WindowBody: {"max_slots": 25},
    windows.NoFields: {},
    appointments.ExpandQuery: {"expand": "slot"},
    appointments.SearchQuery: {"date": "2026-06-15", "status": "confirmed", "page": 1, "limit": 50},
    appointments.NewAppointmentBody: {
        "appointment_type": _SERVICE,
        "appointment_date": "2026-06-15T09:30:00+05:30",
        "patient_name": "Asha Rao",
        "parent_phone": "+91 98765 43210",
    },
    appointments.AppointmentBody: {"appointment_date": "2026-06-16T09:30:00+05:30"},
    holds.NewHoldBody: {"slot_id": f"{_WINDOW}||2026-06-15||{_SERVICE}", "ttl_seconds": 300},
    holds.HoldBody: {"ttl_seconds": 300},
    holds.HoldView: _HOLD,
    openings.NextQuery: {"appointment_type": _SERVICE, "days": 30, "limit": 10},
    openings.NextView: {"success": True, "from": "2026-06-01", "to": "2026-06-30", "data": [_OPENING]},
    openings.OpeningView: _OPENING,
    openings.ExplainQuery: {"date": "2026-06-15", "appointment_type": _SERVICE, "time": "09:30"},
    openings.ExplainView: {
        "success": True,
        "date": "2026-06-15",
        "bookable": True,
        "reason_code": "OPEN",
        "message": _EXPLAINED["message"],
        "data": [_EXPLAINED],
    },
    openings.ExplainedView: _EXPLAINED,
    schemas.DoneView: {"success": True},
    tools.ToolBody: {"hold_id": _HOLD_ID, "patient_name": "Asha Rao", "phone": "+91 98765 43210"},
    tools.ToolsView: {"success": True, "tools": [{"type": "function", "function": _FUNCTION}]},
    tools.ToolView: {"type": "function", "function": _FUNCTION},
    tools.FunctionView: _FUNCTION,
    Answer: _ANSWER,
    closures.NewClosureBody: {"date_from": "2026-12-24", "date_to": "2026-12-26", "reason": "Christmas"},
    closures.ClosuresQuery: {"date_from": "2026-12-01", "date_to": "2026-12-31"},
    closures.ClosureView: _CLOSURE,
    closures.ClosuresView: {
        "success": True,
        "data": [_CLOSURE],
        "pagination": {"page": 1, "limit": 50, "total": 1, "total_pages": 1},
    },
    closures.PreviewView: {
        "success": True,
        "data": {**_CLOSURE, "closure_id": None},
        "affected": ["appt_7h2k9x0q4d"],
    },
    audit.AuditQuery: {"from": "2026-06-01", "action": "days.update"},
    audit.EntryView: _ENTRY,
    audit.AuditView: {
        "success": True,
        "data": [_ENTRY],
        "pagination": {"page": 1, "limit": 50, "total": 1, "total_pages": 1},
    },
    directory.NewBranchBody: {"name": "Main Street", "timezone": "Europe/Berlin"},
    directory.BranchBody: {"name": "Main Street 1"},
    directory.NewServiceBody: {"name": "General Checkup"},
    directory.ServiceBody: {"active": False},
    directory.ConfigurationBody: {"horizon_days": 120},
    schemas.AvailabilityView: {"success": True, "date": "2026-06-15", "slots": [_SLOT]},
    schemas.SlotView: _SLOT,
    schemas.RecordView: _RECORD,
    schemas.RegeneratedView: _REGENERATED,
    schemas.DryRunView: {**_REGENERATED, "changes": [_CHANGE]},
    schemas.WindowView: _WINDOW_SHOWN,
    schemas.AppointmentView: _APPOINTMENT,
    schemas.ExpandedAppointmentView: _EXPANDED,
    schemas.BookedView: {
        "success": True,
        "appointment_id": "appt_7h2k9x0q4d",
        "token": None,
        "data": _APPOINTMENT,
    },
    schemas.AppointmentsView: {
        "success": True,
        "data": [_APPOINTMENT],
        "pagination": {"page": 1, "limit": 50, "total": 1, "total_pages": 1},
    },
    schemas.ServiceView: {"service_id": _SERVICE, "name": "General Checkup", "active": True, **_STAMPS},
    schemas.BranchView: {"branch_id": _BRANCH, "name": "Main Street", "timezone": None, **_STAMPS},
    schemas.ConfigurationView: _CONFIGURATION,
    schemas.HealthView: {"success": True, "status": "ready"},
}

TARGETS: dict[str, str] = {
    "/v1/appointment-slots/tracking/{slot_id}": f"{_WINDOW}||2026-06-15||{_SERVICE}",
    "/v1/appointment-slots/days/{slot_id}": f"{_WINDOW}||2026-06-15",
    "/v1/appointment-slots/{slot_id}": _WINDOW,
    "/v1/appointment-slots/{slot_id}/disable": f"{_WINDOW}||2026-06-15",
    "/v1/appointment-slots/{slot_id}/enable": _WINDOW,
    "/v1/appointments/{appointment_id}": "appt_7h2k9x0q4d",
    "/v1/holds/{hold_id}": _HOLD_ID,
    "/v1/closures/{closure_id}": _CLOSURE_ID,
    "/v1/services/{service_id}": _SERVICE,
    "/v1/branches/{branch_id}": _BRANCH,
    "/v1/tools/{tool}": "book_appointment",
}

SHOWN: dict[str, Mapping[str, object]] = {
    "/v1/appointment-slots/{slot_id}/disable": {"status": "CLOSED"},
    "/healthz": {"status": "alive"},
}
"""By path: what its answer shows that neither the example of its shape nor that of its body says."""

_NO_WINDOW = (
    f"This organization has no calendar window with the id {_WINDOW}; "
    "'GET /v1/appointment-slots' lists those that it has."
)
_NO_RECORD = (
    f"The window {_WINDOW} has no record on 2026-06-16 (Tuesday): it is on mondays. "
    "'GET /v1/appointment-slots/schedule-tracking' lists the records of a date."
)
_TWIN = (
    f"The window {_WINDOW} has the same branch, day, session, batch and service already; "
    "change that one, or give this one another 'batch_name'."
)
_NOT_OPENED = "2026-06-15 cannot be opened: its window is disabled; enable the window."
_NO_BRANCH = f"This organization has no branch with the id {_BRANCH}; 'GET /v1/branches' lists those that it has."
_NO_SERVICE = f"This organization has no service with the id {_SERVICE}; 'GET /v1/services' lists those that it has."
_BRANCH_TWIN = f"There is already a branch named 'Main Street' ({_BRANCH}); choose another name."
_SERVICE_TWIN = f"There is already a service named 'General Checkup' ({_SERVICE}); choose another name."

NOT_FOUND: dict[str, str] = {
    "/v1/appointment-slots/tracking/{slot_id}": _NO_RECORD,
    "/v1/appointment-slots/days/{slot_id}": _NO_RECORD,
    "/v1/appointment-slots": _NO_BRANCH,
    "/v1/appointment-slots/{slot_id}": _NO_WINDOW,
    "/v1/appointment-slots/{slot_id}/disable": _NO_WINDOW,
    "/v1/appointment-slots/{slot_id}/enable": _NO_WINDOW,
    "/v1/appointments": _NO_SERVICE,
    "/v1/appointments/{appointment_id}": "This organization has no appointment appt_7h2k9x0q4d.",
    "/v1/appointment-slots/next-available": _NO_SERVICE,
    "/v1/appointment-slots/explain": _NO_SERVICE,
    "/v1/holds": _NO_WINDOW,
    "/v1/holds/{hold_id}": f"This organization has no hold {_HOLD_ID}; 'POST /v1/holds' takes one.",
    "/v1/closures": _NO_BRANCH,
    "/v1/closures/{closure_id}": f"This organization has no closure with the id {_CLOSURE_ID}; "
    "'GET /v1/closures' lists those that it has.",
    "/v1/services/{service_id}": _NO_SERVICE,
    "/v1/branches/{branch_id}": _NO_BRANCH,
    "/v1/tools/{tool}": "There is no tool 'book_flight'; 'GET /v1/tools' lists those that there are.",
}
"""By path: what there may not be."""

CONFLICTS: dict[str, str] = {
    "/v1/appointment-slots/tracking/{slot_id}": _NOT_OPENED,
    "/v1/appointment-slots/days/{slot_id}": _NOT_OPENED,
    "/v1/appointment-slots": _TWIN,
    "/v1/appointment-slots/{slot_id}": _TWIN,
    "/v1/appointments/{appointment_id}": "A cancelled appointment cannot be moved; book a new one.",
    "/v1/appointments": "This hold was taken for the staff channel, so only a key of that channel can confirm it.",
    "/v1/services": _SERVICE_TWIN,
    "/v1/services/{service_id}": _SERVICE_TWIN,
    "/v1/branches": _BRANCH_TWIN,
    "/v1/branches/{branch_id}": _BRANCH_TWIN,
}
"""By path: what may stand against it."""
