"""The guides of docs/platforms: what they show is what the program makes, and what they try works."""

import itertools
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from slotkeeper.domain.access import Scope
from slotkeeper.platforms.export import FOR_AGENTS, Platform, export
from slotkeeper.tools.table import TOOLS
from tests.doors.terminal import Terminal
from tests.doors.tooling import Clinic
from tests.world import World

FOLDER = Path(__file__).parents[2] / "docs" / "platforms"
URL = "https://clinic.example"
GUIDES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.md"))}
AGENTS = [tool for tool in TOOLS if tool.scope in FOR_AGENTS]


def blocks(guide: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDES[guide], re.MULTILINE | re.DOTALL)


def requests(guide: str) -> list[tuple[str, dict[str, str], str | None]]:
    """The requests to our own server that a guide tries: path, headers and body."""
    found = []
    for line in (block for block in blocks(guide, "sh") if f" {URL}/" in block and block.startswith("curl")):
        words = shlex.split(line.replace("\\\n", " "))
        path = next(word for word in words if word.startswith(URL)).removeprefix(URL)
        pairs = list(itertools.pairwise(words))
        headers = dict(value.split(": ", 1) for flag, value in pairs if flag == "-H")
        found.append((path, headers, next((value for flag, value in pairs if flag == "-d"), None)))
    return found


def test_there_is_a_guide_for_each_platform_and_for_mcp() -> None:
    assert GUIDES.keys() == {*Platform, "mcp"}


def test_the_page_of_all_agents_makes_a_key_of_the_same_limit() -> None:
    assert "--rate-limit 600 " in (FOLDER.parent / "voice-agents.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("platform", list(Platform))
def test_a_guide_shows_a_tool_as_the_program_makes_it(platform: Platform) -> None:
    (shown,) = [tool for tool in TOOLS if tool.name == "list_branches"]
    assert [json.loads(block) for block in blocks(platform, "json")] == export(platform, [shown], URL)


@pytest.mark.parametrize("guide", list(GUIDES))
def test_a_guide_makes_a_key_that_sees_the_agents_tools_and_says_the_one_prompt(guide: str) -> None:
    assert f"--scopes {','.join(FOR_AGENTS)} " in GUIDES[guide]
    assert "--rate-limit 600 " in GUIDES[guide]
    assert "SLOTKEEPER_DATABASE_URL" in GUIDES[guide]
    assert blocks(guide, "text") == blocks("mcp", "text")
    named = set(re.findall(r"\b(?:hold_slot|book_appointment)\b", blocks(guide, "text")[0]))
    assert named == {"hold_slot", "book_appointment"}


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize("platform", list(Platform))
def test_what_a_guide_tries_is_answered(platform: Platform, clinic: Clinic, world: World) -> None:
    tried = requests(platform)
    assert tried
    for path, headers, body in tried:
        assert headers.pop("Authorization") == "Bearer $KEY"
        method = "GET" if body is None else "POST"
        own = {"authorization": f"Bearer {clinic.owner.key}"}
        response = world.request(method, path, headers=headers | own, content=(body or "").encode())
        assert response.status_code == 200, response.text
        answer = response.json()
        if platform is Platform.VAPI:
            (result,) = answer["results"]
            answer = json.loads(result["result"])
        assert answer.get("ok", answer.get("success")) is True, answer


@pytest.mark.engines("sqlite")
def test_the_functions_for_openai_are_those_that_the_server_lists(clinic: Clinic) -> None:
    assert clinic.owner.get("/v1/tools").json()["tools"] == export(Platform.OPENAI, TOOLS, URL)


def test_every_platform_gets_every_tool_in_a_shape_that_it_knows() -> None:
    for tool, vapi, retell, elevenlabs, bolna in zip(
        AGENTS,
        *(export(one, AGENTS, URL) for one in (Platform.VAPI, Platform.RETELL, Platform.ELEVENLABS, Platform.BOLNA)),
        strict=True,
    ):
        names = list(tool.schema()["properties"])
        assert retell["name"] == tool.name == bolna["name"] == vapi["function"]["name"]
        for schema in (vapi["function"]["parameters"], retell["parameters"]):
            assert list(schema["properties"]) == names
            assert_plain(schema)
        webhook = elevenlabs["tool_config"]["api_schema"]
        assert webhook["url"] == f"{URL}/v1/platforms/elevenlabs/{tool.name}"
        assert set(webhook["request_body_schema"]["properties"]) == {*names, "conversation_id"}
        assert_plain(webhook["request_body_schema"])
        assert bolna["key"] == "custom_task"
        assert set(bolna["value"]["param"]) == set(bolna["parameters"]["required"]) == {*names, "call_sid"}
        assert_plain(bolna["parameters"])
        assert not re.search(r"\bnull\b", json.dumps([vapi, retell, elevenlabs, bolna]))


def assert_plain(schema: dict[str, Any]) -> None:
    """No more of JSON Schema than ElevenLabs' own description of it has."""
    assert schema.keys() == {"type", "properties", "required"}
    for one in schema["properties"].values():
        assert one["type"] in {"string", "integer"}
        assert one.keys() <= {"type", "description", "dynamic_variable"}


@pytest.mark.slow
def test_the_command_writes_the_tools_that_a_key_may_call(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    command = ("tools", "export", "--platform", "vapi", "--url", f"{URL}/")
    assert json.loads(terminal.done(*command)) == export(Platform.VAPI, AGENTS, URL)
    few = json.loads(terminal.done(*command, "--scopes", Scope.SLOTS_READ))
    assert few == export(Platform.VAPI, [tool for tool in TOOLS if tool.scope is Scope.SLOTS_READ], URL)
    assert "'nonsense' is not one of" in terminal.refused("tools", "export", "--platform", "nonsense", code=2)
