"""The door's own parts: paths, names of requests, headers, and what happens when something breaks."""

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import unquote

import pytest
from starlette.routing import Match, Route

from slotkeeper.api import availability
from slotkeeper.api.availability import write_availability
from slotkeeper.api.door import NOBODY, Door, Doorway, RequestIds, bearer, once, refuse_size
from slotkeeper.api.problems import STATUS, problem
from slotkeeper.api.request import Handler, Operation, Page, Request, Site
from slotkeeper.api.routes import OPERATIONS
from slotkeeper.api.schemas import HealthView
from slotkeeper.api.windows import NoFields
from slotkeeper.domain import errors
from slotkeeper.domain.access import Scope
from slotkeeper.domain.errors import Kind, PayloadTooLarge, SlotkeeperError, Unauthorized
from slotkeeper.operations.availability import Replies
from slotkeeper.operations.facts import Knowledge
from slotkeeper.operations.line import new_line
from slotkeeper.operations.rate_limits import RateLimiter
from slotkeeper.tools.turn import Site as Tools
from tests.world import Client, World, refused

Messages = list[MutableMapping[str, Any]]


async def ready() -> bool:
    """The database of these tests is always ready, all of it."""
    return True


def door(world: World, *operations: Operation) -> Door:
    line, knowledge = new_line(world.db), Knowledge()
    tools = Tools(world.db, line, knowledge, 300)
    site = Site(world.db, ready, {}, Replies(write_availability), line, knowledge, tools)
    return Door(site, operations, limits=RateLimiter(), clock=world.clock)


def ask(world: World, handler: Handler, messages: Messages | None = None, **more: Any) -> Messages:
    """What a door with a single operation sends for one request."""
    operation = Operation("POST", "/x", None, handler, "X", answer=HealthView, body=NoFields)
    coming = iter(messages or [{"type": "http.request", "body": b""}])
    sent: Messages = []

    async def receive() -> MutableMapping[str, Any]:
        return next(coming)

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/x", "raw_path": b"/x", "query_string": b"", "headers": []}
    world.run(door(world, operation).router()(scope | more, receive, send))
    return sent


async def alive(_: Request) -> HealthView:
    return HealthView(True, "alive")


def raising(error: BaseException) -> Callable[[Request], Awaitable[HealthView]]:
    async def handler(_: Request) -> HealthView:
        raise error

    return handler


def find(world: World, path: str) -> tuple[set[str], str] | None:
    """The path of the table that the router chooses for one, and what stands for its ``{…}``."""
    scope = {"type": "http", "method": "GET", "path": unquote(path)}
    for route in door(world, *OPERATIONS).router().routes:
        assert isinstance(route, Route)
        match, more = route.matches(scope)
        if match is Match.FULL:
            assert isinstance(route.app, Doorway)
            target = next(iter(more["path_params"].values()), "")
            return {operation.path for operation in route.app.methods.values()}, target
    return None


SLOT = "/v1/appointment-slots/{slot_id}"


@pytest.mark.parametrize(
    ("path", "found", "target"),
    [
        ("/v1/appointment-slots/availability", "/v1/appointment-slots/availability", ""),
        ("/v1/appointment-slots/%61vailability", "/v1/appointment-slots/availability", ""),
        ("/v1/appointment-slots/a||", SLOT, "a||"),
        ("/v1/appointment-slots/a%7c%7C", SLOT, "a||"),
        ("/v1/appointment-slots/tracking", SLOT, "tracking"),
        ("/v1/appointment-slots/a%2Fdisable", f"{SLOT}/disable", "a"),
        ("/v1/appointment-slots/%ff", SLOT, "\ufffd"),
        ("/v1/appointment-slots/tracking/a", "/v1/appointment-slots/tracking/{slot_id}", "a"),
        ("/v1/appointment-slots/tracking/disable", "/v1/appointment-slots/tracking/{slot_id}", "disable"),
        ("/v1/appointment-slots/a/disable", "/v1/appointment-slots/{slot_id}/disable", "a"),
    ],
)
def test_a_path_leads_to_its_operations(world: World, path: str, found: str, target: str) -> None:
    assert find(world, path) == ({found}, target)


