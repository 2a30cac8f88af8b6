"""Contract section 2, sentence by sentence, through the running interface."""

import asyncio
from typing import Any

import pytest

from slotkeeper.domain.model import Channel
from slotkeeper.operations import upkeep
from tests import direct
from tests.world import MONDAY, Cast, Client, World, good, refused

AI, STAFF = Channel.AI, Channel.STAFF


class Clinic:
    """A branch, two services and the page's window: 20 places, 10 of them for ``ai``."""

    def __init__(self, world: World, owner: Client, org_id: str) -> None:
        self.world, self.owner, self.org_id = world, owner, org_id
        self.branch = owner.branch("Main Street")
        self.checkup, self.vaccination = owner.service("Checkup"), owner.service("Vaccination")
        self.window = owner.window(ai_slots=10, batch_name="MA")

    def book(
        self, service: str | None = None, channel: Channel = STAFF, *, times: int = 1, on: str = MONDAY
    ) -> list[str]:
        return [
            self.world.book(self.org_id, self.window, on, service or self.checkup, channel=channel)
            for _ in range(times)
        ]

    def try_book(self, service: str | None = None, channel: Channel = STAFF) -> str:
        return self.world.try_book(self.org_id, self.window, MONDAY, service or self.checkup, channel=channel)

    def hold(self, *, seconds: int) -> str:
        now = self.world.clock()
        return direct.hold(
            self.world.url, self.org_id, self.window, MONDAY, self.checkup, now=now, expires_at=now + seconds * 1000
        )

    def slot(self) -> dict[str, Any]:
        (slot,) = self.owner.slots(MONDAY)
        return slot

    def record(self, service: str | None = None) -> dict[str, Any]:
        (record,) = self.owner.records(MONDAY, appointment_type_id=service or self.checkup)
        return record


@pytest.fixture
def clinic(world: World, owner: Client, cast: Cast) -> Clinic:
    return Clinic(world, owner, cast.owner_org)


def test_filled_counts_appointments_whatever_their_service_or_channel(clinic: Clinic) -> None:
    clinic.book(clinic.checkup, AI)
    clinic.book(clinic.vaccination, STAFF)
    assert clinic.slot()["filled_slots"] == 2
    assert clinic.record(clinic.checkup)["filled_slots"] == 2
    assert clinic.record(clinic.vaccination)["filled_slots"] == 2


@pytest.mark.parametrize("status", ["confirmed", "rescheduled", "completed"])
def test_appointments_of_every_status_but_cancelled_are_filled(clinic: Clinic, status: str) -> None:
    (booked,) = clinic.book()
    direct.set_status(clinic.world.url, clinic.org_id, booked, status)
    clinic.owner.regenerate(MONDAY)
    assert clinic.slot()["filled_slots"] == 1


def test_with_a_limit_of_5_for_vaccination_it_closes_once_five_places_are_taken_by_anybody(clinic: Clinic) -> None:
    good(clinic.owner.override(clinic.window, MONDAY, clinic.vaccination, max_slots=5))
    clinic.book(clinic.checkup, times=5)
    assert clinic.try_book(clinic.vaccination) == "SLOT_FULL"
    assert clinic.try_book(clinic.checkup) == "BOOKED"
    assert clinic.record(clinic.vaccination)["available_slots"] == 0


def test_the_ai_channel_is_limited_by_ai_slots_and_staff_by_max_slots(clinic: Clinic) -> None:
    clinic.book(channel=STAFF, times=10)
    assert clinic.try_book(channel=AI) == "SLOT_FULL"
    clinic.book(channel=STAFF, times=10)
    assert clinic.try_book(channel=STAFF) == "SLOT_FULL"
    assert clinic.slot()["filled_slots"] == 20


@pytest.mark.parametrize("places", [3, 30])
def test_an_override_of_the_window_date_replaces_max_slots_lower_or_higher(clinic: Clinic, places: int) -> None:
    good(clinic.owner.override(clinic.window, MONDAY, max_slots=places))
    assert clinic.record()["max_slots"] == places
    clinic.book(times=places)
    assert clinic.try_book() == "SLOT_FULL"


@pytest.mark.parametrize("places", [3, 30])
def test_an_override_on_the_record_of_a_service_replaces_the_base_lower_or_higher(clinic: Clinic, places: int) -> None:
    good(clinic.owner.override(clinic.window, MONDAY, max_slots=12))
    good(clinic.owner.override(clinic.window, MONDAY, clinic.checkup, max_slots=places))
    assert clinic.record(clinic.checkup)["max_slots"] == places
    assert clinic.record(clinic.vaccination)["max_slots"] == 12


def test_the_ai_limit_is_never_above_the_services_own_limit(clinic: Clinic) -> None:
    good(clinic.owner.override(clinic.window, MONDAY, clinic.checkup, max_slots=2))
    clinic.book(clinic.checkup, AI, times=2)
    assert clinic.try_book(clinic.checkup, AI) == "SLOT_FULL"
    assert clinic.try_book(clinic.vaccination, AI) == "BOOKED"


