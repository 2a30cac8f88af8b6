"""What a booking may do: facts and a wish in, a decision out (contract.md section 6).

Nothing here looks at a clock or a database; whoever calls holds the locks that make the facts stand.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from slotkeeper.domain import capacity
from slotkeeper.domain.errors import Conflict, NotAllowedByPolicy, OutsideAvailability, SlotFull
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


class Wish(NamedTuple):
    """A place that is asked for: which branch, service, date and wall time; session and batch where they matter."""

    branch_id: str
    service_id: str
    date: date
    wall_time: str
    session: Session | None = None
    batch: str | None = None


def fits(at: WindowDate, wish: Wish) -> bool:
    """Whether a window-date is one that the wish asks for, open and with room or not."""
    return (
        at.branch_id == wish.branch_id
        and at.date == wish.date
        and at.start_time <= wish.wall_time < at.end_time
        and at.service_id in (None, wish.service_id)
        and wish.session in (None, at.session)
        and wish.batch in (None, at.batch)
    )


def is_open(at: WindowDate, wish: Wish) -> bool:
    """Whether a window-date is one that the wish may have, with room or not."""
    return fits(at, wish) and capacity.status(at, wish.service_id) is Status.OPEN


def choose(candidates: Sequence[WindowDate], wish: Wish, channel: Channel) -> WindowDate:
    """The first of the window-dates, in their order, that is open for the wish and has room for the channel.

    Raises OutsideAvailability where none that fits is open, SlotFull where all that are open are full.
    """
    fitting = [at for at in candidates if is_open(at, wish)]
    if not fitting:
        raise OutsideAvailability(
            f"No open window of this branch serves this service on {wish.date} at {wish.wall_time}. "
            "'GET /v1/appointment-slots/availability' lists what is open on a date."
        )
    for at in fitting:
        if capacity.has_room(at, wish.service_id, channel):
            return at
    raise SlotFull(_why_full(fitting, wish, channel))


def _why_full(fitting: Sequence[WindowDate], wish: Wish, channel: Channel) -> str:
    times = ", ".join(f"{at.start_time}–{at.end_time}" for at in fitting)
    if channel is Channel.AI and any(capacity.has_room(at, wish.service_id, Channel.STAFF) for at in fitting):
        return (
            f"All places for the AI channel are taken on {wish.date} ({times}); the clinic's staff can still book. "
            "Choose another time, or hand the caller over."
        )
    return f"All places are taken on {wish.date} ({times}); choose another time."


def require_time(
    configuration: Configuration, channel: Channel, *, instant: int, on: date, now: int, today: date
) -> None:
    """The rules about when a place may be taken. Raises OutsideAvailability for the past, NotAllowedByPolicy."""
    if instant < now:
        raise OutsideAvailability("'appointment_date' is in the past; choose a time that is still to come.")
    if channel is not Channel.AI:
        return
    if instant < now + configuration.min_notice_hours * HOUR:
        raise NotAllowedByPolicy(
            f"Bookings need {configuration.min_notice_hours} hours of notice (min_notice_hours); choose a later time."
        )
    advance = configuration.max_advance_days
    if advance is not None and on > today + timedelta(days=advance):
        raise NotAllowedByPolicy(
            f"Bookings reach at most {advance} days ahead (max_advance_days), to {today + timedelta(days=advance)}; "
            "choose an earlier date."
        )


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
