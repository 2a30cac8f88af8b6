"""Vapi: a message that may hold several calls; always answered with 200, each call with one line of text by its id."""

from typing import NamedTuple

import msgspec

from slotkeeper.domain.errors import InvalidInput, SlotkeeperError
from slotkeeper.platforms.asked import Asked, Json, arguments_in, id_in, object_in
from slotkeeper.tools.answer import Answer, encode
from slotkeeper.tools.calls import ToolCall
from slotkeeper.tools.refusals import sorry

MOST_CALLS = 10
"""How many calls of one message are done, which is one request of the key's limit."""
MOST_TOLD = 100
"""How many calls of one message are answered at all."""


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
    return [_one(item, call_id, place) for place, item in enumerate(listed[:MOST_TOLD])]


def ids_in(content: bytes) -> list[str]:
    """The ids of the calls of a message that was refused as a whole."""
    try:
        message = msgspec.json.decode(content)["message"]
        listed = message.get("toolCallList", message.get("toolCalls"))
        return [own for item in listed[:MOST_TOLD] if (own := id_in(item, "id")) is not None]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, LookupError, TypeError, AttributeError):
        return []


def _one(item: object, call_id: str | None, place: int) -> OneCall:
    own = id_in(item, "id")
    if own is None or not isinstance(item, dict):
        raise InvalidInput.of("toolCallList", "Each call in 'message.toolCallList' must be an object with an 'id'.")
    if place >= MOST_CALLS:
        return OneCall(own, InvalidInput.of("toolCallList", f"One message may hold {MOST_CALLS} calls at most."))
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
    sentence for a tool that failed. So is what may pass in a moment, because it has a sentence of ours.
    """
    if isinstance(outcome, Answer):
        return ToolResult(own_id, result=encode(outcome).decode())
    said = sorry(outcome)
    if said is not None:
        return ToolResult(own_id, result=said.decode())
    return ToolResult(own_id, error=on_one_line(outcome.message))


def on_one_line(text: str) -> str:
    """A text without line breaks, which Vapi cannot read."""
    return " ".join(text.split())