@pytest.mark.parametrize(
    "path",
    ["", "/", "/v1", "/v1/appointment-slots/", "/v1/appointment-slots//disable", "/v1/services%2f",
     "//v1/services", "/v1/services/a/", "/V1/services", "/v1/services;x", "/docs/x"],
)  # fmt: skip
def test_any_other_path_leads_nowhere(world: World, path: str) -> None:
    assert find(world, path) is None


@pytest.mark.parametrize("own", [b"a", b"A-z.0:9_", b"x" * 128])
def test_a_sane_request_id_is_kept(own: bytes) -> None:
    assert RequestIds().of({b"x-request-id": own}) == own


@pytest.mark.parametrize("own", [b"", b" ", b"a b", b"a\n", b"\xff", b"<b>", b"x" * 129])
def test_any_other_request_id_is_replaced(own: bytes) -> None:
    ids = RequestIds()
    first, second = ids.of({b"x-request-id": own}), ids.of({})
    assert first != second
    assert re.fullmatch(rb"req_[0-9a-f]{12}_[0-9]+", first)


def test_a_header_sent_twice_counts_as_not_sent() -> None:
    assert once([(b"a", b"1"), (b"b", b"2"), (b"a", b"3")]) == {b"b": b"2"}


@pytest.mark.parametrize("value", [b"Bearer k", b"bearer k", b"BEARER   k "])
def test_the_key_is_read_whatever_the_case_of_bearer(value: bytes) -> None:
    assert bearer({b"authorization": value}) == "k"


@pytest.mark.parametrize("value", [b"Basic k", b"k", b"", b"Bearerk", b"\xff"])
def test_another_scheme_is_unauthorized(value: bytes) -> None:
    with pytest.raises(Unauthorized):
        bearer({b"authorization": value})


def test_the_announced_size_of_a_body_is_judged_before_it_comes() -> None:
    for fine in (b"0", b"65536", b"abc", b"-1", b"\xff"):
        refuse_size({b"content-length": fine})
    for large in (b"65537", b"9" * 4000):
        with pytest.raises(PayloadTooLarge):
            refuse_size({b"content-length": large})


def test_every_kind_of_refusal_has_its_status_and_its_headers() -> None:
    assert set(STATUS) == set(Kind)
    assert problem(errors.Unavailable()).headers == [(b"retry-after", b"2")]
    assert problem(errors.RateLimitExceeded(60, 7)).headers == [(b"retry-after", b"7")]
    assert problem(errors.MethodNotAllowed("PUT", ("GET", "HEAD"))).headers == [(b"allow", b"GET, HEAD")]
    assert problem(Unauthorized()).headers == [(b"www-authenticate", b"Bearer")]