def test_the_window_dates_override_of_ai_slots_speaks_before_the_windows(clinic: Clinic) -> None:
    good(clinic.owner.override(clinic.window, MONDAY, ai_slots=1))
    clinic.book(channel=AI)
    assert clinic.try_book(channel=AI) == "SLOT_FULL"
    assert clinic.slot()["ai_slots"] == 1


def test_a_window_made_without_ai_slots_gives_ai_the_services_limit(clinic: Clinic, owner: Client) -> None:
    tuesday = owner.window(day="tuesday", max_slots=4)
    good(owner.override(tuesday, "2026-06-16", clinic.checkup, max_slots=6))
    (slot,) = owner.slots("2026-06-16", appointment_type_id=clinic.checkup)
    assert (slot["max_slots"], slot["ai_slots"]) == (6, 6)


def test_the_status_is_the_first_that_speaks_a_closure_then_the_record_then_the_window_date(clinic: Clinic) -> None:
    owner = clinic.owner
    assert clinic.record()["status"] == "OPEN"
    good(owner.override(clinic.window, MONDAY, status="CLOSED"))
    assert clinic.record()["status"] == "CLOSED"
    good(owner.override(clinic.window, MONDAY, clinic.checkup, status="OPEN"))
    assert (clinic.record(clinic.checkup)["status"], clinic.record(clinic.vaccination)["status"]) == ("OPEN", "CLOSED")
    direct.closure(clinic.world.url, clinic.org_id, MONDAY, MONDAY, now=clinic.world.clock())
    assert clinic.record(clinic.checkup)["status"] == "CLOSED"
    assert clinic.try_book(clinic.checkup) == "OUTSIDE_AVAILABILITY"


def test_without_an_enabled_window_the_record_is_closed_whatever_its_overrides_say(clinic: Clinic) -> None:
    good(clinic.owner.override(clinic.window, MONDAY, clinic.checkup, max_slots=7))
    good(clinic.owner.post(f"/v1/appointment-slots/{clinic.window}/disable"))
    assert clinic.record()["status"] == "CLOSED"
    assert clinic.try_book() == "OUTSIDE_AVAILABILITY"


def test_a_booking_takes_a_place_only_where_the_record_is_open(clinic: Clinic) -> None:
    good(clinic.owner.override(clinic.window, MONDAY, clinic.checkup, status="CLOSED"))
    assert clinic.try_book(clinic.checkup) == "OUTSIDE_AVAILABILITY"
    assert clinic.try_book(clinic.vaccination) == "BOOKED"


def test_a_window_takes_no_booking_for_a_service_that_it_does_not_serve_or_that_is_inactive(clinic: Clinic) -> None:
    own = clinic.owner.window(session="Evening", appointment_type_id=clinic.vaccination)
    who = (clinic.org_id, own, MONDAY)
    assert clinic.world.try_book(*who, clinic.checkup) == "OUTSIDE_AVAILABILITY"
    assert clinic.world.try_book(*who, clinic.vaccination) == "BOOKED"
    good(clinic.owner.patch(f"/v1/services/{clinic.vaccination}", {"active": False}))
    assert clinic.world.try_book(*who, clinic.vaccination) == "OUTSIDE_AVAILABILITY"
    assert clinic.try_book(clinic.vaccination) == "OUTSIDE_AVAILABILITY"


def test_a_booking_takes_a_place_only_while_filled_and_live_holds_are_below_the_limit(clinic: Clinic) -> None:
    clinic.book(times=8)
    clinic.hold(seconds=300)
    clinic.hold(seconds=300)
    assert clinic.try_book(channel=AI) == "SLOT_FULL"
    assert clinic.try_book(channel=STAFF) == "BOOKED"


def test_overselling_is_impossible_under_concurrency(clinic: Clinic) -> None:
    staff = clinic.world.key(clinic.org_id, channel=Channel.STAFF)

    async def book(person: int) -> bool:
        body = {
            "appointment_type": clinic.checkup,
            "appointment_date": f"{MONDAY}T09:00:00Z",
            "patient_name": f"Person {person}",
            "parent_phone": f"0049{person:08d}",
        }
        headers = {"authorization": f"Bearer {staff.key}"}
        answer = await clinic.world.http.request("POST", "/v1/appointments", json=body, headers=headers)
        assert answer.status_code in (201, 409), answer.text
        return answer.status_code == 201

    async def rush() -> list[bool]:
        return await asyncio.gather(*(book(person) for person in range(60)))

    assert sum(clinic.world.run(rush())) == 20
    assert clinic.slot()["filled_slots"] == 20
    assert clinic.world.run(upkeep.check(clinic.world.db)) == []


def test_available_slots_leaves_out_filled_and_live_holds_from_ai_slots_and_from_max_slots(clinic: Clinic) -> None:
    clinic.book(times=3)
    clinic.hold(seconds=300)
    assert (clinic.slot()["available_slots"], clinic.record()["available_slots"]) == (10 - 3 - 1, 20 - 3 - 1)


