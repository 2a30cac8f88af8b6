"""Contract section 4.4, sentence by sentence."""

import asyncio
from collections.abc import Coroutine
from datetime import date
from typing import Any

import pytest

from slotkeeper.domain import access
from slotkeeper.operations import appointments, schedule, upkeep
from slotkeeper.operations.appointments import NewAppointment
from tests import direct
from tests.world import MONDAY, REGENERATE, WINDOWS, Cast, Client, World, good, millis, plus_days, refused

EVERY_DAY = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
FAR = "2028-01-03"  # a Monday beyond every horizon
LAST_WEEK = plus_days(MONDAY, -21)  # a Monday before the first of June


def counters(processed: int, skipped: int = 0, errors: int = 0) -> dict[str, int]:
    return {"processed": processed, "skipped": skipped, "errors": errors, "upserted": processed - skipped - errors}


class Clinic:
    def __init__(self, owner: Client, world: World, org_id: str) -> None:
        self.world, self.org_id = world, org_id
        self.branch, self.service = owner.branch("Main Street"), owner.service("Checkup")
        self.window = owner.window(ai_slots=10)

    def book(self, on: str = MONDAY) -> str:
        return self.world.book(self.org_id, self.window, on, self.service)

    def hold(self, on: str = MONDAY, *, seconds: int = 300) -> str:
        now = self.world.clock()
        expires_at = now + seconds * 1000
        return direct.hold(self.world.url, self.org_id, self.window, on, self.service, now=now, expires_at=expires_at)

    def start_booking(self, person: int) -> Coroutine[Any, Any, Any]:
        new = NewAppointment(
            self.service,
            millis(f"{MONDAY}T09:00:00Z"),
            f"Person {person}",
            f"0049{person:08d}",
            calendar_id=self.window,
        )
        now = self.world.clock()
        return appointments.book_appointment(self.world.app_line(), access.operator(self.org_id), new, now=now)

    def forget(self, on: str) -> None:
        """Lose a stored record, as no interface does."""
        direct.change(self.world.url, "DELETE FROM days WHERE date = ?", on)


@pytest.fixture
def clinic(owner: Client, world: World, cast: Cast) -> Clinic:
    return Clinic(owner, world, cast.owner_org)


def test_seven_windows_over_15_to_30_june_give_16_0_0_16_both_times(owner: Client) -> None:
    owner.branch("Main")
    owner.service("Checkup")
    for day in EVERY_DAY:
        owner.window(day=day)
    for _ in range(2):
        assert owner.regenerate("2026-06-15", "2026-06-30") == counters(16)


def test_the_answer_has_exactly_the_documented_keys_in_their_order(owner: Client, clinic: Clinic) -> None:
    answer = good(owner.post(REGENERATE, {"date_from": MONDAY}))
    assert list(answer) == ["success", "processed", "skipped", "errors", "upserted"]
    assert clinic.window


def test_date_from_is_required_and_date_to_defaults_to_it(owner: Client, clinic: Clinic) -> None:
    assert clinic.window
    error = refused(owner.post(REGENERATE, {}), 400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in error["details"]] == ["date_from"]
    refused(owner.post(REGENERATE, {"date_to": MONDAY}), 400, "VALIDATION_ERROR")
    assert owner.regenerate(MONDAY) == counters(1)
    assert owner.regenerate(plus_days(MONDAY, 1)) == counters(0)


def test_the_range_is_at_most_366_days_and_not_backwards(owner: Client, clinic: Clinic) -> None:
    assert clinic.window
    assert owner.regenerate("2026-01-01", plus_days("2026-01-01", 365)) == counters(52)
    answer = owner.post(REGENERATE, {"date_from": "2026-01-01", "date_to": plus_days("2026-01-01", 366)})
    assert "366" in refused(answer, 400, "VALIDATION_ERROR")["message"]
    refused(owner.post(REGENERATE, {"date_from": MONDAY, "date_to": "2026-06-14"}), 400, "VALIDATION_ERROR")


def test_what_is_made_counts_as_upserted(owner: Client, clinic: Clinic) -> None:
    assert clinic.window
    assert owner.records(FAR) == []
    assert owner.regenerate(FAR) == counters(1)
    assert len(owner.records(FAR)) == 1


def test_what_is_written_counts_as_upserted(owner: Client, clinic: Clinic) -> None:
    direct.change(clinic.world.url, "UPDATE days SET max_slots = 3, session = 'Evening' WHERE date = ?", MONDAY)
    assert owner.regenerate(MONDAY) == counters(1)
    (record,) = owner.records()
    assert (record["max_slots"], record["session"]) == (20, "Morning")


def test_what_is_right_already_counts_as_upserted(owner: Client, clinic: Clinic) -> None:
    assert clinic.window
    before = owner.records()
    assert owner.regenerate(MONDAY) == counters(1)
    assert owner.records() == before


