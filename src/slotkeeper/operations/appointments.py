"""Appointments: booked, read, searched, moved, completed, cancelled, confirmed again (contract.md section 6)."""

from collections.abc import Callable, Collection, Sequence
from datetime import date
from typing import Any, NamedTuple, TypedDict, cast

from slotkeeper.domain import booking
from slotkeeper.domain.access import Caller, Scope
from slotkeeper.domain.booking import Wish
from slotkeeper.domain.errors import Conflict, HoldExpired, InvalidInput, NotFound
from slotkeeper.domain.model import (
    Appointment,
    AppointmentStatus,
    Channel,
    Hold,
    Session,
    fold,
    phone_digits,
)
from slotkeeper.domain.slot_ids import FIRST_YEAR, LAST_YEAR
from slotkeeper.operations.acts import Act
from slotkeeper.operations.facts import Facts, local_time
from slotkeeper.operations.ids import new_appointment_id
from slotkeeper.operations.line import Asked, Line, Shown, ask
from slotkeeper.operations.places import Draft, hold_is_gone, place_of
from slotkeeper.operations.windows import choose_service
from slotkeeper.store import appointments as store
from slotkeeper.store import directory
from slotkeeper.store.appointments import Search
from slotkeeper.store.database import Connection, Database

__all__ = [
    "AppointmentChanges",
    "Changing",
    "NewAppointment",
    "Search",
    "Shown",
    "book_appointment",
    "change_appointment",
    "get_appointment",
    "list_appointments",
    "list_coming",
    "search",
    "search_appointments",
    "search_for",
]


class NewAppointment(NamedTuple):
    """A booking: ``service`` is a UUID or a name, ``instant`` milliseconds UTC.

    With a ``hold_id`` it confirms that hold: what the hold says may be left out, and must agree where it is given.
    ``calendar_id`` names the one window that it may take a place of; None leaves the choice to the rules.
    """

    service: str | None
    instant: int | None
    patient_name: str
    parent_phone: str
    branch_id: str | None = None
    session: Session | None = None
    batch: str | None = None
    assigned_doctor: str | None = None
    notes: str | None = None
    external_reference_id: str | None = None
    hold_id: str | None = None
    calendar_id: str | None = None


class AppointmentChanges(TypedDict, total=False):
    """What a PATCH of an appointment may say."""

    appointment_date: int
    status: AppointmentStatus
    assigned_doctor: str | None
    notes: str | None
    session: Session
    batch: str | None


class Changing(NamedTuple):
    """A PATCH of one appointment. ``calendar_id`` names the window that it moves to, else the rules choose."""

    appointment_id: str
    changes: AppointmentChanges
    expect: Callable[[Appointment, str], None]
    calendar_id: str | None = None


async def book_appointment(line: Line, caller: Caller, new: NewAppointment, *, now: int) -> Shown:
    """Take a place for a patient, or turn a hold into an appointment.

    Raises NotFound, InvalidInput (a branch is needed, the hold is for something else), OutsideAvailability,
    NotAllowedByPolicy, SlotFull, DuplicateBooking, HoldExpired; Conflict for a hold of the staff's.
    """
    caller.require(Scope.APPOINTMENTS_WRITE)
    act = Act(caller, "appointments.create", None, now)
    if new.hold_id is None:
        asked = Asked(act, lambda facts: _draft_new(new, caller.channel, facts))
    else:
        asked = Asked(act, lambda facts: _draft_confirmation(new, caller.channel, facts), hold_id=new.hold_id)
    return cast("Shown", await ask(line, asked))


async def change_appointment(line: Line, caller: Caller, change: Changing, *, now: int) -> Shown:
    """Move an appointment, change its status or what is noted of it; a refusal leaves it as it is.

    Raises NotFound, Conflict, OutsideAvailability, NotAllowedByPolicy, SlotFull, DuplicateBooking.
    """
    caller.require(Scope.APPOINTMENTS_WRITE)
    act = Act(caller, f"appointments.{_verb(change.changes)}", change.appointment_id, now)
    drafting = lambda facts: _draft_change(change, caller.channel, facts)  # noqa: E731
    return cast("Shown", await ask(line, Asked(act, drafting, appointment_id=change.appointment_id)))


_VERBS = {
    AppointmentStatus.CANCELLED: "cancel",
    AppointmentStatus.COMPLETED: "complete",
    AppointmentStatus.CONFIRMED: "confirm",
}


def _verb(changes: AppointmentChanges) -> str:
    """What a change is called in the audit trail."""
    if _MOVING & changes.keys():
        return "move"
    return _VERBS.get(changes["status"], "update") if "status" in changes else "update"


_OF_NUMBERS = frozenset("+0123456789 ()./-")
_MOVING = {"appointment_date", "session", "batch"}


async def get_appointment(db: Database, caller: Caller, appointment_id: str) -> Shown:
    """The appointment of an id. Raises NotFound."""
    caller.require(Scope.APPOINTMENTS_READ)

    async def work(tx: Connection) -> Shown:
        found = await store.get_appointments(tx, caller.org_id, [appointment_id], lock=False)
        zones = await directory.list_zones(tx, caller.org_id)
        appointment = _require(found.get(appointment_id), appointment_id)
        return Shown(appointment, zones[appointment.branch_id])

    return await db.read(work)


