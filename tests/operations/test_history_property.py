"""Any history of changes, and after each step the interface agrees with the model (tests/model.py).

Window changes, overrides, services switched on and off, bookings, cancellations, holds, closures,
regenerates and the passing of days, in any order; then availability, tracking, the counters of
regenerate and the recount are compared with what a page of plain code says.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule, run_state_machine_as_test

from slotkeeper.domain.model import Channel
from slotkeeper.operations import upkeep
from tests import direct
from tests.operations.history import FIRST, SPAN, Changes, offsets, picks
from tests.world import REGENERATE, World, good


class History(Changes):
    """What happens to places and as time goes by, and what must hold after every step."""

    def teardown(self) -> None:
        try:
            self.agree([SPAN[0] + timedelta(n) for n in range((SPAN[1] - SPAN[0]).days)])
        finally:
            self.world.close()

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
        is_past = self.world.instant(self.org_id, at[0], str(at[1]), start) < self.world.clock()
        is_there = at in self.model.records or self.model.wants(*at)
        if is_past or not is_there or not served or self.model.status(at, chosen) == "CLOSED":
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
        direct.hold(self.world.url, self.org_id, at[0], str(at[1]), service, now=now, expires_at=expires_at)
        self.model.holds.append((at, expires_at))

    @rule(offset=offsets, days=st.integers(0, 3), branch=st.none() | st.integers(0, 1))
    def close_dates(self, offset: int, days: int, branch: int | None) -> None:
        first, last = FIRST + timedelta(offset), FIRST + timedelta(offset + days)
        chosen = None if branch is None else self.branches[branch]
        direct.closure(self.world.url, self.org_id, str(first), str(last), branch_id=chosen, now=self.world.clock())
        self.model.close(chosen, first, last)

    # Time and regenerate.

    @rule(days=st.integers(0, 20))
    def change_horizon(self, days: int) -> None:
        good(self.owner.patch("/v1/appointment-config", {"horizon_days": days}))
        if days != self.model.horizon:
            self.model.horizon = days
            self.reproject()

    @rule(zone=st.sampled_from(["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata"]))
    def change_zone(self, zone: str) -> None:
        if zone != self.zone.key:
            good(self.owner.patch("/v1/appointment-config", {"timezone": zone}))
            self.zone = ZoneInfo(zone)
            self.model.today = self.local().date()
            self.reproject()

    def reproject(self) -> None:
        """Another zone or horizon brings all records from today on in line, as a change of every window would."""
        for window in self.model.windows.values():
            self.model.change_window(window)

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
    History.new_world = staticmethod(new_world)
    run_state_machine_as_test(
        History,
        settings=hypothesis.settings(
            max_examples=25 * rounds,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        ),
    )