def test_what_is_taken_away_counts_as_upserted(owner: Client, clinic: Clinic) -> None:
    clinic.world.clock.set("2026-06-16T08:00:00Z")
    good(owner.post(f"{WINDOWS}/{clinic.window}/disable"))
    assert len(owner.records()) == 1, "a past record stays until it is regenerated"
    assert owner.regenerate(MONDAY) == counters(1)
    assert owner.records() == []
    assert owner.regenerate(MONDAY) == counters(0)


@pytest.mark.parametrize("why", ["appointment", "cancelled", "hold", "record", "day"])
def test_a_record_without_a_window_is_skipped_and_closed_where_something_stands_on_it(
    owner: Client, clinic: Clinic, why: str
) -> None:
    if why in ("appointment", "cancelled"):
        booked = clinic.book()
        if why == "cancelled":
            clinic.world.cancel(clinic.org_id, booked)
    elif why == "hold":
        clinic.hold()
    else:
        good(owner.override(clinic.window, MONDAY, clinic.service if why == "record" else None, max_slots=5))
    (before,) = owner.records()
    good(owner.patch(f"{WINDOWS}/{clinic.window}", {"day": "tuesday"}))
    for _ in range(2):
        assert owner.regenerate(MONDAY, plus_days(MONDAY, 1)) == counters(2, skipped=1)
    assert owner.records() == [before | {"status": "CLOSED"}]
    code = clinic.world.try_book(clinic.org_id, clinic.window, MONDAY, clinic.service)
    assert code == "OUTSIDE_AVAILABILITY"
    assert owner.slots(MONDAY) == []


def test_a_dead_hold_keeps_no_record(owner: Client, clinic: Clinic) -> None:
    clinic.hold(seconds=60)
    good(owner.post(f"{WINDOWS}/{clinic.window}/disable"))
    assert owner.regenerate(MONDAY) == counters(1, skipped=1)
    clinic.world.clock.advance(seconds=60)
    assert owner.regenerate(MONDAY) == counters(1)
    assert owner.records() == []
    assert clinic.world.run(upkeep.check(clinic.world.db)) == []


def test_what_could_not_be_written_counts_as_an_error_and_the_others_still_are(owner: Client, clinic: Clinic) -> None:
    url = clinic.world.url
    for on in (MONDAY, plus_days(MONDAY, 7)):
        direct.change(url, "UPDATE days SET max_slots = 3 WHERE date = ?", on)
    direct.refuse(url, "UPDATE", "days", when=f"NEW.date = '{MONDAY}'")
    assert owner.regenerate(MONDAY, plus_days(MONDAY, 7)) == counters(2, errors=1)
    assert owner.records(plus_days(MONDAY, 7))[0]["max_slots"] == 20
    assert owner.records(MONDAY)[0]["max_slots"] == 3


def test_overrides_survive(owner: Client, clinic: Clinic) -> None:
    good(owner.override(clinic.window, MONDAY, clinic.service, max_slots=7))
    good(owner.override(clinic.window, MONDAY, status="CLOSED", ai_slots=2))
    before = owner.records()
    owner.regenerate(MONDAY)
    assert owner.records() == before
    good(owner.override(clinic.window, MONDAY, status="OPEN"))
    (slot,) = owner.slots()
    assert (slot["max_slots"], slot["ai_slots"]) == (7, 2)


def test_bookings_and_holds_survive(owner: Client, clinic: Clinic) -> None:
    clinic.book()
    clinic.hold()
    kept = [direct.rows(clinic.world.url, f"SELECT * FROM {table}") for table in ("appointments", "holds")]
    owner.regenerate(MONDAY)
    assert [direct.rows(clinic.world.url, f"SELECT * FROM {table}") for table in ("appointments", "holds")] == kept
    (record,) = owner.records()
    assert (record["filled_slots"], record["available_slots"]) == (1, 18)


def test_counts_are_recounted_from_the_appointments(owner: Client, clinic: Clinic) -> None:
    clinic.book()
    clinic.hold()
    direct.change(clinic.world.url, "UPDATE days SET filled = 9, held = 4, rev = rev + 1 WHERE date = ?", MONDAY)
    assert len(clinic.world.run(upkeep.check(clinic.world.db))) == 2
    owner.regenerate(MONDAY)
    assert clinic.world.run(upkeep.check(clinic.world.db)) == []
    assert owner.records()[0]["filled_slots"] == 1


@pytest.mark.parametrize("on", [LAST_WEEK, "2000-01-03", "2100-12-27"])
def test_any_date_may_be_asked_for_the_past_too(owner: Client, clinic: Clinic, on: str) -> None:
    assert clinic.window
    assert owner.regenerate(on) == counters(1)
    assert [record["date"] for record in owner.records(on)] == [on]


