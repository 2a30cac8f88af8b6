"""The same protocol over a pipe, for clients that start a program: each message goes on to a running server.

So a person's machine needs an address and a key, and no way into the database; limits, the audit trail and what waits
together stay in one place. Each message goes on by itself, as the server takes it: a server that was away for a moment,
or another one at its address, is none the worse. The SDK's own client ends for good with its first lost connection.
"""

import re
import secrets
from collections.abc import AsyncIterable, Callable, Mapping
from typing import Any, NamedTuple

import anyio
import httpx2
import mcp_types as types
from anyio.streams.memory import MemoryObjectSendStream
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp_types.version import LATEST_HANDSHAKE_VERSION
from pydantic import ValidationError

from slotkeeper.domain.errors import Conflict, SlotkeeperError, Unavailable
from slotkeeper.mcp.door import PATH, head_of
from slotkeeper.mcp.protocol import Context, failed, new_server
from slotkeeper.mcp.talk import CALL, KEY, TOOL_CALL

SECONDS = 20.0
"""How long the server may take for an answer."""
TRIES = 2
"""How often a message is sent whose answer is lost; by its name the server knows it again."""
Received = SessionMessage | Exception
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]|[^"{}\[\]]+')
HEADERS = {"accept": "application/json, text/event-stream", "mcp-protocol-version": LATEST_HANDSHAKE_VERSION}


async def bridge(url: str, key: str) -> None:
    """Speak the protocol over standard input and output until that ends. Raises Unavailable, Conflict."""
    session = secrets.token_hex(16)
    async with httpx2.AsyncClient(headers={**HEADERS, "authorization": f"Bearer {key}"}, timeout=SECONDS) as http:
        upstream = _Upstream(http, url)
        await upstream.ask("tools/list")  # whether there is a server, and whether it knows the key

        async def listing(_: Context) -> list[types.Tool]:
            return types.ListToolsResult.model_validate(await upstream.ask("tools/list")).tools

        async def calling(ctx: Context, name: str, arguments: Mapping[str, Any]) -> types.CallToolResult:
            said = {name: value for name, value in (ctx.meta or {}).items() if name in {KEY, TOOL_CALL, CALL}}
            meta = {TOOL_CALL: f"{session}/{ctx.request_id}", **said}
            try:
                result = await upstream.ask("tools/call", {"name": name, "arguments": arguments, "_meta": meta})
            except SlotkeeperError as error:
                return failed(error)
            return types.CallToolResult.model_validate(result)

        server = new_server(listing, calling)
        async with stdio_server() as (received, sent), anyio.create_task_group() as group:
            passing, passed = anyio.create_memory_object_stream[Received](0)
            group.start_soon(_sift, received, passing, sent.send)
            await server.run(passed, sent, server.create_initialization_options())
            group.cancel_scope.cancel()


async def _sift(
    received: AsyncIterable[Received], passing: MemoryObjectSendStream[Received], send: Callable[[SessionMessage], Any]
) -> None:
    """Pass on what was received, and answer what is no message, for which the SDK would leave a client waiting."""
    async with passing:
        async for item in received:
            if isinstance(item, Exception):
                await send(SessionMessage(_unreadable(item)))
            else:
                await passing.send(item)


def _unreadable(error: Exception) -> types.JSONRPCError:
    line = str(error.errors()[0]["input"]) if isinstance(error, ValidationError) else ""
    said = types.ErrorData(
        code=types.PARSE_ERROR, message="This is no message of the protocol, or is nested too deeply."
    )
    return types.JSONRPCError(jsonrpc="2.0", id=_id_of(line), error=said)


def _id_of(line: str) -> int | str | None:
    """The id of a message that cannot be read as a whole: what is nested in it is left out."""
    depth, flat = 0, []
    for token in _TOKENS.findall(line):
        depth += token in {"{", "["}
        if depth == 1:
            flat.append(token)
        elif depth == 2 and token in {"{", "["}:
            flat.append("0")
        depth -= token in {"}", "]"}
    return head_of("".join(flat).encode(errors="replace")).id


class _Upstream(NamedTuple):
    """The running server."""

    http: httpx2.AsyncClient
    url: str

    async def ask(self, method: str, params: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - its result
        """The result of one request. Raises Unavailable, Conflict that say what to do."""
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}
        response = await self._send(message)
        try:
            answer = response.json()
            if response.status_code == 200 and "result" in answer:
                return answer["result"]
            said = str(answer["error"]["message"])
        except (ValueError, KeyError, TypeError):
            raise Conflict(f"What answers at {self.url} is no Slotkeeper: name another address with --url.") from None
        if response.status_code == 401:
            said = (
                f"The server at {self.url} does not know this key, or it is revoked or expired: 'slotkeeper keys "
                "create --scopes slots:read,appointments:read,appointments:write' on its database makes one."
            )
        raise Conflict(said)

    async def _send(self, message: Mapping[str, Any]) -> httpx2.Response:
        for left in reversed(range(TRIES)):
            try:
                return await self.http.post(f"{self.url}{PATH}", json=message)
            except httpx2.HTTPError as error:
                if not left:
                    raise Unavailable(
                        f"No server answers at {self.url} ({error}): start one with 'slotkeeper serve', or try again "
                        "in a moment."
                    ) from None
        raise AssertionError("it was sent or not")
