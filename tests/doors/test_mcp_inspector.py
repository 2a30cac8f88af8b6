"""The official inspector on the command line, from npm, runs every tool over both transports."""

import sys
from typing import Any

import pytest

from slotkeeper.tools.table import TOOLS
from tests.doors.serving import every_tool, run_through
from tests.inspector import client
from tests.world import Cast

pytestmark = [pytest.mark.slow, pytest.mark.engines("sqlite"), pytest.mark.timeout(600)]


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    if not client.is_there():
        pytest.skip("there is no MCP inspector: run tools/inspector")


def over_http(url: str, key: str) -> list[str]:
    return [f"{url}/mcp", "--header", f"Authorization: Bearer {key}"]


def over_a_pipe(url: str, key: str) -> list[str]:
    program = [sys.executable, "-m", "slotkeeper", "mcp", "--url", url]
    return ["-e", f"SLOTKEEPER_API_KEY={key}", "--", *program]


def ask(target: list[str], method: str, *more: str) -> dict[str, Any]:
    """What the inspector shows of one request; a program to start comes last."""
    at = target.index("--") if "--" in target else len(target)
    answer = client.ask(*target[:at], "--method", method, *more, *target[at:])
    found: dict[str, Any] = answer["result"]
    return found


@pytest.mark.parametrize("era", ["modern", "legacy"])
@pytest.mark.parametrize("transport", [over_http, over_a_pipe], ids=["http", "stdio"])
def test_the_inspector_lists_the_tools_and_finds_no_fault_with_them(
    transport: Any, era: str, server: str, cast: Cast
) -> None:
    listed = ask(transport(server, cast.owner), "tools/list", "--protocol-era", era, "--strict")
    assert [tool["name"] for tool in listed["tools"]] == [tool.name for tool in TOOLS]
    assert all(tool["outputSchema"]["type"] == "object" for tool in listed["tools"])


@pytest.mark.parametrize(
    ("transport", "era"), [(over_http, "modern"), (over_a_pipe, "legacy")], ids=["http-modern", "stdio-legacy"]
)
def test_the_inspector_runs_every_tool(transport: Any, era: str, server: str, cast: Cast) -> None:
    def call(tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        given = [part for name, value in arguments.items() for part in ("--tool-arg", f"{name}={value}")]
        target = transport(server, cast.owner)
        result = ask(target, "tools/call", "--tool-name", tool, *given, "--protocol-era", era)
        answer: dict[str, Any] = result["structuredContent"]
        assert answer["ok"], answer
        assert result["content"][0]["text"] == answer["spoken"]
        return answer

    assert run_through(every_tool(), call) == {tool.name for tool in TOOLS}


def test_a_refusal_is_shown_as_an_error_of_the_tool(server: str, cast: Cast) -> None:
    target = over_http(server, cast.owner)
    result = ask(target, "tools/call", "--tool-name", "book_appointment", "--tool-arg", "phone=123456")
    assert result["isError"] is True
    assert result["structuredContent"]["reason_code"] == "BAD_ARGUMENTS"
