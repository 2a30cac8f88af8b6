"""Openings: what can be booked next (contract.md section 8).

``domain.booking`` decides, as it does for bookings: what is offered here, a booking of the same key accepts at
this moment, and the other way round.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from slotkeeper.domain import booking
from slotkeeper.domain.access import Caller, Scope
from slotkeeper.domain.booking import Reason, Rules, Wish
from slotkeeper.domain.calendar import today
from slotkeeper.domain.model import Branch, Session, WindowDate
from slotkeeper.operations.directory import pick
from slotkeeper.operations.facts import Knowledge, Known, read_known
from slotkeeper.operations.projection import LAST_DATE
from slotkeeper.operations.windows import choose_service
from slotkeeper.store import days, directory
from slotkeeper.store.database import Connection, Database

SHORT_RANGE = 31
"""Up to how many dates are looked through without leaving the event loop."""


class Asking(NamedTuple):
    """What next-available is asked for: ``days`` dates from ``first`` on, None for the branch's today.

    ``service`` is a UUID or a name; None stands for every service, branch or session.
    """

    service: str | None
    branch_id: str | None
    session: Session | None
    first: date | None
    days: int
    limit: int


class Opening(NamedTuple):
    """A window-date that can be booked for a service, and how many places of it the caller's channel can take."""

    at: WindowDate
    service_id: str
    available: int


class Openings(NamedTuple):
    """The first openings of some dates, both ends included."""

    first: date
    last: date
    found: list[Opening]


async def list_openings(
    db: Database, caller: Caller, asking: Asking, *, now: int, knowledge: Knowledge | None = None
) -> Openings:
    """The first window-dates that a booking over the caller's channel would get now, by date and time.

    ``knowledge`` spares reading what is known already, for whoever asks for little else.
    A window that is under way counts as long as a moment of it can be booked. Raises NotFound for a service or
    a branch that is not there.
    """
    caller.require(Scope.SLOTS_READ)

    async def work(tx: Connection) -> Openings:
        known = await (read_known(tx, caller.org_id) if knowledge is None else knowledge.get(tx, caller.org_id))
        wanted = _Wanted(caller, asking, known, now)
        first = asking.first or wanted.today
        last = min(first + timedelta(days=asking.days - 1), LAST_DATE)
        horizons = await directory.list_branch_horizons(tx, caller.org_id)
        stored_to = min((horizons[branch.branch_id] for branch in wanted.branches), default=last)
        stretches = _Stretches(wanted, max(first, wanted.today), last, stored_to=stored_to)
        found: list[Opening] = []
        while stretches and len(found) < asking.limit:
            for at in await stretches.read(tx, caller.org_id):
                found += wanted.openings(at)
                if len(found) >= asking.limit:
                    break
        return Openings(first, last, found[: asking.limit])

    return await (db.read(work) if asking.days <= SHORT_RANGE else db.read_aside(work))


class _Wanted:
    """What is asked for, and the rules that it is judged by."""

    def __init__(self, caller: Caller, asking: Asking, known: Known, now: int) -> None:
        chosen = None if asking.service is None else choose_service(known.services, asking.service)
        self.branches: Sequence[Branch] = known.branches
        if asking.branch_id is not None:
            self.branches = [pick(known.branches, asking.branch_id, "branch")]
        self.asking = asking
        self.now = now
        self.channel = caller.channel
        self._services = [one for one in known.services if one.active and chosen in (None, one)]
        self._rules = {
            branch.branch_id: Rules(known.configuration, caller.channel, now, known.zones[branch.branch_id])
            for branch in self.branches
        }
        self.today = min((today(now, rules.timezone) for rules in self._rules.values()), default=today(now, "UTC"))
        self.service_id = None if chosen is None else chosen.service_id

    def openings(self, at: WindowDate) -> list[Opening]:
        """The services that a window-date can be booked for, by name."""
        rules = self._rules.get(at.branch_id)
        if rules is None:
            return []
        return [
            Opening(at, service.service_id, booking.room(at, service.service_id, rules.channel))
            for service in self._services
            if booking.judge(at, Wish(at.branch_id, service.service_id, at.date, None), rules) is Reason.OPEN
        ]


class _Stretches:
    """The dates still to be looked through, in stretches that grow.

    Up to the horizon of the branches all records are stored, and full ones stay inside the database. Beyond it a
    window-date may have no record yet, and each date is looked at by itself.
    """

    def __init__(self, wanted: _Wanted, first: date, last: date, *, stored_to: date) -> None:
        self._wanted = wanted
        self._first, self._last, self._stored_to = first, last, stored_to
        self._size = 1

    def __bool__(self) -> bool:
        return self._first <= self._last

    async def read(self, tx: Connection, org_id: str) -> list[WindowDate]:
        """The window-dates of the next stretch that may have room, by date, time, batch and id."""
        wanted, first = self._wanted, self._first
        if first > self._stored_to:
            self._first += timedelta(days=1)
            found = await days.list_on_date(
                tx, org_id, on=first, branch_id=wanted.asking.branch_id, session=wanted.asking.session, now=wanted.now
            )
            return sorted(found.window_dates, key=lambda at: (at.start_time, at.batch or "", at.calendar_id))
        end = min(first + timedelta(days=self._size - 1), self._last, self._stored_to)
        self._first, self._size = end + timedelta(days=1), self._size * 5
        return await days.list_with_room(
            tx,
            org_id,
            date_from=first,
            date_to=end,
            branch_id=wanted.asking.branch_id,
            session=wanted.asking.session,
            service_id=wanted.service_id,
            channel=wanted.channel,
            now=wanted.now,
        )
