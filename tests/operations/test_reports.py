"""What reports sum up, beside what was booked."""

from datetime import date, timedelta

import pytest

from slotkeeper.domain.access import Caller, operator
from slotkeeper.domain.capacity import Filled
from slotkeeper.domain.errors import InsufficientScope
from slotkeeper.domain.model import Channel
from slotkeeper.operations import reports
from slotkeeper.operations.reports import Booked
from tests.world import MONDAY, Cast, Client, World

ON = date.fromisoformat(MONDAY)
NEXT = ON + timedelta(days=7)


class Diary:
    """A branch with a window on Monday mornings and one on Tuesday evenings, two places each."""

    def __init__(self, world: World, owner: Client, org_id: str) -> None:
        self.world, self.owner, self.org_id, self.caller = world, owner, org_id, operator(org_id)
        self.branch, self.service = owner.branch("Main Street"), owner.service("Checkup")
        self.monday = owner.window(max_slots=2, ai_slots=1)
        self.tuesday = owner.window(day="tuesday", session="Evening", start_time="18:00", end_time="19:00", max_slots=2)

    def book(self, channel: Channel = Channel.STAFF, on: str = MONDAY) -> str:
        return self.world.try_book(self.org_id, self.monday, on, self.service, channel=channel)

    def utilisation(self, first: date = ON, last: date = ON + timedelta(days=1)) -> dict[tuple[str, int], Filled]:
        work = reports.get_utilisation(self.world.db, self.caller, first=first, last=last)
        found = self.world.run(work)
        assert {branch for branch, _, _ in found} <= {self.branch}
        return {(session, weekday): filled for (_, session, weekday), filled in found.items()}


@pytest.fixture
def diary(world: World, owner: Client, cast: Cast) -> Diary:
    Client(world, cast.outsider).branch("Theirs")
    return Diary(world, owner, cast.owner_org)


def test_places_are_summed_by_branch_session_and_weekday(diary: Diary) -> None:
    assert diary.book() == "BOOKED"
    assert diary.utilisation() == {("Morning", 0): Filled(2, 1), ("Evening", 1): Filled(2, 0)}
    assert diary.utilisation(last=NEXT) == {("Morning", 0): Filled(4, 1), ("Evening", 1): Filled(2, 0)}
    assert diary.utilisation(first=ON + timedelta(days=2), last=ON + timedelta(days=3)) == {}


def test_a_closed_day_has_the_places_that_are_taken_and_an_override_counts(diary: Diary) -> None:
    diary.book()
    diary.owner.override(diary.monday, MONDAY, status="CLOSED")
    diary.owner.override(diary.tuesday, str(ON + timedelta(days=1)), max_slots=7)
    assert diary.utilisation() == {("Morning", 0): Filled(1, 1), ("Evening", 1): Filled(7, 0)}
    diary.owner.override(diary.monday, MONDAY, status="OPEN", max_slots=0)
    assert diary.utilisation()["Morning", 0] == Filled(1, 1)
    diary.owner.override(diary.monday, MONDAY, diary.service, max_slots=1)
    diary.owner.override(diary.monday, MONDAY, status=None, max_slots=None)
    assert diary.utilisation()["Morning", 0] == Filled(2, 1), "one service's limit is left out"


def test_the_next_weeks_are_summed_week_by_week(diary: Diary) -> None:
    for _ in range(2):
        diary.book()
    found = diary.world.run(reports.get_outlook(diary.world.db, diary.caller, first=ON, weeks=2))
    assert found == {ON: Filled(4, 2), NEXT: Filled(4, 0)}
    before = ON - timedelta(days=700)
    empty = diary.world.run(reports.get_outlook(diary.world.db, diary.caller, first=before, weeks=1))
    assert empty == {before: Filled(0, 0)}


def test_who_booked_is_counted_by_week_and_what_was_cancelled_is_not(diary: Diary) -> None:
    world = diary.world
    diary.book(Channel.AI)
    gone = world.book(diary.org_id, diary.monday, MONDAY, diary.service)
    diary.book(on=str(NEXT))
    world.cancel(diary.org_id, gone)
    diary.book()
    work = reports.get_shares(world.db, diary.caller, first=ON + timedelta(days=-1), last=NEXT)
    assert world.run(work) == {ON - timedelta(days=7): Booked(0, 0), ON: Booked(1, 1), NEXT: Booked(0, 1)}


def test_who_found_no_room_is_counted_by_the_days_of_the_zone(diary: Diary) -> None:
    world = diary.world
    assert [diary.book(Channel.AI) for _ in range(3)] == ["BOOKED", "SLOT_FULL", "SLOT_FULL"]
    assert world.try_book(diary.org_id, diary.monday, MONDAY, diary.service, wall_time="08:00") != "SLOT_FULL"
    world.clock.set("2026-06-01T18:45:00Z")
    assert diary.book(Channel.AI) == "SLOT_FULL"

    def count(timezone: str) -> dict[date, int]:
        first = date(2026, 5, 31)
        work = reports.get_no_room(
            world.db, diary.caller, first=first, last=first + timedelta(days=2), timezone=timezone
        )
        return world.run(work)

    assert count("UTC") == {date(2026, 5, 31): 0, date(2026, 6, 1): 3, date(2026, 6, 2): 0}
    assert count("Asia/Kolkata") == {date(2026, 5, 31): 0, date(2026, 6, 1): 2, date(2026, 6, 2): 1}


def test_nobody_sees_another_organizations(diary: Diary, cast: Cast) -> None:
    diary.book(Channel.AI)
    diary.book(Channel.AI)
    world, stranger = diary.world, operator(cast.outsider_org)
    assert world.run(reports.get_utilisation(world.db, stranger, first=ON, last=ON)) == {}
    assert world.run(reports.get_outlook(world.db, stranger, first=ON, weeks=1)) == {ON: Filled(0, 0)}
    assert world.run(reports.get_shares(world.db, stranger, first=ON, last=ON)) == {ON: Booked(0, 0)}
    on = date(2026, 6, 1)
    assert world.run(reports.get_no_room(world.db, stranger, first=on, last=on, timezone="UTC")) == {on: 0}


def test_each_asks_for_its_scope(diary: Diary) -> None:
    nobody = Caller(diary.org_id, "", frozenset(), Channel.STAFF, 0)
    db, run = diary.world.db, diary.world.run
    for work in (
        reports.get_utilisation(db, nobody, first=ON, last=ON),
        reports.get_outlook(db, nobody, first=ON, weeks=1),
        reports.get_shares(db, nobody, first=ON, last=ON),
        reports.get_no_room(db, nobody, first=ON, last=ON, timezone="UTC"),
    ):
        with pytest.raises(InsufficientScope):
            run(work)
