"""One appointment: what is known of it; completed, confirmed again, cancelled, moved; and found by name or phone."""

from datetime import date, timedelta
from enum import StrEnum

from slotkeeper.dashboard.day import (
    anchor,
    before,
    calendar_of,
    date_of,
    is_over,
    look_at,
    read_time,
    service_names,
    time_in,
    words,
)
from slotkeeper.dashboard.visit import Answer, Flash, Page, Redirect, Undo, Visit
from slotkeeper.domain.calendar import instant_of, today
from slotkeeper.domain.errors import NotFound
from slotkeeper.domain.model import Appointment, AppointmentStatus, fold
from slotkeeper.domain.slot_ids import parse_date
from slotkeeper.domain.texts import NAME_LENGTH, NOTES_LENGTH
from slotkeeper.operations import appointments
from slotkeeper.operations.appointments import AppointmentChanges, Changing, Shown
from slotkeeper.operations.day import get_sheet
from slotkeeper.operations.openings import Asking, Opening, list_openings
from slotkeeper.texts import N_

AHEAD, MOST_OPENINGS = 14, 60
"""Through how many dates openings are looked for at once, and how many are listed."""
FOUND = 20
"""How many appointments a page of what was found holds."""
SHORTEST = 2
"""How many signs it takes to look for somebody."""


class Mark(StrEnum):
    """What an appointment can be marked as by one press of a button."""

    COMPLETED = AppointmentStatus.COMPLETED.value
    CONFIRMED = AppointmentStatus.CONFIRMED.value


MARKED = {Mark.COMPLETED: N_("Marked as completed."), Mark.CONFIRMED: N_("Confirmed again.")}


async def show_appointment(visit: Visit) -> Answer:
    """One appointment, and what can be done with it."""
    return Page("appointment.html", _values(visit, await _find(visit)))


async def mark_appointment(visit: Visit) -> Answer:
    """Mark an appointment as completed, or confirm it again."""
    mark = visit.form.choice("status", Mark)
    visit.form.require_valid()
    changed = await _change(visit, {"status": AppointmentStatus(mark)})
    undo = None
    if mark is Mark.COMPLETED:
        undo = _confirm_again(visit, changed)
    return Redirect(_back(visit, changed), Flash(visit.texts.gettext(MARKED[mark]), undo))


async def change_details(visit: Visit) -> Answer:
    """Change what is noted about an appointment: the doctor, and the notes."""
    doctor = visit.form.text("assigned_doctor", longest=NAME_LENGTH, required=False) or None
    notes = visit.form.text("notes", longest=NOTES_LENGTH, required=False) or None
    visit.form.require_valid()
    changed = await _change(visit, {"assigned_doctor": doctor, "notes": notes})
    return Redirect(f"/appointment/{changed.appointment_id}", Flash(visit.texts.gettext("The details are changed.")))


async def show_cancelling(visit: Visit) -> Answer:
    """Ask whether an appointment is to be cancelled."""
    return Page("cancelling.html", _values(visit, await _find(visit)))


async def cancel_appointment(visit: Visit) -> Answer:
    """Cancel an appointment; its place is free from then on."""
    changed = await _change(visit, {"status": AppointmentStatus.CANCELLED})
    said = visit.texts.gettext("Cancelled. The place is free again.")
    return Redirect(_back(visit, changed), Flash(said, _confirm_again(visit, changed)))


async def show_openings(visit: Visit) -> Answer:
    """Where an appointment may move to: what has room for its service in the next days."""
    shown = await _find(visit)
    on_today, one = today(visit.now, visit.zone), shown.appointment
    first = max(parse_date(visit.query("from") or "") or on_today, on_today)
    asking = Asking(one.service_id, one.branch_id, None, first, AHEAD, MOST_OPENINGS)
    found = await list_openings(visit.db, visit.caller, asking, now=visit.now)
    openings: dict[str, list[Opening]] = {}
    for opening in found.found:
        openings.setdefault(opening.at.date.isoformat(), []).append(opening)
    last = found.found[-1].at.date if len(found.found) == MOST_OPENINGS else found.last
    values = {
        "first": first,
        "last": last,
        "openings": openings,
        "today": on_today,
        "earlier": first - timedelta(days=AHEAD),
    }
    return Page("openings.html", {**_values(visit, shown), **values, "later": last + timedelta(days=1)})


async def show_moving(visit: Visit) -> Answer:
    """Ask for the time within the window that an appointment is to move to."""
    shown = await _find(visit)
    on, calendar_id = date_of(visit), calendar_of(visit)
    sheet = await get_sheet(visit.db, visit.caller, calendar_id=calendar_id, on=on, now=visit.now)
    values = {
        "sheet": sheet,
        "on": on,
        "last_time": before(sheet.slot.end_time),
        "time": time_in(visit, sheet.slot, shown.appointment.wall_time),
        "is_over": is_over(visit, sheet.slot),
    }
    return Page("moving.html", {**_values(visit, shown), **values})


