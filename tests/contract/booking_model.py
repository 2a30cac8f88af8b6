"""What contract.md sections 2, 6 and 8 say of places, in plain Python that shares no code with the product.

One branch in UTC, weekly windows, days as dates, instants as milliseconds. Everything is recomputed from what
happened each time it is asked: nothing is counted along the way.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

HOUR = 3_600_000
Answer = tuple[int, str]  # HTTP status and code, '' where it succeeded


@dataclass
class Window:
    weekday: int
    start: str
    end: str
    limit: int
    ai: int | None
    service: str | None
    enabled: bool = True


@dataclass
class Booked:
    window: str
    on: date
    time: str
    service: str
    patient: str
    status: str = "confirmed"


@dataclass
class Held:
    window: str
    on: date
    service: str
    channel: str
    made: int
    ends: int


@dataclass
class Clinic:
    """All that was done so far."""

    now: int
    windows: dict[str, Window] = field(default_factory=dict)
    services: list[str] = field(default_factory=list)
    overrides: dict[tuple[str, date, str | None], dict[str, object]] = field(default_factory=dict)
    closures: dict[str, tuple[date, date]] = field(default_factory=dict)
    booked: dict[str, Booked] = field(default_factory=dict)
    holds: dict[str, Held] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    rules: dict[str, object] = field(default_factory=dict)

    def override(self, window: str, on: date, service: str | None, name: str) -> object:
        return self.overrides.get((window, on, service), {}).get(name)

    def filled(self, window: str, on: date) -> int:
        return sum((one.window, one.on) == (window, on) and one.status != "cancelled" for one in self.booked.values())

    def held(self, window: str, on: date) -> int:
        return sum((one.window, one.on) == (window, on) and one.ends > self.now for one in self.holds.values())

    def limit(self, window: str, on: date, service: str, channel: str) -> int:
        own = self.override(window, on, service, "max_slots")
        day = self.override(window, on, None, "max_slots")
        places = next(int(str(one)) for one in (own, day, self.windows[window].limit) if one is not None)
        ai = self.override(window, on, None, "ai_slots")
        ai = self.windows[window].ai if ai is None else ai
        return places if channel == "staff" or ai is None else min(int(str(ai)), places)

    def is_open(self, window: str, on: date, service: str) -> bool:
        one = self.windows[window]
        if any(first <= on <= last for first, last in self.closures.values()):
            return False
        if not one.enabled or one.weekday != on.weekday() or one.service not in (None, service):
            return False
        said = (self.override(window, on, service, "status"), self.override(window, on, None, "status"), "OPEN")
        return next(status for status in said if status is not None) == "OPEN"

    def left(self, window: str, on: date, service: str, channel: str) -> int:
        taken = self.filled(window, on) + self.held(window, on)
        return max(0, self.limit(window, on, service, channel) - taken)

    def when(self, instant: int, on: date, channel: str) -> Answer | None:
        """What a time is refused with."""
        if instant < self.now:
            return 422, "OUTSIDE_AVAILABILITY"
        if channel == "ai":
            if instant < self.now + int(str(self.rules.get("min_notice_hours", 0))) * HOUR:
                return 422, "NOT_ALLOWED_BY_POLICY"
            ahead = self.rules.get("max_advance_days")
            if ahead is not None and (on - day_of(self.now)).days > int(str(ahead)):
                return 422, "NOT_ALLOWED_BY_POLICY"
        return None

    def choose(self, on: date, time: str, service: str, channel: str) -> str | Answer:
        """The window that a booking gets, or what it is refused with."""
        fits = [
            key
            for key, one in sorted(self.windows.items(), key=lambda item: item[1].start)  # batches are in their order
            if one.start <= time < one.end and self.is_open(key, on, service)
        ]
        if not fits:
            return 422, "OUTSIDE_AVAILABILITY"
        free = [key for key in fits if self.left(key, on, service, channel)]
        return free[0] if free else (409, "SLOT_FULL")

    def is_duplicate(self, patient: str, service: str, besides: str = "") -> bool:
        return not self.rules.get("allow_duplicate_booking", False) and any(
            (one.patient, one.service) == (patient, service)
            and one.status in ("confirmed", "rescheduled")
            and instant_of(one.on, one.time) >= self.now
            for key, one in self.booked.items()
            if key != besides
        )

    def book(self, on: date, time: str, service: str, patient: str, channel: str) -> str | Answer:
        late = self.when(instant_of(on, time), on, channel)
        if late is not None:
            return late
        if self.is_duplicate(patient, service):
            return 409, "DUPLICATE_BOOKING"
        return self.choose(on, time, service, channel)

    def hold(self, window: str, on: date, service: str, channel: str) -> Answer | None:
        one = self.windows[window]
        if not self.is_open(window, on, service):
            return 422, "OUTSIDE_AVAILABILITY"
        late = self.when(instant_of(on, one.end) - 1, on, channel)
        if late is not None:
            return late
        return None if self.left(window, on, service, channel) else (409, "SLOT_FULL")

    def confirm(self, hold_id: str, time: str, patient: str, channel: str) -> Answer | None:
        one = self.holds.get(hold_id)
        if one is None or one.ends <= self.now:
            return 409, "HOLD_EXPIRED"
        if one.channel == "staff" and channel == "ai":
            return 409, "CONFLICT"
        window = self.windows[one.window]
        if not window.start <= time < window.end:
            return 400, "VALIDATION_ERROR"
        if instant_of(one.on, time) < one.made:
            return 422, "OUTSIDE_AVAILABILITY"
        if instant_of(one.on, time) >= self.now and self.is_duplicate(patient, one.service):
            return 409, "DUPLICATE_BOOKING"
        return None if self.is_open(one.window, one.on, one.service) else (422, "OUTSIDE_AVAILABILITY")


def instant_of(on: date, time: str) -> int:
    return int(datetime.fromisoformat(f"{on}T{time}:00+00:00").timestamp() * 1000)


def day_of(instant: int) -> date:
    return datetime.fromtimestamp(instant / 1000, UTC).date()
