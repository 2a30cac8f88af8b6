"""The Model Context Protocol at /mcp, spoken by the SDK's own client and by hand."""

import json
import subprocess
import sys
from typing import Any

import httpx
import pytest
from mcp.client import Client as McpClient

from slotkeeper.domain.errors import Unavailable
from slotkeeper.mcp import protocol
from slotkeeper.mcp.door import McpDoor
from slotkeeper.operations import access
from slotkeeper.settings import Settings
from slotkeeper.tools import calls
from slotkeeper.tools.refusals import SORRY
from slotkeeper.tools.table import TOOLS
from tests.doors.mcp_client import BEFORE, NEWEST, follow, shown, talk_over_http, text
from tests.doors.serving import every_tool, served
from tests.doors.test_platforms import booked, booking
from tests.doors.tooling import Clinic
from tests.world import Cast, World, refused

REVISIONS = pytest.mark.parametrize("revision", [NEWEST, BEFORE])
JSON = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


class Wire:
    """Messages of the revision before the newest, by hand."""

    def __init__(self, url: str, key: str | None, **headers: str) -> None:
        self.url = f"{url}/mcp"
        own = {} if key is None else {"authorization": f"Bearer {key}"}
        self.headers = {**JSON, "mcp-protocol-version": BEFORE, **own, **headers}

    def send(self, method: str, params: Any = None, number: int = 1, **headers: Any) -> httpx.Response:
        message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params or {}}
        return httpx.post(self.url, json=message, headers=self.headers | headers, timeout=10)

    def call(self, tool: str, arguments: Any, number: int = 1, *, meta: Any = None, **headers: Any) -> dict[str, Any]:
        """What a tool answered."""
        params = {"name": tool, "arguments": arguments, **({"_meta": meta} if meta else {})}
        response = self.send("tools/call", params, number, **headers)
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()["result"]["structuredContent"]
        return found

    def begin(self, version: str = BEFORE) -> httpx.Response:
        """The handshake of the revisions with sessions."""
        info = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
        return self.send("initialize", info)


# What a client sees and does


@REVISIONS
def test_the_sdks_client_runs_every_tool(revision: str, server: str, cast: Cast) -> None:
    async def work(client: McpClient) -> None:
        listed = [tool.name for tool in (await client.list_tools()).tools]
        assert listed == [tool.name for tool in TOOLS]
        assert await follow(client, every_tool()) == set(listed)

    talk_over_http(server, cast.owner, work, revision=revision)


@REVISIONS
def test_tools_are_listed_by_the_keys_scopes_with_their_schemas(revision: str, server: str, cast: Cast) -> None:
    async def work(client: McpClient) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert {"check_availability", "find_next_available"} <= set(tools)
        assert "book_appointment" not in tools
        assert "close_day" not in tools
        for tool in tools.values():
            assert tool.title
            assert tool.description
            assert tool.output_schema is not None
            assert tool.input_schema["type"] == tool.output_schema["type"] == "object"
            assert set(tool.output_schema["required"]) >= {"ok", "spoken", "options"}
        refusal = await client.call_tool("book_appointment", booking("Mia Braun"))
        assert refusal.is_error
        assert "appointments:write" in text(refusal)

    talk_over_http(server, cast.colleague, work, revision=revision)


def test_the_hints_of_a_tool_are_those_of_the_table(server: str, cast: Cast) -> None:
    async def work(client: McpClient) -> None:
        for listed, tool in zip((await client.list_tools()).tools, TOOLS, strict=True):
            hints = listed.annotations
            assert hints is not None
            assert (listed.name, hints.open_world_hint) == (tool.name, False)
            assert hints.read_only_hint is tool.is_read_only
            assert hints.destructive_hint is tool.is_destructive
            assert hints.idempotent_hint is tool.is_idempotent
        reading = {tool.name for tool in TOOLS if tool.is_read_only}
        assert {"check_availability", "find_appointment"} <= reading
        assert not reading & {"hold_slot", "book_appointment", "cancel_appointment", "close_day"}

    talk_over_http(server, cast.owner, work)


