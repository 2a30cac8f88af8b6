"""Contract section 3 on API keys, scopes, rate limits and the order of the checks, sentence by sentence."""

import re

import pytest

from slotkeeper.domain.access import Scope, hash_key
from slotkeeper.domain.model import Channel
from slotkeeper.operations import access as key_operations
from slotkeeper.settings import is_server, sqlite_path
from tests import direct
from tests.world import (
    AVAILABILITY,
    MONDAY,
    REGENERATE,
    TRACKING,
    WINDOWS,
    Cast,
    Client,
    World,
    good,
    refused,
)

GONE = "00000000-0000-4000-8000-000000000000"


def bearer(text: str) -> dict[str, str]:
    return {"authorization": text}


def test_a_key_starts_with_sk_live_carries_its_organizations_id_and_ends_in_32_random_base62(
    world: World, cast: Cast
) -> None:
    one, two = world.key(cast.owner_org).key or "", world.key(cast.owner_org).key or ""
    assert re.fullmatch(r"sk_live_.*[0-9A-Za-z]{32}", one)
    assert cast.owner_org.replace("-", "") in one.replace("-", "")
    assert one[-32:] != two[-32:]


def test_only_a_hash_of_a_key_is_stored(world: World, cast: Cast) -> None:
    key = world.key(cast.owner_org).key or ""
    stored = repr(direct.dump(world.url, cast.owner_org))
    if not is_server(world.url):
        file = sqlite_path(world.url)
        stored += "".join(repr(one.read_bytes()) for one in file.parent.glob(f"{file.name}*"))
    assert hash_key(key) in stored
    assert key not in stored
    assert key[-32:] not in stored


def test_revocation_is_read_from_the_database_on_every_request(world: World, cast: Cast) -> None:
    client = world.key(cast.owner_org)
    good(client.get(AVAILABILITY, date=MONDAY))
    assert client.record is not None
    world.run(key_operations.revoke_key(world.db, cast.owner_org, client.record.key_id, now=world.clock()))
    refused(client.get(AVAILABILITY, date=MONDAY), 401, "UNAUTHORIZED")


def test_expiry_is_read_on_every_request(world: World, cast: Cast) -> None:
    client = world.key(cast.owner_org, expires_at=world.clock() + 60_000)
    good(client.get(AVAILABILITY, date=MONDAY))
    world.clock.advance(seconds=60)
    refused(client.get(AVAILABILITY, date=MONDAY), 401, "UNAUTHORIZED")


def test_scopes_are_read_from_the_database_on_every_request(world: World, owner: Client, cast: Cast) -> None:
    good(owner.get(AVAILABILITY, date=MONDAY))
    direct.change(world.url, "UPDATE api_keys SET scopes = 'admin' WHERE org_id = ?", cast.owner_org)
    refused(owner.get(AVAILABILITY, date=MONDAY), 403, "INSUFFICIENT_SCOPE")


def test_no_key_and_an_unknown_revoked_or_expired_one_get_the_same_answer(
    world: World, nobody: Client, cast: Cast
) -> None:
    revoked, expired = world.key(cast.owner_org), world.key(cast.owner_org, expires_at=world.clock() + 1)
    world.clock.advance(seconds=1)
    assert revoked.record is not None
    world.run(key_operations.revoke_key(world.db, cast.owner_org, revoked.record.key_id, now=world.clock()))
    unknown = f"Bearer {(revoked.key or '')[:-4]}0000"
    texts = ["", "Bearer", "Bearer ", "Bearer x", unknown, f"Basic {cast.owner}", f"{cast.owner}", "Bearer sk_live_é"]
    answers = [nobody.get(AVAILABILITY, date=MONDAY), revoked.get(AVAILABILITY), expired.get(AVAILABILITY)]
    answers += [nobody.request("GET", AVAILABILITY, headers=bearer(text)) for text in texts[:-1]]
    answers += [nobody.request("GET", AVAILABILITY, headers={"authorization": texts[-1].encode("latin-1")})]
    assert len({str(refused(answer, 401, "UNAUTHORIZED")) for answer in answers}) == 1
    assert {answer.headers["www-authenticate"] for answer in answers} == {"Bearer"}


def test_the_scheme_of_the_authorization_header_is_read_in_any_case(nobody: Client, cast: Cast) -> None:
    good(nobody.request("GET", AVAILABILITY, params={"date": MONDAY}, headers=bearer(f"bearer {cast.owner}")))


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", f"{AVAILABILITY}?date={MONDAY}", Scope.SLOTS_READ),
        ("GET", f"{TRACKING}?date_from={MONDAY}", Scope.SLOTS_READ),
        ("PATCH", f"{WINDOWS}/tracking/{GONE}||{MONDAY}||{GONE}", Scope.SLOTS_WRITE),
        ("POST", REGENERATE, Scope.SLOTS_WRITE),
        ("PATCH", f"{WINDOWS}/days/{GONE}||{MONDAY}", Scope.SLOTS_WRITE),
        ("POST", WINDOWS, Scope.SLOTS_WRITE),
        ("PATCH", f"{WINDOWS}/{GONE}", Scope.SLOTS_WRITE),
        ("POST", f"{WINDOWS}/{GONE}/disable", Scope.SLOTS_WRITE),
        ("POST", f"{WINDOWS}/{GONE}/enable", Scope.SLOTS_WRITE),
        ("GET", WINDOWS, Scope.SLOTS_READ),
        ("GET", f"{WINDOWS}/{GONE}", Scope.SLOTS_READ),
        ("GET", "/v1/services", Scope.APPOINTMENTS_READ),
        ("GET", "/v1/branches", Scope.APPOINTMENTS_READ),
        ("GET", "/v1/appointment-config", Scope.APPOINTMENTS_READ),
        ("POST", "/v1/services", Scope.ADMIN),
        ("POST", "/v1/branches", Scope.ADMIN),
        ("PATCH", f"/v1/services/{GONE}", Scope.ADMIN),
        ("PATCH", f"/v1/branches/{GONE}", Scope.ADMIN),
        ("PATCH", "/v1/appointment-config", Scope.ADMIN),
    ],
)
def test_each_endpoint_needs_its_own_scope_and_no_other(
    world: World, cast: Cast, method: str, path: str, scope: Scope
) -> None:
    others = [other for other in Scope if other is not scope]
    error = refused(world.key(cast.owner_org, others).request(method, path), 403, "INSUFFICIENT_SCOPE")
    assert scope in error["message"]
    assert world.key(cast.owner_org, [scope]).request(method, path).status_code not in (401, 403)


