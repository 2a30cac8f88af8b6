"""The demo clinic (contract section 7, last paragraph): believable, and the page's own numbers on the page's date."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from slotkeeper.app import open_database
from slotkeeper.domain.access import Caller, Scope, operator
from slotkeeper.domain.calendar import parse_instant, today
from slotkeeper.domain.errors import Conflict
from slotkeeper.domain.model import Channel, Day, Session, Slot, TrackingRecord
from slotkeeper.operations import Database, access, availability, directory, schedule, upkeep, windows
from slotkeeper.operations.demo import BOOKED_DAYS, Demo, fill_demo, next_day
from slotkeeper.operations.demo_clinic import CHECKUP, EXAMPLE_WINDOW, ORGANIZATION
from tests.engines import empty_database

T = TypeVar("T")
NOW = parse_instant("2026-06-01T08:00:00Z")
TODAY = date(2026, 6, 1)
PAGE_DATE = date(2026, 6, 15)


class DemoWorld:
    """A database with the demo in it."""

    def __init__(self, url: str, now: int = NOW) -> None:
        self.db: Database = open_database(url)
        self.runner = asyncio.Runner()
        self.now = now
        self.run(lambda db: db.migrate())
        self.demo: Demo = self.run(lambda db: fill_demo(db, now=now))
        self.caller: Caller = operator(ORGANIZATION.org_id)

    def run(self, work: Callable[[Database], Awaitable[T]]) -> T:
        async def main() -> T:
            return await work(self.db)

        return self.runner.run(main())

    def close(self) -> None:
        self.run(lambda db: db.close())
        self.runner.close()

    def slots(self, on: date, session: Session | None = None) -> list[Slot]:
        return self.run(
            lambda db: availability.get_availability(
                db, self.caller, availability.Question(on, session=session), now=self.now
            )
        )

    def records(self, first: date, last: date) -> list[TrackingRecord]:
        return self.run(
            lambda db: availability.list_tracking(
                db,
                self.caller,
                date_from=first,
                date_to=last,
                branch_id=None,
                service_id=None,
                session=None,
                now=self.now,
            )
        )


@pytest.fixture(scope="module")
def clinic(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoWorld]:
    with empty_database(engine, tmp_path_factory.mktemp("demo")) as url:
        world = DemoWorld(url)
        yield world
        world.close()


@pytest.fixture
def url(engine: str, tmp_path: Path) -> Iterator[str]:
    with empty_database(engine, tmp_path) as url:
        yield url


def test_the_pages_availability_example_is_answered_with_the_pages_numbers(clinic: DemoWorld) -> None:
    (slot,) = clinic.slots(PAGE_DATE, Session.MORNING)
    created = parse_instant("2026-05-01T10:00:00.000Z")
    assert slot == Slot(
        PAGE_DATE, EXAMPLE_WINDOW, slot.branch_id, "monday", "Morning", "MA", "09:00", "11:00", None, 20, 10, 3, 7,
        "OPEN", created, created,
    )  # fmt: skip


def test_the_pages_tracking_example_is_answered_with_the_pages_numbers(clinic: DemoWorld) -> None:
    found = [
        record
        for record in clinic.records(PAGE_DATE, PAGE_DATE + timedelta(days=6))
        if (record.calendar_id, record.appointment_type_id) == (EXAMPLE_WINDOW, CHECKUP)
    ]
    assert found == [
        TrackingRecord(
            EXAMPLE_WINDOW, CHECKUP, "General Checkup", PAGE_DATE, "monday", "Morning", "MA", "09:00", "11:00", 20, 3,
            17, "OPEN",
        )
    ]  # fmt: skip


def test_there_are_two_branches_four_services_and_three_sessions_on_six_days(clinic: DemoWorld) -> None:
    assert len(clinic.run(lambda db: directory.list_branches(db, clinic.caller))) == 2
    assert len(clinic.run(lambda db: directory.list_services(db, clinic.caller))) == 4
    weekly = clinic.run(
        lambda db: windows.list_windows(db, clinic.caller, branch_id=None, day=None, session=None, status=None)
    )
    assert {(window.day, window.session) for window in weekly} == {
        (day, session) for day in list(Day)[:6] for session in Session
    }
    assert 0 < sum(window.service_id is not None for window in weekly) < len(weekly)


def test_four_weeks_around_today_are_booked_each_day_differently(clinic: DemoWorld) -> None:
    filled = {
        on: tuple(slot.filled_slots for slot in clinic.slots(on))
        for on in (TODAY + timedelta(days=ahead) for ahead in range(-BOOKED_DAYS, BOOKED_DAYS + 1))
    }
    working = {on: counts for on, counts in filled.items() if on.weekday() < 6 and counts}
    assert len(working) == 24, "six days a week, without the holiday"
    assert all(any(counts) for counts in working.values())
    assert len(set(working.values())) == len(working)
    past, coming = [
        sum(sum(counts) for on, counts in working.items() if (on < TODAY) is is_past) for is_past in (True, False)
    ]
    assert past > coming


def test_no_window_is_oversold_and_every_count_is_right(clinic: DemoWorld) -> None:
    assert clinic.run(upkeep.check) == []
    for ahead in range(-BOOKED_DAYS, BOOKED_DAYS + 1):
        for slot in clinic.slots(TODAY + timedelta(days=ahead)):
            assert slot.filled_slots <= slot.max_slots


def test_a_holiday_is_closed_and_one_day_has_more_places(clinic: DemoWorld) -> None:
    ahead = [TODAY + timedelta(days=number) for number in range(1, BOOKED_DAYS + 1)]
    assert len([on for on in ahead if on.weekday() < 6 and not clinic.slots(on)]) == 1
    assert [on for on in ahead if any(slot.max_slots > 20 for slot in clinic.slots(on))] == [date(2026, 6, 6)]


def test_regenerating_the_clinic_changes_nothing(clinic: DemoWorld) -> None:
    first, last = TODAY - timedelta(days=BOOKED_DAYS), TODAY + timedelta(days=90)
    done = clinic.run(
        lambda db: schedule.regenerate(db, clinic.caller, date_from=first, date_to=last, dry_run=True, now=NOW)
    )
    assert done.changes == ()
    assert done.upserted > 500
    assert clinic.run(lambda db: schedule.roll_forward(db, now=NOW)) == 0


def test_its_keys_have_every_scope_a_channel_each_and_no_rate_limit(clinic: DemoWorld) -> None:
    for key, channel in ((clinic.demo.key, Channel.AI), (clinic.demo.staff_key, Channel.STAFF)):
        caller = clinic.run(lambda db, key=key: access.authenticate(db, key, now=NOW))  # type: ignore[misc]
        assert caller.scopes == frozenset(Scope)
        assert (caller.channel, caller.rate_limit) == (channel, 0)


def test_a_second_start_makes_new_keys_and_nothing_else(url: str) -> None:
    world = DemoWorld(url)
    before = world.records(TODAY, PAGE_DATE)
    again = world.run(lambda db: fill_demo(db, now=NOW))
    assert again.key != world.demo.key
    assert world.records(TODAY, PAGE_DATE) == before
    assert world.run(lambda db: access.authenticate(db, world.demo.key, now=NOW))
    world.close()


def test_a_database_of_somebody_elses_is_left_alone(url: str) -> None:
    world = DemoWorld(url)
    world.run(lambda db: directory.create_organization(db, name="Real Clinic", timezone="UTC", now=NOW))
    with pytest.raises(Conflict, match="of your own"):
        world.run(lambda db: fill_demo(db, now=NOW))
    world.close()


@pytest.mark.parametrize("weekday", range(7))
def test_on_every_weekday_and_near_midnight_the_clinic_looks_the_same(url: str, weekday: int) -> None:
    midnight_of_a_monday = parse_instant("2027-12-26T18:30:00Z")  # the year changes during the week
    now = midnight_of_a_monday + (weekday + 1) * 24 * 60 * 60 * 1000 - 1
    world = DemoWorld(url, now)
    on = today(now, "Asia/Kolkata")
    assert on.weekday() == weekday
    assert world.demo.monday.weekday() == 0
    assert 0 < (world.demo.monday - on).days <= 7
    (slot,) = world.slots(world.demo.monday, Session.MORNING)
    assert (slot.calendar_id, slot.filled_slots, slot.available_slots) == (EXAMPLE_WINDOW, 6, 4)
    assert world.run(upkeep.check) == []
    world.close()


def test_the_next_weekday_is_never_the_day_itself() -> None:
    assert next_day(TODAY, Day.MONDAY) == date(2026, 6, 8)
    assert next_day(TODAY, Day.TUESDAY) == date(2026, 6, 2)
    assert next_day(date(2026, 6, 7), Day.MONDAY) == date(2026, 6, 8)
