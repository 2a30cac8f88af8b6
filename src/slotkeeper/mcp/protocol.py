"""The Model Context Protocol as the official SDK speaks it: our tools, listed and called.

Imported only where the protocol is spoken: the SDK takes twice as long to import as all the rest of the program.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Any, cast

import mcp_types as types
import msgspec
from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.requests import Request

from slotkeeper import __version__
from slotkeeper.api.door import LARGEST_BODY
from slotkeeper.api.json_schema import REF, Schemas
from slotkeeper.domain.errors import InternalError, SlotkeeperError
from slotkeeper.mcp.talk import TALK, Talk, call_of
from slotkeeper.platforms.export import plain_schema
from slotkeeper.tools.answer import Answer, encode
from slotkeeper.tools.calls import Site, call_tool, list_tools
from slotkeeper.tools.refusals import SORRY, sorry
from slotkeeper.tools.table import Tool

log = logging.getLogger(__name__)

Context = ServerRequestContext[Any, Any]
Listing = Callable[[Context], Awaitable[list[types.Tool]]]
Calling = Callable[[Context, str, Mapping[str, Any]], Awaitable[types.CallToolResult]]

INSTRUCTIONS = (
    "These tools look up and book appointments at a clinic. Give dates and times as the caller said them; the server "
    "knows what day it is at the clinic. Say the field 'spoken' of each answer to the caller, and offer its 'options'. "
    "Keep a place with hold_slot before you ask for the patient's name and phone number, then book with its hold_id. "
    "Read back the name, the service, the date and the time, and book only after a yes."
)
"""What a model is told of the tools together."""
KEPT_MS = 60_000
"""How long a client may keep the list of tools; it depends on the key."""


def new_server(listing: Listing, calling: Calling) -> "Server[Any]":
    """A server of the protocol, of its current revision and of those with sessions before it."""

    async def on_list_tools(ctx: Context, _: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return types.ListToolsResult(tools=await listing(ctx))

    async def on_call_tool(ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        return await calling(ctx, params.name, params.arguments or {})

    server: Server[Any] = Server(
        "slotkeeper",
        version=__version__,
        title="Slotkeeper",
        instructions=INSTRUCTIONS,
        cache_hints={"tools/list": CacheHint(ttl_ms=KEPT_MS, scope="private")},
        get_tool_input_schema=lambda _: None,  # no argument of ours is repeated in a header
        on_list_tools=on_list_tools,
        on_call_tool=on_call_tool,
    )
    server.middleware.clear()  # nobody reads traces of ours
    return server


def over_http(site: Site) -> StreamableHTTPSessionManager:
    """The protocol over HTTP, each message by itself and answered as JSON."""
    logging.getLogger("mcp").setLevel(logging.WARNING)  # it notes whole messages, which name patients

    async def listing(ctx: Context) -> list[types.Tool]:
        return [shown(tool) for tool in list_tools(_talk(ctx).caller)]

    async def calling(ctx: Context, name: str, arguments: Mapping[str, Any]) -> types.CallToolResult:
        talk = _talk(ctx)
        call = call_of(ctx.meta, ctx.request_id, session=talk.session, call_id=talk.call_id, language=talk.language)
        try:
            return result_of(await call_tool(site, talk.caller, name, arguments, now=talk.now, call=call))
        except SlotkeeperError as error:
            return failed(error)
        except Exception:  # the last resort, so that no client ever sees a stack trace
            log.exception("request %s failed: the tool %r", talk.caller.request_id, name)
            return failed(InternalError(talk.caller.request_id))

    server = new_server(listing, calling)
    return StreamableHTTPSessionManager(server, json_response=True, stateless=True, max_request_body_size=LARGEST_BODY)


async def keep(transport: StreamableHTTPSessionManager, ready: asyncio.Event) -> None:
    """Let a transport work until this is cancelled."""
    async with transport.run():
        ready.set()
        await asyncio.Event().wait()


def shown(tool: Tool) -> types.Tool:
    """A tool as clients of the protocol see it."""
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=plain_schema(tool),
        output_schema=answer_schema(),
        annotations=types.ToolAnnotations(
            title=tool.title,
            read_only_hint=tool.is_read_only,
            destructive_hint=tool.is_destructive,
            idempotent_hint=tool.is_idempotent,
            open_world_hint=False,
        ),
    )


@cache
def answer_schema() -> dict[str, Any]:
    """The JSON Schema of what each tool answers, standing alone."""
    schemas = Schemas()
    schemas.of(Answer)
    shapes: dict[str, Any] = json.loads(json.dumps(schemas.components).replace(REF, "#/$defs/"))
    return {**shapes.pop(Answer.__name__), "$defs": shapes}


def result_of(answer: Answer) -> types.CallToolResult:
    """An answer as a result: its sentence, and the whole of it for programs and for models that see texts only.

    A refusal is an error of the tool, so that the model reads it and does what it says.
    """
    content = encode(answer).decode()
    texts: list[types.ContentBlock] = [types.TextContent(text=answer.spoken), types.TextContent(text=content)]
    return types.CallToolResult(content=texts, structured_content=msgspec.json.decode(content), is_error=not answer.ok)


def failed(error: SlotkeeperError) -> types.CallToolResult:
    """What came in between, as a result that a model can act on; what may pass with a sentence for the caller."""
    said = [error.message] if sorry(error) is None else [SORRY, error.message]
    return types.CallToolResult(content=[types.TextContent(text=text) for text in said], is_error=True)


def _talk(ctx: Context) -> Talk:
    """Who talks; the door has noted it in the scope of the request."""
    return cast("Talk", cast("Request", ctx.request).scope[TALK])
