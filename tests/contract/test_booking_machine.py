"""Bookings, holds, overrides, closures, windows and rules in any order: the interface does what the model says."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, NamedTuple

import httpx
import pytest
from hypothesis import HealthCheck, settings
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
from tests.contract.booking_model import Booked, Clinic, Held, Window, day_of
from tests.world import APPOINTMENTS, REGENERATE, WINDOWS, Client, World, good

FIRST = date(2026, 6, 1)  # a Monday, and the clock's first day
DATES = [FIRST + timedelta(days=days) for days in (0, 1, 7, 8, 364)]
TIMES = ["09:00", "09:59", "10:00", "11:30"]
PEOPLE = ["Ada", "Grace", "Alan"]
PHONE = "+49 151 7654321"
PLACES = st.one_of(st.none(), st.integers(0, 2))
channels = st.sampled_from(["ai", "staff"])
dates, times, people = st.sampled_from(DATES), st.sampled_from(TIMES), st.sampled_from(PEOPLE)
ends = st.sampled_from([0, 1])


class Sent(NamedTuple):
    """A POST that had an effect, to be sent again."""

    channel: str
    path: str
    body: dict[str, Any]
    key: str
    at: int
    answer: httpx.Response


class Machine(RuleBasedStateMachine):
    """Drives the interface and the model side by side."""

    new_world: Callable[[], World]
    prepared: Any

    @initialize()
    def start(self) -> None:
        self.world = type(self).new_world()
        org_id = type(self).prepared.cast.owner_org
        self.clients = {"ai": Client(self.world, type(self).prepared.cast.owner)}
        self.clients["staff"] = self.world.key(org_id, channel=Channel.STAFF)
        self.owner = self.clients["ai"]
        self.owner.branch("Main Street")
        self.model = Clinic(self.world.clock())
        self.model.services = [self.owner.service(name) for name in ("Checkup", "Vaccination")]
        for weekday, start, end, limit, ai, service in (
            (0, "09:00", "10:00", 1, None, None),
            (0, "09:30", "12:00", 2, 1, None),
            (1, "09:00", "12:00", 1, None, self.model.services[0]),
            (1, "09:00", "12:00", 2, 1, None),
        ):
            self.add(Window(weekday, start, end, limit, ai, service))
        self.sent: list[Sent] = []

    def add(self, one: Window) -> None:
        fields = {"day": ["monday", "tuesday"][one.weekday], "start_time": one.start, "end_time": one.end}
        more = {"batch_name": f"W{len(self.model.windows)}", "max_slots": one.limit}
        optional = {"ai_slots": one.ai, "appointment_type_id": one.service}
        given = {name: value for name, value in optional.items() if value is not None}
        self.model.windows[self.owner.window(**fields, **more, **given)] = one

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.close()

    def post(self, channel: str, path: str, body: dict[str, Any]) -> httpx.Response:
        key = f"key {len(self.sent)} {self.model.now}"
        answer = self.clients[channel].request("POST", path, json=body, headers={"idempotency-key": key})
        if answer.is_success:
            self.sent.append(Sent(channel, path, body, key, self.model.now, answer))
        return answer

    def service(self, place: int) -> str:
        return self.model.services[place % len(self.model.services)]

    def window(self, place: int) -> str:
        return list(self.model.windows)[place % len(self.model.windows)]

    @rule(on=dates, time=times, place=ends, person=people, channel=channels)
    def book(self, on: date, time: str, place: int, person: str, channel: str) -> None:
        service = self.service(place)
        expected = self.model.book(on, time, service, person, channel)
        body = {"appointment_type": service, "appointment_date": f"{on}T{time}:00Z", "patient_name": person}
        answer = self.post(channel, f"{APPOINTMENTS}?expand=slot", body | {"parent_phone": PHONE})
        if isinstance(expected, str):
            data = good(answer, 201)["data"]
            assert data["slot_id"] == f"{expected}||{on}||{service}"
            self.model.booked[data["appointment_id"]] = Booked(expected, on, time, service, person)
        else:
            assert outcome(answer) == expected

    @precondition(lambda self: self.model.booked)
    @rule(place=st.integers(0, 9), channel=channels, status=st.sampled_from(["cancelled", "completed", "confirmed"]))
    def step(self, place: int, channel: str, status: str) -> None:
        key = list(self.model.booked)[place % len(self.model.booked)]
        one, model = self.model.booked[key], self.model
        answer = self.clients[channel].patch(f"{APPOINTMENTS}/{key}?expand=slot", {"status": status})
        chosen: str | tuple[int, str] = one.window
        if one.status == "cancelled" and status == "confirmed":
            chosen = self.again(key, one, channel)
        elif one.status == "cancelled" and status == "completed":
            chosen = (409, "CONFLICT")
        elif one.status in ("cancelled", status):
            status = one.status
        elif one.status == "completed" and status == "confirmed" and instant_is_duplicate(model, key, one):
            chosen = (409, "DUPLICATE_BOOKING")
        if isinstance(chosen, tuple):
            assert outcome(answer) == chosen
        else:
            data = good(answer)["data"]
            assert (data["status"], data["slot_id"].partition("||")[0]) == (status, chosen)
            one.status, one.window = status, chosen

    def again(self, key: str, one: Booked, channel: str) -> str | tuple[int, str]:
        """What confirming a cancelled one comes to: as a booking, its own window first."""
        model = self.model
        at = when(one.on, one.time)
        late = model.when(at, one.on, channel)
        if late is not None:
            return late
        if model.is_duplicate(one.patient, one.service, besides=key):
            return 409, "DUPLICATE_BOOKING"
        return self.choose_as(one, one.on, one.time, channel)

    def choose_as(self, one: Booked, on: date, time: str, channel: str) -> str | tuple[int, str]:
        """The window for an appointment of one session and batch: only its own has that batch."""
        model, window = self.model, self.model.windows[one.window]
        if not window.start <= time < window.end or not model.is_open(one.window, on, one.service):
            return 422, "OUTSIDE_AVAILABILITY"
        stays = on == one.on and one.status != "cancelled"
        if stays or model.left(one.window, on, one.service, channel):
            return one.window
        return 409, "SLOT_FULL"

    @precondition(lambda self: self.model.booked)
    @rule(place=st.integers(0, 9), on=dates, time=times, channel=channels)
    def move(self, place: int, on: date, time: str, channel: str) -> None:
        key = list(self.model.booked)[place % len(self.model.booked)]
        one, model = self.model.booked[key], self.model
        if (on, time) == (one.on, one.time):
            return
        answer = self.clients[channel].patch(f"{APPOINTMENTS}/{key}", {"appointment_date": f"{on}T{time}:00Z"})
        late = model.when(when(on, time), on, channel)
        standing = one.status in ("confirmed", "rescheduled") and when(one.on, one.time) >= model.now
        if one.status in ("cancelled", "completed"):
            expected: str | tuple[int, str] = (409, "CONFLICT")
        elif late is not None:
            expected = late
        elif not standing and model.is_duplicate(one.patient, one.service, besides=key):
            expected = (409, "DUPLICATE_BOOKING")
        else:
            expected = self.choose_as(one, on, time, channel)
        if isinstance(expected, tuple):
            assert outcome(answer) == expected
        else:
            assert good(answer)["data"]["status"] == "rescheduled"
            one.on, one.time, one.status = on, time, "rescheduled"

    @rule(on=dates, place=st.integers(0, 3), which=ends, channel=channels, ttl=st.sampled_from([30, 300, 900]))
    def hold(self, on: date, place: int, which: int, channel: str, ttl: int) -> None:
        window, service = self.window(place), self.service(which)
        expected = self.model.hold(window, on, service, channel)
        answer = self.post(channel, "/v1/holds", {"slot_id": f"{window}||{on}||{service}", "ttl_seconds": ttl})
        if expected is not None:
            assert outcome(answer) == expected
            return
        now = self.model.now
        hold = good(answer, 201)["data"]
        self.model.holds[hold["hold_id"]] = Held(window, on, service, channel, now, now + ttl * 1000)

    @precondition(lambda self: self.model.holds)
    @rule(place=st.integers(0, 9), time=times, person=people, channel=channels)
    def confirm(self, place: int, time: str, person: str, channel: str) -> None:
        key = list(self.model.holds)[place % len(self.model.holds)]
        one = self.model.holds[key]
        expected = self.model.confirm(key, time, person, channel)
        body = {"hold_id": key, "appointment_date": f"{one.on}T{time}:00Z", "patient_name": person}
        answer = self.post(channel, APPOINTMENTS, body | {"parent_phone": PHONE})
        if expected is not None:
            assert outcome(answer) == expected
            return
        appointment_id = good(answer, 201)["appointment_id"]
        self.model.booked[appointment_id] = Booked(one.window, one.on, time, one.service, person)
        one.ends = 0

    @precondition(lambda self: self.model.holds)
    @rule(place=st.integers(0, 9), ttl=st.sampled_from([None, 30, 900]))
    def release_or_extend(self, place: int, ttl: int | None) -> None:
        key = list(self.model.holds)[place % len(self.model.holds)]
        one = self.model.holds[key]
        if ttl is None:
            good(self.owner.request("DELETE", f"/v1/holds/{key}"))
            one.ends = 0
            return
        answer = self.owner.patch(f"/v1/holds/{key}", {"ttl_seconds": ttl})
        if one.ends <= self.model.now:
            assert outcome(answer) == (409, "HOLD_EXPIRED")
        else:
            good(answer)
            one.ends = min(self.model.now + ttl * 1000, one.made + 900_000)

    @rule(seconds=st.sampled_from([29, 30, 271, 3_600, 90_000]))
    def wait(self, seconds: int) -> None:
        self.world.clock.advance(seconds=seconds)
        self.model.now = self.world.clock()

    @rule(on=dates, place=st.integers(0, 3), which=st.sampled_from([None, 0, 1]), places=PLACES, ai=PLACES,
          status=st.sampled_from([None, "OPEN", "CLOSED"]))  # fmt: skip
    def override(
        self, on: date, place: int, which: int | None, places: int | None, ai: int | None, status: str | None
    ) -> None:
        window, model = self.window(place), self.model
        service = None if which is None else self.service(which)
        changes: dict[str, object] = {"max_slots": places, "status": status}
        if service is None:
            changes["ai_slots"] = ai
        parts = () if service is None else (service,)
        answer = self.owner.override(window, on.isoformat(), *parts, **changes)
        if answer.status_code == 404:
            one = model.windows[window]
            assert on.weekday() != one.weekday or not one.enabled or one.service not in (None, service)
        elif answer.status_code == 409:
            closed = any(first <= on <= last for first, last in model.closures.values())
            assert status == "OPEN"
            assert closed or not model.windows[window].enabled or model.windows[window].weekday != on.weekday()
        else:
            good(answer)
            own = dict(model.overrides.get((window, on, service), {}))
            # What says what holds already has no effect, unless this override says otherwise.
            for name, value in changes.items():
                if value is None or own.get(name) is not None or value != self.holds_already(window, on, service, name):
                    own[name] = value
            model.overrides[window, on, service] = own

    def holds_already(self, window: str, on: date, service: str | None, name: str) -> object:
        """What the window says, in all that the window-date's own override does not speak of."""
        if service is not None and self.model.override(window, on, None, name) is not None:
            return None
        one = self.model.windows[window]
        return {"status": "OPEN", "max_slots": one.limit, "ai_slots": one.ai}[name]

    @rule(on=dates, days=st.sampled_from([0, 7]))
    def close(self, on: date, days: int) -> None:
        last = on + timedelta(days=days)
        answer = self.post("staff", "/v1/closures", {"date_from": str(on), "date_to": str(last), "reason": "Closed"})
        self.model.closures[good(answer, 201)["data"]["closure_id"]] = (on, last)

    @precondition(lambda self: self.model.closures)
    @rule(place=st.integers(0, 9))
    def reopen(self, place: int) -> None:
        key = list(self.model.closures)[place % len(self.model.closures)]
        good(self.owner.request("DELETE", f"/v1/closures/{key}"))
        del self.model.closures[key]

    @rule(place=st.integers(0, 3), enabled=st.booleans())
    def set_enabled(self, place: int, enabled: bool) -> None:
        window = self.window(place)
        good(self.owner.post(f"{WINDOWS}/{window}/{'enable' if enabled else 'disable'}"))
        self.model.windows[window].enabled = enabled

    @rule(place=st.integers(0, 3), limit=st.integers(1, 3))
    def change_limit(self, place: int, limit: int) -> None:
        window = self.window(place)
        good(self.owner.patch(f"{WINDOWS}/{window}", {"max_slots": limit, "ai_slots": None}))
        self.model.windows[window].limit, self.model.windows[window].ai = limit, None

    @rule(on=dates)
    def regenerate(self, on: date) -> None:
        good(self.owner.post(REGENERATE, {"date_from": str(on)}))

    @rule(
        changes=st.fixed_dictionaries(
            {},
            optional={
                "min_notice_hours": st.sampled_from([0, 2]),
                "max_advance_days": st.sampled_from([None, 7]),
                "allow_duplicate_booking": st.booleans(),
            },
        ).filter(bool)
    )
    def rules_change(self, changes: dict[str, object]) -> None:
        good(self.owner.patch("/v1/appointment-config", changes))
        self.model.rules |= changes

    @precondition(lambda self: self.sent)
    @rule(place=st.integers(0, 99))
    def send_again(self, place: int) -> None:
        one = self.sent[place % len(self.sent)]
        if self.model.now - one.at >= 86_400_000:
            return
        headers = {"idempotency-key": one.key}
        answer = self.clients[one.channel].request("POST", one.path, json=one.body, headers=headers)
        assert (answer.status_code, answer.content) == (one.answer.status_code, one.answer.content)
        assert answer.headers["idempotent-replay"] == "true"

    @invariant()
    def every_number_is_the_models(self) -> None:
        if not hasattr(self, "world"):
            return
        assert self.world.run(upkeep.check(self.world.db)) == []
        for on in DATES:
            self.compare_tracking(on)
            self.compare_openings(on)

    def compare_tracking(self, on: date) -> None:
        model = self.model
        if on < day_of(model.now):
            return  # past records stay as they were
        for record in self.owner.records(on.isoformat()):
            window, service = record["calendar_id"], record["appointment_type_id"]
            places = model.limit(window, on, service, "staff")
            left = model.left(window, on, service, "staff")
            shown = (record["max_slots"], record["filled_slots"], record["available_slots"], record["status"])
            status = "OPEN" if model.is_open(window, on, service) else "CLOSED"
            if model.windows[window].enabled:
                assert shown == (places, model.filled(window, on), left, status), record
            else:  # what is left of a window that is disabled keeps the limits that it had
                assert (shown[1], shown[3]) == (model.filled(window, on), "CLOSED"), record

    def compare_openings(self, on: date) -> None:
        """What is offered is what the model would book some moment of, for each channel; explain says the same."""
        model = self.model
        for channel, client in self.clients.items():
            answer = client.get(f"{WINDOWS}/next-available", **{"from": on.isoformat()}, days=1, limit=50)
            offered = {
                (one["calendar_id"], one["appointment_type"]): one["available_slots"] for one in good(answer)["data"]
            }
            expected = {
                (window, service): model.left(window, on, service, channel)
                for window in model.windows
                for service in model.services
                if model.hold(window, on, service, channel) is None
            }
            assert offered == expected
            for service in model.services:
                said = good(client.get(f"{WINDOWS}/explain", date=on.isoformat(), appointment_type=service))
                assert said["bookable"] == any(of == service for _, of in expected)


def when(on: date, time: str) -> int:
    from tests.contract.booking_model import instant_of  # noqa: PLC0415

    return instant_of(on, time)


def instant_is_duplicate(model: Clinic, key: str, one: Booked) -> bool:
    return when(one.on, one.time) >= model.now and model.is_duplicate(one.patient, one.service, besides=key)


def outcome(answer: httpx.Response) -> tuple[int, str]:
    assert answer.status_code >= 400, answer.text
    return answer.status_code, answer.json()["error"]["code"]


@pytest.mark.slow
@pytest.mark.timeout(1800)  # a failure is shrunk for minutes
def test_whatever_is_done_in_whatever_order_the_interface_does_what_the_model_says(
    new_world: Callable[[], World], prepared: Any, rounds: Callable[[int], int]
) -> None:
    Machine.new_world, Machine.prepared = staticmethod(new_world), prepared
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=rounds(20), stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
