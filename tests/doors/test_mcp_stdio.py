"""The Model Context Protocol over a pipe: ``slotkeeper mcp``, started by the SDK's client."""

import asyncio
import json
import os
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from mcp.client import Client as McpClient
from mcp.client.stdio import StdioServerParameters

from slotkeeper.tools.table import TOOLS
from tests.doors.mcp_client import BEFORE, NEWEST, follow, shown, talk_to_program, text
from tests.doors.serving import every_tool, served
from tests.doors.terminal import Terminal
from tests.doors.test_platforms import booked, booking
from tests.doors.tooling import Clinic
from tests.world import Cast, World

pytestmark = pytest.mark.slow


def pipe(url: str, key: str) -> StdioServerParameters:
    """How a client starts the program."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLOTKEEPER_")}
    return StdioServerParameters(
        command=sys.executable,
        args=["-m", "slotkeeper", "mcp", "--url", url],
        env={**environment, "SLOTKEEPER_API_KEY": key},
    )


@pytest.mark.parametrize("revision", [NEWEST, BEFORE])
def test_the_sdks_client_runs_every_tool(revision: str, server: str, cast: Cast) -> None:
    async def work(client: McpClient) -> None:
        assert client.instructions
        listed = [tool.name for tool in (await client.list_tools()).tools]
        assert await follow(client, every_tool()) == set(listed)
        assert listed == [tool.name for tool in TOOLS]

    talk_to_program(pipe(server, cast.owner), work, revision=revision)


@pytest.mark.engines("sqlite")
def test_the_key_says_which_tools_there_are(server: str, cast: Cast) -> None:
    async def work(client: McpClient) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert "check_availability" in tools
        assert "book_appointment" not in tools
        hints = tools["check_availability"].annotations
        assert hints is not None
        assert (hints.read_only_hint, hints.open_world_hint) == (True, False)

    talk_to_program(pipe(server, cast.colleague), work)


@pytest.mark.engines("sqlite")
def test_two_children_are_two_bookings_and_a_refusal_is_an_error_of_the_tool(
    server: str, cast: Cast, clinic: Clinic
) -> None:
    async def work(client: McpClient) -> None:
        for name in ("Mia Braun", "Ben Braun"):
            assert shown(await client.call_tool("book_appointment", booking(name)))["ok"]
        again = await client.call_tool("book_appointment", booking("Mia Braun"))
        assert again.is_error
        assert shown(again)["reason_code"] == "DUPLICATE_BOOKING"

    talk_to_program(pipe(server, cast.owner), work)
    assert booked(clinic) == [("Ben Braun", "confirmed"), ("Mia Braun", "confirmed")]


@pytest.mark.engines("sqlite")
def test_a_server_that_goes_away_is_told_in_a_sentence_and_found_again(
    world: World, clinic: Clinic, cast: Cast
) -> None:
    with ExitStack() as first, ExitStack() as second:
        url = first.enter_context(served(world))

        async def work(client: McpClient) -> None:
            assert shown(await client.call_tool("book_appointment", booking("Mia Braun")))["ok"]
            await asyncio.to_thread(first.close)
            gone = await client.call_tool("book_appointment", booking("Ben Braun"))
            assert gone.is_error
            assert "try again" in text(gone)
            second.enter_context(served(world, port=int(url.rpartition(":")[2])))
            assert shown(await client.call_tool("book_appointment", booking("Ben Braun")))["ok"]

        talk_to_program(pipe(url, cast.owner), work)
    assert booked(clinic) == [("Ben Braun", "confirmed"), ("Mia Braun", "confirmed")]


@pytest.mark.engines("sqlite")
def test_what_is_wrong_at_the_start_is_said_in_one_line(server: str, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    assert "does not know this key" in terminal.refused("mcp", "--url", server, SLOTKEEPER_API_KEY="sk_live_nonsense")
    gone = terminal.refused("mcp", "--url", "http://127.0.0.1:9", SLOTKEEPER_API_KEY="sk_live_x")
    assert "No server answers at http://127.0.0.1:9" in gone
    assert "SLOTKEEPER_API_KEY" in terminal.refused("mcp", code=2)
    assert "give the address" in terminal.refused("mcp", "--url", "nonsense", "--key", "x", code=2)


@pytest.mark.engines("sqlite")
def test_what_is_no_message_is_answered_by_its_id_and_the_next_one_too(server: str, cast: Cast) -> None:
    """Nobody waits for ever, and no id that is nested in the arguments is taken for the message's."""
    start = (
        '{"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "list_services", "arguments": {"id": 3, "a": '
    )
    hello = {"protocolVersion": BEFORE, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    lines = [
        (json.dumps({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}), 0),
        *(
            (start + "[" * deep + '"]{"' + "]" * deep + '}}, "id": ' + json.dumps(own) + "}", own)
            for deep, own in ((500, 7), (3000, "seven"))
        ),
        ("nonsense", None),
        (json.dumps({"jsonrpc": "2.0", "id": 9, "method": "ping"}), 9),
    ]

    async def talk() -> None:
        program = pipe(server, cast.owner)
        piped = asyncio.subprocess.PIPE
        running = await asyncio.create_subprocess_exec(
            program.command, *program.args, env=program.env, stdin=piped, stdout=piped, limit=2**20
        )
        assert running.stdin is not None
        assert running.stdout is not None
        for line, own in lines:
            running.stdin.write(line.encode() + b"\n")
            answer = json.loads(await asyncio.wait_for(running.stdout.readline(), 15))
            assert answer["id"] == own
            assert ("error" in answer) is (own not in {0, 9}), answer
        running.stdin.close()
        assert await asyncio.wait_for(running.wait(), 15) == 0

    asyncio.run(talk())
