"""The words of the field as frozen values (contract.md section 1).

Conventions, the same at every layer:

- ids are lower-case UUID texts;
- an *instant* is an ``int``: milliseconds since 1970-01-01T00:00:00Z;
- a date is a ``datetime.date``, a wall time the text ``HH:MM`` in the branch's zone, so that
  comparing texts compares times;
- an absent value is ``None`` (``''`` and the zero UUID exist only in the database's keys).
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

_NO_DIGITS = re.compile("[^0-9]")


class Day(StrEnum):
    """A weekday; ``list(Day)[d.weekday()]`` is the day of a date."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


DAYS: tuple[Day, ...] = tuple(Day)

MOST_SLOTS = 10_000
"""The largest number of places that a window or a date may have."""


class Session(StrEnum):
    """A part of the day; read in any case, written like this."""

    MORNING = "Morning"
    AFTERNOON = "Afternoon"
    EVENING = "Evening"


class Status(StrEnum):
    """Whether a window or a record takes bookings."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"


class Channel(StrEnum):
    """Who books: ``ai`` is limited by ``ai_slots``, ``staff`` by ``max_slots``."""

    AI = "ai"
    STAFF = "staff"


class AppointmentStatus(StrEnum):
    """Where an appointment stands; only ``cancelled`` frees its place."""

    CONFIRMED = "confirmed"
    RESCHEDULED = "rescheduled"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Configuration(NamedTuple):
    """An organization's zone and booking rules (contract.md section 6); the defaults refuse nothing.

    ``max_advance_days`` None means no limit; ``horizon_days`` is 0–730.
    """

    timezone: str = "UTC"
    allow_cancellation: bool = True
    cancellation_notice_hours: int = 0
    allow_rescheduling: bool = True
    allow_duplicate_booking: bool = False
    min_notice_hours: int = 0
    max_advance_days: int | None = None
    token_numbers: bool = False
    horizon_days: int = 90


class Organization(NamedTuple):
    """The tenant: every row belongs to one."""

    org_id: str
    name: str
    created_at: int
    configuration: Configuration


class Branch(NamedTuple):
    """A physical place; ``timezone`` None means the organization's."""

    branch_id: str
    name: str
    timezone: str | None
    created_at: int
    updated_at: int


class Service(NamedTuple):
    """An appointment type; only active ones are offered."""

    service_id: str
    name: str
    active: bool
    created_at: int
    updated_at: int


class Window(NamedTuple):
    """A calendar window: the weekly rule. ``ai_slots`` None follows ``max_slots``."""

    calendar_id: str
    branch_id: str
    day: Day
    session: Session
    batch: str | None
    start_time: str
    end_time: str
    service_id: str | None
    max_slots: int
    ai_slots: int | None
    enabled: bool
    created_at: int
    updated_at: int


class Override(NamedTuple):
    """What one date says instead of the window; a value of None leaves the window's.

    ``ai_slots`` and ``reason`` belong to overrides of the whole window-date (4.5) only.
    """

    status: Status | None = None
    max_slots: int | None = None
    ai_slots: int | None = None
    reason: str | None = None


NO_OVERRIDE = Override()


class Closure(NamedTuple):
    """Dates, both ends included, on which a branch (None: every branch) takes no bookings.

    ``source`` says where it came from: ``api``, ``cli``, ``dashboard``, ``ics`` or ``holidays``.
    """

    closure_id: str
    branch_id: str | None
    date_from: date
    date_to: date
    reason: str
    source: str
    created_at: int


class WindowDate(NamedTuple):
    """One window on one date, the thing that has places, with all that its limits depend on.

    ``covered``: an enabled window covers the date, no closure does, and the wall time exists.
    ``filled``: its appointments that are not cancelled. ``holds``: its live holds.
    ``overrides`` maps a service's id to the override on its record, and None to the
    window-date's own. ``stored`` unless it is what the window says of a date that has no record yet.
    """

    calendar_id: str
    date: date
    branch_id: str
    session: str
    batch: str | None
    start_time: str
    end_time: str
    service_id: str | None
    max_slots: int
    ai_slots: int | None
    covered: bool
    filled: int
    holds: int
    overrides: dict[str | None, Override]
    created_at: int
    updated_at: int
    stored: bool = True