async def list_appointments(db: Database, caller: Caller, appointment_ids: Sequence[str]) -> list[Shown]:
    """The appointments of some ids, in their order; ids that are unknown are left out."""
    caller.require(Scope.APPOINTMENTS_READ)

    async def work(tx: Connection) -> list[Shown]:
        found = await store.get_appointments(tx, caller.org_id, appointment_ids, lock=False)
        zones = await directory.list_zones(tx, caller.org_id)
        there = [found[one] for one in appointment_ids if one in found]
        return [Shown(one, zones[one.branch_id]) for one in there]

    return await db.read(work)


async def list_coming(
    db: Database, caller: Caller, phone_keys: Collection[str], *, date_from: date, limit: int
) -> list[Shown]:
    """The appointments that stand from a date on under any of some phone digits, by time."""
    caller.require(Scope.APPOINTMENTS_READ)

    async def work(tx: Connection) -> list[Shown]:
        found = await store.list_coming(tx, caller.org_id, phone_keys, date_from=date_from, limit=limit)
        zones = await directory.list_zones(tx, caller.org_id) if found else {}
        return [Shown(one, zones[one.branch_id]) for one in found]

    return await db.read(work)


async def search_appointments(
    db: Database, caller: Caller, wanted: Search, *, service: str | None, page: int, limit: int
) -> tuple[list[Shown], int]:
    """One page (from 1) of what is looked for, and how many there are in all.

    ``service`` is a UUID or a name. Raises NotFound for one that is not there.
    """
    caller.require(Scope.APPOINTMENTS_READ)

    async def work(tx: Connection) -> tuple[list[Shown], int]:
        looked_for = wanted
        if service is not None:
            services = await directory.list_services(tx, caller.org_id)
            looked_for = wanted._replace(service_id=choose_service(services, service).service_id)
        zones = await directory.list_zones(tx, caller.org_id)
        found, total = await store.search(tx, caller.org_id, looked_for, limit=limit, skip=(page - 1) * limit)
        return [Shown(one, zones[one.branch_id]) for one in found], total

    return await db.read_aside(work)


def search(
    date_from: date | None,
    date_to: date | None,
    *,
    parent_phone: str | None,
    patient_name: str | None,
    **filters: Any,
) -> Search:
    """What to look for; no dates stand for all, a phone number and a name compare as the duplicate rule does."""
    return Search(
        date_from or date(FIRST_YEAR, 1, 1),
        date_to or date(LAST_YEAR, 12, 31),
        phone_key=None if parent_phone is None else phone_digits(parent_phone),
        name_key=None if patient_name is None else fold(patient_name),
        **filters,
    )


def search_for(words: str, date_from: date | None) -> Search:
    """What to look for by what a person says: a part of a number where it looks like one, else parts of a name."""
    wanted = Search(date_from or date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31))
    digits = phone_digits(words).lstrip("0")  # as it is dialled at home
    if digits and set(words) <= _OF_NUMBERS:
        return wanted._replace(phone_part=digits)
    return wanted._replace(name_parts=fold(words).split(maxsplit=store.NAME_PARTS - 1))


def _draft_new(new: NewAppointment, channel: Channel, facts: Facts) -> Draft:
    if new.service is None or new.instant is None:
        raise InvalidInput.of(
            "appointment_type" if new.service is None else "appointment_date",
            "'appointment_type' and 'appointment_date' are needed, unless 'hold_id' names a hold that says them.",
        )
    wish = facts.wish(new.service, new.instant, new.branch_id, new.session, new.batch, channel=channel)
    places = [] if new.calendar_id is None else [(wish.date, new.calendar_id)]
    rules = facts.rules(channel, wish.branch_id)
    made = _appointment(new, wish, channel, facts)
    return Draft(rules, made, wish=wish, places=places, until=new.instant, patient=store.patient_of(made))


def _appointment(new: NewAppointment, wish: Wish, channel: Channel, facts: Facts) -> Appointment:
    return Appointment(
        new_appointment_id(),
        "",
        wish.date,
        wish.wall_time or "",
        wish.service_id,
        wish.branch_id,
        "",
        None,
        AppointmentStatus.CONFIRMED,
        channel,
        None,
        new.patient_name,
        new.parent_phone,
        new.assigned_doctor,
        new.notes,
        new.external_reference_id,
        facts.now,
        facts.now,
    )


def _draft_confirmation(new: NewAppointment, channel: Channel, facts: Facts) -> Draft:
    hold = _require_hold(new.hold_id or "", facts)
    if hold.channel is Channel.STAFF and channel is Channel.AI:
        raise Conflict("This hold was taken for the staff channel, so only a key of that channel can confirm it.")
    instant = _instant_of_hold(new, hold, facts)
    rules = facts.rules(channel, hold.branch_id)
    on, wall_time = local_time(instant, rules)
    _require_agreement(new, hold, on, wall_time, facts)
    if instant < hold.created_at:  # it is a promise: what was still to come when it was given stays so
        rules.require_instant(instant, on)
    wish = Wish(hold.branch_id, hold.service_id, on, wall_time)
    made = _appointment(new, wish, channel, facts)
    patient = store.patient_of(made)
    return Draft(rules, made, hold=hold, wish=wish, places=[place_of(hold)], until=instant, patient=patient)


