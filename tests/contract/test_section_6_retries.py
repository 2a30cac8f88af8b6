"""Contract section 6, sentence by sentence: a POST that is sent again, at once or later, by anybody, after anything."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from slotkeeper.api.routes import OPERATIONS
from tests import direct
from tests.contract.clinic import HOLDS, UNKNOWN, Clinic
from tests.world import APPOINTMENTS, REGENERATE, WINDOWS, Cast, Client, World, good, refused

SERVICES, BRANCHES, CLOSURES = "/v1/services", "/v1/branches", "/v1/closures"
POSTS = [one.path for one in OPERATIONS if one.method == "POST" and not one.any_key]
REPLAY = "idempotent-replay"


@pytest.fixture
def clinic(world: World, owner: Client, cast: Cast) -> Clinic:
    return Clinic(world, owner, cast)


def effective(clinic: Clinic, path: str) -> tuple[str, dict[str, Any]]:
    """A POST to a path that changes something when it is done first, and whose body is not the only one possible."""
    if path.endswith("/enable"):
        good(clinic.owner.post(f"{WINDOWS}/{clinic.window}/disable"))
    window = {"day": "friday", "session": "Evening", "start_time": "17:00", "end_time": "19:00", "max_slots": 3}
    bodies: dict[str, dict[str, Any]] = {
        WINDOWS: window,
        f"{WINDOWS}/{{slot_id}}/disable": {},
        f"{WINDOWS}/{{slot_id}}/enable": {},
        REGENERATE: {"date_from": "2028-06-12", "date_to": "2028-06-25"},
        APPOINTMENTS: clinic.body(),
        HOLDS: {"slot_id": clinic.slot_id},
        CLOSURES: {"date_from": "2026-12-24", "reason": "Christmas"},
        SERVICES: {"name": "Vaccination"},
        BRANCHES: {"name": "Side Street"},
    }
    return path.replace("{slot_id}", clinic.window), bodies[path]


def done(clinic: Clinic) -> int:
    """How many changes the audit trail notes."""
    sql = "SELECT count(*) FROM audit WHERE org_id = ? AND outcome = 'done'"
    return int(direct.rows(clinic.world.url, sql, clinic.org_id)[0][0])


def noted(clinic: Clinic) -> int:
    return clinic.stored("audit")


def is_replay(answer: httpx.Response) -> bool:
    assert answer.headers.get(REPLAY) in {None, "true"}
    return REPLAY in answer.headers


@pytest.mark.parametrize("path", POSTS)
def test_twenty_equal_posts_at_once_have_one_effect_and_one_answer(clinic: Clinic, path: str) -> None:
    where, body = effective(clinic, path)
    before = done(clinic)
    answers = clinic.at_once([("POST", where, body)] * 20, idempotency_key="key-1")
    assert {answer.status_code for answer in answers} <= {200, 201}, answers[0].text
    assert len({(answer.status_code, answer.content) for answer in answers}) == 1
    assert done(clinic) == before + 1
    assert clinic.stored("requests") == 1
    replays = sum(is_replay(answer) for answer in answers)
    assert replays == 19
    assert is_replay(clinic.once(where, "key-1", body))


@pytest.mark.parametrize("path", [path for path in POSTS if not path.endswith("able")])
def test_a_twin_with_another_body_at_once_is_a_conflict(clinic: Clinic, path: str) -> None:
    where, body = effective(clinic, path)
    others: dict[str, dict[str, Any]] = {
        WINDOWS: {"max_slots": 4}, REGENERATE: {"date_to": "2028-06-26"}, APPOINTMENTS: {"notes": "First visit"},
        HOLDS: {"ttl_seconds": 60}, CLOSURES: {"reason": "Holiday"},
    }  # fmt: skip
    bodies = [body, body | others.get(path, {"name": "Another"})]
    before = done(clinic)
    answers = clinic.at_once([("POST", where, one) for one in bodies], idempotency_key="key-1")
    (winner,) = [place for place, answer in enumerate(answers) if answer.is_success]
    assert "Idempotency-Key" in refused(answers[1 - winner], 409, "CONFLICT")["message"]
    again = clinic.once(where, "key-1", bodies[winner])
    assert (is_replay(again), again.content) == (True, answers[winner].content)
    refused(clinic.once(where, "key-1", bodies[1 - winner]), 409, "CONFLICT")
    assert clinic.stored("requests") == 1
    if path != REGENERATE:  # it works in slices, each of which is noted; both may have run
        assert done(clinic) == before + 1


def test_twins_that_are_refused_at_once_are_all_refused_and_store_nothing(clinic: Clinic) -> None:
    clinic.limits(ai_slots=0)
    before = clinic.dump()
    for path, body in ((APPOINTMENTS, clinic.body()), (HOLDS, {"slot_id": clinic.slot_id})):
        for answer in clinic.at_once([("POST", path, body)] * 10, idempotency_key="key-1"):
            refused(answer, 409, "SLOT_FULL")
            assert not is_replay(answer)
    assert clinic.dump() == before


def test_equal_posts_with_keys_of_their_own_are_requests_of_their_own(clinic: Clinic) -> None:
    holds = [clinic.once(HOLDS, f"key-{number}", {"slot_id": clinic.slot_id}) for number in range(3)]
    assert [answer.status_code for answer in holds] == [201, 201, 409]
    assert holds[0].json() != holds[1].json()
    good(clinic.once(HOLDS, "KEY-0", {"appointment_type": "Checkup", "appointment_date": "2026-06-22T09:30Z"}), 201)
    assert clinic.counts() == (0, 0, 0)


def test_a_replay_tells_what_was_then_and_changes_nothing_now(clinic: Clinic) -> None:
    first = clinic.once(APPOINTMENTS, "key-1", clinic.body())
    path = f"{APPOINTMENTS}/{good(first, 201)['appointment_id']}"
    good(clinic.owner.patch(path, {"status": "cancelled"}))
    disabled = clinic.once(f"{WINDOWS}/{clinic.window}/disable", "key-2", {})
    good(clinic.owner.post(f"{WINDOWS}/{clinic.window}/enable"))
    before, trail = clinic.dump(), noted(clinic)
    for again, original in (
        (clinic.once(APPOINTMENTS, "key-1", clinic.body()), first),
        (clinic.once(f"{WINDOWS}/{clinic.window}/disable", "key-2", {}), disabled),
    ):
        assert is_replay(again)
        assert (again.status_code, again.content) == (original.status_code, original.content)
    assert (clinic.dump(), noted(clinic)) == (before, trail)
    assert good(clinic.owner.get(path))["data"]["status"] == "cancelled"
    assert clinic.counts() == (0, 2, 2)


def test_a_replay_takes_no_place_where_the_last_is_gone(clinic: Clinic) -> None:
    body = {"slot_id": clinic.slot_id}
    first = good(clinic.once(HOLDS, "key-1", body), 201)
    good(clinic.owner.post(APPOINTMENTS, clinic.body()), 201)
    assert clinic.counts() == (1, 0, 0)
    good(clinic.release(first["data"]))
    assert clinic.counts() == (1, 1, 1)
    again = clinic.once(HOLDS, "key-1", body)
    assert (is_replay(again), again.json()) == (True, first)
    assert clinic.counts() == (1, 1, 1)


def test_a_replay_of_regenerate_writes_no_record(clinic: Clinic) -> None:
    past = "2026-05-25"
    first = clinic.once(REGENERATE, "key-1", {"date_from": past})
    assert good(first)["upserted"] == 1
    clinic.limits(max_slots=9)  # records of the past stay as they are until somebody regenerates them
    before, trail = clinic.dump(), noted(clinic)
    again = clinic.once(REGENERATE, "key-1", {"date_from": past})
    assert (again.content, is_replay(again)) == (first.content, True)
    assert (clinic.dump(), noted(clinic)) == (before, trail)
    assert [record["max_slots"] for record in clinic.owner.records(past)] == [2]
    good(clinic.once(REGENERATE, "key-2", {"date_from": past}))
    assert [record["max_slots"] for record in clinic.owner.records(past)] == [9]


def test_the_same_body_for_another_path_is_a_conflict(clinic: Clinic) -> None:
    good(clinic.once(SERVICES, "key-1", {"name": "Dentist"}), 201)
    refused(clinic.once(BRANCHES, "key-1", {"name": "Dentist"}), 409, "CONFLICT")
    other = clinic.owner.window(session="Evening", start_time="17:00", end_time="19:00")
    good(clinic.once(f"{WINDOWS}/{clinic.window}/disable", "key-2", {}))
    for path in (f"{WINDOWS}/{clinic.window}/enable", f"{WINDOWS}/{other}/disable"):
        refused(clinic.once(path, "key-2", {}), 409, "CONFLICT")
    assert [slot["calendar_id"] for slot in clinic.owner.slots()] == [other]


def test_another_server_process_on_the_same_database_answers_the_retry(clinic: Clinic) -> None:
    first = clinic.once(APPOINTMENTS, "key-1", clinic.body())
    good(first, 201)
    other = World(clinic.world.url)
    try:
        again = clinic.once(APPOINTMENTS, "key-1", clinic.body(), Client(other, clinic.owner.key))
    finally:
        other.close()
    assert (again.status_code, again.content, is_replay(again)) == (201, first.content, True)


def test_a_replay_carries_the_id_of_its_own_request(clinic: Clinic) -> None:
    headers = {"idempotency-key": "key-1"}
    for request_id in ("mine-1", "mine-2"):
        answer = clinic.owner.request(
            "POST", SERVICES, json={"name": "Dentist"}, headers=headers | {"x-request-id": request_id}
        )
        assert (answer.status_code, answer.headers["x-request-id"]) == (201, request_id)


def test_the_query_is_no_part_of_what_is_compared(clinic: Clinic) -> None:
    first = clinic.once(APPOINTMENTS, "key-1", clinic.body())
    again = clinic.once(f"{APPOINTMENTS}?expand=slot", "key-1", clinic.body())
    assert (again.content, is_replay(again)) == (first.content, True)


def test_a_uuid_in_another_case_is_the_same_body(clinic: Clinic) -> None:
    first = clinic.once(HOLDS, "key-1", {"slot_id": clinic.slot_id})
    again = clinic.once(HOLDS, "key-1", {"slot_id": clinic.slot_id.upper()})
    assert (again.content, is_replay(again)) == (first.content, True)


REFUSALS: dict[str, Callable[[Clinic], tuple[str, dict[str, Any], int, str]]] = {
    "400": lambda _: (SERVICES, {"nam": "X"}, 400, "VALIDATION_ERROR"),
    "404": lambda _: (f"{WINDOWS}/{UNKNOWN}/disable", {}, 404, "NOT_FOUND"),
    "409": lambda _: (SERVICES, {"name": "CHECKUP"}, 409, "CONFLICT"),
    "422": lambda one: (APPOINTMENTS, one.body(session="Evening"), 422, "OUTSIDE_AVAILABILITY"),
    "expired": lambda one: (APPOINTMENTS, one.body(hold_id=gone(one)), 409, "HOLD_EXPIRED"),
    "429": lambda one: (HOLDS, {"slot_id": too_many(one)}, 429, "RATE_LIMIT_EXCEEDED"),
}


def gone(clinic: Clinic) -> str:
    hold = clinic.hold()
    good(clinic.release(hold))
    return str(hold["hold_id"])


def too_many(clinic: Clinic) -> str:
    clinic.limits(max_slots=100)
    for _ in range(20):
        clinic.hold()
    return clinic.slot_id


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_stores_nothing_and_leaves_its_key_free_for_anything(clinic: Clinic, name: str) -> None:
    path, body, status, code = REFUSALS[name](clinic)
    before = clinic.dump()
    for _ in range(2):
        answer = clinic.once(path, "key-1", body)
        refused(answer, status, code)
        assert not is_replay(answer)
    assert clinic.dump() == before
    answer = clinic.once(BRANCHES, "key-1", {"name": "Side Street"})
    good(answer, 201)
    assert not is_replay(answer)


def test_a_refusal_is_judged_afresh_once_its_reason_is_gone(clinic: Clinic) -> None:
    hold = clinic.hold(ttl_seconds=30)
    clinic.hold()
    refused(clinic.once(APPOINTMENTS, "key-1", clinic.body()), 409, "SLOT_FULL")
    good(clinic.release(hold))
    answer = clinic.once(APPOINTMENTS, "key-1", clinic.body())
    good(answer, 201)
    assert not is_replay(answer)
    assert is_replay(clinic.once(APPOINTMENTS, "key-1", clinic.body()))
    assert clinic.counts() == (1, 0, 0)


def test_24_hours_are_counted_from_the_effect_and_no_replay_makes_them_longer(clinic: Clinic) -> None:
    first = clinic.once(APPOINTMENTS, "key-1", clinic.body())
    booked = good(first, 201)["appointment_id"]
    clinic.world.clock.advance(hours=23, minutes=59, seconds=59.999)
    assert clinic.once(APPOINTMENTS, "key-1", clinic.body()).content == first.content
    clinic.world.clock.advance(milliseconds=1)
    assert booked in refused(clinic.once(APPOINTMENTS, "key-1", clinic.body()), 409, "DUPLICATE_BOOKING")["message"]
    other = clinic.body("Grace Hopper")
    answer = clinic.once(APPOINTMENTS, "key-1", other)
    good(answer, 201)
    assert not is_replay(answer)
    assert is_replay(clinic.once(APPOINTMENTS, "key-1", other))
    assert clinic.counts() == (2, 0, 0)


@pytest.mark.parametrize("path", POSTS)
def test_after_24_hours_every_post_is_judged_afresh(clinic: Clinic, path: str) -> None:
    where, body = effective(clinic, path)
    assert clinic.once(where, "key-1", body).is_success
    clinic.world.clock.advance(hours=24)
    assert not is_replay(clinic.once(where, "key-1", body))


def test_the_keys_of_one_api_key_are_nobody_elses(clinic: Clinic, outsider: Client) -> None:
    first = clinic.once(APPOINTMENTS, "key-1", clinic.body())
    booked = good(first, 201)["appointment_id"]
    colleague = clinic.world.key(clinic.org_id)
    answer = clinic.once(APPOINTMENTS, "key-1", clinic.body(), colleague)
    assert booked in refused(answer, 409, "DUPLICATE_BOOKING")["message"]
    good(clinic.once(SERVICES, "key-1", {"name": "Dentist"}, colleague), 201)
    good(clinic.once(SERVICES, "key-1", {"name": "Dentist"}, outsider), 201)
    again = clinic.once(APPOINTMENTS, "key-1", clinic.body())
    assert (again.content, is_replay(again)) == (first.content, True)
    assert booked not in clinic.once(SERVICES, "key-1", {"name": "Dentist"}, outsider).text
    assert clinic.counts() == (1, 1, 1)
