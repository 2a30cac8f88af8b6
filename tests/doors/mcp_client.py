"""The SDK's own client, as the tests of both transports use it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx2
import mcp_types as types
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from tests.doors.serving import Script

NEWEST, BEFORE = "2026-07-28", "2025-11-25"
MODES = {NEWEST: "auto", BEFORE: "legacy"}
"""By which mode the client comes to each revision."""

Work = Callable[[Client], Awaitable[None]]


def talk_over_http(url: str, key: str | None, work: Work, *, revision: str = NEWEST) -> None:
    """Let the client do some work at a server."""

    async def run() -> None:
        async with AsyncExitStack() as stack:
            headers = {"authorization": f"Bearer {key}"}
            http = await stack.enter_async_context(httpx2.AsyncClient(headers=headers, timeout=10))
            transport = streamable_http_client(f"{url}/mcp", http_client=http)
            client = await stack.enter_async_context(Client(transport, mode=MODES[revision]))
            assert client.protocol_version == revision
            await work(client)

    asyncio.run(run())


def talk_to_program(program: StdioServerParameters, work: Work, *, revision: str = NEWEST) -> None:
    """Let the client start a program, and do some work with it."""

    async def run() -> None:
        async with Client(program, mode=MODES[revision]) as client:
            assert client.protocol_version == revision
            await work(client)

    asyncio.run(run())


async def follow(client: Client, script: Script) -> set[str]:
    """Run a script to its end; which tools were called. The client checks each result against the tool's schema."""
    called, step = set(), next(script)
    while True:
        called.add(step[0])
        answer = shown(await client.call_tool(*step))
        assert answer["ok"], answer
        try:
            step = script.send(answer)
        except StopIteration:
            return called


def text(result: types.CallToolResult) -> str:
    """The first thing that a result says."""
    said = result.content[0]
    assert isinstance(said, types.TextContent)
    return said.text


def shown(result: types.CallToolResult) -> dict[str, Any]:
    """The answer of a result, which says the same thrice."""
    answer: dict[str, Any] = result.structured_content
    spoken, whole = result.content
    assert isinstance(spoken, types.TextContent)
    assert isinstance(whole, types.TextContent)
    assert spoken.text == answer["spoken"]
    assert json.loads(whole.text) == answer
    assert result.is_error is (not answer["ok"])
    return answer
