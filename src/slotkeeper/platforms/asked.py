"""One call of a tool as a platform asks for it, and what several platforms have in common."""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from slotkeeper.domain.errors import InvalidInput
from slotkeeper.tools.calls import ToolCall

Json = Mapping[str, Any]

LONGEST_ID = 255
_UNFILLED = re.compile(r"%\(\w+\)[sif]|\{\{?\w+\}?\}")
"""What is left where a platform had no value for a variable."""


class Asked(NamedTuple):
    """Which tool, its arguments, and by what the call is known again."""

    tool: str
    arguments: Json
    call: ToolCall


def object_in(body: Json, name: str) -> Json:
    """The object in a field. Raises InvalidInput where there is none."""
    found = body.get(name)
    if not isinstance(found, dict):
        raise InvalidInput.of(name, f"'{name}' must be an object: this is not what the platform's documentation shows.")
    return found


def arguments_in(value: object) -> Json:
    """Arguments, given as an object or as the JSON of one. Raises InvalidInput."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = value or {}
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInput.of("arguments", "The arguments of a tool must be an object, or the JSON of one.")
    return filled(value)


def filled(arguments: Json) -> Json:
    """Arguments without those in whose place the platform's own mark still stands, because it had no value."""
    return {name: value for name, value in arguments.items() if not _is_unfilled(value)}


def _is_unfilled(value: object) -> bool:
    return (isinstance(value, str) and _UNFILLED.fullmatch(value.strip()) is not None) or (
        isinstance(value, dict) and value.keys() == {"$var"}
    )


def id_in(body: object, *names: str) -> str | None:
    """The first of some fields that holds an id."""
    if not isinstance(body, dict):
        return None
    return next((found for name in names if (found := _id(body.get(name))) is not None), None)


def _id(value: object) -> str | None:
    if not isinstance(value, str) or not value.isprintable() or _is_unfilled(value):
        return None
    return value if 0 < len(value) <= LONGEST_ID else None
