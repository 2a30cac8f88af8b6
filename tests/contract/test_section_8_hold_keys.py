"""Contract section 8, sentence by sentence: which keys may hold places, and how many at once."""

import pytest

from slotkeeper.domain.access import Scope
from slotkeeper.domain.model import Channel
from tests.contract.clinic import HOLDS, Clinic
from tests.world import APPOINTMENTS, MONDAY, Cast, Client, World, good, plus_days, refused

TIME = {"appointment_type": "Checkup", "appointment_date": f"{MONDAY}T17:30:00Z"}


@pytest.fixture
def clinic(world: World, owner: Client, cast: Cast) -> Clinic:
    return Clinic(world, owner, cast)


def test_the_20_holds_of_a_key_are_counted_over_all_windows_and_dates(clinic: Clinic) -> None:
    evening = clinic.owner.window(session="Evening", start_time="17:00", end_time="19:00")
    places = [(evening, plus_days(MONDAY, 7 * week)) for week in range(10)]
    places += [(clinic.window, plus_days(MONDAY, 7 * week)) for week in range(10)]
    holds = [clinic.hold(slot_id=f"{window}||{on}||{clinic.service}") for window, on in places]
    before = clinic.dump()
    refused(clinic.ask(), 429, "RATE_LIMIT_EXCEEDED")
    refused(clinic.ask(**TIME), 429, "RATE_LIMIT_EXCEEDED")
    assert clinic.dump() == before
    good(clinic.release(holds[0]))
    clinic.hold()
    refused(clinic.ask(), 429, "RATE_LIMIT_EXCEEDED")
    good(clinic.confirm(holds[1], appointment_date=f"{places[1][1]}T17:30:00Z"), 201)
    clinic.hold(**TIME)
    refused(clinic.ask(**TIME), 429, "RATE_LIMIT_EXCEEDED")


def test_the_20_holds_of_one_key_leave_another_alone(clinic: Clinic, outsider: Client) -> None:
    clinic.limits(max_slots=100)
    for _ in range(20):
        clinic.hold()
    refused(clinic.ask(), 429, "RATE_LIMIT_EXCEEDED")
    good(clinic.owner.post(APPOINTMENTS, clinic.body()), 201)
    other = clinic.world.key(clinic.org_id, channel=Channel.AI)
    for _ in range(20):
        clinic.hold(other)
    refused(clinic.ask(other), 429, "RATE_LIMIT_EXCEEDED")
    clinic.hold(clinic.staff)
    outsider.branch("Elsewhere")
    service, window = outsider.service("Checkup"), outsider.window()
    clinic.hold(outsider, slot_id=f"{window}||{MONDAY}||{service}")


def test_the_21st_hold_is_told_when_the_first_of_the_others_ends(clinic: Clinic) -> None:
    clinic.limits(max_slots=100)
    holds = [clinic.hold(ttl_seconds=900 - number) for number in range(20)]
    good(clinic.extend(holds[10], ttl_seconds=45))
    clinic.world.clock.advance(seconds=4.5)
    answer = clinic.ask()
    refused(answer, 429, "RATE_LIMIT_EXCEEDED")
    assert answer.headers["retry-after"] == "41"
    clinic.world.clock.advance(seconds=41)
    clinic.hold()
    refused(clinic.ask(), 429, "RATE_LIMIT_EXCEEDED")


def test_many_holds_at_once_take_the_places_that_there_are(clinic: Clinic) -> None:
    answers = clinic.at_once([("POST", HOLDS, {"slot_id": clinic.slot_id})] * 12)
    assert sorted(answer.status_code for answer in answers) == [201] * 2 + [409] * 10
    assert len({answer.json()["data"]["hold_id"] for answer in answers if answer.is_success}) == 2
    assert clinic.counts() == (0, 0, 0)


def test_a_key_gets_20_holds_however_many_it_asks_for_at_once(clinic: Clinic) -> None:
    clinic.limits(max_slots=100)
    answers = clinic.at_once([("POST", HOLDS, {"slot_id": clinic.slot_id})] * 30)
    assert sorted(answer.status_code for answer in answers) == [201] * 20 + [429] * 10
    assert clinic.counts() == (0, 80, 80)


def test_every_request_about_holds_needs_the_scope_of_bookings_and_no_other(clinic: Clinic, nobody: Client) -> None:
    hold = clinic.hold()
    without = clinic.world.key(clinic.org_id, [one for one in Scope if one is not Scope.APPOINTMENTS_WRITE])
    for client, status, code in ((without, 403, "INSUFFICIENT_SCOPE"), (nobody, 401, "UNAUTHORIZED")):
        answers = (
            clinic.ask(client),
            clinic.shown(hold, client),
            clinic.extend(hold, client, ttl_seconds=60),
            clinic.release(hold, client),
        )
        for answer in answers:
            error = refused(answer, status, code)
            assert status == 401 or "appointments:write" in error["message"]
    assert good(clinic.shown(hold))["data"] == hold
    only = clinic.world.key(clinic.org_id, [Scope.APPOINTMENTS_WRITE])
    good(clinic.shown(hold, only))
    good(clinic.extend(hold, only, ttl_seconds=60))
    good(clinic.release(hold, only))
    clinic.hold(only)


def test_another_organizations_slot_branch_and_service_are_unknown(clinic: Clinic, outsider: Client) -> None:
    outsider.branch("Elsewhere")
    service, window = outsider.service("Checkup"), outsider.window()
    refused(clinic.ask(outsider), 404, "NOT_FOUND")
    refused(clinic.ask(outsider, slot_id=f"{window}||{MONDAY}||{clinic.service}"), 404, "NOT_FOUND")
    refused(clinic.ask(outsider, slot_id=f"{clinic.window}||{MONDAY}||{service}"), 404, "NOT_FOUND")
    refused(clinic.ask(outsider, **TIME | {"branch_id": clinic.branch}), 404, "NOT_FOUND")
    refused(clinic.ask(outsider, **TIME | {"appointment_type": clinic.service}), 404, "NOT_FOUND")
    assert clinic.stored("holds") == 0
