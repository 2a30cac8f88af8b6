"""Holds: places kept for a caller for some minutes (contract.md section 8).

A hold is taken in the line, beside the bookings; it is confirmed by a booking (``appointments.py``).
"""

from collections.abc import Callable
from typing import NamedTuple, cast

from slotkeeper.domain.access import Caller, Scope
from slotkeeper.domain.booking import Wish
from slotkeeper.domain.errors import HoldExpired, InvalidInput, NotFound
from slotkeeper.domain.model import Hold, Service, Session, Window
from slotkeeper.domain.slot_ids import SlotId
from slotkeeper.operations.acts import Act
from slotkeeper.operations.facts import Facts, require_active
from slotkeeper.operations.ids import new_id
from slotkeeper.operations.line import Asked, Line, ask, once_was
from slotkeeper.operations.places import Draft, hold_is_gone, place_of
from slotkeeper.operations.windows import choose_service, no_such_window
from slotkeeper.store import audit, days
from slotkeeper.store import holds as store
from slotkeeper.store.database import Connection, Database
from slotkeeper.store.days import Counted

__all__ = ["Fate", "NewHold", "extend_hold", "get_fate", "get_hold", "release_hold", "take_hold"]

LONGEST = 900
"""For how many seconds after its first moment a hold is kept at most."""


SKEW = 60_000
"""By how many milliseconds the clocks of two server processes may differ, when one looks for what another noted."""


class NewHold(NamedTuple):
    """A place to be kept for ``ttl`` seconds: of a ``slot_id`` with two or three parts, or as for a booking.

    ``service`` is a UUID or a name, ``instant`` milliseconds UTC. ``calendar_id`` names the one window that an instant
    may take a place of; None leaves the choice to the rules.
    """

    ttl: int
    slot_id: SlotId | None = None
    service: str | None = None
    instant: int | None = None
    branch_id: str | None = None
    session: Session | None = None
    batch: str | None = None
    calendar_id: str | None = None


class Fate(NamedTuple):
    """What became of a hold: whether there ever was one, and the id of the appointment that it became, if it did."""

    was_there: bool
    appointment_id: str | None = None


async def take_hold(line: Line, caller: Caller, new: NewHold, *, now: int) -> Hold:
    """Keep a place.

    Raises NotFound, InvalidInput, OutsideAvailability, NotAllowedByPolicy, SlotFull, TooManyHolds.
    """
    caller.require(Scope.APPOINTMENTS_WRITE)
    act = Act(caller, "holds.create", None, now)
    calendar_id = None if new.slot_id is None else new.slot_id.calendar_id
    asked = Asked(act, lambda facts: _draft(new, caller, facts), calendar_id=calendar_id)
    return cast("Hold", await ask(line, asked))


async def get_hold(db: Database, caller: Caller, hold_id: str, *, now: int) -> Hold:
    """A live hold. Raises NotFound, also for one that is gone."""
    caller.require(Scope.APPOINTMENTS_WRITE)

    async def work(tx: Connection) -> Hold:
        found = (await store.get_holds(tx, caller.org_id, [hold_id])).get(hold_id)
        if found is None or found.expires_at <= now:
            raise NotFound(f"There is no live hold {hold_id}: it ran out, was released or confirmed, or never was.")
        return found

    return await db.read(work)


async def get_fate(db: Database, caller: Caller, hold_id: str) -> Fate:
    """What became of a hold that is gone."""
    caller.require(Scope.APPOINTMENTS_WRITE)

    async def work(tx: Connection) -> Fate:
        began = await audit.since(tx, caller.org_id, action="holds.create", subject=hold_id)
        if began is None:
            return Fate(False)
        last = began + LONGEST * 1000 + SKEW
        booked = await audit.booked_with(tx, caller.org_id, hold_id, first=began - SKEW, last=last)
        return Fate(True, booked)

    return await db.read(work)


async def extend_hold(
    db: Database, caller: Caller, hold_id: str, *, ttl: int, expect: Callable[[Hold], None], now: int
) -> Hold:
    """Let a live hold end ``ttl`` seconds from now, but never later than 900 seconds after its first moment.

    Raises HoldExpired for one that is gone, NotFound for one that never was.
    """
    caller.require(Scope.APPOINTMENTS_WRITE)
    act = Act(caller, "holds.extend", hold_id, now)

    async def work(tx: Connection) -> Hold:
        hold = await _lock(tx, caller.org_id, hold_id, now=now)
        if hold is None:
            if await once_was(tx, caller.org_id, hold_id):
                raise HoldExpired(hold_is_gone(hold_id))
            raise NotFound(f"This organization has no hold {hold_id}; 'POST /v1/holds' takes one.")
        expect(hold)
        extended = hold._replace(expires_at=min(now + ttl * 1000, hold.created_at + LONGEST * 1000))
        if extended != hold:
            await store.extend_hold(tx, caller.org_id, hold_id, expires_at=extended.expires_at)
            await days.count_places(tx, caller.org_id, {place_of(hold): Counted()})
            await act.note(tx, {"expires_at": hold.expires_at}, {"expires_at": extended.expires_at})
        return extended

    return await act.write(db, work)


