"""The tools of voice agents as plain endpoints: listed, and called by their name."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Struct

from slotkeeper.api import fields
from slotkeeper.api.reading import read_object
from slotkeeper.api.request import REPLAY, Page, Request
from slotkeeper.domain.errors import InvalidInput
from slotkeeper.tools.answer import Repeated, encode
from slotkeeper.tools.arguments import arguments_of
from slotkeeper.tools.calls import ToolCall, call_tool, list_tools
from slotkeeper.tools.table import TOOLS

LONGEST_ID = 255
CALL_ID = "X-Call-Id"
TOOL_CALL_ID = "X-Tool-Call-Id"
HEADERS = {
    CALL_ID: "The platform's id of the phone call. A tool that is called twice in it with the same arguments takes "
    "effect once.",
    TOOL_CALL_ID: "The platform's id of this very call of a tool. Sent again, it takes effect once.",
    "Accept-Language": "The language to speak in; English where there is no translation.",
}
"""The headers that a call of a tool may carry besides."""

ToolName = Annotated[str, fields.text_kind("the name of a tool", lambda text: text, enum=[tool.name for tool in TOOLS])]


class FunctionView(Struct, frozen=True):
    """A function as OpenAI's function calling takes it."""

    name: ToolName
    description: Annotated[str, "For the model: when to call it, and what to do next."]
    strict: Literal[True]
    parameters: Annotated[dict[str, Any], "The JSON Schema of its arguments."]


class ToolView(Struct, frozen=True):
    """A tool."""

    type: Literal["function"]
    function: FunctionView


class ToolsView(Struct, frozen=True):
    """The tools that a key may call."""

    success: Literal[True]
    tools: list[ToolView]


def _field(name: str) -> tuple[str, Any, None]:
    said = next(one for tool in TOOLS for one in arguments_of(tool.arguments) if one.name == name)
    kind = fields.whole_number(-(10**9), 10**9) if said.kind is int else fields.text_kind("a text", lambda text: text)
    return name, Annotated[said.kind, kind, said.said.description] | None, None


_NAMES = dict.fromkeys(one.name for tool in TOOLS for one in arguments_of(tool.arguments))

ToolBody = msgspec.defstruct("ToolBody", [_field(name) for name in _NAMES], frozen=True, kw_only=True)
ToolBody.__doc__ = "The arguments of the tool; `GET /v1/tools` says which each of them takes."


async def list_functions(request: Request) -> ToolsView:
    """List the tools that this key may call, as function schemas in OpenAI's form.

    They are strict: every argument is required, and one that may be left out is null instead.
    """
    return ToolsView(
        True,
        [
            ToolView("function", FunctionView(tool.name, tool.description, True, tool.schema()))
            for tool in list_tools(request.caller)
        ],
    )


async def call_function(request: Request) -> Page:
    """Call a tool. The answer is something to say, `spoken`, and what a program needs to go on; it is under 1 KB.

    What a caller or a model can mend is answered with 200 and `ok` false, because voice platforms drop other answers:
    bad arguments, and what a booking rule refuses. Needs the scope that the tool needs.
    """
    arguments = read_object(request.body) if request.body else {}
    call = ToolCall(
        request.once_key, _id(request, TOOL_CALL_ID), _id(request, CALL_ID), _text(request, "Accept-Language") or ""
    )
    answer = await call_tool(request.site.tools, request.caller, request.target, arguments, now=request.now, call=call)
    return Page("application/json", encode(answer), REPLAY if isinstance(answer, Repeated) else ())


def _text(request: Request, header: str) -> str | None:
    value = request.headers.get(header.lower().encode())
    return None if value is None else value.decode("latin-1")


def _id(request: Request, header: str) -> str | None:
    """An id in a header. Raises InvalidInput for one that is too long."""
    said = _text(request, header)
    if said is not None and len(said) > LONGEST_ID:
        raise InvalidInput.of(header, f"'{header}' must be at most {LONGEST_ID} characters long.")
    return said or None
