"""The same protocol over a pipe, for clients that start a program: each message goes on to a running server.

So a person's machine needs an address and a key, and no way into the database; limits, the audit trail and what waits
together stay in one place.
"""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import httpx2
import mcp_types as types
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError

from slotkeeper.domain.errors import Conflict, Unavailable
from slotkeeper.mcp.door import PATH
from slotkeeper.mcp.protocol import Context, failed, new_server
from slotkeeper.mcp.talk import CALL, KEY, TOOL_CALL

SECONDS = 30.0
"""How long the server may take for an answer."""
UNREACHABLE = "I cannot reach the appointment book just now. Please try again in a moment."
"""What a model is told when the server does not answer."""


async def bridge(url: str, key: str) -> None:
    """Speak the protocol over standard input and output until that ends. Raises Unavailable, Conflict."""
    session = secrets.token_hex(16)
    async with _connected(url, key) as upstream:

        async def listing(_: Context) -> list[types.Tool]:
            return (await upstream.list_tools()).tools

        async def calling(ctx: Context, name: str, arguments: Mapping[str, Any]) -> types.CallToolResult:
            said = {name: value for name, value in (ctx.meta or {}).items() if name in {KEY, TOOL_CALL, CALL}}
            meta = cast("types.RequestParamsMeta", {TOOL_CALL: f"{session}/{ctx.request_id}", **said})
            try:
                return await upstream.call_tool(name, dict(arguments), meta=meta)
            except (MCPError, httpx2.HTTPError) as error:
                return failed(error.message if isinstance(error, MCPError) else UNREACHABLE)

        server = new_server(listing, calling)
        async with stdio_server() as (received, sent):
            await server.run(received, sent, server.create_initialization_options())


@asynccontextmanager
async def _connected(url: str, key: str) -> AsyncIterator[Client]:
    """A client of the server at an address. Raises Unavailable, Conflict that say what to do."""
    headers = {"authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(headers=headers, timeout=SECONDS) as http:
        await _require(http, url)
        async with Client(streamable_http_client(f"{url}{PATH}", http_client=http), cache=None) as client:
            yield client


async def _require(http: httpx2.AsyncClient, url: str) -> None:
    """Refuse an address at which no Slotkeeper answers, and a key that it does not know."""
    try:
        answer = await http.get(f"{url}/v1/tools")
    except httpx2.HTTPError as error:
        raise Unavailable(
            f"No server answers at {url} ({error}): start one with 'slotkeeper serve', or name it with --url."
        ) from None
    if answer.status_code == 401:
        raise Conflict(
            f"The server at {url} does not know this key, or it is revoked or expired: 'slotkeeper keys create "
            "--scopes slots:read,appointments:read,appointments:write' on its database makes one."
        )
    if answer.status_code != 200:
        raise Conflict(f"What answers at {url} offers no tools: name the address of a Slotkeeper server with --url.")