@REVISIONS
def test_what_a_rule_refuses_is_an_error_of_the_tool_that_a_model_can_act_on(
    revision: str, server: str, cast: Cast, clinic: Clinic
) -> None:
    async def work(client: McpClient) -> None:
        result = await client.call_tool("book_appointment", booking("Mia Braun", time="one in the afternoon"))
        assert result.is_error
        assert shown(result)["reason_code"] == "OUTSIDE_AVAILABILITY"
        missing = await client.call_tool("book_appointment", {"phone": "1234567"})
        assert shown(missing)["reason_code"] == "BAD_ARGUMENTS"
        unknown = await client.call_tool("nonsense", {})
        assert unknown.is_error
        assert "no tool" in text(unknown)

    talk_over_http(server, cast.owner, work, revision=revision)
    assert booked(clinic) == []


@pytest.mark.parametrize("version", [BEFORE, "2025-06-18", "2025-03-26", "2024-11-05"])
def test_a_client_of_an_older_revision_gets_its_own(version: str, server: str, cast: Cast) -> None:
    answer = Wire(server, cast.owner).begin(version)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["result"]["protocolVersion"] == version
    assert answer.json()["result"]["instructions"]


def test_an_unknown_revision_is_offered_what_there_is(server: str, cast: Cast) -> None:
    assert Wire(server, cast.owner).begin("1999-01-01").json()["result"]["protocolVersion"] == BEFORE


def test_any_server_process_answers_any_message(world: World, clinic: Clinic, cast: Cast) -> None:
    del clinic
    with served(world) as one, served(world) as other:
        session = {"mcp-session-id": Wire(one, cast.owner).begin().headers["mcp-session-id"]}
        first = Wire(other, cast.owner, **session).call("book_appointment", booking("Mia Braun"), number=7)
        again = Wire(one, cast.owner, **session).call("book_appointment", booking("Mia Braun"), number=7)
    assert first["ok"]
    assert again == first


# Nothing is done twice


def test_a_message_that_is_sent_again_in_its_session_gets_the_first_answer(
    server: str, cast: Cast, clinic: Clinic
) -> None:
    wire = Wire(server, cast.owner)
    session = {"mcp-session-id": wire.begin().headers["mcp-session-id"]}
    other = {"mcp-session-id": wire.begin().headers["mcp-session-id"]}
    assert session != other
    first = wire.call("book_appointment", booking("Mia Braun"), number=3, **session)
    again = wire.call("book_appointment", booking("Mia Braun"), number=3, **session)
    assert first["ok"]
    assert again == first
    child = wire.call("book_appointment", booking("Ben Braun"), number=4, **session)
    assert child["ok"]
    elsewhere = wire.call("book_appointment", booking("Mia Braun"), number=3, **other)
    assert elsewhere["reason_code"] == "DUPLICATE_BOOKING", "the same number of another session is another message"
    assert booked(clinic) == [("Ben Braun", "confirmed"), ("Mia Braun", "confirmed")]


NAMED = [
    ({"x-call-id": "call-4711"}, None),
    ({}, {"slotkeeper/call-id": "call-4711"}),
    ({}, {"slotkeeper/tool-call-id": "toolu_4711"}),
    ({}, {"slotkeeper/idempotency-key": "mine-4711"}),
]


@pytest.mark.parametrize(("headers", "meta"), NAMED)
def test_a_call_that_is_named_is_done_once_whatever_its_message_is_called(
    headers: dict[str, str], meta: Any, server: str, cast: Cast
) -> None:
    wire = Wire(server, cast.owner)
    said = {"date": "next Monday", "time": "3 pm", "service": "General Checkup"}
    holds = [wire.call("hold_slot", said, number=number, meta=meta, **headers) for number in (1, 2)]
    assert holds[0]["reason_code"] == "HELD"
    assert holds[0] == holds[1]
    unnamed = wire.call("hold_slot", said, number=1)
    assert unnamed["data"]["hold_id"] != holds[0]["data"]["hold_id"]


def test_a_mother_books_two_children_in_one_call(server: str, cast: Cast, clinic: Clinic) -> None:
    wire = Wire(server, cast.owner, **{"x-call-id": "call-4711"})
    children = [wire.call("book_appointment", booking(name)) for name in ("Mia Braun", "Ben Braun")]
    assert [child["ok"] for child in children] == [True, True]
    assert booked(clinic) == [("Ben Braun", "confirmed"), ("Mia Braun", "confirmed")]