async def release_hold(db: Database, caller: Caller, hold_id: str, *, now: int) -> None:
    """Give a hold's place back; one that is gone already stays so."""
    caller.require(Scope.APPOINTMENTS_WRITE)
    act = Act(caller, "holds.release", hold_id, now)

    async def work(tx: Connection) -> None:
        hold = await _lock(tx, caller.org_id, hold_id, now=now)
        if hold is not None:
            await store.delete_holds(tx, caller.org_id, [hold_id])
            await days.count_places(tx, caller.org_id, {place_of(hold): Counted(held=-1)})
            await act.note(tx, {"expires_at": hold.expires_at}, None)

    await act.write(db, work)


async def _lock(tx: Connection, org_id: str, hold_id: str, *, now: int) -> Hold | None:
    """A hold that is live and stays so until the transaction ends; the dead of its window-date are buried."""
    found = await store.get_holds(tx, org_id, [hold_id])
    if hold_id not in found:
        return None
    await days.lock_places(tx, org_id, [place_of(found[hold_id])], now=now)
    return (await store.get_holds(tx, org_id, [hold_id])).get(hold_id)


def _draft(new: NewHold, caller: Caller, facts: Facts) -> Draft:
    if new.slot_id is None:
        return _draft_for_time(new, caller, facts)
    return _draft_for_slot(new.slot_id, new, caller, facts)


def _draft_for_slot(slot_id: SlotId, new: NewHold, caller: Caller, facts: Facts) -> Draft:
    window = facts.windows.get(slot_id.calendar_id)
    if window is None:
        raise no_such_window(slot_id.calendar_id)
    if slot_id.date is None:
        raise ValueError("the slot_id of a window-date has a date")
    service = require_active(_service_of(slot_id, new, window, facts))
    rules = facts.rules(caller.channel, window.branch_id)
    wish = Wish(window.branch_id, service.service_id, slot_id.date, None)
    place = slot_id.date, window.calendar_id
    return Draft(rules, hold=_hold(new, wish, caller, facts), wish=wish, places=[place])


def _service_of(slot_id: SlotId, new: NewHold, window: Window, facts: Facts) -> Service:
    """The service of a hold: the third part of its ``slot_id``, the one named beside it, or the window's only one."""
    services = facts.known.services
    named = None if new.service is None else choose_service(services, new.service)
    if slot_id.service_id is not None:
        service = choose_service(services, slot_id.service_id)
        if named is not None and named != service:
            raise InvalidInput.of(
                "appointment_type", "'appointment_type' must be the one in 'slot_id', or be left out."
            )
        return service
    if named is not None:
        return named
    if window.service_id is None:
        raise InvalidInput.of(
            "appointment_type", "'appointment_type' is needed, because this window serves several; or use a 'slot_id' "
            "of three parts.",
        )  # fmt: skip
    return choose_service(services, window.service_id)


def _draft_for_time(new: NewHold, caller: Caller, facts: Facts) -> Draft:
    if new.service is None or new.instant is None:
        raise InvalidInput.of(
            "slot_id", "'slot_id' is needed, or 'appointment_type' and 'appointment_date' in its place."
        )
    wish = facts.wish(new.service, new.instant, new.branch_id, new.session, new.batch, channel=caller.channel)
    rules = facts.rules(caller.channel, wish.branch_id)
    places = [] if new.calendar_id is None else [(wish.date, new.calendar_id)]
    return Draft(rules, hold=_hold(new, wish, caller, facts), wish=wish, places=places)


def _hold(new: NewHold, wish: Wish, caller: Caller, facts: Facts) -> Hold:
    """The hold but for its window, which is chosen under the locks."""
    return Hold(
        new_id(),
        "",
        wish.date,
        wish.service_id,
        wish.branch_id,
        "",
        None,
        "",
        "",
        caller.channel,
        caller.id,
        wish.wall_time,
        facts.now + new.ttl * 1000,
        facts.now,
    )
