"""The weekly windows of a branch as an editable table: made, changed, disabled, enabled."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple

from slotkeeper.dashboard.forms import SEEN, Form
from slotkeeper.dashboard.refusals import ChangedMeanwhile
from slotkeeper.dashboard.visit import Answer, Flash, Page, Redirect, Undo, Visit
from slotkeeper.domain.calendar import today
from slotkeeper.domain.errors import InvalidInput, NotFound
from slotkeeper.domain.model import DAYS, MOST_SLOTS, Day, Session, Window
from slotkeeper.domain.slot_ids import parse_uuid
from slotkeeper.domain.texts import BATCH_LENGTH, parse_day
from slotkeeper.operations import windows
from slotkeeper.operations.windows import WindowChanges
from slotkeeper.texts import N_

NEW = "new"
"""What stands for the window that is not there yet in the ids of its fields."""

DAY_NAMES: dict[Day, str] = {
    Day.MONDAY: N_("Monday"),
    Day.TUESDAY: N_("Tuesday"),
    Day.WEDNESDAY: N_("Wednesday"),
    Day.THURSDAY: N_("Thursday"),
    Day.FRIDAY: N_("Friday"),
    Day.SATURDAY: N_("Saturday"),
    Day.SUNDAY: N_("Sunday"),
}


SESSION_NAMES: dict[Session, str] = {
    Session.MORNING: N_("Morning"),
    Session.AFTERNOON: N_("Afternoon"),
    Session.EVENING: N_("Evening"),
}


class Row(NamedTuple):
    """One window of the table: what stands in its fields, what is wrong with them, and what is wrong besides."""

    key: str
    title: str
    values: Mapping[str, str]
    errors: Mapping[str, str]
    problems: list[str]
    enabled: bool = True
    comes: date | None = None
    seen: str = ""


class Read(NamedTuple):
    """The fields of a window as they were sent."""

    day: Day
    session: Session
    batch: str | None
    start_time: str
    end_time: str
    max_slots: int
    ai_slots: int | None
    service_id: str | None


async def show_windows(visit: Visit) -> Answer:
    """The windows of the branch, of one day or of all, each with its form, and the form for another."""
    day = _day(visit)
    branch_id = visit.place.branch_id
    found = await windows.list_windows(visit.db, visit.caller, branch_id=branch_id, day=day, session=None, status=None)
    asked = visit.request.path_params.get("calendar_id", NEW if visit.form.is_sent() else "")
    on_today = today(visit.now, visit.zone)
    rows: dict[Day, list[Row]] = {one: [] for one in DAYS if day in (None, one)}
    for window in found:
        rows[window.day].append(_row(visit, window, on_today, is_asked=asked == window.calendar_id))
    is_lost = asked not in {"", NEW} and asked not in {window.calendar_id for window in found}
    new = Row(NEW, "", _first_values(day), {}, [])
    values = {
        "rows": {one: listed for one, listed in rows.items() if listed},
        "new": _kept(visit, new) if asked == NEW else new,
        "is_lost": is_lost,
        "shown": _shown(visit),
        "day": day,
        "days": [(one.value, visit.texts.gettext(DAY_NAMES[one])) for one in DAYS],
        "sessions": [(one.value, visit.texts.gettext(SESSION_NAMES[one])) for one in Session],
        "services": [] if visit.known is None else [(one.service_id, one.name) for one in visit.known.services],
        "most": MOST_SLOTS,
        "longest": BATCH_LENGTH,
    }
    return Page("windows.html", values)


async def create_window(visit: Visit) -> Answer:
    """Add a window to the branch."""
    read = _read(visit.form)

    def told(made: Window) -> Redirect:
        said = visit.texts.gettext("%(window)s is added.", window=_title(visit, made))
        return _back(visit, said, Undo(visit.texts.gettext("Disable it again"), _path(visit, made, "/disable"), {}))

    made = await windows.create_window(
        visit.db,
        visit.once(told),
        branch_id=visit.place.branch_id,
        day=read.day,
        session=read.session,
        start_time=read.start_time,
        end_time=read.end_time,
        max_slots=read.max_slots,
        ai_slots=read.ai_slots,
        batch=read.batch,
        service=read.service_id,
        now=visit.now,
    )
    return told(made)


async def update_window(visit: Visit) -> Answer:
    """Change a window."""
    before = await _find(visit)
    read = _read(visit.form)

    def told(made: Window) -> Redirect:
        said = visit.texts.gettext("%(window)s is changed.", window=_title(visit, made))
        sent = _values(before) | {SEEN: _seen(made)}
        return _back(visit, said, Undo(visit.texts.gettext("Undo"), _path(visit, before), sent))

    changes: WindowChanges = {
        "day": read.day,
        "session": read.session,
        "start_time": read.start_time,
        "end_time": read.end_time,
        "max_slots": read.max_slots,
        "ai_slots": read.ai_slots,
        "batch_name": read.batch,
        "appointment_type_id": read.service_id,
    }
    made = await windows.update_window(
        visit.db,
        visit.once(told),
        before.calendar_id,
        changes=changes,
        expect=lambda stored: visit.require_seen(_seen(stored)),
        whole=False,
        now=visit.now,
    )
    return told(made)


async def disable_window(visit: Visit) -> Answer:
    """Take a window out of use; what is booked in it stays."""
    return await _set_enabled(visit, enabled=False)


async def enable_window(visit: Visit) -> Answer:
    """Put a window to use again."""
    return await _set_enabled(visit, enabled=True)


async def _set_enabled(visit: Visit, *, enabled: bool) -> Redirect:
    window = await _find(visit)
    say = visit.texts.gettext

    def told(made: Window) -> Redirect:
        title = _title(visit, made)
        said = say("%(window)s is enabled.", window=title) if enabled else say("%(window)s is disabled.", window=title)
        return _back(visit, said, Undo(say("Undo"), _path(visit, made, "/disable" if enabled else "/enable"), {}))

    made = await windows.set_enabled(visit.db, visit.once(told), window.calendar_id, enabled=enabled, now=visit.now)
    return told(made)


async def _find(visit: Visit) -> Window:
    calendar_id = parse_uuid(visit.target("calendar_id"))
    if calendar_id is None:
        raise NotFound(visit.texts.gettext("The address leads nowhere: it may be mistyped, or out of date."))
    return await windows.get_window(visit.db, visit.caller, calendar_id)


def _read(form: Form) -> Read:
    """The fields of a window. Raises InvalidInput."""
    read = Read(
        form.choice("day", Day),
        form.choice("session", Session),
        form.text("batch", longest=BATCH_LENGTH, required=False) or None,
        form.wall_time("start_time"),
        form.wall_time("end_time"),
        form.number("max_slots", 1, MOST_SLOTS),
        form.optional_number("ai_slots", 0, MOST_SLOTS),
        form.id("service_id") if form.fields.get("service_id") else None,
    )
    form.require_valid()
    return read


def _values(window: Window) -> dict[str, str]:
    """The fields of a window as a form sends them."""
    return {
        "day": window.day.value,
        "session": window.session.value,
        "batch": window.batch or "",
        "start_time": window.start_time,
        "end_time": window.end_time,
        "max_slots": str(window.max_slots),
        "ai_slots": "" if window.ai_slots is None else str(window.ai_slots),
        "service_id": window.service_id or "",
    }


def _seen(window: Window) -> str:
    """By which a form says as what it saw a window."""
    return str(window.updated_at)


def _first_values(day: Day | None) -> dict[str, str]:
    empty = dict.fromkeys(Read._fields, "")
    return empty | {"day": (day or Day.MONDAY).value, "session": Session.MORNING.value}


def _row(visit: Visit, window: Window, on_today: date, *, is_asked: bool) -> Row:
    comes = on_today + timedelta(days=(DAYS.index(window.day) - on_today.weekday()) % 7)
    row = Row(window.calendar_id, _title(visit, window), _values(window), {}, [], window.enabled, comes, _seen(window))
    return _kept(visit, row) if is_asked else row


def _kept(visit: Visit, row: Row) -> Row:
    """The row whose form was refused: what was typed, and why."""
    if visit.refusal is None:
        return row
    if isinstance(visit.refusal, ChangedMeanwhile):
        return row._replace(problems=[visit.texts.refusal(visit.refusal)])  # how it stands now is what matters
    form = visit.form
    errors = {name: error for name in Read._fields if (error := form.error(name)) is not None}
    problems = list(errors.values())
    if not isinstance(visit.refusal, InvalidInput):
        problems.append(visit.texts.refusal(visit.refusal))
    return row._replace(values={name: form.value(name) for name in Read._fields}, errors=errors, problems=problems)


def _title(visit: Visit, window: Window) -> str:
    """A window as people call it: its day, session and batch, or its time."""
    words = [visit.texts.gettext(DAY_NAMES[window.day]), visit.texts.gettext(SESSION_NAMES[window.session])]
    return " ".join([*words, window.batch or visit.texts.wall_time(window.start_time)])


def _day(visit: Visit) -> Day | None:
    """The one day that is shown, None for all."""
    return parse_day(visit.query("day") or "")


def _path(visit: Visit, window: Window, below: str = "") -> str:
    return f"/windows/{window.calendar_id}{below}{_shown(visit)}"


def _shown(visit: Visit) -> str:
    """What addresses say of the table: another tab of the browser may meanwhile be at another branch."""
    day = _day(visit)
    return f"?branch={visit.place.branch_id}" + (f"&day={day}" if day else "")


def _back(visit: Visit, said: str, undo: Undo) -> Redirect:
    return Redirect(f"/windows{_shown(visit)}", Flash(said, undo))