# The order of the checks.


def limited(world: World, cast: Cast, scopes: tuple[Scope, ...] = tuple(Scope)) -> Client:
    """A key whose one request a minute is spent."""
    client = world.key(cast.owner_org, scopes, rate_limit=1)
    client.get("/v1/branches")
    return client


def test_the_path_is_checked_before_the_method_and_the_method_before_the_key(nobody: Client) -> None:
    refused(nobody.request("BREW", "/v1/nothing"), 404, "NOT_FOUND")
    answer = nobody.request("DELETE", AVAILABILITY)
    refused(answer, 405, "METHOD_NOT_ALLOWED")
    assert "GET" in answer.headers["allow"]


def test_the_key_is_checked_before_the_rate_limit_and_the_rate_limit_before_the_scope(world: World, cast: Cast) -> None:
    client = limited(world, cast, (Scope.APPOINTMENTS_READ,))
    refused(client.get(AVAILABILITY), 429, "RATE_LIMIT_EXCEEDED")
    assert client.record is not None
    world.run(key_operations.revoke_key(world.db, cast.owner_org, client.record.key_id, now=world.clock()))
    refused(client.get(AVAILABILITY), 401, "UNAUTHORIZED")


def test_the_scope_is_checked_before_the_size_type_and_content_of_the_body(colleague: Client) -> None:
    huge = b"{" + b" " * 70_000 + b"}"
    answer = colleague.request("POST", REGENERATE, content=huge, headers={"content-type": "text/plain"})
    refused(answer, 403, "INSUFFICIENT_SCOPE")


def test_size_and_type_of_the_body_are_checked_before_its_content(owner: Client) -> None:
    text = {"content-type": "text/plain"}
    assert owner.request("POST", REGENERATE, content=b"x" * 70_000, headers=text).status_code in (413, 415)
    refused(owner.request("POST", REGENERATE, content=b"{", headers=text), 415, "UNSUPPORTED_MEDIA_TYPE")


def test_the_body_is_checked_before_existence_and_existence_before_rules(owner: Client) -> None:
    refused(owner.patch(f"{WINDOWS}/tracking/{GONE}||{MONDAY}||{GONE}", {"max_slots": -1}), 400, "VALIDATION_ERROR")
    refused(owner.patch(f"{WINDOWS}/tracking/{GONE}||{MONDAY}||{GONE}", {"max_slots": 1}), 404, "NOT_FOUND")


# The rate limit.


def test_the_default_limit_of_a_key_is_60_a_minute_and_0_means_none(world: World, cast: Cast, owner: Client) -> None:
    client = world.key(cast.owner_org, rate_limit=60, channel=Channel.AI)
    assert all(client.get("/v1/branches").status_code == 200 for _ in range(60))
    refused(client.get("/v1/branches"), 429, "RATE_LIMIT_EXCEEDED")
    assert all(owner.get("/v1/branches").status_code == 200 for _ in range(70))


def test_over_the_limit_retry_after_says_in_whole_seconds_when_it_will_work_again(world: World, cast: Cast) -> None:
    client = limited(world, cast)
    world.clock.advance(seconds=20.5)
    answer = client.get("/v1/branches")
    refused(answer, 429, "RATE_LIMIT_EXCEEDED")
    wait = int(answer.headers["retry-after"])
    assert wait == 40, "39.5 s, rounded up so that it then works"
    world.clock.advance(seconds=wait)
    good(client.get("/v1/branches"))


def test_the_limit_is_a_sliding_window(world: World, cast: Cast) -> None:
    client = world.key(cast.owner_org, rate_limit=2)
    good(client.get("/v1/branches"))
    world.clock.advance(seconds=50)
    good(client.get("/v1/branches"))
    refused(client.get("/v1/branches"), 429, "RATE_LIMIT_EXCEEDED")
    world.clock.advance(seconds=11)
    good(client.get("/v1/branches"))
    refused(client.get("/v1/branches"), 429, "RATE_LIMIT_EXCEEDED")


def test_a_key_is_limited_by_its_own_requests_only(world: World, cast: Cast) -> None:
    limited(world, cast)
    good(world.key(cast.owner_org, rate_limit=1).get("/v1/branches"))