async def move_appointment(visit: Visit) -> Answer:
    """Move an appointment to a time of a window; where that is refused, it stays where it is."""
    await _find(visit)
    on, calendar_id = date_of(visit), calendar_of(visit)
    sheet = await get_sheet(visit.db, visit.caller, calendar_id=calendar_id, on=on, now=visit.now)
    wall_time = read_time(visit, sheet.slot)
    visit.form.require_valid()
    changes: AppointmentChanges = {"appointment_date": instant_of(on, wall_time, visit.zone)}
    moved = await _change(visit, changes, calendar_id, to=_place(calendar_id, on, wall_time))
    said = visit.texts.gettext(
        "Moved to %(time)s on %(date)s.", time=visit.texts.wall_time(moved.wall_time), date=visit.texts.date(moved.date)
    )
    return Redirect(anchor(moved), Flash(said))


async def find_appointments(visit: Visit) -> Answer:
    """The appointments of whom somebody asks for, by a part of the name or of the phone number."""
    given, with_past = (visit.query("q") or "").replace("\x00", "")[:100], visit.query("past") is not None
    values = {**words(), "q": given, "with_past": with_past, "found": None}
    if len(fold(given)) < SHORTEST:
        return Page("find.html", {**values, "is_short": bool(given)})
    number = visit.query("page") or ""
    page = int(number) if number.isascii() and number.isdigit() and len(number) < 6 and int(number) else 1
    first = None if with_past else today(visit.now, visit.zone)
    wanted = appointments.search_for(given, first)
    found, total = await appointments.search_appointments(
        visit.db, visit.caller, wanted, service=None, page=page, limit=FOUND
    )
    values |= {"found": found, "total": total, "page": page, "pages": -(-total // FOUND)}
    values |= {"services": service_names(visit), "branches": {one.branch_id: one.name for one in visit.branches}}
    return Page("find.html", {**values, "is_short": False})


async def _find(visit: Visit) -> Shown:
    """The appointment in the address, whose branch is looked at from now on. Raises NotFound."""
    appointment_id = visit.target("appointment")
    if "\x00" in appointment_id:
        raise NotFound(visit.texts.gettext("The address names no appointment."))
    shown = await appointments.get_appointment(visit.db, visit.caller, appointment_id)
    look_at(visit, shown.appointment.branch_id)
    return shown


async def _change(
    visit: Visit, changes: AppointmentChanges, calendar_id: str | None = None, to: str = ""
) -> Appointment:
    """Change the appointment in the address. Sent twice it changes nothing more: it is so already.

    Raises ChangedMeanwhile where it stands neither where the form's page showed it nor where it is moved to.
    """

    def expect(stored: Appointment, _: str) -> None:
        if _place_of(stored) != to:
            visit.require_seen(_place_of(stored))

    change = Changing(visit.target("appointment").replace("\x00", ""), changes, expect, calendar_id)
    changed = await appointments.change_appointment(visit.site.line, visit.caller, change, now=visit.now)
    return changed.appointment


def _place(calendar_id: str, on: date, wall_time: str) -> str:
    """Where an appointment stands, as forms say that they saw it there."""
    return f"{calendar_id} {on} {wall_time[:5]}"


def _place_of(one: Appointment) -> str:
    return _place(one.calendar_id, one.date, one.wall_time)


def _values(visit: Visit, shown: Shown) -> dict[str, object]:
    """What the pages of an appointment show."""
    one = shown.appointment
    return {
        **words(),
        "one": one,
        "here": anchor(one),
        "seen": _place_of(one),
        "service": service_names(visit).get(one.service_id, ""),
        "is_standing": one.status in (AppointmentStatus.CONFIRMED, AppointmentStatus.RESCHEDULED),
        "is_cancelled": one.status is AppointmentStatus.CANCELLED,
        "longest": {"assigned_doctor": NAME_LENGTH, "notes": NOTES_LENGTH},
    }


def _confirm_again(visit: Visit, one: Appointment) -> Undo:
    fields = {"status": Mark.CONFIRMED.value, "back": visit.form.fields.get("back", "")}
    return Undo(visit.texts.gettext("Confirm again"), f"/appointment/{one.appointment_id}/mark", fields)


def _back(visit: Visit, one: Appointment) -> str:
    """Where the person came from: the whole day, or else the window."""
    if visit.form.fields.get("back") == "day":
        return f"/day/{one.date}?branch={one.branch_id}#{one.appointment_id}"
    return anchor(one)