def test_running_it_twice_changes_nothing_the_second_time(owner: Client, clinic: Clinic) -> None:
    clinic.book()
    good(owner.override(clinic.window, plus_days(MONDAY, 7), max_slots=3))
    good(owner.patch(f"{WINDOWS}/{clinic.window}", {"day": "wednesday"}))
    owner.regenerate("2026-05-01", "2026-12-31")
    before = direct.dump(clinic.world.url, clinic.org_id)["days"]
    owner.regenerate("2026-05-01", "2026-12-31")
    assert direct.dump(clinic.world.url, clinic.org_id)["days"] == before


def test_a_closed_date_keeps_its_record_closed(owner: Client, clinic: Clinic) -> None:
    closure = direct.closure(clinic.world.url, clinic.org_id, MONDAY, FAR, now=clinic.world.clock())
    assert owner.regenerate(MONDAY) == counters(1)
    assert owner.regenerate(FAR) == counters(1)
    assert [record["status"] for record in owner.records(MONDAY) + owner.records(FAR)] == ["CLOSED", "CLOSED"]
    direct.remove_closure(clinic.world.url, clinic.org_id, closure)
    owner.regenerate(MONDAY)
    assert owner.records()[0]["status"] == "OPEN"


def test_a_closure_of_another_branch_closes_nothing_here(owner: Client, clinic: Clinic) -> None:
    other = owner.branch("Other")
    direct.closure(clinic.world.url, clinic.org_id, MONDAY, FAR, branch_id=other, now=clinic.world.clock())
    for on in (MONDAY, FAR):
        owner.regenerate(on)
        assert [record["status"] for record in owner.records(on)] == ["OPEN"]


def test_dry_run_changes_nothing_and_adds_the_changes(owner: Client, clinic: Clinic) -> None:
    clinic.forget(MONDAY)
    direct.change(clinic.world.url, "UPDATE days SET max_slots = 3 WHERE date = ?", plus_days(MONDAY, 7))
    before = direct.dump(clinic.world.url, clinic.org_id)
    answer = good(owner.post(REGENERATE, {"date_from": MONDAY, "date_to": plus_days(MONDAY, 14), "dry_run": True}))
    assert list(answer) == ["success", "processed", "skipped", "errors", "upserted", "changes"]
    assert {name: answer[name] for name in counters(3)} == counters(3)
    assert direct.dump(clinic.world.url, clinic.org_id) == before
    changes = {change["slot_id"]: change for change in answer["changes"]}
    assert list(changes) == [f"{clinic.window}||{MONDAY}", f"{clinic.window}||{plus_days(MONDAY, 7)}"]
    assert all(list(change) == ["slot_id", "change", "reason"] for change in changes.values())
    assert all(change["change"] and change["reason"] for change in changes.values())


def test_dry_run_counts_as_the_run_does_and_afterwards_has_nothing_to_change(owner: Client, clinic: Clinic) -> None:
    clinic.book()
    clinic.world.clock.set("2026-06-02T08:00:00Z")
    good(owner.patch(f"{WINDOWS}/{clinic.window}", {"day": "tuesday"}))
    span = ("2026-06-01", "2026-06-30")
    planned = owner.regenerate(*span, dry_run=True)
    assert [change["slot_id"] for change in planned.pop("changes")] == [f"{clinic.window}||2026-06-01"]
    assert owner.regenerate(*span) == planned
    assert owner.regenerate(*span, dry_run=True)["changes"] == []


def test_dry_run_false_is_a_run(owner: Client, clinic: Clinic) -> None:
    clinic.forget(MONDAY)
    assert owner.regenerate(MONDAY, dry_run=False) == counters(1)
    assert len(owner.records()) == 1


@pytest.mark.parametrize("value", [1, "true", []])
def test_dry_run_is_true_or_false(owner: Client, value: object) -> None:
    refused(owner.post(REGENERATE, {"date_from": MONDAY, "dry_run": value}), 400, "VALIDATION_ERROR")


def test_another_organizations_records_are_not_touched(owner: Client, outsider: Client, clinic: Clinic) -> None:
    outsider.branch("Elsewhere")
    outsider.service("Checkup")
    outsider.window()
    clinic.forget(MONDAY)
    assert outsider.regenerate(MONDAY) == counters(1)
    assert owner.records() == []


def test_running_it_beside_bookings_loses_none(owner: Client, clinic: Clinic) -> None:
    good(owner.override(clinic.window, MONDAY, max_slots=50))
    operator = access.operator(clinic.org_id)
    first, last, now = date(2026, 6, 1), date(2026, 7, 31), clinic.world.clock()

    async def both() -> None:
        booking = [clinic.start_booking(person) for person in range(30)]
        running = [
            schedule.regenerate(clinic.world.db, operator, date_from=first, date_to=last, dry_run=False, now=now)
            for _ in range(10)
        ]
        await asyncio.gather(*booking[:10], *running[:5], *booking[10:20], *running[5:], *booking[20:])

    clinic.world.run(both())
    assert owner.records()[0]["filled_slots"] == 30
    assert clinic.world.run(upkeep.check(clinic.world.db)) == []
