"""Reports: how full it was and will be, who booked, and who found no room. They may be some moments old."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple

from slotkeeper.domain.access import Caller, Scope
from slotkeeper.domain.calendar import dates_between, instant_of, today
from slotkeeper.domain.capacity import Filled
from slotkeeper.domain.errors import SlotFull
from slotkeeper.domain.model import Channel
from slotkeeper.store import reports as store
from slotkeeper.store.database import Connection, Database

WEEK = 7

Utilisation = Mapping[tuple[str, str, int], Filled]
"""Places by branch, session and weekday (0 for Monday)."""


class Booked(NamedTuple):
    """How many appointments stand that programs booked by themselves, and that the staff did."""

    ai: int
    staff: int


async def get_utilisation(db: Database, caller: Caller, *, first: date, last: date) -> Utilisation:
    """How full a range of dates is, by branch, session and weekday; those without records are left out."""
    caller.require(Scope.SLOTS_READ)

    async def work(tx: Connection) -> Utilisation:
        return await store.sum_by_session(tx, caller.org_id, first=first, last=last)

    return await db.read_lagging(work)


async def get_outlook(db: Database, caller: Caller, *, first: date, weeks: int) -> dict[date, Filled]:
    """How full some weeks are, each from the weekday of the first date on."""
    caller.require(Scope.SLOTS_READ)

    async def work(tx: Connection) -> dict[date, Filled]:
        last = first + timedelta(days=weeks * WEEK - 1)
        return await store.sum_by_date(tx, caller.org_id, first=first, last=last)

    by_date = await db.read_lagging(work)
    found: dict[date, Filled] = {}
    for number in range(weeks):
        monday = first + timedelta(days=number * WEEK)
        days = [by_date[on] for on in dates_between(monday, monday + timedelta(days=WEEK - 1)) if on in by_date]
        found[monday] = Filled(sum(day.places for day in days), sum(day.filled for day in days))
    return found


async def get_shares(db: Database, caller: Caller, *, first: date, last: date) -> dict[date, Booked]:
    """Who booked the appointments that stand in a range of dates, by the Monday of each week in it."""
    caller.require(Scope.APPOINTMENTS_READ)

    async def work(tx: Connection) -> dict[tuple[date, str], int]:
        return await store.count_by_channel(tx, caller.org_id, first=first, last=last)

    found = {_monday(on): Booked(0, 0) for on in dates_between(first, last)}
    for (on, channel), count in (await db.read_lagging(work)).items():
        before = found[_monday(on)]
        more = Booked(count, 0) if channel == Channel.AI else Booked(0, count)
        found[_monday(on)] = Booked(before.ai + more.ai, before.staff + more.staff)
    return found


async def get_no_room(db: Database, caller: Caller, *, first: date, last: date, timezone: str) -> dict[date, int]:
    """How many bookings were refused on each day of a range because all was full, as far as the trail is kept."""
    caller.require(Scope.APPOINTMENTS_READ)
    begin = instant_of(first, "00:00", timezone)
    end = instant_of(last + timedelta(days=1), "00:00", timezone) - 1

    async def work(tx: Connection) -> dict[int, int]:
        return await store.count_refused(
            tx, caller.org_id, action="appointments.create", code=SlotFull.code, first=begin, last=end
        )

    found = dict.fromkeys(dates_between(first, last), 0)
    for instant, count in (await db.read_lagging(work)).items():
        found[min(max(today(instant, timezone), first), last)] += count
    return found


def _monday(on: date) -> date:
    return on - timedelta(days=on.weekday())
