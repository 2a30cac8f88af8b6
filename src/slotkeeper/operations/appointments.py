"""Appointments: booked, read, searched, moved, completed, cancelled, confirmed again (contract.md section 6)."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple, TypedDict, cast

from slotkeeper.domain import booking
from slotkeeper.domain.access import Caller, Scope
from slotkeeper.domain.booking import Wish
from slotkeeper.domain.calendar import instant_of, local, today, wall_time_of
from slotkeeper.domain.errors import InvalidInput, NotFound, OutsideAvailability, SlotkeeperError
from slotkeeper.domain.model import Appointment, AppointmentStatus, Branch, Channel, Session, fold, phone_digits
from slotkeeper.domain.slot_ids import FIRST_YEAR, LAST_YEAR
from slotkeeper.operations.directory import get_organization
from slotkeeper.operations.ids import new_appointment_id
from slotkeeper.operations.places import Draft, Drafting, Facts, Outcome, draft_all, take_places
from slotkeeper.operations.together import Together
from slotkeeper.operations.windows import choose_branch, choose_service
from slotkeeper.store import appointments as store
from slotkeeper.store import directory
from slotkeeper.store.appointments import Search
from slotkeeper.store.database import Connection, Database

__all__ = [
    "AppointmentChanges",
    "Changing",
    "Line",
    "NewAppointment",
    "Search",
    "Shown",
    "book_appointment",
    "change_appointment",
    "get_appointment",
    "new_line",
    "search",
    "search_appointments",
]


class NewAppointment(NamedTuple):
    """A booking: ``service`` is a UUID or a name, ``instant`` milliseconds UTC.

    ``calendar_id`` names the one window that it may take a place of; None leaves the choice to the rules.
    """

    service: str
    instant: int
    patient_name: str
    parent_phone: str
    branch_id: str | None = None
    session: Session | None = None
    batch: str | None = None
    assigned_doctor: str | None = None
    notes: str | None = None
    external_reference_id: str | None = None
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
    """A PATCH of one appointment."""

    appointment_id: str
    changes: AppointmentChanges
    expect: Callable[[Appointment, str], None]


class Asked(NamedTuple):
    """One request of the line, over the channel of the key that asks."""

    what: NewAppointment | Changing
    channel: Channel


class Shown(NamedTuple):
    """An appointment with the time zone of its branch, from which its instant follows."""

    appointment: Appointment
    timezone: str

    @property
    def instant(self) -> int:
        """When it is, in milliseconds UTC."""
        return instant_of(self.appointment.date, self.appointment.wall_time, self.timezone)


Line = Together[Asked, Shown]


def new_line(db: Database) -> Line:
    """The line in which a server process's bookings wait for their common commit."""
    return Together(db, do_together)


async def do_together(tx: Connection, org_id: str, asked: Sequence[Asked], now: int) -> list[Shown | SlotkeeperError]:
    """The step for a list of requests: what became of each."""
    facts = await _facts(tx, org_id, now=now)
    ids = [one.what.appointment_id for one in asked if isinstance(one.what, Changing)]
    stored = await store.get_appointments(tx, org_id, ids, lock=True) if ids else {}
    drafts = draft_all([_drafting(one, stored) for one in asked], facts)
    outcomes = await take_places(tx, org_id, drafts, facts)
    return [_shown(outcome, facts) for outcome in outcomes]


async def book_appointment(line: Line, caller: Caller, new: NewAppointment, *, now: int) -> Shown:
    """Take a place for a patient.

    Raises NotFound, InvalidInput (a branch is needed), OutsideAvailability, NotAllowedByPolicy, SlotFull,
    DuplicateBooking.
    """
    caller.require(Scope.APPOINTMENTS_WRITE)
    return await line.ask(caller.org_id, Asked(new, caller.channel), now=now)


async def change_appointment(line: Line, caller: Caller, change: Changing, *, now: int) -> Shown:
    """Move an appointment, change its status or what is noted of it; a refusal leaves it as it is.

    Raises NotFound, Conflict, OutsideAvailability, NotAllowedByPolicy, SlotFull, DuplicateBooking.
    """
    caller.require(Scope.APPOINTMENTS_WRITE)
    # Two changes of one appointment must see each other's outcome, so they never share a group.
    return await line.ask(caller.org_id, Asked(change, caller.channel), now=now, apart=change.appointment_id)