def test_a_caller_who_changes_their_mind_twice_is_booked_again(server: str, cast: Cast, clinic: Clinic) -> None:
    wire = Wire(server, cast.owner, **{"x-call-id": "call-4711"})
    first = wire.call("book_appointment", booking("Mia Braun"))
    wire.call("cancel_appointment", {"appointment_id": first["data"]["appointment_id"]})
    assert wire.call("book_appointment", booking("Mia Braun"))["ok"]
    assert booked(clinic) == [("Mia Braun", "cancelled"), ("Mia Braun", "confirmed")]


def test_a_caller_who_cancels_twice_has_cancelled_twice(server: str, cast: Cast, clinic: Clinic) -> None:
    wire = Wire(server, cast.owner, **{"x-call-id": "call-4711"})
    for time in ("half past nine", "half past ten"):
        wire.call("book_appointment", booking("Mia Braun", time=time))
        cancelled = wire.call("cancel_appointment", {"patient_name": "Mia Braun", "phone": "030 1234567"})
        assert cancelled["reason_code"] == "CANCELLED"
    assert booked(clinic) == [("Mia Braun", "cancelled"), ("Mia Braun", "cancelled")]


# Who may, and from where


def test_nobody_gets_in_without_a_key(server: str) -> None:
    for key in (None, "sk_live_nonsense"):
        response = Wire(server, key).begin()
        refused(response, 401, "UNAUTHORIZED")
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.headers["x-request-id"]


@pytest.mark.parametrize(
    "origin", ["http://localhost:6274", "http://127.0.0.1", "http://[::1]:80", "https://desk.example"]
)
def test_pages_of_this_machine_and_of_our_own_site_may_ask(
    origin: str, world: World, clinic: Clinic, cast: Cast
) -> None:
    del clinic
    with served(world, Settings(public_url="https://desk.example")) as url:
        assert Wire(url, cast.owner, origin=origin).begin().status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://evil.example:8000", "null", "http://localhost.evil.example"]
)
def test_pages_of_other_sites_may_not_whatever_name_they_reach_us_by(origin: str, server: str, cast: Cast) -> None:
    host = origin.partition("//")[2] or "evil.example"
    response = Wire(server, cast.owner, origin=origin, host=host).begin()
    refused(response, 403, "FOREIGN_ORIGIN")


def test_a_limit_counts_messages(server: str, world: World, cast: Cast) -> None:
    wire = Wire(server, world.key(cast.owner_org, rate_limit=2).key)
    assert [wire.send("tools/list").status_code for _ in range(3)] == [200, 200, 429]
    assert int(wire.send("tools/list").headers["retry-after"]) >= 1


@REVISIONS
def test_a_limit_is_told_in_a_sentence(revision: str, server: str, world: World, cast: Cast) -> None:
    async def work(client: McpClient) -> None:
        results = [await client.call_tool("list_services", {}) for _ in range(4)]
        assert not results[0].is_error
        assert results[-1].is_error
        assert text(results[-1]) == SORRY
        assert "requests a minute" in str(results[-1].content)

    talk_over_http(server, world.key(cast.owner_org, rate_limit=4).key, work, revision=revision)


@pytest.mark.engines("sqlite")
@REVISIONS
def test_a_database_that_is_away_is_told_in_a_sentence(
    revision: str, server: str, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any, **__: Any) -> None:
        raise Unavailable

    async def work(client: McpClient) -> None:
        monkeypatch.setattr(calls, "get_known", away)
        result = await client.call_tool("list_services", {})
        assert (result.is_error, text(result)) == (True, SORRY)
        monkeypatch.setattr(access, "authenticate", away)
        result = await client.call_tool("list_services", {})
        assert (result.is_error, text(result)) == (True, SORRY)

    talk_over_http(server, cast.owner, work, revision=revision)


def test_the_audit_trail_has_what_was_done(server: str, cast: Cast, clinic: Clinic) -> None:
    Wire(server, cast.owner, **{"x-request-id": "mcp-request-1"}).call("book_appointment", booking("Mia Braun"))
    (entry,) = clinic.owner.get("/v1/audit", action="appointments.create").json()["data"]
    assert (entry["request_id"], entry["channel"], entry["outcome"]) == ("mcp-request-1", "ai", "done")


