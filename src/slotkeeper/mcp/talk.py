"""Who talks, and by which name a call of a tool is known again."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from slotkeeper.domain.access import Caller
from slotkeeper.tools.calls import ToolCall

TALK = "slotkeeper.talk"
"""Under which name the scope of a request holds who talks."""

KEY = "slotkeeper/idempotency-key"
TOOL_CALL = "slotkeeper/tool-call-id"
CALL = "slotkeeper/call-id"
"""The names in a request's ``_meta`` by which a client says what is the same call."""

LONGEST = 255
"""How long such a name may be; a longer one counts as none."""


class Talk(NamedTuple):
    """One message of a client: whose key it came with, when, and what its headers say of the session and the call."""

    caller: Caller
    now: int
    session: str = ""
    call_id: str = ""
    language: str = ""


def call_of(
    meta: Mapping[str, Any] | None, message_id: object, *, session: str, call_id: str, language: str
) -> ToolCall:
    """By what a call of a tool is known again, when it is sent again because its answer was lost.

    What the client says in ``_meta`` comes first. Then the phone call, where it is named: the tools tell its calls
    apart by what was asked for, since a mother books two children in one; and a client that opens a session for each
    call of a tool has nothing else that outlives a lost answer. Then the id of the message, which is unique within its
    session only, so that it tells something with the session's name. A token of progress says nothing: a message that
    is sent again has a new one.
    """
    said = meta or {}
    call = _name(said.get(CALL)) or _name(call_id)
    own = _name(said.get(TOOL_CALL))
    if own is None and call is None and session and message_id is not None:
        own = _name(f"{session}/{message_id}")
    return ToolCall(_name(said.get(KEY)), own, call, language)


def _name(value: object) -> str | None:
    """A name that a client gave, if it is one."""
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST and value.isprintable() else None