def _require_hold(hold_id: str, facts: Facts) -> Hold:
    hold = facts.holds.get(hold_id)
    if hold is not None and hold.expires_at > facts.now:
        return hold
    if hold is not None or hold_id in facts.gone:
        raise HoldExpired(hold_is_gone(hold_id))
    raise NotFound(f"This organization has no hold {hold_id}; 'POST /v1/holds' takes one.")


def _instant_of_hold(new: NewAppointment, hold: Hold, facts: Facts) -> int:
    if new.instant is not None:
        return new.instant
    if hold.wall_time is None:
        raise InvalidInput.of(
            "appointment_date", "'appointment_date' is needed, because the hold was not taken for a time."
        )
    return facts.instant(hold.branch_id, hold.date, hold.wall_time)


def _require_agreement(new: NewAppointment, hold: Hold, on: date, wall_time: str, facts: Facts) -> None:
    """What a booking says must be what its hold says. Raises InvalidInput, NotFound."""
    if on != hold.date or not hold.start_time <= wall_time < hold.end_time:
        raise InvalidInput.of(
            "appointment_date",
            f"'appointment_date' must fall into what is held: {hold.date}, {hold.start_time}–{hold.end_time} on the "
            f"branch's clock, not {on} at {wall_time[:5]}.",
        )
    service_id = None if new.service is None else choose_service(facts.known.services, new.service).service_id
    for name, given, held in (
        ("appointment_type", service_id, hold.service_id),
        ("branch_id", new.branch_id, hold.branch_id),
        ("session", new.session, hold.session),
        ("batch", new.batch, hold.batch),
    ):
        if given is not None and given != held:
            raise InvalidInput.of(name, f"'{name}' must be the hold's ({held or 'none'}), or be left out.")


def _draft_change(change: Changing, channel: Channel, facts: Facts) -> Draft:
    old = _require(facts.appointments.get(change.appointment_id), change.appointment_id)
    rules = facts.rules(channel, old.branch_id)
    instant = facts.instant(old.branch_id, old.date, old.wall_time)
    change.expect(old, rules.timezone)
    changes = _effective(change.changes, old, instant)
    moves = bool(_MOVING & changes.keys()) or change.calendar_id not in (None, old.calendar_id)
    status = changes.get("status", AppointmentStatus.RESCHEDULED if moves else old.status)
    if moves or status is not old.status:
        booking.require_step(old.status, status, moves=moves)
    new = old._replace(
        status=status,
        assigned_doctor=changes.get("assigned_doctor", old.assigned_doctor),
        notes=changes.get("notes", old.notes),
    )
    if status is AppointmentStatus.CANCELLED and old.status is not status:
        booking.require_cancellable(facts.known.configuration, channel, instant=instant, now=facts.now)
    wish, places = None, []
    if moves:
        booking.require_movable(facts.known.configuration)
    if moves or (old.status is AppointmentStatus.CANCELLED and status is not old.status):
        instant = changes.get("appointment_date", instant)
        on, wall_time = local_time(instant, rules)
        rules.require_instant(instant, on)
        new = new._replace(date=on, wall_time=wall_time)
        session, batch = changes.get("session", Session(old.session)), changes.get("batch", old.batch)
        wish = Wish(old.branch_id, old.service_id, on, wall_time, session, batch)
        if change.calendar_id is not None:
            wish, places = wish._replace(session=None, batch=None), [(on, change.calendar_id)]
    new = new if new == old else new._replace(updated_at=facts.now)
    patient = store.patient_of(new)
    return Draft(rules, new, old=old, wish=wish, places=places, only=bool(places), until=instant, patient=patient)


def _effective(changes: AppointmentChanges, old: Appointment, instant: int) -> AppointmentChanges:
    """The changes without those that say what is stored already. Raises InvalidInput for what only may repeat it."""
    stored = {
        "appointment_date": instant,
        "status": old.status,
        "assigned_doctor": old.assigned_doctor,
        "notes": old.notes,
        "session": old.session,
        "batch": old.batch,
    }
    found = {name: value for name, value in changes.items() if value != stored[name]}
    if found.get("status") is AppointmentStatus.RESCHEDULED:
        raise InvalidInput.of("status", "'status' becomes rescheduled by a move; give 'appointment_date' instead.")
    if "batch" in found and found["batch"] is None:
        raise InvalidInput.of("batch", "'batch' must be the label of a window: this appointment has one.")
    return cast("AppointmentChanges", found)


def _require(found: Appointment | None, appointment_id: str) -> Appointment:
    if found is None:
        raise NotFound(f"This organization has no appointment {appointment_id}.")
    return found
