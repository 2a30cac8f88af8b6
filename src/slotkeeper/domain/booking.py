"""What a booking may do: facts and a wish in, a decision out (contract.md sections 6 and 8).

One code decides for all who ask: ``judge`` says of a window-date, and ``Rules`` say of a time, why it can or
cannot be had. A booking and a hold take the first that is OPEN, next-available lists those that are, explain
shows the reason of each. Nothing here looks at a clock or a database; whoever takes a place holds the locks
that make the facts stand.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

from slotkeeper.domain import capacity
from slotkeeper.domain.calendar import closing_instant, today
from slotkeeper.domain.errors import Conflict, NotAllowedByPolicy, OutsideAvailability, SlotFull, SlotkeeperError
from slotkeeper.domain.model import AppointmentStatus, Channel, Configuration, Session, Status, WindowDate

HOUR = 3_600_000

STANDING = (AppointmentStatus.CONFIRMED, AppointmentStatus.RESCHEDULED)
"""The statuses of an appointment that is still to come, by which it is a duplicate of another one."""

_NEXT: dict[AppointmentStatus, tuple[AppointmentStatus, ...]] = {
    AppointmentStatus.CONFIRMED: (
        AppointmentStatus.CONFIRMED,
        AppointmentStatus.COMPLETED,
        AppointmentStatus.CANCELLED,
    ),
    AppointmentStatus.RESCHEDULED: (
        AppointmentStatus.CONFIRMED,
        AppointmentStatus.COMPLETED,
        AppointmentStatus.CANCELLED,
    ),
    AppointmentStatus.COMPLETED: (AppointmentStatus.CONFIRMED, AppointmentStatus.CANCELLED),
    AppointmentStatus.CANCELLED: (AppointmentStatus.CONFIRMED, AppointmentStatus.CANCELLED),
}


class Reason(StrEnum):
    """Why a place can or cannot be had, the nearest to a booking first."""

    OPEN = "OPEN"
    AI_LIMIT_REACHED = "AI_LIMIT_REACHED"
    FULL = "FULL"
    TOO_SOON = "TOO_SOON"
    TOO_FAR_AHEAD = "TOO_FAR_AHEAD"
    IN_THE_PAST = "IN_THE_PAST"
    CLOSED_ON_DATE = "CLOSED_ON_DATE"
    CLOSURE = "CLOSURE"
    WINDOW_DISABLED = "WINDOW_DISABLED"
    SERVICE_NOT_OFFERED = "SERVICE_NOT_OFFERED"
    NO_WINDOW = "NO_WINDOW"


NEAREST = tuple(Reason)
"""The reasons in their order: what speaks for several window-dates is the first that one of them has."""


class Rules(NamedTuple):
    """The booking rules as they bind one channel at one moment, on the clock of one branch."""

    configuration: Configuration
    channel: Channel
    now: int
    timezone: str

    def judge_instant(self, instant: int, on: date) -> Reason:
        """Whether an instant, which is on a date of the branch, may be booked: OPEN, or why not."""
        if instant < self.now:
            return Reason.IN_THE_PAST
        if self.channel is Channel.AI:
            if instant < self.now + self.configuration.min_notice_hours * HOUR:
                return Reason.TOO_SOON
            last = self.last_date()
            if last is not None and on > last:
                return Reason.TOO_FAR_AHEAD
        return Reason.OPEN

    def judge_span(self, on: date, start_time: str, end_time: str) -> Reason:
        """Whether some moment of a window on a date may be booked: OPEN, or why not."""
        return self.judge_instant(closing_instant(on, start_time, end_time, self.timezone) - 1, on)

    def last_instant_of(self, on: date, wall_time: str) -> int:
        """The instant of a wall time; the second of two where it occurs twice."""
        return closing_instant(on, "", wall_time, self.timezone)

    def last_date(self) -> date | None:
        """The last date that may be booked; None where there is no limit."""
        advance = self.configuration.max_advance_days
        if advance is None or self.channel is not Channel.AI:
            return None
        return today(self.now, self.timezone) + timedelta(days=advance)

    def explain(self, reason: Reason) -> str:
        """The sentence for a reason of time: which rule it is, and the way out."""
        configuration = self.configuration
        if reason is Reason.TOO_SOON:
            return (
                f"Bookings need {configuration.min_notice_hours} hours of notice (min_notice_hours); "
                "choose a later time."
            )
        if reason is Reason.TOO_FAR_AHEAD:
            return (
                f"Bookings reach at most {configuration.max_advance_days} days ahead (max_advance_days), "
                f"to {self.last_date()}; choose an earlier date."
            )
        return "'appointment_date' is in the past; choose a time that is still to come."

    def require_instant(self, instant: int, on: date) -> None:
        """The rules about when a place may be taken. Raises OutsideAvailability for the past, NotAllowedByPolicy."""
        reason = self.judge_instant(instant, on)
        if reason is not Reason.OPEN:
            raise self._refusal(reason)

    def _refusal(self, reason: Reason) -> SlotkeeperError:
        refusal = OutsideAvailability if reason is Reason.IN_THE_PAST else NotAllowedByPolicy
        return refusal(self.explain(reason))

    def refuse(self, judged: Sequence[tuple[Reason, WindowDate]], wish: "Wish") -> SlotkeeperError:
        """The refusal of a wish for which none of the window-dates that fit is OPEN."""
        full = [at for reason, at in judged if reason in (Reason.FULL, Reason.AI_LIMIT_REACHED)]
        if full:
            return SlotFull(why_full(full, wish, self.channel))
        for reason, _ in judged:
            if reason in (Reason.IN_THE_PAST, Reason.TOO_SOON, Reason.TOO_FAR_AHEAD):
                return self._refusal(reason)
        time = "" if wish.wall_time is None else f" at {wish.wall_time[:5]}"
        return OutsideAvailability(
            f"No open window of this branch serves this service on {wish.date}{time}. "
            "'GET /v1/appointment-slots/explain' says why, '…/next-available' what can be booked."
        )


class Wish(NamedTuple):
    """A place that is asked for: which branch, service, date and wall time; session and batch where they matter.

    Without a ``wall_time``, at any time of the window that can still be booked.
    """

    branch_id: str
    service_id: str
    date: date
    wall_time: str | None
    session: Session | None = None
    batch: str | None = None

    def is_within(self, start_time: str, end_time: str) -> bool:
        """Whether the time that is asked for lies in a window's; any does where none is."""
        return self.wall_time is None or start_time <= self.wall_time < end_time

    def is_of_kind(self, service_id: str | None, session: str, batch: str | None) -> bool:
        """Whether a window is of the kind that is asked for: service, session and batch."""
        return service_id in (None, self.service_id) and self.session in (None, session) and self.batch in (None, batch)


