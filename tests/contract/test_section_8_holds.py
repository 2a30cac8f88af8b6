"""Contract section 8: holds, and the bookings that confirm them."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from slotkeeper.domain.access import Scope
from slotkeeper.domain.errors import RateLimitExceeded
from slotkeeper.domain.model import Channel
from slotkeeper.domain.slot_ids import parse_slot_id
from slotkeeper.operations import upkeep
from slotkeeper.operations.access import authenticate
from slotkeeper.operations.appointments import NewAppointment, book_appointment
from slotkeeper.operations.holds import NewHold, take_hold
from tests.world import APPOINTMENTS, MONDAY, WINDOWS, Cast, Client, World, good, millis, plus_days, refused

HOLDS = "/v1/holds"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
SHOWN = [
    "hold_id", "slot_id", "appointment_type", "branch_id", "date", "session", "batch", "start_time", "end_time",
    "channel", "expires_at", "created_at",
]  # fmt: skip


class Clinic:
    """One branch, one service, a window on Monday mornings with two places."""

    def __init__(self, world: World, owner: Client, cast: Cast) -> None:
        self.world, self.owner, self.org_id = world, owner, cast.owner_org
        self.branch = owner.branch("Main Street")
        self.service = owner.service("Checkup")
        self.window = owner.window(max_slots=2, batch_name="MA")
        self.staff = world.key(cast.owner_org, channel=Channel.STAFF)
        self.slot_id = f"{self.window}||{MONDAY}||{self.service}"

    def ask(self, client: Client | None = None, /, **fields: Any) -> Any:
        body = fields if "appointment_date" in fields else {"slot_id": self.slot_id} | fields
        return (client or self.owner).post(HOLDS, body)

    def hold(self, client: Client | None = None, /, **fields: Any) -> dict[str, Any]:
        return dict(good(self.ask(client, **fields), 201)["data"])

    def confirm(self, hold: dict[str, Any], client: Client | None = None, /, **fields: Any) -> Any:
        body = {"hold_id": hold["hold_id"], "patient_name": "Ada Lovelace", "parent_phone": "+49 151 7654321"}
        wanted = body | {"appointment_date": f"{MONDAY}T09:30:00Z"} | fields
        return (client or self.owner).post(APPOINTMENTS, {k: v for k, v in wanted.items() if v is not ...})

    def counts(self) -> tuple[int, int]:
        """Filled and available, as availability and tracking must agree to say."""
        (slot,) = [one for one in self.owner.slots() if one["calendar_id"] == self.window]
        (record,) = [one for one in self.owner.records() if one["calendar_id"] == self.window]
        assert slot["filled_slots"] == record["filled_slots"]
        assert slot["available_slots"] == record["available_slots"]
        assert self.world.run(upkeep.check(self.world.db)) == []
        return slot["filled_slots"], slot["available_slots"]


@pytest.fixture
def clinic(world: World, owner: Client, cast: Cast) -> Clinic:
    return Clinic(world, owner, cast)


def test_a_hold_has_exactly_its_keys_and_lasts_five_minutes_by_default(clinic: Clinic) -> None:
    hold = clinic.hold()
    assert list(hold) == SHOWN
    assert (hold["slot_id"], hold["date"], hold["channel"]) == (clinic.slot_id, MONDAY, "ai")
    assert (hold["created_at"], hold["expires_at"]) == ("2026-06-01T08:00:00.000Z", "2026-06-01T08:05:00.000Z")
    assert good(clinic.owner.get(f"{HOLDS}/{hold['hold_id']}"))["data"] == hold


def test_a_hold_takes_a_place_that_is_not_filled(clinic: Clinic) -> None:
    assert clinic.counts() == (0, 2)
    clinic.hold()
    assert clinic.counts() == (0, 1)
    clinic.hold(slot_id=f"{clinic.window}||{MONDAY}", appointment_type="checkup")
    assert clinic.counts() == (0, 0)
    refused(clinic.ask(), 409, "SLOT_FULL")


def test_a_hold_is_asked_for_as_a_booking_is_too(clinic: Clinic) -> None:
    wanted = {"appointment_type": "Checkup", "appointment_date": f"{MONDAY}T09:30:00Z", "batch": "MA"}
    hold = clinic.hold(**wanted)
    assert hold["slot_id"] == clinic.slot_id
    refused(clinic.ask(**wanted | {"appointment_date": f"{MONDAY}T12:30:00Z"}), 422, "OUTSIDE_AVAILABILITY")
    refused(clinic.owner.post(HOLDS, {"appointment_type": "Checkup"}), 400, "VALIDATION_ERROR")
    refused(clinic.ask(**wanted, slot_id=clinic.slot_id), 400, "VALIDATION_ERROR")
    booked = good(clinic.confirm(hold, appointment_date=...), 201)["data"]
    assert booked["date"] == MONDAY


def test_what_cannot_be_held_is_refused(clinic: Clinic) -> None:
    refused(clinic.ask(slot_id=f"{UNKNOWN}||{MONDAY}||{clinic.service}"), 404, "NOT_FOUND")
    refused(clinic.ask(slot_id=f"{clinic.window}||{MONDAY}||{UNKNOWN}"), 404, "NOT_FOUND")
    refused(clinic.ask(slot_id=f"{clinic.window}||{MONDAY}"), 400, "VALIDATION_ERROR")
    refused(clinic.ask(slot_id=clinic.slot_id.replace(MONDAY, plus_days(MONDAY, 1))), 422, "OUTSIDE_AVAILABILITY")
    refused(clinic.ask(slot_id=clinic.slot_id.replace(MONDAY, "2026-05-25")), 422, "OUTSIDE_AVAILABILITY")
    for seconds in (29, 901, "300"):
        refused(clinic.ask(ttl_seconds=seconds), 400, "VALIDATION_ERROR")
    good(clinic.owner.patch("/v1/appointment-config", {"max_advance_days": 1}))
    assert "max_advance_days" in refused(clinic.ask(), 422, "NOT_ALLOWED_BY_POLICY")["message"]
    assert clinic.counts() == (0, 2)


def test_a_hold_that_ran_out_counts_for_nothing_from_that_second_on(clinic: Clinic) -> None:
    holds = [clinic.hold(ttl_seconds=30), clinic.hold(ttl_seconds=30)]
    clinic.world.clock.advance(seconds=29.999)
    assert clinic.counts() == (0, 0)
    clinic.world.clock.advance(milliseconds=1)
    assert clinic.counts() == (0, 2)
    refused(clinic.owner.get(f"{HOLDS}/{holds[0]['hold_id']}"), 404, "NOT_FOUND")
    refused(clinic.confirm(holds[0]), 409, "HOLD_EXPIRED")
    clinic.hold()
    assert clinic.counts() == (0, 1)
    refused(clinic.confirm(holds[1]), 409, "HOLD_EXPIRED")


def test_a_hold_is_extended_up_to_900_seconds_after_its_first_moment(clinic: Clinic) -> None:
    path = f"{HOLDS}/{clinic.hold(ttl_seconds=60)['hold_id']}"
    clinic.world.clock.advance(seconds=50)
    assert good(clinic.owner.patch(path, {"ttl_seconds": 300}))["data"]["expires_at"] == "2026-06-01T08:05:50.000Z"
    assert good(clinic.owner.patch(path, {"ttl_seconds": 30}))["data"]["expires_at"] == "2026-06-01T08:01:20.000Z"
    assert good(clinic.owner.patch(path, {"ttl_seconds": 900}))["data"]["expires_at"] == "2026-06-01T08:15:00.000Z"
    clinic.world.clock.advance(seconds=850)
    assert clinic.counts() == (0, 2)
    refused(clinic.owner.patch(path, {"ttl_seconds": 30}), 409, "HOLD_EXPIRED")
    refused(clinic.owner.patch(f"{HOLDS}/{UNKNOWN}", {"ttl_seconds": 30}), 404, "NOT_FOUND")


def test_the_trail_says_when_a_hold_ends_as_the_interface_does(clinic: Clinic) -> None:
    hold = clinic.hold(ttl_seconds=60)
    good(clinic.owner.patch(f"{HOLDS}/{hold['hold_id']}", {"ttl_seconds": 90}))
    extended, taken = good(clinic.owner.get("/v1/audit", subject=hold["hold_id"]))["data"]
    assert taken["after"]["expires_at"] == hold["expires_at"] == "2026-06-01T08:01:00.000Z"
    assert extended["before"] == {"expires_at": "2026-06-01T08:01:00.000Z"}
    assert extended["after"] == {"expires_at": "2026-06-01T08:01:30.000Z"}


def test_a_shorter_end_is_seen_by_an_availability_that_was_kept(clinic: Clinic) -> None:
    hold = clinic.hold(ttl_seconds=900)
    assert clinic.counts() == (0, 1)
    good(clinic.owner.patch(f"{HOLDS}/{hold['hold_id']}", {"ttl_seconds": 30}))
    assert clinic.counts() == (0, 1)
    clinic.world.clock.advance(seconds=30)
    assert clinic.counts() == (0, 2)


def test_a_released_hold_gives_its_place_back_and_can_be_released_again(clinic: Clinic) -> None:
    hold = clinic.hold()
    for _ in range(2):
        assert good(clinic.owner.request("DELETE", f"{HOLDS}/{hold['hold_id']}")) == {"success": True}
    assert clinic.counts() == (0, 2)
    refused(clinic.confirm(hold), 409, "HOLD_EXPIRED")
    refused(clinic.owner.request("DELETE", f"{HOLDS}/monday"), 400, "VALIDATION_ERROR")


def test_confirming_a_hold_keeps_the_sum(clinic: Clinic) -> None:
    hold = clinic.hold()
    clinic.hold()
    booked = good(clinic.confirm(hold), 201)["data"]
    assert (booked["appointment_type"], booked["batch"]) == (clinic.service, "MA")
    assert clinic.counts() == (1, 0)
    refused(clinic.confirm(hold, patient_name="Grace Hopper"), 409, "HOLD_EXPIRED")
    refused(clinic.confirm({"hold_id": UNKNOWN}), 404, "NOT_FOUND")
    assert clinic.counts() == (1, 0)


def test_what_a_booking_says_must_be_what_its_hold_says(clinic: Clinic) -> None:
    other = clinic.owner.service("Vaccination")
    hold = clinic.hold()
    for wrong in (
        {"appointment_date": f"{MONDAY}T11:00:00Z"},
        {"appointment_date": f"{plus_days(MONDAY, 7)}T09:30:00Z"},
        {"appointment_date": ...},
        {"appointment_type": other},
        {"session": "Evening"},
        {"batch": "MB"},
        {"branch_id": UNKNOWN},
    ):
        refused(clinic.confirm(hold, **wrong), 400, "VALIDATION_ERROR")
    good(clinic.confirm(hold, appointment_type="CHECKUP", session="morning", batch="MA", branch_id=clinic.branch), 201)


def test_a_live_hold_is_a_promise_against_lowered_limits_and_booking_rules(clinic: Clinic) -> None:
    hold = clinic.hold(ttl_seconds=900)
    good(clinic.owner.override(clinic.window, MONDAY, max_slots=0))
    good(clinic.owner.patch("/v1/appointment-config", {"min_notice_hours": 8_000, "max_advance_days": 0}))
    refused(clinic.ask(), 422, "NOT_ALLOWED_BY_POLICY")
    good(clinic.confirm(hold), 201)
    assert clinic.counts() == (1, 0)


@pytest.mark.parametrize("closing", ["closure", "day", "record", "window"])
def test_a_hold_is_no_promise_against_closing_and_stays_until_it_is_open_again(clinic: Clinic, closing: str) -> None:
    hold = clinic.hold(ttl_seconds=900)
    closure = ""
    if closing == "closure":
        body = {"date_from": MONDAY, "reason": "Closed"}
        closure = good(clinic.owner.post("/v1/closures", body), 201)["data"]["closure_id"]
    elif closing == "window":
        good(clinic.owner.post(f"{WINDOWS}/{clinic.window}/disable"))
    else:
        good(
            clinic.owner.override(
                clinic.window, MONDAY, *([clinic.service] if closing == "record" else []), status="CLOSED"
            )
        )
    refused(clinic.confirm(hold), 422, "OUTSIDE_AVAILABILITY")
    assert good(clinic.owner.get(f"{HOLDS}/{hold['hold_id']}"))["data"] == hold
    if closing == "closure":
        good(clinic.owner.request("DELETE", f"/v1/closures/{closure}"))
    elif closing == "window":
        good(clinic.owner.post(f"{WINDOWS}/{clinic.window}/enable"))
    else:
        good(
            clinic.owner.override(
                clinic.window, MONDAY, *([clinic.service] if closing == "record" else []), status=None
            )
        )
    good(clinic.confirm(hold), 201)
    assert clinic.counts() == (1, 1)


def test_a_duplicate_leaves_the_hold(clinic: Clinic) -> None:
    good(clinic.confirm(clinic.hold()), 201)
    hold = clinic.hold()
    refused(clinic.confirm(hold), 409, "DUPLICATE_BOOKING")
    assert clinic.counts() == (1, 0)
    good(clinic.confirm(hold, patient_name="Grace Hopper"), 201)
    assert clinic.counts() == (2, 0)


def test_the_ai_channel_holds_and_confirms_within_its_own_limit(clinic: Clinic) -> None:
    good(clinic.owner.patch(f"{WINDOWS}/{clinic.window}", {"ai_slots": 1}))
    clinic.hold()
    refused(clinic.ask(), 409, "SLOT_FULL")
    staffs = clinic.hold(clinic.staff)
    assert staffs["channel"] == "staff"
    refused(clinic.confirm(staffs), 409, "CONFLICT")
    good(clinic.confirm(staffs, clinic.staff), 201)


def test_a_key_keeps_at_most_20_live_holds(clinic: Clinic) -> None:
    good(clinic.owner.patch(f"{WINDOWS}/{clinic.window}", {"max_slots": 50}))
    first = clinic.hold(ttl_seconds=30)
    for _ in range(19):
        clinic.hold()
    answer = clinic.ask()
    assert "20" in refused(answer, 429, "RATE_LIMIT_EXCEEDED")["message"]
    assert answer.headers["retry-after"] == "30"
    clinic.hold(clinic.staff)
    clinic.world.clock.advance(seconds=30)
    clinic.hold()
    refused(clinic.ask(), 429, "RATE_LIMIT_EXCEEDED")
    assert first["hold_id"]


def test_a_hold_that_was_for_a_time_still_to_come_is_confirmed_a_little_later(clinic: Clinic) -> None:
    clinic.world.clock.set(f"{MONDAY}T09:29:00Z")
    hold = clinic.hold()
    clinic.world.clock.set(f"{MONDAY}T09:31:00Z")
    refused(clinic.confirm(hold, appointment_date=f"{MONDAY}T09:28:00Z"), 422, "OUTSIDE_AVAILABILITY")
    good(clinic.confirm(hold), 201)


def test_holds_need_their_scope_and_are_their_organizations_own(
    clinic: Clinic, outsider: Client, colleague: Client
) -> None:
    hold = clinic.hold()
    path = f"{HOLDS}/{hold['hold_id']}"
    refused(clinic.ask(colleague), 403, "INSUFFICIENT_SCOPE")
    refused(clinic.world.key(clinic.org_id, [Scope.SLOTS_WRITE]).get(path), 403, "INSUFFICIENT_SCOPE")
    refused(outsider.get(path), 404, "NOT_FOUND")
    refused(outsider.patch(path, {"ttl_seconds": 60}), 404, "NOT_FOUND")
    good(outsider.request("DELETE", path))
    assert good(clinic.owner.get(path))["data"] == hold


def test_a_hold_beyond_the_horizon_makes_its_record_and_a_refused_one_does_not(clinic: Clinic) -> None:
    far = plus_days(MONDAY, 7 * 50)
    assert clinic.owner.records(far) == []
    good(clinic.owner.patch(f"{WINDOWS}/{clinic.window}", {"ai_slots": 0}))
    refused(clinic.ask(slot_id=clinic.slot_id.replace(MONDAY, far)), 409, "SLOT_FULL")
    assert clinic.owner.records(far) == []
    clinic.hold(clinic.staff, slot_id=clinic.slot_id.replace(MONDAY, far))
    (record,) = clinic.owner.records(far)
    assert (record["filled_slots"], record["available_slots"]) == (0, 1)


def test_a_hold_that_is_confirmed_makes_room_for_another_at_the_same_moment(clinic: Clinic) -> None:
    good(clinic.owner.patch(f"{WINDOWS}/{clinic.window}", {"max_slots": 50}))
    held = [clinic.hold() for _ in range(20)]
    refused(clinic.ask(), 429, "RATE_LIMIT_EXCEEDED")
    line, world = clinic.world.app_line(), clinic.world
    assert clinic.owner.key is not None
    caller = world.run(authenticate(world.db, clinic.owner.key, now=world.clock()))
    slot_id = parse_slot_id(clinic.slot_id, parts=(3,))
    grace = NewAppointment(clinic.service, millis(f"{MONDAY}T09:30:00Z"), "Grace", "+49 151 7654321")
    ada = NewAppointment(None, grace.instant, "Ada", "+49 151 7654321", hold_id=held[0]["hold_id"])

    async def all_at_once() -> Sequence[Any]:
        return await asyncio.gather(  # in this order they come into the line, and the others wait for the first
            book_appointment(line, caller, grace, now=world.clock()),
            book_appointment(line, caller, ada, now=world.clock()),
            take_hold(line, caller, NewHold(300, slot_id), now=world.clock()),
            take_hold(line, caller, NewHold(300, slot_id), now=world.clock()),
            return_exceptions=True,
        )

    *done, refusal = world.run(all_at_once())
    assert [isinstance(one, Exception) for one in done] == [False, False, False]
    assert isinstance(refusal, RateLimitExceeded)
