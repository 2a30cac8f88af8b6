"""Vapi: a message that may hold several calls; always answered with 200, each call with one line of text by its id."""

from typing import NamedTuple

import msgspec

from slotkeeper.domain.errors import InvalidInput, SlotkeeperError
from slotkeeper.platforms.asked import Asked, Json, arguments_in, id_in, object_in
from slotkeeper.tools.answer import Answer, encode
from slotkeeper.tools.calls import ToolCall


class ToolResult(msgspec.Struct, omit_defaults=True):
    """What came of one call: a text to go on with, or why there is none."""

    toolCallId: str  # noqa: N815 - Vapi's word
    result: str | None = None
    error: str | None = None


class Results(msgspec.Struct, omit_defaults=True):
    """What Vapi reads; `error` alone where not even the calls can be told apart."""

    results: list[ToolResult] | None = None
    error: str | None = None


class OneCall(NamedTuple):
    """One call of a message: its id, and what it asks for, or why that cannot be read."""

    id: str
    asked: Asked | SlotkeeperError


def read(body: Json) -> list[OneCall] | None:
    """The calls of a message in their order; None for a message about something else. Raises InvalidInput.

    The documented form of a call has its name and arguments at the top, that of the model's provider below
    ``function``; both come.
    """
    message = object_in(body, "message")
    listed = message.get("toolCallList", message.get("toolCalls"))
    if listed is None and message.get("type") != "tool-calls":
        return None
    if not isinstance(listed, list):
        raise InvalidInput.of("toolCallList", "'message.toolCallList' must be a list of tool calls.")
    call_id = id_in(message.get("call"), "id") or id_in(message.get("chat"), "id")
    return [_one(item, call_id) for item in listed]


def _one(item: object, call_id: str | None) -> OneCall:
    own = id_in(item, "id")
    if own is None or not isinstance(item, dict):
        raise InvalidInput.of("toolCallList", "Each call in 'message.toolCallList' must be an object with an 'id'.")
    function = item.get("function")
    said = function if isinstance(function, dict) else item
    try:
        arguments = arguments_in(said.get("arguments", said.get("parameters")))
    except InvalidInput as error:
        return OneCall(own, error)
    return OneCall(own, Asked(str(said.get("name", "")), arguments, ToolCall(None, own, call_id)))


def result(own_id: str, outcome: Answer | SlotkeeperError) -> ToolResult:
    """What came of a call, on one line.

    What a rule of booking refuses is a result too: the model acts on it, while an ``error`` makes Vapi say its own
    sentence for a tool that failed.
    """
    if isinstance(outcome, Answer):
        return ToolResult(own_id, result=encode(outcome).decode())
    return ToolResult(own_id, error=on_one_line(outcome.message))


def on_one_line(text: str) -> str:
    """A text without line breaks, which Vapi cannot read."""
    return " ".join(text.split())
