"""Contract sections 2 and 4 once more, in about a page, written apart from Slotkeeper's own code.

Plain dicts and loops over everything; no calendar, capacity or SQL of the program is used.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Override = dict[str, Any]  # status, max_slots, ai_slots: only those that are set


@dataclass(frozen=True)
class Rule:
    """A calendar window; also the copy of it that a stored record keeps."""

    calendar_id: str
    branch_id: str
    day: str
    session: str
    batch: str | None
    start_time: str
    end_time: str
    service_id: str | None
    max_slots: int
    ai_slots: int | None
    enabled: bool = True  # of a record: covered


@dataclass
class Model:
    """One organization."""

    today: date
    horizon: int = 90
    now: int = 0
    services: dict[str, tuple[str, bool]] = field(default_factory=dict)  # id → name, active
    windows: dict[str, Rule] = field(default_factory=dict)
    records: dict[tuple[str, date], Rule] = field(default_factory=dict)
    overrides: dict[tuple[str, date], dict[str | None, Override]] = field(default_factory=dict)
    closures: list[tuple[str | None, date, date]] = field(default_factory=list)
    bookings: dict[str, tuple[tuple[str, date], bool]] = field(default_factory=dict)  # id → place, cancelled
    holds: list[tuple[tuple[str, date], int]] = field(default_factory=list)  # place, expires_at

    # What stands on a window-date.
    def filled(self, at: tuple[str, date]) -> int:
        return sum(place == at and not cancelled for place, cancelled in self.bookings.values())

    def held(self, at: tuple[str, date]) -> int:
        return sum(place == at and expires_at > self.now for place, expires_at in self.holds)

    def stands(self, at: tuple[str, date]) -> bool:
        booked = any(place == at for place, _ in self.bookings.values())
        return booked or self.held(at) > 0 or any(self.overrides.get(at, {}).values())

    def closed(self, branch_id: str, on: date) -> bool:
        return any(first <= on <= last and branch in (None, branch_id) for branch, first, last in self.closures)

    def wants(self, calendar_id: str, on: date) -> bool:
        window = self.windows[calendar_id]
        return window.enabled and DAYS[on.weekday()] == window.day

    # What a window-date shows and takes.
    def rule(self, at: tuple[str, date]) -> Rule:
        """The stored record, else what the window says; ``enabled`` says whether the date is covered."""
        window = self.windows[at[0]]
        covered = self.wants(*at) and not self.closed(window.branch_id, at[1])
        return self.records.get(at) or replace(window, enabled=covered)

    def served(self, rule: Rule, *, active_only: bool) -> list[str]:
        if rule.service_id is not None:
            return [rule.service_id] if not active_only or self.services[rule.service_id][1] else []
        return [service for service, (_, active) in self.services.items() if active]

    def said(self, at: tuple[str, date], service: str | None, what: str) -> Any:
        return self.overrides.get(at, {}).get(service, {}).get(what)

    def status(self, at: tuple[str, date], service: str | None) -> str:
        if not self.rule(at).enabled:
            return "CLOSED"
        own = self.said(at, service, "status") if service else None
        return str(own or self.said(at, None, "status") or "OPEN")

    def places(self, at: tuple[str, date], service: str | None) -> int:
        for who in (service, None) if service else (None,):
            if (override := self.said(at, who, "max_slots")) is not None:
                return int(override)
        return self.rule(at).max_slots

    def ai(self, at: tuple[str, date], places: int) -> int:
        override = self.said(at, None, "ai_slots")
        own = self.rule(at).ai_slots if override is None else override
        return places if own is None else min(own, places)

    def takes(self, at: tuple[str, date], service: str, channel: str) -> bool:
        places = self.places(at, service)
        limit = self.ai(at, places) if channel == "ai" else places
        return self.status(at, service) == "OPEN" and self.filled(at) + self.held(at) < limit

    # The answers of 4.1 and 4.2, without the instants.
    def availability(self, on: date, *, session: str | None = None, service: str | None = None) -> list[dict[str, Any]]:
        slots = []
        for calendar_id in self.windows:
            at, rule = (calendar_id, on), self.rule((calendar_id, on))
            who: list[str | None] = [*self.served(rule, active_only=True)]
            if not self.services and rule.service_id is None:
                who = [None]
            who = [one for one in who if self.status(at, one) == "OPEN" and service in (None, one)]
            if not self.wants(*at) or not who or session not in (None, rule.session):
                continue
            places = max(self.places(at, one) for one in who)
            numbers = {"max_slots": places, "ai_slots": self.ai(at, places), "filled_slots": self.filled(at)}
            left = max(0, numbers["ai_slots"] - self.filled(at) - self.held(at))
            slots.append(
                {"slot_id": f"{calendar_id}||{on}", "calendar_id": calendar_id, "branch_id": rule.branch_id}
                | {"day": DAYS[on.weekday()], "session": rule.session, "batch": rule.batch}
                | {"start_time": rule.start_time, "end_time": rule.end_time, "appointment_type": rule.service_id}
                | numbers
                | {"available_slots": left, "status": "OPEN"}
            )
        return sorted(slots, key=lambda s: (s["start_time"], s["end_time"], s["batch"] or "", s["calendar_id"]))

    def tracking(self, first: date, last: date, *, service: str | None = None) -> list[dict[str, Any]]:
        shown = []
        for at, rule in self.records.items():
            for one in self.served(rule, active_only=False):
                if not first <= at[1] <= last or service not in (None, one):
                    continue
                places = self.places(at, one)
                left = max(0, places - self.filled(at) - self.held(at))
                shown.append(
                    {"slot_id": f"{at[0]}||{at[1]}||{one}", "calendar_id": at[0], "appointment_type_id": one}
                    | {"appointment_type_name": self.services[one][0], "date": str(at[1])}
                    | {"day_of_week": DAYS[at[1].weekday()], "session": rule.session, "batch": rule.batch}
                    | {"start_time": rule.start_time, "end_time": rule.end_time, "max_slots": places}
                    | {"filled_slots": self.filled(at), "available_slots": left, "status": self.status(at, one)}
                )
        order = ("date", "start_time", "batch", "calendar_id", "appointment_type_name")
        return sorted(shown, key=lambda record: tuple(record[name] or "" for name in order))

    # What writes do.
    def project(self, calendar_ids: Iterable[str], dates: Iterable[date]) -> dict[str, int]:
        """Regenerate these windows on these dates; the counters."""
        upserted = skipped = 0
        for at in [(calendar_id, on) for calendar_id in calendar_ids for on in dates]:
            if self.wants(*at):
                window = self.windows[at[0]]
                self.records[at] = replace(window, enabled=not self.closed(window.branch_id, at[1]))
                upserted += 1
            elif at in self.records and self.stands(at):
                self.records[at] = replace(self.records[at], enabled=False)
                skipped += 1
            elif at in self.records:
                del self.records[at]
                upserted += 1
        return {"processed": upserted + skipped, "skipped": skipped, "errors": 0, "upserted": upserted}

    def regenerate(self, first: date, last: date) -> dict[str, int]:
        return self.project(self.windows, [first + timedelta(n) for n in range((last - first).days + 1)])

    def make_ahead(self, calendar_ids: Iterable[str]) -> None:
        """Make what is missing from today to the horizon."""
        for at in [(one, self.today + timedelta(n)) for one in calendar_ids for n in range(self.horizon + 1)]:
            if at not in self.records and self.wants(*at):
                self.project([at[0]], [at[1]])

    def change_window(self, window: Rule) -> None:
        """Create, change, enable or disable a window: its records follow from today on."""
        self.windows[window.calendar_id] = window
        ahead = [on for (calendar_id, on) in self.records if calendar_id == window.calendar_id and on >= self.today]
        self.project([window.calendar_id], ahead)
        self.make_ahead([window.calendar_id])

    def touch(self, at: tuple[str, date]) -> None:
        """A booking, a hold or an override makes the record on the spot."""
        if at not in self.records:
            self.records[at] = self.rule(at)

    def override(
        self, at: tuple[str, date], service: str | None, changes: Override, sent_back: dict[str, Any] | None = None
    ) -> None:
        """Set overrides, or take them off with None.

        What is stored already has no effect: by this override, or by the window where the window-date's own
        does not stand between. With a whole record sent back, neither has what it showed.
        """
        self.touch(at)
        rule, between = self.rule(at), self.overrides.get(at, {}).get(None, {}) if service else {}
        stored = {"status": "OPEN", "max_slots": rule.max_slots, "ai_slots": rule.ai_slots}
        stored = {name: value for name, value in stored.items() if name not in between}
        mine = self.overrides.setdefault(at, {}).setdefault(service, {})
        for known in (stored | mine, sent_back or {}):
            changes = {n: value for n, value in changes.items() if value is None or n not in known or value != known[n]}
        mine |= changes
        for name in [name for name, value in mine.items() if value is None]:
            del mine[name]

    def close(self, branch_id: str | None, first: date, last: date) -> None:
        self.closures.append((branch_id, first, last))
        for at, rule in self.records.items():
            if first <= at[1] <= last and branch_id in (None, rule.branch_id):
                self.records[at] = replace(rule, enabled=False)