def test_holds_are_never_part_of_filled_slots(clinic: Clinic) -> None:
    clinic.hold(seconds=300)
    assert (clinic.slot()["filled_slots"], clinic.record()["filled_slots"]) == (0, 0)


def test_a_dead_hold_counts_for_nothing_from_its_last_second_on(clinic: Clinic) -> None:
    clinic.hold(seconds=300)
    clinic.world.clock.advance(seconds=299)
    assert clinic.slot()["available_slots"] == 9
    clinic.world.clock.advance(seconds=1)
    assert (clinic.slot()["available_slots"], clinic.record()["available_slots"]) == (10, 20)
    clinic.book(channel=AI, times=10)
    assert clinic.slot()["filled_slots"] == 10, "a booking buries what is dead and takes its place"
    assert clinic.world.run(upkeep.check(clinic.world.db)) == []


def test_available_slots_never_goes_below_zero(clinic: Clinic) -> None:
    clinic.book(times=12)
    assert (clinic.slot()["available_slots"], clinic.record()["available_slots"]) == (0, 8)


@pytest.mark.parametrize("name", ["filled_slots", "available_slots"])
def test_counts_are_never_settable(clinic: Clinic, name: str) -> None:
    clinic.book()
    for service in (clinic.checkup, None):
        error = refused(clinic.owner.override(clinic.window, MONDAY, service, **{name: 5}), 400, "VALIDATION_ERROR")
        assert name in error["message"]
    refused(clinic.owner.patch(f"/v1/appointment-slots/{clinic.window}", {name: 5}), 400, "VALIDATION_ERROR")
    assert clinic.slot()["filled_slots"] == 1


def test_check_recounts_filled_and_reports_any_difference(clinic: Clinic) -> None:
    clinic.book(times=2)
    assert clinic.world.run(upkeep.check(clinic.world.db)) == []
    direct.change(clinic.world.url, "UPDATE days SET filled = 5, rev = rev + 1 WHERE filled = 2")
    (found,) = clinic.world.run(upkeep.check(clinic.world.db))
    assert (found.org_id, found.calendar_id, str(found.date)) == (clinic.org_id, clinic.window, MONDAY)
    assert (found.what, found.stored, found.counted) == ("filled", 5, 2)


def test_a_limit_lowered_below_filled_keeps_every_live_booking_and_shows_0_available(clinic: Clinic) -> None:
    clinic.book(times=8)
    answer = good(clinic.owner.override(clinic.window, MONDAY, max_slots=3))
    assert (answer["data"]["filled_slots"], answer["data"]["available_slots"]) == (8, 0)
    assert (clinic.record()["filled_slots"], clinic.record()["available_slots"]) == (8, 0)
    good(clinic.owner.patch(f"/v1/appointment-slots/{clinic.window}", {"max_slots": 2, "ai_slots": 1}))
    assert clinic.record()["filled_slots"] == 8


def test_cancelling_frees_the_place_at_once(clinic: Clinic) -> None:
    good(clinic.owner.override(clinic.window, MONDAY, max_slots=1))
    (booked,) = clinic.book()
    assert clinic.try_book() == "SLOT_FULL"
    clinic.world.cancel(clinic.org_id, booked)
    assert clinic.record()["available_slots"] == 1
    assert clinic.try_book() == "BOOKED"


def test_cancelling_twice_frees_one_place(clinic: Clinic) -> None:
    first, _ = clinic.book(times=2)
    clinic.world.cancel(clinic.org_id, first)
    clinic.world.cancel(clinic.org_id, first)
    assert clinic.slot()["filled_slots"] == 1
    assert clinic.world.run(upkeep.check(clinic.world.db)) == []


@pytest.mark.parametrize("how", ["closure", "day", "record", "disable"])
def test_a_booking_that_came_before_a_closing_stays_and_one_after_it_is_refused(clinic: Clinic, how: str) -> None:
    clinic.book()
    if how == "closure":
        direct.closure(clinic.world.url, clinic.org_id, MONDAY, MONDAY, now=clinic.world.clock())
    elif how == "disable":
        good(clinic.owner.post(f"/v1/appointment-slots/{clinic.window}/disable"))
    else:
        good(clinic.owner.override(clinic.window, MONDAY, clinic.checkup if how == "record" else None, status="CLOSED"))
    assert clinic.try_book() == "OUTSIDE_AVAILABILITY"
    assert (clinic.record()["filled_slots"], clinic.record()["status"]) == (1, "CLOSED")


def test_a_booking_outside_the_windows_hours_is_refused(clinic: Clinic) -> None:
    for wall_time in ("08:59", "11:00"):
        code = clinic.world.try_book(clinic.org_id, clinic.window, MONDAY, clinic.checkup, wall_time=wall_time)
        assert code == "OUTSIDE_AVAILABILITY"