# What is no message


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_there_are_no_streams_and_no_sessions_to_end(method: str, server: str, cast: Cast) -> None:
    response = httpx.request(method, f"{server}/mcp", headers=Wire(server, cast.owner).headers)
    refused(response, 405, "METHOD_NOT_ALLOWED")
    assert response.headers["allow"] == "POST"


def test_a_slash_at_the_end_is_no_path(server: str, cast: Cast) -> None:
    refused(httpx.post(f"{server}/mcp/", headers=Wire(server, cast.owner).headers), 404, "NOT_FOUND")


def test_bodies_that_are_none(server: str, cast: Cast) -> None:
    wire = Wire(server, cast.owner)
    too_large = httpx.post(wire.url, content=b"x" * (64 * 1024 + 1), headers=wire.headers)
    refused(too_large, 413, "PAYLOAD_TOO_LARGE")
    refused(httpx.post(wire.url, content=b"{}", headers=wire.headers | {"content-type": "text/plain"}), 415,
            "UNSUPPORTED_MEDIA_TYPE")  # fmt: skip
    deep = b'{"method":' + b"[" * 30_000
    for content in (b"nonsense", b"[]", b"{}", b'{"jsonrpc": "2.0"}', b"\xff", b'{"method": "\xff"}', deep):
        response = httpx.post(wire.url, content=content, headers=wire.headers)
        assert response.status_code == 400, response.text
        assert response.json()["error"]["code"] in {-32700, -32600, -32602}


def test_a_method_that_there_is_not_is_an_error_of_the_protocol(server: str, cast: Cast) -> None:
    answer = Wire(server, cast.owner).send("resources/list")
    assert answer.json()["error"]["code"] == -32601


def test_the_rest_of_the_program_starts_without_the_sdk() -> None:
    for module in ("slotkeeper.app", "slotkeeper.cli.main"):
        code = f"import {module}, sys; print(sorted({{'mcp', 'mcp_types', 'pydantic', 'httpx2'}} & set(sys.modules)))"
        assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.engines("sqlite")
@REVISIONS
def test_odd_texts_are_no_fault_of_ours(revision: str, server: str, cast: Cast) -> None:
    wire = Wire(server, cast.owner, **{"mcp-protocol-version": revision, "mcp-method": "tools/call"})
    odd: list[Any] = ["\ud800", "\x00", "a\nb", "x" * 5000, 7, None, [], {"a": 1}]
    for bad in odd:
        for params in (
            {"name": bad, "arguments": {}},
            {"name": "list_services", "arguments": {"like": bad}},
            {"name": "list_services", "arguments": bad},
            {"name": "list_services", "arguments": {}, "_meta": {"slotkeeper/call-id": bad}},
            bad,
        ):
            content = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
            response = httpx.post(wire.url, content=content, headers=wire.headers)
            assert response.status_code < 500, (params, response.text)
            assert response.json()["jsonrpc"] == "2.0"


@pytest.mark.engines("sqlite")
def test_a_client_that_takes_json_only_is_answered_too(server: str, cast: Cast) -> None:
    assert Wire(server, cast.owner, accept="application/json").send("tools/list").status_code == 200
    assert Wire(server, cast.owner, accept="*/*").send("tools/list").status_code == 200


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize(("name", "of"), [("call_tool", protocol), ("_admit", McpDoor)])
def test_a_fault_of_ours_is_told_by_its_request_and_without_its_cause(
    name: str, of: Any, server: str, cast: Cast, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the cause")

    monkeypatch.setattr(of, name, broken)
    wire = Wire(server, cast.owner, **{"x-request-id": "mcp-request-2"})
    response = wire.send("tools/call", {"name": "list_services", "arguments": {}})
    assert "mcp-request-2" in response.text
    assert "the cause" not in response.text
    assert "the cause" in caplog.text
    assert "mcp-request-2" in caplog.text
    assert response.status_code == (200 if of is protocol else 500)
    if of is protocol:
        assert response.json()["result"]["isError"] is True