def test_what_breaks_is_logged_under_the_request_id_and_tells_the_client_nothing_else(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        start, end = ask(world, raising(ZeroDivisionError("secret")), headers=[(b"x-request-id", b"abc")])
    assert start["status"] == 500
    assert (b"x-request-id", b"abc") in start["headers"]
    assert json.loads(end["body"])["error"]["code"] == "INTERNAL_ERROR"
    assert b"secret" not in end["body"]
    assert b"abc" in end["body"]
    assert "abc" in caplog.text
    assert "secret" in caplog.text


def test_an_answer_that_cannot_be_written_as_json_is_our_fault_too(world: World) -> None:
    async def handler(_: Request) -> HealthView:
        return HealthView(True, "\ud800")  # type: ignore[arg-type]

    assert ask(world, handler)[0]["status"] == 500


@pytest.mark.parametrize("error", [SlotkeeperError("x"), errors.Unavailable(), errors.Conflict("x")])
def test_a_refusal_of_the_operation_is_answered_by_its_kind(world: World, error: SlotkeeperError) -> None:
    assert ask(world, raising(error))[0]["status"] == STATUS[error.kind]


def test_a_client_that_goes_away_in_the_middle_of_its_body_gets_no_answer(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    messages: Messages = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    assert ask(world, alive, messages) == []
    assert not caplog.records


def test_a_body_is_read_no_further_than_it_may_be_long(world: World) -> None:
    piece = {"type": "http.request", "body": b" " * 40_000, "more_body": True}
    assert ask(world, alive, [piece, piece])[0]["status"] == 413


def test_a_cancelled_request_is_not_taken_for_a_failure(world: World) -> None:
    with pytest.raises(asyncio.CancelledError):
        ask(world, raising(asyncio.CancelledError()))


def test_a_websocket_is_turned_away(world: World) -> None:
    assert ask(world, alive, type="websocket") == [{"type": "websocket.close", "code": 1000}]


def test_a_page_is_sent_as_it_is_with_its_headers(world: World) -> None:
    async def handler(_: Request) -> Page:
        return Page("text/plain", b"hello", ((b"x", b"y"),))

    start, end = ask(world, handler)
    assert {(b"content-type", b"text/plain"), (b"content-length", b"5"), (b"x", b"y")} <= set(start["headers"])
    assert end["body"] == b"hello"


@pytest.mark.parametrize(
    ("content_type", "status"),
    [("application/json", 200), ("Application/JSON; charset=UTF-8", 200), ('application/json;charset="utf-8"', 200),
     ("application/json; charset=latin-1", 415), ("text/json", 415), ("application/json, text/plain", 415), ("", 415),
     ("application/problem+json", 415)],
)  # fmt: skip
def test_a_body_must_be_json(owner: Client, content_type: str, status: int) -> None:
    owner.branch("Main")
    window = owner.window()
    headers = {"content-type": content_type} if content_type else {}
    answer = owner.request("POST", f"/v1/appointment-slots/{window}/disable", content=b"{}", headers=headers)
    assert answer.status_code == status


def test_an_encoded_body_is_no_json(owner: Client) -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    refused(owner.request("POST", "/v1/services", content=b"{}", headers=headers), 415, "UNSUPPORTED_MEDIA_TYPE")


def test_head_answers_like_get_without_content(owner: Client) -> None:
    for path in ("/healthz", "/v1/services", "/nothing"):
        get, head = owner.request("GET", path), owner.request("HEAD", path)
        assert head.content == b""
        assert head.status_code == get.status_code
        assert {**head.headers, "x-request-id": ""} == {**get.headers, "x-request-id": ""}


def test_readiness_asks_the_database_and_health_does_not(nobody: Client, world: World) -> None:
    assert nobody.get("/readyz").json() == {"success": True, "status": "ready"}
    world.run(world.db.write(lambda tx: tx.execute("DELETE FROM schema_steps")))  # type: ignore[arg-type]
    answer = nobody.get("/readyz")
    assert "slotkeeper migrate" in refused(answer, 503, "UNAVAILABLE")["message"]
    assert int(answer.headers["retry-after"]) >= 1
    assert nobody.get("/healthz").json() == {"success": True, "status": "alive"}


def test_a_caller_without_a_key_has_no_scope() -> None:
    for scope in Scope:
        with pytest.raises(errors.InsufficientScope):
            NOBODY.require(scope)


def test_a_long_list_of_records_is_the_same_as_its_parts(owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    owner.branch("Main")
    owner.service("Checkup")
    owner.window()
    parts = owner.records("2026-06-01", "2026-06-30") + owner.records("2026-07-01", "2026-07-31")
    monkeypatch.setattr(availability, "MANY", 5)
    assert len(parts) > 5
    assert owner.records("2026-06-01", "2026-07-31") == parts
