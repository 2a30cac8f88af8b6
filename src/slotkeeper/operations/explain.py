"""Explain: why something can be booked, or cannot (contract.md section 8).

``domain.booking`` decides, as it does for bookings; what it cannot see of a record, such as which closure stands
on the date, is looked up here.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from slotkeeper.domain import booking
from slotkeeper.domain.access import Caller, Scope
from slotkeeper.domain.booking import NEAREST, Reason, Rules, Wish
from slotkeeper.domain.calendar import find_closure, is_skipped
from slotkeeper.domain.errors import InvalidInput
from slotkeeper.domain.model import NO_OVERRIDE, Closure, Service, Session, Window, WindowDate
from slotkeeper.operations.facts import read_known
from slotkeeper.operations.windows import choose_branch, choose_service
from slotkeeper.store import days, windows
from slotkeeper.store.closures import list_closures
from slotkeeper.store.database import Connection, Database

_OF_PLACE = (Reason.OPEN, Reason.FULL, Reason.AI_LIMIT_REACHED)
_OF_TIME = (Reason.IN_THE_PAST, Reason.TOO_SOON, Reason.TOO_FAR_AHEAD)


class Asked(NamedTuple):
    """What explain is asked about; ``service`` is a UUID or a name, ``time`` a wall time of the branch."""

    on: date
    branch_id: str | None
    service: str | None
    time: str | None
    session: Session | None


class Explained(NamedTuple):
    """One window on the date, and why it can or cannot be booked."""

    calendar_id: str
    reason: Reason
    message: str
    available: int


class Explanation(NamedTuple):
    """Why a date can or cannot be booked for a service, as a whole and for each window."""

    service_id: str | None
    reason: Reason
    message: str
    windows: list[Explained]


async def explain(db: Database, caller: Caller, asked: Asked, *, now: int) -> Explanation:
    """Why what is asked about can or cannot be booked now over the caller's channel.

    Raises NotFound for a service or a branch that is not there, InvalidInput where it is needed.
    """
    caller.require(Scope.SLOTS_READ)
    org_id = caller.org_id

    async def work(tx: Connection) -> Explanation:
        known = await read_known(tx, org_id)
        branch = choose_branch(known.branches, asked.branch_id)
        service = _service(known.services, asked.service)
        if service is None or not service.active:
            what = "No service" if service is None else f"'{service.name}'"
            message = f"{what} is not offered at the moment; choose another service."
            return Explanation(None, Reason.SERVICE_NOT_OFFERED, message, [])
        rules = Rules(known.configuration, caller.channel, now, known.zones[branch.branch_id])
        found = await days.list_on_date(tx, org_id, on=asked.on, branch_id=branch.branch_id, session=None, now=now)
        closures = await list_closures(tx, org_id, date_from=asked.on, date_to=asked.on)
        judging = _Judging(
            Wish(branch.branch_id, service.service_id, asked.on, asked.time, asked.session),
            service,
            rules,
            {at.calendar_id: at for at in found.window_dates},
            find_closure(closures, branch.branch_id, asked.on),
            Reason.OPEN
            if asked.time is None
            else rules.judge_instant(rules.last_instant_of(asked.on, asked.time), asked.on),
        )
        weekly = await windows.list_of_weekday(tx, org_id, branch.branch_id, asked.on.weekday())
        return judging.conclude([judging.judge(window) for window in weekly if judging.asks_for(window)])

    return await db.read(work)


def _service(services: Sequence[Service], name_or_id: str | None) -> Service | None:
    """The service that is asked about; without a name the only one that is offered. Raises InvalidInput, NotFound."""
    if name_or_id is not None:
        return choose_service(services, name_or_id)
    offered = [service for service in services if service.active]
    if len(offered) > 1:
        names = ", ".join(service.name for service in offered)
        raise InvalidInput.of("appointment_type", f"'appointment_type' is needed, because there are several: {names}.")
    return offered[0] if offered else None


class _Judging(NamedTuple):
    """One question with all that the answer depends on; ``time`` is what the rules say of the time asked for."""

    wish: Wish
    service: Service
    rules: Rules
    found: dict[str, WindowDate]
    closure: Closure | None
    time: Reason

    def asks_for(self, window: Window) -> bool:
        """Whether a window is one that the time and the session ask for."""
        at = self.found.get(window.calendar_id, window)
        return self.wish.is_within(at.start_time, at.end_time) and self.wish.session in (None, at.session)

    def judge(self, window: Window) -> Explained:
        """Why a window can or cannot be booked on the date."""
        at = self.found.get(window.calendar_id)
        if at is None:
            message = f"The window {window.start_time}–{window.end_time} is disabled; choose another one."
            return Explained(window.calendar_id, Reason.WINDOW_DISABLED, message, 0)
        reason = self._reason(at)
        room = booking.room(at, self.service.service_id, self.rules.channel) if reason is Reason.OPEN else 0
        return Explained(window.calendar_id, reason, self._message(reason, at, room), room)

    def _reason(self, at: WindowDate) -> Reason:
        reason = booking.judge(at, self.wish, self.rules)
        if reason is not Reason.SERVICE_NOT_OFFERED and self.closure is not None:
            return Reason.CLOSURE
        return self.time if reason in _OF_PLACE and self.time is not Reason.OPEN else reason

    def _message(self, reason: Reason, at: WindowDate, room: int) -> str:
        times = f"{at.start_time}–{at.end_time} on {at.date}"
        if reason in _OF_TIME:
            return self.rules.explain(reason)
        if reason in (Reason.FULL, Reason.AI_LIMIT_REACHED):
            return booking.why_full([at], self.wish, self.rules.channel)
        sentences = {
            Reason.OPEN: f"{times} has {room} {'place' if room == 1 else 'places'} left.",
            Reason.CLOSED_ON_DATE: f"{times} is closed{_reason_given(at)}. Choose another date.",
            Reason.CLOSURE: f"{times} is closed{_closed_by(self.closure)}. Choose another date.",
            Reason.SERVICE_NOT_OFFERED: f"{times} does not serve '{self.service.name}'; choose another time.",
            Reason.NO_WINDOW: self._why_not_there(at),
        }
        return sentences[reason]

    def _why_not_there(self, at: WindowDate) -> str:
        times = f"{at.start_time}–{at.end_time}"
        if is_skipped(at.start_time, at.end_time, on=at.date, timezone=self.rules.timezone):
            return f"{times} does not occur on {at.date}, because clocks go forward; choose another time."
        return f"The record of {times} on {at.date} is out of date; regenerate it."

    def conclude(self, judged: list[Explained]) -> Explanation:
        """The answer as a whole: the time's own reason, else that of the window that is nearest to a booking."""
        service_id = self.service.service_id
        if self.time is not Reason.OPEN:
            return Explanation(service_id, self.time, self.rules.explain(self.time), judged)
        if not judged:
            return Explanation(service_id, Reason.NO_WINDOW, self._no_window(), [])
        nearest = min(judged, key=lambda one: NEAREST.index(one.reason))
        return Explanation(service_id, nearest.reason, nearest.message, judged)

    def _no_window(self) -> str:
        wish = self.wish
        time = f" at {wish.wall_time}" if wish.wall_time else f" in the {wish.session}" if wish.session else ""
        return (
            f"This branch has no window on {wish.date:%A}s{time}; "
            "'GET /v1/appointment-slots/next-available' lists what can be booked."
        )


def _reason_given(at: WindowDate) -> str:
    reason = at.overrides.get(None, NO_OVERRIDE).reason
    return f" ({reason})" if reason else ""


def _closed_by(closure: Closure | None) -> str:
    return "" if closure is None else f" ({closure.reason}, {closure.date_from} to {closure.date_to})"
