"""One window on one date: closed and reopened, its places, and each of its services (contract.md sections 4.3, 4.5).

Each form sends the whole of what it is about, empty where the weekly window speaks, so that taking a change back is
the same form with what stood there before.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import NamedTuple

from slotkeeper.dashboard.forms import SEEN, Form
from slotkeeper.dashboard.refusals import ChangedMeanwhile
from slotkeeper.dashboard.visit import Answer, Flash, Page, Redirect, Undo, Visit
from slotkeeper.domain.errors import NotFound
from slotkeeper.domain.model import MOST_SLOTS, Override, Slot, Status, TrackingRecord
from slotkeeper.domain.slot_ids import SlotId, parse_date, parse_uuid
from slotkeeper.domain.texts import REASON_LENGTH
from slotkeeper.operations import overrides
from slotkeeper.operations.overrides import DayChanges, RecordChanges
from slotkeeper.operations.window_dates import SeenDate, get_window_date


class Named(NamedTuple):
    """The window-date that an address names."""

    calendar_id: str
    on: date

    @property
    def path(self) -> str:
        """Its address."""
        return f"/schedule/{self.calendar_id}/{self.on}"


class Part(NamedTuple):
    """What of a window-date a form is about: where it is sent, what takes it back, and how it stands in a few words."""

    below: str
    before: Mapping[str, str]
    stands: Callable[[Slot], str]


async def show_window_date(visit: Visit) -> Answer:
    """A window-date with the forms that change it. Raises NotFound."""
    named = _named(visit)
    seen = await get_window_date(visit.db, visit.caller, named.calendar_id, named.on, now=visit.now)
    branch = next((one.name for one in visit.branches if one.branch_id == seen.window.branch_id), "")
    zone = visit.zone if visit.known is None else visit.known.zones[seen.window.branch_id]
    asked = visit.request.path_params.get("service_id")
    if isinstance(visit.refusal, ChangedMeanwhile):  # how it stands now is what matters
        visit.form.fields.clear()
        asked = None
    if visit.form.is_sent():
        _keep_besides(visit.form, seen)
    values = {"named": named, "seen": seen, "branch": branch, "zone": zone, "most": MOST_SLOTS, "asked": asked}
    stands = {"status": _status_of(seen.slot), "places": _places_of(seen.slot)}
    stands |= {one.record.appointment_type_id: _record_of(one.record) for one in seen.services}
    return Page("schedule.html", values | {"longest": REASON_LENGTH, "stands": stands})


async def set_status(visit: Visit) -> Answer:
    """Close a window-date, or open it again, with a reason."""
    named, form = _named(visit), visit.form
    status = _status(form, "status")
    reason = form.text("reason", longest=REASON_LENGTH, required=False)
    form.require_valid()
    before = await _before(visit, named)
    say = visit.texts.gettext
    is_closing = status is Status.CLOSED
    said = say("This date is closed.") if is_closing else say("This date is as the weekly window says again.")
    sent = {"status": before.status or "", "reason": before.reason or ""}
    changes: DayChanges = {"status": status, "reason": reason or None}
    return await _update(visit, named, changes, said, Part("status", sent, _status_of))


async def set_places(visit: Visit) -> Answer:
    """Change the places of a window-date, and how many of them the ``ai`` channel may fill."""
    named, form = _named(visit), visit.form
    places = form.optional_number("max_slots", 0, MOST_SLOTS)
    ai_places = form.optional_number("ai_slots", 0, MOST_SLOTS)
    reason = form.text("places_reason", longest=REASON_LENGTH, required=False)
    form.require_valid()
    before = await _before(visit, named)
    sent = {
        "max_slots": _text(before.max_slots),
        "ai_slots": _text(before.ai_slots),
        "places_reason": before.reason or "",
    }
    changes: DayChanges = {"max_slots": places, "ai_slots": ai_places, "reason": reason or None}
    said = visit.texts.gettext("The places of this date are set.")
    return await _update(visit, named, changes, said, Part("places", sent, _places_of))


async def set_service(visit: Visit) -> Answer:
    """Close or open one service on a window-date, or change its limit."""
    named, form = _named(visit), visit.form
    service_id = parse_uuid(visit.target("service_id"))
    if service_id is None:
        raise _nowhere(visit)
    status = _status(form, "service_status")
    limit = form.optional_number("service_limit", 0, MOST_SLOTS)
    form.require_valid()
    seen = await get_window_date(visit.db, visit.caller, named.calendar_id, named.on, now=visit.now)
    before = next((one.override for one in seen.services if one.record.appointment_type_id == service_id), Override())
    name = next(
        (one.record.appointment_type_name for one in seen.services if one.record.appointment_type_id == service_id), ""
    )
    sent = {"service_status": before.status or "", "service_limit": _text(before.max_slots)}
    said = visit.texts.gettext("%(service)s is changed on this date.", service=name)
    path = f"{named.path}/services/{service_id}"

    def told(made: TrackingRecord) -> Redirect:
        undo = Undo(visit.texts.gettext("Undo"), path, sent | {SEEN: _record_of(made)})
        return Redirect(named.path, Flash(said, undo))

    changes: RecordChanges = {"status": status, "max_slots": limit}
    made = await overrides.update_record(
        visit.db,
        visit.once(told),
        SlotId(named.calendar_id, named.on, service_id),
        changes=changes,
        expect=lambda stored: visit.require_seen(_record_of(stored)),
        whole=False,
        now=visit.now,
    )
    return told(made)


async def _update(
    visit: Visit,
    named: Named,
    changes: DayChanges,
    said: str,
    part: Part,
) -> Redirect:
    """Change a part of a window-date, and say so with the form beside it that takes it back.

    Raises ChangedMeanwhile where that part is not as the form's page showed it.
    """

    def told(made: Slot) -> Redirect:
        sent = {**part.before, SEEN: part.stands(made)}
        return Redirect(named.path, Flash(said, Undo(visit.texts.gettext("Undo"), f"{named.path}/{part.below}", sent)))

    made = await overrides.update_day(
        visit.db,
        visit.once(told),
        SlotId(named.calendar_id, named.on),
        changes=changes,
        expect=lambda stored: visit.require_seen(part.stands(stored)),
        whole=False,
        now=visit.now,
    )
    return told(made)


def _status_of(slot: Slot) -> str:
    return slot.status


def _places_of(slot: Slot) -> str:
    return f"{slot.max_slots} {slot.ai_slots}"


def _record_of(record: TrackingRecord) -> str:
    return f"{record.status} {record.max_slots}"


async def _before(visit: Visit, named: Named) -> Override:
    """What one date says instead of the window, before it is changed."""
    seen = await get_window_date(visit.db, visit.caller, named.calendar_id, named.on, now=visit.now)
    return seen.override


def _named(visit: Visit) -> Named:
    calendar_id, on = parse_uuid(visit.target("calendar_id")), parse_date(visit.target("date"))
    if calendar_id is None or on is None:
        raise _nowhere(visit)
    return Named(calendar_id, on)


def _nowhere(visit: Visit) -> NotFound:
    return NotFound(visit.texts.gettext("The address leads nowhere: it may be mistyped, or out of date."))


def _status(form: Form, name: str) -> Status | None:
    """A status that one date says for itself, None where it says none."""
    return form.choice(name, Status) if form.fields.get(name) else None


def _keep_besides(form: Form, seen: SeenDate) -> None:
    """Let the forms that were not sent show what is stored."""
    own = seen.override
    for name, value in (("reason", own.reason), ("places_reason", own.reason)):
        form.fields.setdefault(name, value or "")
    for name, number in (("max_slots", own.max_slots), ("ai_slots", own.ai_slots)):
        form.fields.setdefault(name, _text(number))


def _text(number: int | None) -> str:
    return "" if number is None else str(number)