class Slot(NamedTuple):
    """A window-date as availability shows it: the keys of contract.md section 4.1, in its order.

    ``date`` stands in for ``slot_id``, which is ``calendar_id||date``.
    """

    date: date
    calendar_id: str
    branch_id: str
    day: str
    session: str
    batch: str | None
    start_time: str
    end_time: str
    appointment_type: str | None
    max_slots: int
    ai_slots: int
    filled_slots: int
    available_slots: int
    status: str
    created_at: int
    updated_at: int


class TrackingRecord(NamedTuple):
    """A schedule tracking record as contract.md section 4.2 shows it, without its ``slot_id``."""

    calendar_id: str
    appointment_type_id: str
    appointment_type_name: str
    date: date
    day_of_week: str
    session: str
    batch: str | None
    start_time: str
    end_time: str
    max_slots: int
    filled_slots: int
    available_slots: int
    status: str


class Change(NamedTuple):
    """What regenerate does, or would do, to one window-date.

    ``change`` is ``make``, ``write``, ``close`` or ``remove``; ``reason`` a sentence.
    """

    calendar_id: str
    date: date
    change: str
    reason: str


class Regenerated(NamedTuple):
    """The counters of contract.md section 4.4; ``processed = upserted + skipped + errors``."""

    skipped: int
    errors: int
    upserted: int
    changes: tuple[Change, ...] = ()

    @property
    def processed(self) -> int:
        """All window-dates wanted in the range, together with those stored for it."""
        return self.upserted + self.skipped + self.errors


class ApiKey(NamedTuple):
    """An API key as its owner may see it: never the key itself. ``rate_limit`` is per minute, 0 none."""

    key_id: str
    label: str
    prefix: str
    scopes: tuple[str, ...]
    channel: Channel
    rate_limit: int
    expires_at: int | None
    revoked_at: int | None
    created_at: int


class Appointment(NamedTuple):
    """One promised place. ``wall_time`` is on ``date`` in the branch's zone: ``HH:MM``, or to the millisecond.

    What it keeps is its window, date and wall time; the instant follows from the branch's zone.
    ``session`` and ``batch`` are those of its window-date's record.
    """

    appointment_id: str
    calendar_id: str
    date: date
    wall_time: str
    service_id: str
    branch_id: str
    session: str
    batch: str | None
    status: AppointmentStatus
    channel: Channel
    token: int | None
    patient_name: str
    parent_phone: str
    assigned_doctor: str | None
    notes: str | None
    external_reference_id: str | None
    created_at: int
    updated_at: int


class Hold(NamedTuple):
    """A place of a window-date that is kept for a caller until ``expires_at``, and counts for nothing from then on.

    ``wall_time`` is None where no time was asked for. Branch, session, batch and times are those of its
    window-date's record.
    """

    hold_id: str
    calendar_id: str
    date: date
    service_id: str
    branch_id: str
    session: str
    batch: str | None
    start_time: str
    end_time: str
    channel: Channel
    key_id: str
    wall_time: str | None
    expires_at: int
    created_at: int


class AuditEntry(NamedTuple):
    """Who did what, or was refused it; ``before`` and ``after`` hold only what changed, and nothing of a patient.

    ``subject`` is the id of what it is about, None where a refused request would have made it.
    """

    audit_id: str
    at: int
    action: str
    subject: str | None
    key_id: str | None
    user_id: str | None
    channel: str
    request_id: str | None
    outcome: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


def fold(text: str) -> str:
    """The text by which case-insensitive names compare: NFKC, white space folded, case folded."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def phone_digits(phone: str) -> str:
    """The digits of a phone number without a leading ``00``, by which two numbers compare."""
    return _NO_DIGITS.sub("", phone).removeprefix("00")


def day_of(on: date) -> Day:
    """The weekday of a date."""
    return DAYS[on.weekday()]
