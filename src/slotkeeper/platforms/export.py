"""The tools as each platform wants them pasted in, ready but for the API key.

A strict schema, as OpenAI's function calling wants it, has every argument required and says with null that there is
none. Voice platforms know no such types: theirs says only what must be there.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any

from slotkeeper.domain.access import Scope
from slotkeeper.platforms.flat import CALL_SID, CONVERSATION
from slotkeeper.tools.table import Tool

Json = dict[str, Any]

FOR_AGENTS = (Scope.SLOTS_READ, Scope.APPOINTMENTS_READ, Scope.APPOINTMENTS_WRITE)
"""What the key of a voice agent may do: look, find, book, move and cancel, but not change the schedule."""
KEY = "YOUR_SLOTKEEPER_KEY"
"""What stands in the place of the API key."""
CREDENTIAL = "YOUR_VAPI_CREDENTIAL_ID"
"""What stands in the place of Vapi's credential that holds it."""
SECONDS = 10
"""How long a platform waits for an answer; then the caller has waited too long."""
NULL = "; null "
"""How the description of an argument begins to say what it means to leave it out."""
FILLED_IN = "Filled in by the platform; never ask for it."


class Platform(StrEnum):
    """Where an agent can run."""

    VAPI = "vapi"
    RETELL = "retell"
    ELEVENLABS = "elevenlabs"
    BOLNA = "bolna"
    OPENAI = "openai"


def export(platform: Platform, tools: Iterable[Tool], url: str) -> list[Json]:
    """The tools for a platform, each as one thing to paste or to send; ``url`` is how it reaches this server."""
    return [_SHAPES[platform](tool, f"{url}/v1/platforms/{platform}") for tool in tools]


def plain_schema(tool: Tool, *, nothing: str = "leave out") -> Json:
    """The JSON Schema of a tool's arguments without null: one that may be left out is not required.

    ``nothing`` is how a model is told to say that there is none.
    """
    strict = tool.schema()
    properties = {name: _without_null(schema, nothing) for name, schema in strict["properties"].items()}
    required = [name for name in strict["required"] if not _may_be_null(strict["properties"][name])]
    return {"type": "object", "properties": properties, "required": required}


def _may_be_null(schema: Mapping[str, Any]) -> bool:
    return isinstance(schema["type"], list)


def _without_null(schema: Mapping[str, Any], nothing: str) -> Json:
    kind = next(kind for kind in schema["type"] if kind != "null") if _may_be_null(schema) else schema["type"]
    return {**schema, "type": kind, "description": schema["description"].replace(NULL, f"; {nothing} ")}


def _vapi(tool: Tool, url: str) -> Json:
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": plain_schema(tool)},
        "server": {"url": url, "timeoutSeconds": SECONDS, "credentialId": CREDENTIAL},
    }


def _retell(tool: Tool, url: str) -> Json:
    return {
        "type": "custom",
        "name": tool.name,
        "description": tool.description,
        "url": url,
        "method": "POST",
        "headers": {"Authorization": f"Bearer {KEY}"},
        "parameters": plain_schema(tool),
        "args_at_root": False,
        "timeout_ms": SECONDS * 1000,
        "speak_during_execution": not tool.is_read_only,
        "speak_after_execution": True,
    }


def _elevenlabs(tool: Tool, url: str) -> Json:
    schema = plain_schema(tool)
    conversation = {"type": "string", "dynamic_variable": "system__conversation_id"}
    body = {
        "type": "object",
        "required": [*schema["required"], CONVERSATION],
        "properties": {**schema["properties"], CONVERSATION: conversation},
    }
    return {
        "tool_config": {
            "type": "webhook",
            "name": tool.name,
            "description": tool.description,
            "response_timeout_secs": SECONDS,
            "api_schema": {
                "url": f"{url}/{tool.name}",
                "method": "POST",
                "request_headers": {"Authorization": f"Bearer {KEY}"},
                "request_body_schema": body,
            },
        }
    }


def _bolna(tool: Tool, url: str) -> Json:
    """Bolna fills a text with all arguments, and fails where one is missing: so all are required, and may be empty."""
    schema = plain_schema(tool, nothing="an empty text")
    properties: Json = {name: {**one, "type": "string"} for name, one in schema["properties"].items()}
    properties[CALL_SID] = {"type": "string", "description": FILLED_IN}
    return {
        "name": tool.name,
        "description": tool.description,
        "pre_call_message": "One moment, please.",
        "parameters": {"type": "object", "properties": properties, "required": list(properties)},
        "key": "custom_task",
        "value": {
            "method": "POST",
            "param": {name: f"%({name})s" for name in properties},
            "url": f"{url}/{tool.name}",
            "api_token": f"Bearer {KEY}",
            "headers": {"Content-Type": "application/json"},
        },
    }


def _openai(tool: Tool, _: str) -> Json:
    """The same as ``GET /v1/tools`` lists."""
    function = {"name": tool.name, "description": tool.description, "strict": True, "parameters": tool.schema()}
    return {"type": "function", "function": function}


_SHAPES: dict[Platform, Callable[[Tool, str], Json]] = {
    Platform.VAPI: _vapi,
    Platform.RETELL: _retell,
    Platform.ELEVENLABS: _elevenlabs,
    Platform.BOLNA: _bolna,
    Platform.OPENAI: _openai,
}
