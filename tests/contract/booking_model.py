"""What contract.md sections 2, 6 and 8 say of places, in plain Python that shares no code with the product.

One branch whose clock is always as far from UTC, weekly windows that never change their times. Everything is
counted afresh each time it is asked. What the contract leaves open is said where it is decided.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from unicodedata import normalize

HOUR = 3_600_000
STANDING = ("confirmed", "rescheduled")
NEAREST = (
    "OPEN", "AI_LIMIT_REACHED", "FULL", "TOO_SOON", "TOO_FAR_AHEAD", "IN_THE_PAST", "CLOSED_ON_DATE", "CLOSURE",
    "WINDOW_DISABLED", "SERVICE_NOT_OFFERED", "NO_WINDOW",
)  # fmt: skip
STEPS = {"completed": ("confirmed", "cancelled"), "cancelled": ("confirmed",)}
DEFAULTS = {
    "allow_cancellation": True, "cancellation_notice_hours": 0, "allow_rescheduling": True,
    "allow_duplicate_booking": False, "min_notice_hours": 0, "max_advance_days": None, "token_numbers": False,
}  # fmt: skip


class Refused(Exception):
    """What is refused, with its HTTP status and code."""


class Why(Refused):
    """What is refused for a reason that explain would give."""

    def __init__(self, reason: str) -> None:
        code = (409, "SLOT_FULL") if reason in ("FULL", "AI_LIMIT_REACHED") else (422, "OUTSIDE_AVAILABILITY")
        super().__init__(*((422, "NOT_ALLOWED_BY_POLICY") if reason.startswith("TOO_") else code))


@dataclass
class Window:
    weekday: int
    start: str
    end: str
    session: str
    batch: str | None
    service: str | None
    limit: int
    ai: int | None
    enabled: bool = True


@dataclass(frozen=True)
class Booked:
    window: str
    on: date
    time: str
    service: str
    patient: tuple[str, str]
    channel: str
    token: int | None = None
    status: str = "confirmed"


@dataclass
class Held:
    window: str
    on: date
    time: str | None
    service: str
    channel: str
    made: int
    ends: int


@dataclass
class Clinic:
    """All that was done so far."""

    now: int
    offset: int
    windows: dict[str, Window] = field(default_factory=dict)
    services: dict[str, bool] = field(default_factory=dict)  # active or not
    overrides: dict[tuple[str, date, str | None], dict[str, Any]] = field(default_factory=dict)
    closures: dict[str, tuple[date, date]] = field(default_factory=dict)
    booked: dict[str, Booked] = field(default_factory=dict)
    holds: dict[str, Held] = field(default_factory=dict)
    tokens: dict[tuple[str, date], int] = field(default_factory=dict)
    rules: dict[str, Any] = field(default_factory=lambda: dict(DEFAULTS))

    # What a window-date has: section 2.

    def filled(self, key: str, on: date) -> int:
        return sum((one.window, one.on) == (key, on) and one.status != "cancelled" for one in self.booked.values())

    def taken(self, key: str, on: date) -> int:
        live = sum((one.window, one.on) == (key, on) and one.ends > self.now for one in self.holds.values())
        return self.filled(key, on) + live

    def said(self, key: str, on: date, service: str | None, name: str) -> Any:
        """What the record's override says, else the window-date's."""
        both = [self.overrides.get((key, on, who), {}).get(name) for who in (service, None)]
        return both[1] if both[0] is None else both[0]

    def places(self, key: str, on: date, service: str) -> int:
        said = self.said(key, on, service, "max_slots")
        return int(self.windows[key].limit if said is None else said)

    def ai(self, key: str, on: date, places: int) -> int:
        said = self.said(key, on, None, "ai_slots")
        ai = self.windows[key].ai if said is None else said
        return places if ai is None else min(ai, places)

    def left(self, key: str, on: date, service: str, channel: str) -> int:
        places = self.places(key, on, service)
        return max(0, (places if channel == "staff" else self.ai(key, on, places)) - self.taken(key, on))

    def is_closed(self, on: date) -> bool:
        return any(first <= on <= last for first, last in self.closures.values())

    def is_open(self, key: str, on: date, service: str) -> bool:
        covered = self.windows[key].enabled and self.windows[key].weekday == on.weekday() and not self.is_closed(on)
        return covered and self.said(key, on, service, "status") != "CLOSED"

    # Why a place can or cannot be had.

    def instant(self, on: date, time: str) -> int:
        return int(datetime.fromisoformat(f"{on}T{time}+00:00").timestamp() * 1000) - self.offset

    def local(self) -> datetime:
        return datetime.fromtimestamp((self.now + self.offset) / 1000, UTC)

    def when(self, instant: int, on: date, channel: str) -> str:
        """What the rules say of a time: the past binds everybody, notice and advance the ai channel."""
        advance = self.rules["max_advance_days"]
        if instant < self.now:
            return "IN_THE_PAST"
        if channel == "ai" and instant < self.now + self.rules["min_notice_hours"] * HOUR:
            return "TOO_SOON"
        late = channel == "ai" and advance is not None and on > self.local().date() + timedelta(days=advance)
        return "TOO_FAR_AHEAD" if late else "OPEN"

    def why(self, key: str, on: date, service: str, channel: str, time: str | None = None) -> str:
        """Of a window on a date of its weekday, for a time or for any moment of it."""
        window = self.windows[key]
        if not window.enabled:
            return "WINDOW_DISABLED"
        if window.service not in (None, service):
            return "SERVICE_NOT_OFFERED"
        if self.is_closed(on):
            return "CLOSURE"
        if not self.is_open(key, on, service):
            return "CLOSED_ON_DATE"
        late = self.when(self.instant(on, time) if time else self.instant(on, window.end) - 1, on, channel)
        if late != "OPEN" or self.left(key, on, service, channel):
            return late
        return "AI_LIMIT_REACHED" if self.left(key, on, service, "staff") else "FULL"

    def asked(self, on: date, time: str | None, session: str | None, batch: str | None = None) -> list[str]:
        """The windows that a time, a session and a batch ask for, in their order; without a batch, of any."""
        found = [
            ((one.start, one.batch or "", key), key)
            for key, one in self.windows.items()
            if one.weekday == on.weekday() and (time is None or one.start <= time < one.end)
            if session in (None, one.session) and batch in (None, one.batch)
        ]
        return [key for _, key in sorted(found)]

    def explain(
        self, on: date, service: str, channel: str, time: str | None, session: str | None
    ) -> tuple[str, dict[str, str]]:
        """The reason as a whole, and of each window."""
        if not self.services[service]:
            return "SERVICE_NOT_OFFERED", {}
        reasons = {key: self.why(key, on, service, channel, time) for key in self.asked(on, time, session)}
        late = self.when(self.instant(on, time), on, channel) if time else "OPEN"
        nearest = min(reasons.values(), key=NEAREST.index, default="NO_WINDOW")
        return (nearest if late == "OPEN" else late), reasons

    def openings(self, on: date, channel: str, service: str | None, session: str | None) -> list[tuple[str, str, int]]:
        """What next-available has of a date."""
        return [
            (key, one, self.left(key, on, one, channel))
            for key in self.asked(on, None, session)
            for one, active in self.services.items()
            if active and service in (None, one) and self.why(key, on, one, channel) == "OPEN"
        ]

    # What is asked for. Each raises Refused, or says what comes of it.

    def choose(self, one: Booked, on: date, time: str, channel: str, session: str | None, batch: str | None) -> str:
        """The window that a booking gets: an appointment's own first, which it keeps without another place."""
        asked = sorted(self.asked(on, time, session, batch), key=lambda key: (key, on) != (one.window, one.on))
        reasons = {key: self.why(key, on, one.service, channel, time) for key in asked}
        for key, reason in reasons.items():
            stays = (key, on) == (one.window, one.on) and one.status != "cancelled"
            if reason == "OPEN" or (stays and reason in ("FULL", "AI_LIMIT_REACHED")):
                return key
        raise Why(min(reasons.values(), key=NEAREST.index, default="NO_WINDOW"))

    def put(self, one: Booked, key: str, on: date, time: str) -> Booked:
        """The appointment on a window-date, with a token of it."""
        token = one.token
        if (one.window, one.on) != (key, on):
            token = None
            if self.rules["token_numbers"]:
                token = self.tokens[key, on] = self.tokens.get((key, on), 0) + 1
        return replace(one, window=key, on=on, time=time, token=token)

    def stands(self, one: Booked) -> bool:
        return one.status in STANDING and self.instant(one.on, one.time) >= self.now

    def refuse_duplicate(self, one: Booked, *, besides: str = "") -> None:
        """Of one that comes to stand: another of the patient and service that stands already."""
        others = [other for key, other in self.booked.items() if key != besides and self.stands(other)]
        same = any((other.patient, other.service) == (one.patient, one.service) for other in others)
        if same and self.stands(one) and not self.rules["allow_duplicate_booking"]:
            raise Refused(409, "DUPLICATE_BOOKING")

    def require_time(self, on: date, time: str, channel: str) -> None:
        if (late := self.when(self.instant(on, time), on, channel)) != "OPEN":
            raise Why(late)

    def book(self, one: Booked, session: str | None) -> Booked:
        if not self.services[one.service]:
            raise Why("SERVICE_NOT_OFFERED")
        self.require_time(one.on, one.time, one.channel)
        self.refuse_duplicate(one)
        return self.put(one, self.choose(one, one.on, one.time, one.channel, session, None), one.on, one.time)

    def hold(self, on: date, service: str, channel: str, *, key: str | None = None, time: str | None = None) -> str:
        """The window of which a hold takes a place, asked for by itself or by a time."""
        if not self.services[service]:
            raise Why("SERVICE_NOT_OFFERED")
        if time is not None:
            self.require_time(on, time, channel)
        if sum(one.channel == channel and one.ends > self.now for one in self.holds.values()) >= 20:
            raise Refused(429, "RATE_LIMIT_EXCEEDED")
        if key is None:
            return self.choose(Booked("", on, time or "", service, ("", ""), channel), on, time or "", channel, None, None)
        reason = self.why(key, on, service, channel) if self.windows[key].weekday == on.weekday() else "NO_WINDOW"
        if reason != "OPEN":
            raise Why(reason)
        return key

    def confirm(self, held: Held, time: str, patient: tuple[str, str], channel: str) -> Booked:
        """A hold turned into an appointment; its time is past where it was so when the hold was taken."""
        window = self.windows[held.window]
        if held.ends <= self.now:
            raise Refused(409, "HOLD_EXPIRED")
        if held.channel == "staff" and channel == "ai":
            raise Refused(409, "CONFLICT")
        if not window.start <= time < window.end:
            raise Refused(400, "VALIDATION_ERROR")
        if self.instant(held.on, time) < held.made:
            raise Why("IN_THE_PAST")
        one = Booked("", held.on, time, held.service, patient, channel)
        self.refuse_duplicate(one)
        if not self.is_open(held.window, held.on, held.service):
            raise Why("CLOSED_ON_DATE")
        return self.put(one, held.window, held.on, time)

    def set_status(self, key: str, status: str, channel: str) -> Booked:
        one = self.booked[key]
        if status == one.status:
            return one
        if status not in STEPS.get(one.status, (status,)):
            raise Refused(409, "CONFLICT")
        if status == "cancelled":
            notice = self.rules["cancellation_notice_hours"] * HOUR if channel == "ai" else 0
            short = notice and self.instant(one.on, one.time) < self.now + notice
            if short or not self.rules["allow_cancellation"]:
                raise Why("TOO_SOON")
        if one.status == "cancelled":
            self.require_time(one.on, one.time, channel)
        if not self.stands(one):
            self.refuse_duplicate(replace(one, status=status), besides=key)
        if one.status == "cancelled":
            window = self.windows[one.window]
            chosen = self.choose(one, one.on, one.time, channel, window.session, window.batch)
            one = self.put(one, chosen, one.on, one.time)
        return replace(one, status=status)

    def move(self, key: str, on: date, time: str, channel: str, given: dict[str, str]) -> Booked:
        """A move to a time, perhaps to a session and batch: those not given are the appointment's own."""
        one = self.booked[key]
        if one.status in STEPS or given.get("status") == "cancelled":
            raise Refused(409, "CONFLICT")
        if not self.rules["allow_rescheduling"]:
            raise Refused(422, "NOT_ALLOWED_BY_POLICY")
        self.require_time(on, time, channel)
        moved = replace(one, on=on, time=time, status=given.get("status", "rescheduled"))
        if not self.stands(one):
            self.refuse_duplicate(moved, besides=key)
        window = self.windows[one.window]
        asked = given.get("session", window.session), given.get("batch", window.batch)
        return replace(self.put(one, self.choose(one, on, time, channel, *asked), on, time), status=moved.status)


def patient_of(name: str, phone: str) -> tuple[str, str]:
    """Whom a booking is for: names and numbers that differ in nothing that matters are the same person."""
    digits = "".join(filter(str.isdigit, phone))
    return " ".join(normalize("NFKC", name).split()).casefold(), digits.removeprefix("00")
