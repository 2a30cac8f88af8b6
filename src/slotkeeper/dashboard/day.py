"""A day: the windows of a branch on a date, who is booked into each, and booking whoever stands at the desk."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from starlette.responses import Response

from slotkeeper.dashboard import spreadsheet
from slotkeeper.dashboard.visit import Answer, Flash, Page, Redirect, Visit
from slotkeeper.domain.calendar import closing_instant, instant_of, iso_instant, local, today
from slotkeeper.domain.errors import DuplicateBooking, InvalidInput, NotFound
from slotkeeper.domain.model import Appointment, AppointmentStatus, Channel, Session, Slot, WindowDate
from slotkeeper.domain.slot_ids import parse_date, parse_uuid
from slotkeeper.domain.texts import NAME_LENGTH, NOTES_LENGTH, parse_phone
from slotkeeper.operations import appointments
from slotkeeper.operations.appointments import NewAppointment, Shown
from slotkeeper.operations.day import Sheet, get_day, get_sheet
from slotkeeper.operations.explain import Asked, explain
from slotkeeper.operations.openings import Asking, Opening, list_openings
from slotkeeper.texts import N_, Texts, for_people

STATUSES = {
    AppointmentStatus.CONFIRMED: N_("confirmed"),
    AppointmentStatus.RESCHEDULED: N_("moved here"),
    AppointmentStatus.COMPLETED: N_("completed"),
    AppointmentStatus.CANCELLED: N_("cancelled"),
}
CHANNELS = {Channel.AI: N_("by the voice agent"), Channel.STAFF: N_("at the desk")}
SESSIONS = {Session.MORNING: N_("Morning"), Session.AFTERNOON: N_("Afternoon"), Session.EVENING: N_("Evening")}

OFFERED_DAYS, OFFERED = 14, 6
"""For how many dates, and how many windows, a person is offered who cannot have the one that was asked for."""
ROUND = 5
"""The minutes to which the time of somebody who is there already is rounded up."""


async def show_today(visit: Visit) -> Answer:
    """Lead to the day that it is at the branch."""
    return Redirect(f"/day/{today(visit.now, visit.zone)}")


async def show_day(visit: Visit) -> Answer:
    """All windows of the branch on a date."""
    on = date_of(visit)
    sheets = await get_day(visit.db, visit.caller, branch_id=visit.place.branch_id, on=on, now=visit.now)
    if visit.query("as") == "csv":
        return _csv(visit, sheets, on)
    over = {sheet.slot.calendar_id for sheet in sheets if is_over(visit, sheet.slot)}
    return Page("day.html", {**_around(visit, on, sheets), "services": service_names(visit), "over": over})


async def show_window(visit: Visit) -> Answer:
    """One window on a date, with the form that books into it."""
    on, calendar_id = date_of(visit), calendar_of(visit)
    sheet = await get_sheet(visit.db, visit.caller, calendar_id=calendar_id, on=on, now=visit.now)
    if visit.query("branch") not in (None, sheet.slot.branch_id):
        return Redirect(f"/day/{on}")  # the branch was chosen above the page
    look_at(visit, sheet.slot.branch_id)
    if visit.query("as") == "csv":
        return _csv(visit, [sheet], on)
    offered = [] if visit.refusal is None else await _offers(visit, sheet)
    names, typed = service_names(visit), visit.form.fields.get("time", "")
    values = {
        "sheet": sheet,
        "services": names,
        "offered_services": [(one, names[one]) for one in sheet.services],
        "can_book": visit.refusal is not None or (sheet.slot.status == "OPEN" and not is_over(visit, sheet.slot)),
        "is_over": is_over(visit, sheet.slot),
        "first_time": first_time(visit, sheet.slot),
        "explained": await _explanation(visit, sheet),
        "offers": [
            (one, window_path(one.at.calendar_id, one.at.date), time_in(visit, one.at, typed)) for one in offered
        ],
        "is_duplicate": isinstance(visit.refusal, DuplicateBooking),
    }
    return Page("window.html", {**_around(visit, on, [sheet]), **values})


async def book(visit: Visit) -> Answer:
    """Book into a window on a date, or, by a button below a refusal, into one that was offered instead."""
    on, calendar_id, form = date_of(visit), calendar_of(visit), visit.form
    sheet = await get_sheet(visit.db, visit.caller, calendar_id=calendar_id, on=on, now=visit.now)
    look_at(visit, sheet.slot.branch_id)
    if "offered" in form.fields:
        form.fields["time"] = form.fields["offered"]
    service, wall_time = form.id("service"), read_time(visit, sheet.slot)
    name = form.text("patient_name", longest=NAME_LENGTH)
    phone = parse_phone(form.fields.get("parent_phone", ""))
    if phone is None:
        form.note("parent_phone", visit.texts.gettext("Write a phone number of 6 to 15 digits."))
    doctor = form.text("assigned_doctor", longest=NAME_LENGTH, required=False) or None
    notes = form.text("notes", longest=NOTES_LENGTH, required=False) or None
    form.require_valid()
    instant, branch_id = instant_of(on, wall_time, visit.zone), sheet.slot.branch_id
    new = NewAppointment(service, instant, name, phone or "", branch_id, None, None, doctor, notes)

    def told(shown: Shown) -> Redirect:
        made = shown.appointment
        return Redirect(anchor(made), Flash(_booked(visit.texts, made)))

    new = new._replace(calendar_id=calendar_id)
    return told(await appointments.book_appointment(visit.site.line, visit.once(told), new, now=visit.now))


def _booked(texts: Texts, made: Appointment) -> str:
    when = {"time": texts.wall_time(made.wall_time), "date": texts.date(made.date)}
    if made.token is None:
        return texts.gettext("Booked for %(time)s on %(date)s.", **when)
    return texts.gettext("Booked for %(time)s on %(date)s, token %(token)s.", token=made.token, **when)


async def _explanation(visit: Visit, sheet: Sheet) -> str | None:
    """Why the window cannot be had as it was asked for, where the refusal has not said so already."""
    service, wall_time = visit.form.fields.get("service", ""), visit.form.fields.get("time")
    if visit.refusal is None or isinstance(visit.refusal, InvalidInput | DuplicateBooking) or wall_time is None:
        return None
    slot = sheet.slot
    asked = Asked(slot.date, slot.branch_id, service, wall_time, None)
    found = await explain(visit.db, visit.caller, asked, now=visit.now)
    sentence = next((one.message for one in found.windows if one.calendar_id == slot.calendar_id), found.message)
    return None if sentence == visit.refusal.message else for_people(sentence)


async def _offers(visit: Visit, sheet: Sheet) -> Sequence[Opening]:
    """What can be booked instead of a window that was refused."""
    service, slot = parse_uuid(visit.form.fields.get("service", "")), sheet.slot
    if service not in service_names(visit) or isinstance(visit.refusal, InvalidInput | DuplicateBooking):
        return []
    first = max(slot.date, today(visit.now, visit.zone))
    asking = Asking(service, slot.branch_id, None, first, OFFERED_DAYS, OFFERED)
    return (await list_openings(visit.db, visit.caller, asking, now=visit.now)).found


def _around(visit: Visit, on: date, sheets: Sequence[Sheet]) -> Mapping[str, Any]:
    """What the pages of a day share."""
    return {
        "on": on,
        "today": today(visit.now, visit.zone),
        "next": on + timedelta(days=1),
        "previous": on - timedelta(days=1),
        "sheets": sheets,
        "has_tokens": any(one.token is not None for sheet in sheets for one in sheet.appointments),
        **words(),
    }


def words() -> Mapping[str, Any]:
    """The words for what stands in appointments and windows."""
    return {"statuses": STATUSES, "channels": CHANNELS, "sessions": SESSIONS}


def service_names(visit: Visit) -> dict[str, str]:
    """The names of all services by id."""
    return {} if visit.known is None else {one.service_id: one.name for one in visit.known.services}


def date_of(visit: Visit) -> date:
    """The date in the address. Raises NotFound."""
    on = parse_date(visit.target("date"))
    if on is None:
        raise NotFound(visit.texts.gettext("The address names no date."))
    return on


def calendar_of(visit: Visit) -> str:
    """The window in the address. Raises NotFound."""
    calendar_id = parse_uuid(visit.target("calendar"))
    if calendar_id is None:
        raise NotFound(visit.texts.gettext("The address names no window."))
    return calendar_id


def look_at(visit: Visit, branch_id: str) -> None:
    """Let the page be one of a branch, whichever was looked at last."""
    visit.branch = next(one for one in visit.branches if one.branch_id == branch_id)


def window_path(calendar_id: str, on: date) -> str:
    """The path of a window on a date."""
    return f"/day/{calendar_id}/{on}"


def anchor(one: Appointment) -> str:
    """The path of an appointment's line in its window's list."""
    return f"{window_path(one.calendar_id, one.date)}#{one.appointment_id}"


def is_over(visit: Visit, at: Slot) -> bool:
    """Whether no moment of a window is still to come."""
    return closing_instant(at.date, at.start_time, at.end_time, visit.zone) <= visit.now


def first_time(visit: Visit, at: Slot | WindowDate) -> str:
    """The first time of a window that somebody can still be booked for, a little after now where it is under way."""
    here = local(visit.now + 60_000, visit.zone)
    if at.date != here.date():
        return at.start_time
    minutes = -(-(here.hour * 60 + here.minute + 1) // ROUND) * ROUND
    soon = f"{minutes // 60:02d}:{minutes % 60:02d}"
    return max(at.start_time, min(soon, before(at.end_time)))


def before(wall_time: str) -> str:
    """The minute before a wall time."""
    minutes = int(wall_time[:2]) * 60 + int(wall_time[3:5]) - 1
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def time_in(visit: Visit, at: Slot | WindowDate, wanted: str) -> str:
    """The time within a window on a date: the one that is wanted, where it can be had there, else the first."""
    first = first_time(visit, at)
    return wanted[:5] if at.start_time <= wanted < at.end_time and wanted >= first else first


def read_time(visit: Visit, slot: Slot) -> str:
    """The time that was typed; noted where it is not one of the window's."""
    wall_time = visit.form.wall_time("time")
    if visit.form.error("time") is None and not slot.start_time <= wall_time < slot.end_time:
        first, last = visit.texts.wall_time(slot.start_time), visit.texts.wall_time(before(slot.end_time))
        visit.form.note(
            "time", visit.texts.gettext("Choose a time of this window: %(first)s to %(last)s.", first=first, last=last)
        )
    return wall_time


def _csv(visit: Visit, sheets: Sequence[Sheet], on: date) -> Response:
    """The lists of a day as a file for a spreadsheet."""
    say, names = visit.texts.gettext, service_names(visit)
    rows = [
        [
            sheet.slot.start_time,
            sheet.slot.end_time,
            one.token,
            one.wall_time,
            one.patient_name,
            one.parent_phone,
            names.get(one.service_id),
            say(STATUSES[one.status]),
            say(CHANNELS[one.channel]),
            iso_instant(one.created_at),
            one.assigned_doctor,
            one.notes,
            one.appointment_id,
        ]
        for sheet in sheets
        for one in sheet.appointments
    ]
    heads = [
        say("From"),
        say("To"),
        say("Token"),
        say("Time"),
        say("Name"),
        say("Phone"),
        say("Service"),
        say("Status"),
        say("Channel"),
        say("Booked at"),
        say("Doctor"),
        say("Notes"),
        say("Appointment"),
    ]
    return spreadsheet.answer(f"day-{on}.csv", [heads, *rows])
