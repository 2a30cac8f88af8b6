"""Contract sections 3 and 6: where ``Idempotency-Key`` stands among the checks, and what it may be."""

from typing import Any

import httpx
import pytest

from slotkeeper.api.routes import OPERATIONS
from slotkeeper.domain.access import Scope
from slotkeeper.operations import access as key_operations
from tests import direct
from tests.contract.clinic import HOLDS, UNKNOWN, Clinic
from tests.world import APPOINTMENTS, MONDAY, REGENERATE, WINDOWS, Cast, Client, World, good, refused

SERVICES = "/v1/services"
POSTS = [one.path for one in OPERATIONS if one.method == "POST" and not one.any_key]
MALFORMED = [b"", b"x" * 256, "schön".encode(), b"a\tb", b"a\x7fb", b"\x80"]


@pytest.fixture
def clinic(world: World, owner: Client, cast: Cast) -> Clinic:
    return Clinic(world, owner, cast)


def is_replay(answer: httpx.Response) -> bool:
    return "idempotent-replay" in answer.headers


def send(client: Client, path: str, *keys: bytes, body: Any = None) -> httpx.Response:
    """POST with some Idempotency-Key headers, as they are."""
    authorization = (b"authorization", f"Bearer {client.key}".encode())
    headers = [authorization, *((b"idempotency-key", key) for key in keys)]
    return client.world.request("POST", path, json={} if body is None else body, headers=headers)


