"""What a window wants on a date; the only place where wall clocks meet time zones.

The DST rule (contract.md section 6): a wall time that occurs twice belongs to the window both
times; a window wholly inside the skipped hour is CLOSED on that date; one partly in it is open.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones, reset_tzpath

from slotkeeper.domain.model import DAYS, Closure, Window, day_of

# All servers of one database must agree on every date: the zones come from the pinned tzdata package, not
# from whatever each machine has.
reset_tzpath(to=())

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


class SkippedTime(NamedTuple):
    """Wall times that do not occur on a date: from ``start`` to before ``end`` (``24:00`` at midnight)."""

    start: str
    end: str


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """The IANA time zones known here."""
    return frozenset(available_timezones() - {"Factory"})


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name that ``zone_names`` has."""
    return ZoneInfo(name)


def local(instant: int, timezone: str) -> datetime:
    """The wall clock of a zone at an instant (milliseconds UTC)."""
    return (_EPOCH + timedelta(milliseconds=instant)).astimezone(zone(timezone))


def today(instant: int, timezone: str) -> date:
    """The date in a zone at an instant (milliseconds UTC)."""
    return local(instant, timezone).date()


def wall_time_of(moment: datetime) -> str:
    """The wall time of a local moment as appointments keep it: ``HH:MM``, or to the millisecond where it says more."""
    whole = moment.second == moment.microsecond == 0
    return moment.time().isoformat("minutes" if whole else "milliseconds")


def instant_of(on: date, wall_time: str, timezone: str) -> int:
    """The instant (milliseconds UTC) of a wall time; the first of two where it occurs twice."""
    moment = datetime.combine(on, time.fromisoformat(wall_time), tzinfo=zone(timezone))
    return (moment - _EPOCH) // _MILLISECOND


@lru_cache(maxsize=1024)  # a group of bookings shares a few
def iso_instant(instant: int) -> str:
    """An instant as ISO 8601 UTC with milliseconds and ``Z``."""
    moment = _EPOCH + timedelta(milliseconds=instant)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def parse_instant(text: str) -> int:
    """The instant of an ISO 8601 text with an offset. Raises ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("an instant needs an offset or Z")
    return (moment - _EPOCH) // _MILLISECOND


def dates_between(first: date, last: date) -> Iterator[date]:
    """Every date from first to last, both included."""
    for offset in range((last - first).days + 1):
        yield first + offset * _DAY


def _occurs(moment: datetime) -> bool:
    """Whether a wall time occurs: PEP 495 reads a skipped one with two offsets, the later one larger."""
    early, late = moment.utcoffset(), moment.replace(fold=1).utcoffset()
    return early is None or late is None or early >= late


@lru_cache(maxsize=65536)
def skipped_time(on: date, timezone: str) -> SkippedTime | None:
    """The wall times that a zone skips on a date, or None; almost always None."""
    tz = zone(timezone)
    midnight = datetime.combine(on, time(), tzinfo=tz)
    next_midnight = datetime.combine(on + _DAY, time(), tzinfo=tz).replace(fold=1)
    if midnight.utcoffset() == next_midnight.utcoffset():
        return None
    minutes = (midnight + number * _MINUTE for number in range(24 * 60))
    skipped = [f"{moment:%H:%M}" for moment in minutes if not _occurs(moment)]
    if not skipped:
        return None
    hour, minute = divmod(int(skipped[-1][:2]) * 60 + int(skipped[-1][3:]) + 1, 60)
    return SkippedTime(skipped[0], f"{hour:02d}:{minute:02d}")


def is_skipped(start_time: str, end_time: str, *, on: date, timezone: str) -> bool:
    """Whether a window lies wholly inside the wall times that a zone skips on a date."""
    skipped = skipped_time(on, timezone)
    return skipped is not None and skipped.start <= start_time and end_time <= skipped.end


def closing_instant(on: date, start_time: str, end_time: str, timezone: str) -> int:
    """The instant (milliseconds UTC) before which the last moment of a window on a date lies.

    An end that occurs twice is the second one; one that is skipped is the instant at which clocks go forward.
    """
    skipped = skipped_time(on, timezone)
    if skipped is not None and skipped.start <= end_time <= skipped.end and start_time < skipped.start:
        end_time = skipped.start
    moment = datetime.combine(on, time.fromisoformat(end_time), tzinfo=zone(timezone))
    late = moment if skipped is not None else moment.replace(fold=1)
    return (late - _EPOCH) // _MILLISECOND


def wants(window: Window, on: date) -> bool:
    """Whether an enabled window has its weekday on a date."""
    return window.enabled and day_of(on) == window.day


def wanted_dates(window: Window, first: date, last: date) -> list[date]:
    """The dates from first to last, both included, that a window covers: every seventh from the first that it wants."""
    if not window.enabled:
        return []
    start = first.toordinal() + (DAYS.index(window.day) - first.weekday()) % 7
    return [date.fromordinal(number) for number in range(start, last.toordinal() + 1, 7)]


def count_weekday(weekday: int, first: date, last: date) -> int:
    """How many dates from first to last, both included, fall on a weekday (0 for Monday)."""
    span = (last - first).days + 1
    return (span + (first.weekday() - weekday - 1) % 7) // 7 if span > 0 else 0


def find_closure(closures: Iterable[Closure], branch_id: str, on: date) -> Closure | None:
    """The first closure that stands on a date of a branch."""
    for closure in closures:
        if closure.branch_id in (None, branch_id) and closure.date_from <= on <= closure.date_to:
            return closure
    return None


def covers(window: Window, on: date, *, closures: Iterable[Closure], timezone: str) -> bool:
    """Whether a window takes bookings on a date that it wants, as far as the calendar goes."""
    is_closed = find_closure(closures, window.branch_id, on) is not None
    return not is_closed and not is_skipped(window.start_time, window.end_time, on=on, timezone=timezone)
