"""ElevenLabs and Bolna: the tool is named by the address, and the body is what the tool's configuration says.

Ours says: the arguments, and beside them the id of the call, which the platform fills in by itself.
"""

import re

from slotkeeper.platforms.asked import Asked, Json, arguments_in, filled, id_in
from slotkeeper.tools.calls import ToolCall

CONVERSATION = "conversation_id"
"""Where ElevenLabs says which conversation it is."""
CALL_SID = "call_sid"
"""Where Bolna says which phone call it is."""

_WRAPPED = {"tool_call_id", "tool_name", "parameters", "conversation_id"}
_LIKE_AN_ID = re.compile(r"(?=.*\d)[\w.:+-]{8,}")


def read_elevenlabs(tool: str, body: Json) -> Asked:
    """The one call that a request of ElevenLabs holds. Raises InvalidInput.

    Where the arguments stand below ``parameters``, as some of its examples have them, they are found there.
    """
    call = ToolCall(None, id_in(body, "tool_call_id"), id_in(body, CONVERSATION))
    if isinstance(body.get("parameters"), dict) and body.keys() <= _WRAPPED:
        return Asked(tool, arguments_in(body["parameters"]), call)
    return Asked(tool, filled({name: body[name] for name in body if name not in {CONVERSATION, "tool_call_id"}}), call)


def read_bolna(tool: str, body: Json) -> Asked:
    """The one call that a request of Bolna holds.

    The model may have had to fill in the call's id; what does not look like one would be the same in two phone calls.
    """
    sid = id_in(body, CALL_SID)
    call = ToolCall(None, None, sid if sid is not None and _LIKE_AN_ID.fullmatch(sid) else None)
    return Asked(tool, filled({name: body[name] for name in body if name != CALL_SID}), call)