def fits(at: WindowDate, wish: Wish) -> bool:
    """Whether a window-date is one that the wish asks for, open and with room or not."""
    return (
        at.branch_id == wish.branch_id
        and at.date == wish.date
        and wish.is_within(at.start_time, at.end_time)
        and wish.is_of_kind(at.service_id, at.session, at.batch)
    )


def is_open(at: WindowDate, wish: Wish) -> bool:
    """Whether a window-date is one that the wish may have, with room or not."""
    return fits(at, wish) and capacity.status(at, wish.service_id) is Status.OPEN


def judge(at: WindowDate, wish: Wish, rules: Rules) -> Reason:
    """Whether a window-date that the wish asks for can be had, as far as its record says: OPEN, or why not.

    A wish with a wall time is for a time that the rules were asked about before.
    """
    if at.service_id not in (None, wish.service_id):
        return Reason.SERVICE_NOT_OFFERED
    if capacity.status(at, wish.service_id) is not Status.OPEN:
        return Reason.CLOSED_ON_DATE if at.covered else Reason.NO_WINDOW
    if wish.wall_time is None:
        reason = rules.judge_span(at.date, at.start_time, at.end_time)
        if reason is not Reason.OPEN:
            return reason
    if capacity.has_room(at, wish.service_id, rules.channel):
        return Reason.OPEN
    if rules.channel is Channel.AI and capacity.has_room(at, wish.service_id, Channel.STAFF):
        return Reason.AI_LIMIT_REACHED
    return Reason.FULL


def room(at: WindowDate, service_id: str, channel: Channel) -> int:
    """How many places of a window-date a channel can take for a service."""
    return capacity.left(capacity.limit(at, service_id, channel), at)


def choose(candidates: Sequence[WindowDate], wish: Wish, rules: Rules) -> WindowDate:
    """The first of some window-dates that fit the wish, in their order, that can be had.

    Raises SlotFull where some are open and full, NotAllowedByPolicy or OutsideAvailability where none is open.
    """
    judged = []
    for at in candidates:
        reason = judge(at, wish, rules)
        if reason is Reason.OPEN:
            return at
        judged.append((reason, at))
    raise rules.refuse(judged, wish)


def why_full(full: Sequence[WindowDate], wish: Wish, channel: Channel) -> str:
    """The sentence for window-dates that are open and full."""
    times = ", ".join(f"{at.start_time}–{at.end_time}" for at in full)
    if channel is Channel.AI and any(capacity.has_room(at, wish.service_id, Channel.STAFF) for at in full):
        return (
            f"All places for the AI channel are taken on {wish.date} ({times}); the clinic's staff can still book. "
            "Choose another time, or hand the caller over."
        )
    return f"All places are taken on {wish.date} ({times}); choose another time."


def require_cancellable(configuration: Configuration, channel: Channel, *, instant: int, now: int) -> None:
    """The rules about cancelling. Raises NotAllowedByPolicy."""
    if not configuration.allow_cancellation:
        raise NotAllowedByPolicy("This organization takes no cancellations (allow_cancellation).")
    notice = configuration.cancellation_notice_hours
    if channel is Channel.AI and notice and instant < now + notice * HOUR:
        raise NotAllowedByPolicy(
            f"Cancelling needs {notice} hours of notice (cancellation_notice_hours); the clinic's staff can do it."
        )


def require_movable(configuration: Configuration) -> None:
    """The rule about moving. Raises NotAllowedByPolicy."""
    if not configuration.allow_rescheduling:
        raise NotAllowedByPolicy("This organization moves no appointments (allow_rescheduling).")


def require_step(old: AppointmentStatus, new: AppointmentStatus, *, moves: bool) -> None:
    """Whether an appointment may go from one status to another, perhaps moving as well. Raises Conflict."""
    if moves and new in (AppointmentStatus.COMPLETED, AppointmentStatus.CANCELLED):
        raise Conflict(f"An appointment cannot be moved and {new} at once; do one after the other.")
    if moves and old in (AppointmentStatus.COMPLETED, AppointmentStatus.CANCELLED):
        raise Conflict(f"A {old} appointment cannot be moved; book a new one.")
    if not moves and new not in _NEXT[old]:
        right = ", ".join(_NEXT[old])
        raise Conflict(f"A {old} appointment cannot become {new}; it can become {right}.")