async def get_appointment(db: Database, caller: Caller, appointment_id: str) -> Shown:
    """The appointment of an id. Raises NotFound."""
    caller.require(Scope.APPOINTMENTS_READ)

    async def work(tx: Connection) -> Shown:
        found = await store.get_appointments(tx, caller.org_id, [appointment_id], lock=False)
        zones = await directory.list_zones(tx, caller.org_id)
        appointment = _require(found, appointment_id)
        return Shown(appointment, zones[appointment.branch_id])

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


async def _facts(tx: Connection, org_id: str, *, now: int) -> Facts:
    organization = await get_organization(tx, org_id)
    branches = await directory.list_branches(tx, org_id)
    own = organization.configuration.timezone
    zones = {branch.branch_id: branch.timezone or own for branch in branches}
    return Facts(organization.configuration, branches, await directory.list_services(tx, org_id), zones, now)


def _drafting(asked: Asked, stored: dict[str, Appointment]) -> Drafting:
    what, channel = asked
    if isinstance(what, NewAppointment):
        return lambda facts: _draft_new(what, channel, facts)
    return lambda facts: _draft_change(what, channel, _require(stored, what.appointment_id), facts)


def _draft_new(new: NewAppointment, channel: Channel, facts: Facts) -> Draft:
    branch = choose_branch(facts.branches, new.branch_id)
    service = choose_service(facts.services, new.service)
    if not service.active:
        raise OutsideAvailability(f"'{service.name}' is not offered at the moment; choose another service.")
    on, wall_time = _local(new.instant, branch, channel, facts)
    wish = Wish(branch.branch_id, service.service_id, on, wall_time, new.session, new.batch)
    appointment = Appointment(
        new_appointment_id(),
        "",
        on,
        wall_time,
        service.service_id,
        branch.branch_id,
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
    return Draft(appointment, channel, wish=wish, only=new.calendar_id)


def _local(instant: int, branch: Branch, channel: Channel, facts: Facts) -> tuple[date, str]:
    """The branch's date and wall time of an instant that may be booked."""
    zone = facts.zones[branch.branch_id]
    moment: datetime = local(instant, zone)
    booking.require_time(
        facts.configuration,
        channel,
        instant=instant,
        on=moment.date(),
        now=facts.now,
        today=today(facts.now, zone),
    )
    if moment.year > LAST_YEAR:
        raise OutsideAvailability(f"'appointment_date' is after {LAST_YEAR} at this branch; choose an earlier date.")
    return moment.date(), wall_time_of(moment)


def _draft_change(change: Changing, channel: Channel, old: Appointment, facts: Facts) -> Draft:
    zone = facts.zones[old.branch_id]
    instant = instant_of(old.date, old.wall_time, zone)
    change.expect(old, zone)
    changes = _effective(change.changes, old, instant)
    moves = any(name in changes for name in ("appointment_date", "session", "batch"))
    status = changes.get("status", AppointmentStatus.RESCHEDULED if moves else old.status)
    if moves or status is not old.status:
        booking.require_step(old.status, status, moves=moves)
    new = old._replace(
        status=status,
        assigned_doctor=changes.get("assigned_doctor", old.assigned_doctor),
        notes=changes.get("notes", old.notes),
    )
    if status is AppointmentStatus.CANCELLED and old.status is not status:
        booking.require_cancellable(facts.configuration, channel, instant=instant, now=facts.now)
    wish = None
    if moves:
        booking.require_movable(facts.configuration)
    if moves or (old.status is AppointmentStatus.CANCELLED and status is not old.status):
        branch = next(branch for branch in facts.branches if branch.branch_id == old.branch_id)
        on, wall_time = _local(changes.get("appointment_date", instant), branch, channel, facts)
        new = new._replace(date=on, wall_time=wall_time)
        session, batch = changes.get("session", Session(old.session)), changes.get("batch", old.batch)
        wish = Wish(old.branch_id, old.service_id, on, wall_time, session, batch)
    return Draft(new if new == old else new._replace(updated_at=facts.now), channel, old=old, wish=wish)


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


def _require(found: dict[str, Appointment], appointment_id: str) -> Appointment:
    if appointment_id not in found:
        raise NotFound(f"This organization has no appointment {appointment_id}.")
    return found[appointment_id]


def _shown(outcome: Outcome, facts: Facts) -> Shown | SlotkeeperError:
    return outcome if isinstance(outcome, SlotkeeperError) else Shown(outcome, facts.zones[outcome.branch_id])
