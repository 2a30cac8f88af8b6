"""Retell: a custom function; the tool's name, its arguments and the call with all that was said so far."""

import json
from typing import Any

from slotkeeper.domain.errors import InvalidInput
from slotkeeper.platforms.asked import Asked, Json, arguments_in, id_in
from slotkeeper.tools.calls import ToolCall


def read(body: Json) -> Asked:
    """The one call that a request holds. Raises InvalidInput."""
    name = body.get("name")
    if not isinstance(name, str) or "args" not in body:
        raise InvalidInput.of(
            "name", "The body must hold 'name', 'args' and 'call': switch 'Payload: args only' off in Retell."
        )
    call, arguments = body.get("call"), body["args"]
    own = _tool_call_id(call, name, arguments)
    return Asked(name, arguments_in(arguments), ToolCall(None, own, id_in(call, "call_id", "chat_id")))


def _tool_call_id(call: object, name: str, arguments: object) -> str | None:
    """The id of this very call: that of the one in the transcript that asks for the same and has no result yet.

    Where several do, none is it: what stands of the phone call says then whether it was done.
    """
    transcript = call.get("transcript_with_tool_calls") if isinstance(call, dict) else None
    if not isinstance(transcript, list):
        return None
    said = [item for item in transcript if isinstance(item, dict)]
    done = {item.get("tool_call_id") for item in said if item.get("role") == "tool_call_result"}
    wanted = name, _parsed(arguments)
    same = [
        item
        for item in said
        if item.get("role") == "tool_call_invocation"
        and item.get("tool_call_id") not in done
        and (item.get("name"), _parsed(item.get("arguments"))) == wanted
    ]
    return id_in(same[0], "tool_call_id") if len(same) == 1 else None


def _parsed(value: Any) -> Any:  # noqa: ANN401 - the JSON of something, or the thing itself
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value
