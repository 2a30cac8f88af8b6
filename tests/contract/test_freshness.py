"""An answer that was kept is never given after what it says has changed (contract section 2: counts are live).

Whatever the server keeps to answer faster, each of these reads, changes and reads again.
"""

from collections.abc import Callable

import pytest

from slotkeeper.operations import access
from tests import direct
from tests.world import AVAILABILITY, MONDAY, WINDOWS, Cast, Client, World, good, plus_days, refused


class Clinic:
    def __init__(self, owner: Client, world: World, org_id: str) -> None:
        self.owner, self.world, self.org_id = owner, world, org_id
        self.branch, self.service = owner.branch("Main Street"), owner.service("Checkup")
        self.other = owner.service("Other")
        self.window = owner.window(ai_slots=10)

    def book(self) -> str:
        return self.world.book(self.org_id, self.window, MONDAY, self.service)

    def hold(self) -> None:
        now = self.world.clock()
        direct.hold(self.world.url, self.org_id, self.window, MONDAY, self.service, now=now, expires_at=now + 60_000)

    def close(self) -> None:
        direct.closure(self.world.url, self.org_id, MONDAY, MONDAY, now=self.world.clock())

    def switch_off(self, *services: str) -> None:
        for one in services:
            self.patch(f"/v1/services/{one}", active=False)

    def patch(self, path: str, **fields: object) -> None:
        good(self.owner.patch(path, fields))


@pytest.fixture
def clinic(owner: Client, world: World, cast: Cast) -> Clinic:
    return Clinic(owner, world, cast.owner_org)


CHANGES: dict[str, Callable[[Clinic], object]] = {
    "a booking": lambda c: c.book(),
    "a hold": lambda c: c.hold(),
    "a closure": lambda c: c.close(),
    "an override of the record": lambda c: c.owner.override(c.window, MONDAY, c.service, max_slots=30),
    "an override of the day": lambda c: c.owner.override(c.window, MONDAY, ai_slots=1),
    "a change of the window": lambda c: c.patch(f"{WINDOWS}/{c.window}", end_time="12:00"),
    "a disabled window": lambda c: c.owner.post(f"{WINDOWS}/{c.window}/disable"),
    "a new window": lambda c: c.owner.window(session="Evening"),
    "inactive services": lambda c: c.switch_off(c.service, c.other),
}


@pytest.mark.parametrize("name", CHANGES)
def test_availability_shows_a_change_at_once(clinic: Clinic, name: str) -> None:
    before = clinic.owner.slots()
    assert clinic.owner.slots() == before
    CHANGES[name](clinic)
    after = clinic.owner.slots()
    assert after != before
    fresh = World(clinic.world.url)
    fresh.clock.now = clinic.world.clock()
    assert Client(fresh, clinic.owner.key).slots() == after, "a server that has kept nothing says the same"
    fresh.close()


@pytest.mark.parametrize("name", ["a change of the window", "a disabled window", "a new window", "inactive services"])
def test_a_change_shows_at_once_where_no_record_is_stored(clinic: Clinic, name: str) -> None:
    far = plus_days(MONDAY, 7 * 52)
    before = clinic.owner.slots(far)
    assert len(before) == 1
    assert clinic.owner.records(far) == []
    CHANGES[name](clinic)
    assert clinic.owner.slots(far) != before


def test_a_cancellation_shows_at_once(clinic: Clinic) -> None:
    empty = clinic.owner.slots()
    booked = clinic.book()
    assert clinic.owner.slots() != empty
    clinic.world.cancel(clinic.org_id, booked)
    assert clinic.owner.slots() == empty


def test_a_change_by_another_process_shows_at_once(clinic: Clinic) -> None:
    assert clinic.owner.slots()[0]["filled_slots"] == 0
    other = World(clinic.world.url)
    other.book(clinic.org_id, clinic.window, MONDAY, clinic.service)
    other.close()
    assert clinic.owner.slots()[0]["filled_slots"] == 1


def test_a_kept_answer_ends_with_the_first_live_hold_in_it(clinic: Clinic) -> None:
    clinic.hold()
    clinic.world.clock.advance(seconds=30)
    clinic.hold()
    assert clinic.owner.slots()[0]["available_slots"] == 8
    clinic.world.clock.advance(seconds=30)
    assert clinic.owner.slots()[0]["available_slots"] == 9
    clinic.world.clock.advance(seconds=30)
    assert clinic.owner.slots()[0]["available_slots"] == 10


def test_a_kept_answer_ends_at_the_very_millisecond_at_which_a_hold_does(clinic: Clinic) -> None:
    clinic.hold()
    assert clinic.owner.slots()[0]["available_slots"] == 9
    clinic.world.clock.advance(milliseconds=59_999)
    assert clinic.owner.slots()[0]["available_slots"] == 9
    clinic.world.clock.advance(milliseconds=1)
    assert clinic.owner.slots()[0]["available_slots"] == 10


def test_a_key_that_ends_gets_no_kept_answer_from_that_very_millisecond_on(clinic: Clinic) -> None:
    guest = clinic.world.key(clinic.org_id, expires_at=clinic.world.clock() + 1000)
    assert guest.slots() == guest.slots() == clinic.owner.slots()
    clinic.world.clock.advance(milliseconds=999)
    assert guest.slots() == clinic.owner.slots()
    clinic.world.clock.advance(milliseconds=1)
    refused(guest.get(AVAILABILITY, date=MONDAY), 401, "UNAUTHORIZED")
    assert len(clinic.owner.slots()) == 1, "another key is answered as before"


def test_an_answer_given_twice_ends_with_a_hold_and_with_its_key(clinic: Clinic, world: World) -> None:
    """Nothing is written when either ends."""
    now = world.clock()
    brief = world.key(clinic.org_id, expires_at=now + 90_000)
    clinic.hold()
    for seconds, expected in ((0, 9), (59, 9), (60, 10), (89, 10)):
        world.clock.now = now + seconds * 1000
        assert [brief.slots()[0]["available_slots"] for _ in range(3)] == [expected] * 3
    world.clock.now = now + 90_000
    refused(brief.get(AVAILABILITY, date=MONDAY), 401, "UNAUTHORIZED")
    assert clinic.owner.slots()[0]["available_slots"] == 10, "with another key it stands"


def test_an_answer_given_twice_ends_when_another_process_revokes_its_key(clinic: Clinic, world: World) -> None:
    doomed = world.key(clinic.org_id)
    assert doomed.slots() == doomed.slots()
    assert doomed.record is not None
    other = World(world.url)
    other.run(access.revoke_key(other.db, clinic.org_id, doomed.record.key_id, now=other.clock()))
    other.close()
    refused(doomed.get(AVAILABILITY, date=MONDAY), 401, "UNAUTHORIZED")


@pytest.mark.parametrize("bookings", range(1, 7))
def test_a_record_taken_away_does_not_make_up_for_bookings_elsewhere(clinic: Clinic, bookings: int) -> None:
    """A proof of freshness that adds up what may also go away can come to the same sum with other counts."""
    evening = clinic.owner.window(session="Evening")
    good(clinic.owner.override(evening, MONDAY, max_slots=3))
    good(clinic.owner.post(f"{WINDOWS}/{evening}/disable"))
    assert clinic.owner.slots()[0]["filled_slots"] == 0
    good(clinic.owner.override(evening, MONDAY, max_slots=None))
    clinic.owner.regenerate(MONDAY)
    for _ in range(bookings):
        clinic.book()
    assert clinic.owner.slots()[0]["filled_slots"] == bookings