@pytest.mark.parametrize("key", [b"x", b"~", b"x" * 255, b"a b", b'"quoted", {json}: \\'])
def test_1_to_255_printable_ascii_characters_are_a_key(clinic: Clinic, key: bytes) -> None:
    answers = [send(clinic.owner, SERVICES, key, body={"name": "Dentist"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert [is_replay(answer) for answer in answers] == [False, True]


def test_a_key_is_compared_as_it_is(clinic: Clinic) -> None:
    for number, key in enumerate([b"key", b"KEY", b"key-", b"k", b"key%20", b"key'"]):
        good(send(clinic.owner, SERVICES, key, body={"name": f"Service {number}"}), 201)


@pytest.mark.parametrize("path", POSTS)
def test_every_post_refuses_a_malformed_key_before_anything_is_looked_up(clinic: Clinic, path: str) -> None:
    bodies: dict[str, dict[str, Any]] = {
        WINDOWS: {"day": "friday", "session": "Evening", "start_time": "17:00", "end_time": "19:00", "max_slots": 3,
            "branch_id": UNKNOWN},
        REGENERATE: {"date_from": MONDAY},
        APPOINTMENTS: clinic.body(appointment_type=UNKNOWN),
        HOLDS: {"slot_id": f"{UNKNOWN}||{MONDAY}||{UNKNOWN}"},
        "/v1/closures": {"date_from": MONDAY, "reason": "Closed", "branch_id": UNKNOWN},
        SERVICES: {"name": "Checkup"},
        "/v1/branches": {"name": "Main Street"},
    }  # fmt: skip
    before = direct.dump(clinic.world.url, clinic.org_id)
    where = path.replace("{slot_id}", UNKNOWN)
    for keys in [*([key] for key in MALFORMED), [b"key-1", b"key-1"], [b"key-1", b"key-2"]]:
        answer = send(clinic.owner, where, *keys, body=bodies.get(path))
        error = refused(answer, 400, "VALIDATION_ERROR")
        assert [detail["field"] for detail in error["details"]] == ["Idempotency-Key"]
    assert direct.dump(clinic.world.url, clinic.org_id) == before


def test_other_methods_ignore_the_header_whatever_it_is(clinic: Clinic) -> None:
    hold = f"{HOLDS}/{clinic.hold()['hold_id']}"
    for key in ("", "x" * 256, "key-1"):
        headers = {"idempotency-key": key}
        answers = [
            clinic.owner.request("GET", hold, headers=headers),
            clinic.owner.request("PATCH", hold, json={"ttl_seconds": 60 + len(key)}, headers=headers),
            clinic.owner.request("DELETE", f"{HOLDS}/{UNKNOWN}", headers=headers),
        ]
        for answer in answers:
            good(answer)
            assert not is_replay(answer)
    assert clinic.stored("requests") == 0


def test_who_may_not_ask_learns_nothing_of_the_key(clinic: Clinic, nobody: Client) -> None:
    reader = clinic.world.key(clinic.org_id, [Scope.SLOTS_READ])
    for key in (b"", b"key-1"):
        refused(send(reader, SERVICES, key, body={"name": "Dentist"}), 403, "INSUFFICIENT_SCOPE")
        refused(nobody.request("POST", SERVICES, json={}, headers={"idempotency-key": key}), 401, "UNAUTHORIZED")


def test_size_and_type_of_the_body_come_first(clinic: Clinic) -> None:
    headers = {"idempotency-key": "x" * 256, "content-type": "application/json"}
    large = clinic.owner.request("POST", SERVICES, content=b" " * 65_537, headers=headers)
    refused(large, 413, "PAYLOAD_TOO_LARGE")
    typed = clinic.owner.request("POST", SERVICES, content=b"{}", headers=headers | {"content-type": "text/plain"})
    refused(typed, 415, "UNSUPPORTED_MEDIA_TYPE")


def test_a_body_that_is_malformed_is_told_before_a_clash_of_keys(clinic: Clinic) -> None:
    good(clinic.once(SERVICES, "key-1", {"name": "Dentist"}), 201)
    refused(clinic.once(SERVICES, "key-1", {"name": 7}), 400, "VALIDATION_ERROR")
    refused(clinic.once(HOLDS, "key-1", {"slot_id": "monday"}), 400, "VALIDATION_ERROR")


def test_a_clash_of_keys_is_told_before_existence_and_rules(clinic: Clinic) -> None:
    good(clinic.once(SERVICES, "key-1", {"name": "Dentist"}), 201)
    clinic.limits(ai_slots=0)
    for path, body in (
        (f"{WINDOWS}/{UNKNOWN}/disable", {}),
        (SERVICES, {"name": "Checkup"}),
        (HOLDS, {"slot_id": f"{UNKNOWN}||{MONDAY}||{UNKNOWN}"}),
        (HOLDS, {"slot_id": clinic.slot_id}),
        (APPOINTMENTS, clinic.body(appointment_type="Surgery")),
        (APPOINTMENTS, clinic.body()),
        (APPOINTMENTS, clinic.body(hold_id=UNKNOWN)),
        ("/v1/closures", {"date_from": MONDAY, "reason": "Closed", "branch_id": UNKNOWN}),
    ):
        assert "Idempotency-Key" in refused(clinic.once(path, "key-1", body), 409, "CONFLICT")["message"]


def test_a_replay_is_given_though_what_it_named_is_gone_or_refused_now(clinic: Clinic) -> None:
    body = clinic.body()
    first = clinic.once(APPOINTMENTS, "key-1", body)
    good(clinic.owner.patch(f"{SERVICES}/{clinic.service}", {"active": False}))
    good(clinic.owner.post("/v1/closures", {"date_from": MONDAY, "reason": "Closed"}), 201)
    again = clinic.once(APPOINTMENTS, "key-1", body)
    assert (again.status_code, again.content, is_replay(again)) == (201, first.content, True)


def test_a_dry_run_is_never_a_replay_and_leaves_its_key_free(clinic: Clinic) -> None:
    for path, body in ((REGENERATE, {"date_from": MONDAY}), ("/v1/closures", {"date_from": MONDAY, "reason": "X"})):
        before = direct.dump(clinic.world.url, clinic.org_id)
        for _ in range(2):
            answer = clinic.once(path, "key-1", body | {"dry_run": True})
            good(answer)
            assert not is_replay(answer)
        assert direct.dump(clinic.world.url, clinic.org_id) == before
    good(clinic.once(SERVICES, "key-1", {"name": "Dentist"}), 201)


def test_a_replay_counts_for_the_rate_limit_and_is_refused_over_it(clinic: Clinic) -> None:
    limited = clinic.world.key(clinic.org_id, rate_limit=2)
    answers = [clinic.once(SERVICES, "key-1", {"name": "Dentist"}, limited) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert [is_replay(answer) for answer in answers] == [False, True, False]
    refused(answers[2], 429, "RATE_LIMIT_EXCEEDED")
    clinic.world.clock.advance(seconds=int(answers[2].headers["retry-after"]))
    assert is_replay(clinic.once(SERVICES, "key-1", {"name": "Dentist"}, limited))


def test_a_replay_needs_the_scope_as_the_key_has_it_now(clinic: Clinic) -> None:
    client = clinic.world.key(clinic.org_id, [Scope.APPOINTMENTS_WRITE])
    good(clinic.once(APPOINTMENTS, "key-1", clinic.body(), client), 201)
    assert client.record is not None
    sql = "UPDATE api_keys SET scopes = 'slots:read' WHERE org_id = ? AND key_id = ?"
    assert direct.change(clinic.world.url, sql, clinic.org_id, client.record.key_id) == 1
    answer = clinic.once(APPOINTMENTS, "key-1", clinic.body(), client)
    assert "appointments:write" in refused(answer, 403, "INSUFFICIENT_SCOPE")["message"]


def test_a_revoked_key_gets_no_replay(clinic: Clinic) -> None:
    client = clinic.world.key(clinic.org_id)
    good(clinic.once(SERVICES, "key-1", {"name": "Dentist"}, client), 201)
    assert client.record is not None
    world = clinic.world
    world.run(key_operations.revoke_key(world.db, clinic.org_id, client.record.key_id, now=world.clock()))
    refused(clinic.once(SERVICES, "key-1", {"name": "Dentist"}, client), 401, "UNAUTHORIZED")
