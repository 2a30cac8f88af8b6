"""Any history of changes, and after each step the interface agrees with the model (tests/model.py).

Window changes, overrides, services switched on and off, bookings, cancellations, holds, closures,
regenerates and the passing of days, in any order; then availability, tracking, the counters of
regenerate and the recount are compared with what a page of plain code says.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from slotkeeper.domain.model import Channel
from slotkeeper.operations import upkeep
from tests import direct
from tests.model import DAYS, Model, Rule
from tests.world import REGENERATE, WINDOWS, Client, World, good, refused

FIRST = date(2026, 6, 1)
SPAN = (FIRST - timedelta(9), FIRST + timedelta(40))
TIMES = [("09:00", "11:00"), ("09:00", "10:00"), ("13:30", "17:00")]

picks = st.integers(0, 11)
offsets = st.integers(-7, 26)
few = st.integers(0, 4)
maybe = lambda values: st.none() | values  # noqa: E731
windows_changes = st.fixed_dictionaries(
    {},
    optional={
        "day": st.sampled_from(DAYS), "session": st.sampled_from(["Morning", "Evening"]),
        "times": st.sampled_from(TIMES),
        "max_slots": st.integers(1, 4), "ai_slots": maybe(few), "batch_name": st.sampled_from([None, "MA", "b"]),
        "service": maybe(picks),
    },
).filter(bool)  # fmt: skip
record_changes = st.fixed_dictionaries(
    {}, optional={"status": st.sampled_from(["OPEN", "CLOSED", None]), "max_slots": maybe(few)}
).filter(bool)
day_changes = st.fixed_dictionaries(
    {}, optional={"status": st.sampled_from(["OPEN", "CLOSED", None]), "max_slots": maybe(few), "ai_slots": maybe(few)}
).filter(bool)


class History(RuleBasedStateMachine):
    """One clinic with two branches; the interface on one side, the model on the other."""

    new_world: Callable[[], World]

    def __init__(self) -> None:
        super().__init__()
        self.world = type(self).new_world()
        self.steps = 0

    def teardown(self) -> None:
        try:
            self.agree([SPAN[0] + timedelta(n) for n in range((SPAN[1] - SPAN[0]).days)])
        finally:
            self.world.close()

    @initialize(zone=st.sampled_from(["UTC", "Asia/Kolkata", "Pacific/Auckland"]), horizon=st.integers(0, 15))
    def open_clinic(self, zone: str, horizon: int) -> None:
        self.zone = ZoneInfo(zone)
        self.world.clock.set("2026-06-01T03:00:30Z")
        self.org_id = self.world.organization("Any Clinic", zone)
        self.owner: Client = self.world.key(self.org_id)
        good(self.owner.patch("/v1/appointment-config", {"horizon_days": horizon}))
        self.branches = [self.owner.branch("One"), self.owner.branch("Two")]
        self.model = Model(today=FIRST, horizon=horizon)
        for name in ("Checkup", "Vaccination"):
            self.model.services[self.owner.service(name)] = (name, True)
        self.pass_time()

    # What the rules share.

    def local(self) -> datetime:
        return datetime.fromtimestamp(self.world.clock() / 1000, self.zone)

    def pass_time(self) -> None:
        self.model.now, self.model.today = self.world.clock(), self.local().date()
        self.world.roll_forward()
        self.model.make_ahead(self.model.windows)

    def window(self, pick: int) -> Rule:
        return list(self.model.windows.values())[pick % len(self.model.windows)]

    def service(self, pick: int | None) -> str | None:
        return None if pick is None else list(self.model.services)[pick % len(self.model.services)]

    def on(self, window: Rule, offset: int) -> date:
        """A date near the offset, mostly one that the window covers."""
        day = FIRST + timedelta(offset)
        return day if offset % 5 == 0 else day + timedelta((DAYS.index(window.day) - day.weekday()) % 7)

    def is_taken(self, window: Rule) -> bool:
        place = lambda one: (one.branch_id, one.day, one.session, one.batch, one.service_id)  # noqa: E731
        return any(
            place(one) == place(window) and one.calendar_id != window.calendar_id for one in self.model.windows.values()
        )

    @property
    def has_windows(self) -> bool:
        return bool(self.model.windows)

    # Windows and services.

    @rule(branch=st.integers(0, 1), day=st.sampled_from(DAYS), times=st.sampled_from(TIMES), places=st.integers(1, 4),
          ai=maybe(few), batch=st.sampled_from([None, "MA", "é"]), service=maybe(picks))  # fmt: skip
    def create_window(
        self,
        branch: int,
        day: str,
        times: tuple[str, str],
        places: int,
        ai: int | None,
        batch: str | None,
        service: int | None,
    ) -> None:
        chosen, ai = self.service(service), None if ai is None else min(ai, places)
        new = Rule("", self.branches[branch], day, "Morning", batch, *times, chosen, places, ai)
        body = {"branch_id": new.branch_id, "day": day, "session": "Morning", "start_time": times[0],
                "end_time": times[1],
                "max_slots": places}  # fmt: skip
        optional = {"ai_slots": ai, "batch_name": batch, "appointment_type_id": chosen}
        answer = self.owner.post(WINDOWS, body | {name: value for name, value in optional.items() if value is not None})
        if self.is_taken(new):
            refused(answer, 409, "CONFLICT")
        else:
            made = good(answer, 201)["data"]
            self.model.change_window(replace(new, calendar_id=made["calendar_id"]))

    @precondition(lambda self: self.has_windows)
    @rule(pick=picks, changes=windows_changes)
    def change_window(self, pick: int, changes: dict[str, Any]) -> None:
        window = self.window(pick)
        body = dict(changes)
        if "times" in body:
            body["start_time"], body["end_time"] = body.pop("times")
        if "service" in body:
            body["appointment_type_id"] = self.service(body.pop("service"))
        if window.ai_slots is None and body.get("ai_slots") == window.max_slots:
            del body["ai_slots"]  # equals what is shown but not what is stored: section 3 leaves it open
        new = replace(
            window,
            **{
                {"batch_name": "batch", "appointment_type_id": "service_id"}.get(name, name): value
                for name, value in body.items()
            },
        )
        answer = self.owner.patch(f"{WINDOWS}/{window.calendar_id}", body)
        if not body or (new.ai_slots is not None and new.ai_slots > new.max_slots):
            refused(answer, 400, "VALIDATION_ERROR")
        elif self.is_taken(new):
            refused(answer, 409, "CONFLICT")
        else:
            good(answer)
            self.model.change_window(new)

    @precondition(lambda self: self.has_windows)
    @rule(pick=picks)
    def switch_window(self, pick: int) -> None:
        window = self.window(pick)
        word = "disable" if window.enabled else "enable"
        good(self.owner.post(f"{WINDOWS}/{window.calendar_id}/{word}"))
        self.model.change_window(replace(window, enabled=not window.enabled))

    @rule(pick=picks)
    def switch_service(self, pick: int) -> None:
        service = self.service(pick)
        assert service is not None
        name, active = self.model.services[service]
        good(self.owner.patch(f"/v1/services/{service}", {"active": not active}))
        self.model.services[service] = (name, not active)

    # Overrides.

    @precondition(lambda self: self.has_windows)
    @rule(pick=picks, offset=offsets, service=picks, changes=record_changes)
    def override_record(self, pick: int, offset: int, service: int, changes: dict[str, Any]) -> None:
        window, chosen = self.window(pick), self.service(service)
        at = (window.calendar_id, self.on(window, offset))
        served = self.model.served(self.model.rule(at), active_only=False)
        if chosen not in served:
            chosen = served[0] if served else None
        if chosen is None:
            return
        answer = self.owner.override(at[0], str(at[1]), chosen, **changes)
        if at not in self.model.records and not self.model.wants(*at):
            refused(answer, 404, "NOT_FOUND")
        elif changes.get("status") == "OPEN" and not self.model.rule(at).enabled:
            refused(answer, 409, "CONFLICT")
        else:
            shown = {"status": self.model.status(at, chosen), "max_slots": self.model.places(at, chosen)}
            self.model.override(at, chosen, shown, changes)
            data = good(answer)["data"]
            assert data["status"] == self.model.status(at, chosen)
            assert data["max_slots"] == self.model.places(at, chosen)

    @precondition(lambda self: self.has_windows)
    @rule(pick=picks, offset=offsets, changes=day_changes)
    def override_day(self, pick: int, offset: int, changes: dict[str, Any]) -> None:
        window = self.window(pick)
        at = (window.calendar_id, self.on(window, offset))
        listed = [slot for slot in self.model.availability(at[1]) if slot["calendar_id"] == at[0]]
        if not listed and any(who is not None for who in self.model.overrides.get(at, {})):
            return  # which numbers a closed slot of several limits shows is left open
        answer = self.owner.override(at[0], str(at[1]), **changes)
        if at not in self.model.records and not self.model.wants(*at):
            refused(answer, 404, "NOT_FOUND")
            return
        if answer.status_code == 409:  # as for a record: OPEN where a closure or the lack of a window speaks first
            assert changes.get("status") == "OPEN"
            assert not self.model.rule(at).enabled
            return
        places = self.model.places(at, None)
        own = {"status": self.model.status(at, None), "max_slots": places, "ai_slots": self.model.ai(at, places)}
        shown = listed[0] if listed else own | {"status": "CLOSED"}
        self.model.override(
            at, None, shown, {n: value for n, value in changes.items() if value is None or value != own[n]}
        )
        data = good(answer)["data"]
        for slot in self.model.availability(at[1]):
            if slot["calendar_id"] == at[0]:
                assert {name: data[name] for name in slot} == slot

    # Places.

    @precondition(lambda self: self.has_windows)
    @rule(pick=picks, offset=offsets, service=picks, channel=st.sampled_from(list(Channel)))
    def book(self, pick: int, offset: int, service: int, channel: Channel) -> None:
        window, chosen = self.window(pick), self.service(service)
        assert chosen is not None
        at = (window.calendar_id, self.on(window, offset))
        start = self.model.rule(at).start_time
        served = chosen in self.model.served(self.model.rule(at), active_only=True)
        who = (self.org_id, at[0], str(at[1]), chosen)
        if at not in self.model.records and not self.model.wants(*at):
            assert self.world.try_book(*who, wall_time=start, channel=channel) in ("NOT_FOUND", "OUTSIDE_AVAILABILITY")
        elif not served or self.model.status(at, chosen) == "CLOSED":
            assert self.world.try_book(*who, wall_time=start, channel=channel) == "OUTSIDE_AVAILABILITY"
        elif not self.model.takes(at, chosen, channel.value):
            assert self.world.try_book(*who, wall_time=start, channel=channel) == "SLOT_FULL"
        else:
            booked = self.world.book(*who, wall_time=start, channel=channel)
            self.model.touch(at)
            self.model.bookings[booked] = (at, False)

    @precondition(lambda self: self.model.bookings)
    @rule(pick=st.integers(0, 30))
    def cancel(self, pick: int) -> None:
        booked = list(self.model.bookings)[pick % len(self.model.bookings)]
        self.world.cancel(self.org_id, booked)
        self.model.bookings[booked] = (self.model.bookings[booked][0], True)

    @precondition(lambda self: self.model.records)
    @rule(pick=st.integers(0, 99), hours=st.integers(1, 60))
    def hold(self, pick: int, hours: int) -> None:
        at = sorted(self.model.records)[pick % len(self.model.records)]
        now, service = self.world.clock(), next(iter(self.model.services))
        expires_at = now + hours * 3_600_000
        direct.hold(self.world.path, self.org_id, at[0], str(at[1]), service, now=now, expires_at=expires_at)
        self.model.holds.append((at, expires_at))

    @rule(offset=offsets, days=st.integers(0, 3), branch=maybe(st.integers(0, 1)))
    def close_dates(self, offset: int, days: int, branch: int | None) -> None:
        first, last = FIRST + timedelta(offset), FIRST + timedelta(offset + days)
        chosen = None if branch is None else self.branches[branch]
        direct.closure(self.world.path, self.org_id, str(first), str(last), branch_id=chosen, now=self.world.clock())
        self.model.close(chosen, first, last)

    # Time and regenerate.

    @rule(hours=st.integers(1, 50))
    def advance(self, hours: int) -> None:
        self.world.clock.advance(hours=hours)
        self.pass_time()

    @rule(offset=offsets, days=st.integers(0, 20), dry=st.booleans())
    def regenerate(self, offset: int, days: int, dry: bool) -> None:
        first, last = FIRST + timedelta(offset), FIRST + timedelta(offset + days)
        body = {"date_from": str(first), "date_to": str(last)}
        planned = good(self.owner.post(REGENERATE, body | {"dry_run": True}))
        changes = planned.pop("changes")
        expected = (deepcopy(self.model) if dry else self.model).regenerate(first, last)
        assert planned == {"success": True} | expected
        assert planned["processed"] == planned["upserted"] + planned["skipped"] + planned["errors"]
        if not dry:
            assert good(self.owner.post(REGENERATE, body)) == planned, "the run counts as the dry run did"
            changes = good(self.owner.post(REGENERATE, body | {"dry_run": True}))["changes"]
            assert changes == [], "running it twice changes nothing the second time"

    # What must hold after every step.

    @invariant()
    def agree_on_everything_stored_and_on_some_dates(self) -> None:
        if hasattr(self, "model"):
            self.steps += 1
            self.agree([SPAN[0] + timedelta((self.steps * 7 + n) % 50) for n in range(7)])

    def agree(self, dates: list[date]) -> None:
        if not hasattr(self, "model"):
            return
        records = self.owner.records(str(SPAN[0]), str(SPAN[1] + timedelta(60)))
        expected = self.model.tracking(SPAN[0], SPAN[1] + timedelta(60))
        assert [json.dumps(one) for one in records] == [json.dumps(one) for one in expected]
        one_service = next(iter(self.model.services))
        for on in dates:
            for filters in ({}, {"service": one_service}):
                named = {"appointment_type_id": one_service} if filters else {}
                slots = self.owner.slots(str(on), **named)
                plain = [{name: value for name, value in slot.items() if not name.endswith("_at")} for slot in slots]
                assert plain == self.model.availability(on, **filters), on
        assert self.world.run(upkeep.check(self.world.db)) == []


@pytest.mark.timeout(1800)  # a failure is shrunk for minutes
def test_availability_tracking_and_regenerate_agree_with_the_model_after_any_history(
    new_world: Callable[[], World],
) -> None:
    rounds = hypothesis.settings().max_examples // 100  # 1, many in a soak
    History.new_world = staticmethod(new_world)  # type: ignore[method-assign]
    run_state_machine_as_test(
        History,
        settings=hypothesis.settings(
            max_examples=25 * rounds,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        ),
    )
