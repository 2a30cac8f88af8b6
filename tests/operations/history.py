"""What people change about a clinic, in any order, told to Slotkeeper and to the model."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
)

from tests.model import DAYS, Model, Rule
from tests.world import WINDOWS, Client, World, good, refused

FIRST = date(2026, 6, 1)
SPAN = (FIRST - timedelta(9), FIRST + timedelta(40))
TIMES = [("09:00", "11:00"), ("09:00", "10:00"), ("13:30", "17:00")]

picks = st.integers(0, 11)
offsets = st.integers(-7, 26)
few = st.integers(0, 4)
windows_changes = st.fixed_dictionaries(
    {},
    optional={
        "day": st.sampled_from(DAYS), "session": st.sampled_from(["Morning", "Evening"]),
        "times": st.sampled_from(TIMES),
        "max_slots": st.integers(1, 4), "ai_slots": (st.none() | few), "batch_name": st.sampled_from([None, "MA", "b"]),
        "service": (st.none() | picks),
    },
).filter(bool)  # fmt: skip
record_changes = st.fixed_dictionaries(
    {}, optional={"status": st.sampled_from(["OPEN", "CLOSED", None]), "max_slots": (st.none() | few)}
).filter(bool)
day_changes = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["OPEN", "CLOSED", None]),
        "max_slots": (st.none() | few),
        "ai_slots": (st.none() | few),
    },
).filter(bool)


def place(window: Rule) -> tuple[str | None, ...]:
    """What no two windows of an organization may have in common."""
    return (window.branch_id, window.day, window.session, window.batch, window.service_id)


class Changes(RuleBasedStateMachine):
    """One clinic with two branches; the interface on one side, the model on the other; what people change."""

    new_world: Callable[[], World]

    def __init__(self) -> None:
        super().__init__()
        self.world = type(self).new_world()
        self.steps = 0

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
        others = [one for one in self.model.windows.values() if one.calendar_id != window.calendar_id]
        return place(window) in map(place, others)

    @property
    def has_windows(self) -> bool:
        return bool(self.model.windows)

    @staticmethod
    def shown(answer: list[dict[str, Any]], at: tuple[str, date]) -> dict[str, Any]:
        """What the interface shows of a window-date, to be sent back; nothing where it shows none."""
        return next((one for one in answer if one["calendar_id"] == at[0]), {})

    # Windows and services.

    @rule(branch=st.integers(0, 1), day=st.sampled_from(DAYS), times=st.sampled_from(TIMES), places=st.integers(1, 4),
          ai=(st.none() | few), batch=st.sampled_from([None, "MA", "é"]), service=(st.none() | picks))  # fmt: skip
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
    @rule(pick=picks, offset=offsets, service=picks, changes=record_changes, whole=st.booleans())
    def override_record(self, pick: int, offset: int, service: int, changes: dict[str, Any], whole: bool) -> None:
        window, chosen = self.window(pick), self.service(service)
        at = (window.calendar_id, self.on(window, offset))
        served = self.model.served(self.model.rule(at), active_only=False)
        if chosen not in served:
            chosen = served[0] if served else None
        if chosen is None:
            return
        shown = self.shown(self.model.tracking(at[1], at[1], service=chosen), at) if whole else {}
        answer = self.owner.override(at[0], str(at[1]), chosen, **(shown | changes))
        if at not in self.model.records and not self.model.wants(*at):
            refused(answer, 404, "NOT_FOUND")
        elif changes.get("status") == "OPEN" and not self.model.rule(at).enabled:
            refused(answer, 409, "CONFLICT")
        else:
            self.model.override(at, chosen, changes, sent_back=shown)
            data = good(answer)["data"]
            assert data["status"] == self.model.status(at, chosen)
            assert data["max_slots"] == self.model.places(at, chosen)

    @precondition(lambda self: self.has_windows)
    @rule(pick=picks, offset=offsets, changes=day_changes, whole=st.booleans())
    def override_day(self, pick: int, offset: int, changes: dict[str, Any], whole: bool) -> None:
        window = self.window(pick)
        at = (window.calendar_id, self.on(window, offset))
        shown = self.shown(self.model.availability(at[1]), at) if whole else {}
        answer = self.owner.override(at[0], str(at[1]), **(shown | changes))
        if at not in self.model.records and not self.model.wants(*at):
            refused(answer, 404, "NOT_FOUND")
            return
        if answer.status_code == 409:  # as for a record: OPEN where a closure or the lack of a window speaks first
            assert changes.get("status") == "OPEN"
            assert not self.model.rule(at).enabled
            return
        self.model.override(at, None, changes, sent_back=shown)
        data = good(answer)["data"]
        for slot in self.model.availability(at[1]):
            if slot["calendar_id"] == at[0]:
                assert {name: data[name] for name in slot} == slot
