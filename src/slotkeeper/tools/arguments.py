"""The arguments of tools: what a model is told of them, and how what it sends is read.

A model sends numbers as texts and texts as numbers, and says nothing with ``""`` or ``null``: that is understood. An
argument that a tool does not have is refused, because what it said would be lost.
"""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from types import UnionType
from typing import Annotated, Any, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from slotkeeper.domain.texts import parse_text

Shape = TypeVar("Shape", bound=msgspec.Struct)

LONGEST = 100
_NOTHING = frozenset({"", "null", "none", "undefined", "n/a", "nil"})
"""What models send in place of an argument that they have no value for."""


class Said(NamedTuple):
    """What a model is told of an argument, and what a caller is asked for it: "Please tell me …"."""

    description: str
    ask: str = ""
    longest: int = LONGEST


class Argument(NamedTuple):
    """One argument of a tool."""

    name: str
    said: Said
    kind: type[str] | type[int]
    required: bool


class Unreadable(Exception):
    """Arguments that a tool cannot work with, each with what would be right."""

    def __init__(self, missing: list[Argument], wrong: dict[str, str]) -> None:
        super().__init__()
        self.missing = missing
        self.wrong = wrong


@cache
def arguments_of(shape: type[msgspec.Struct]) -> tuple[Argument, ...]:
    """The arguments of a shape in their order."""
    hints = get_type_hints(shape, include_extras=True)
    return tuple(_argument(field, hints[field.name]) for field in msgspec.structs.fields(shape))


def _argument(field: msgspec.structs.FieldInfo, hint: object) -> Argument:
    said = Said("")
    if get_origin(hint) is Annotated:
        hint, said = get_args(hint)
    kinds = [kind for kind in get_args(hint) if kind is not type(None)] if isinstance(hint, UnionType) else [hint]
    return Argument(field.name, said, int if kinds == [int] else str, field.required)


def read(shape: type[Shape], given: Mapping[str, Any]) -> Shape:
    """The arguments that were given. Raises Unreadable that says all that is wrong."""
    known = {argument.name: argument for argument in arguments_of(shape)}
    names = ", ".join(known) or "none"
    wrong = {
        _clean(name): f"no argument of this tool; its arguments are: {names}"
        for name, value in list(given.items())[:20]
        if name not in known and not _is_nothing(value)
    }
    values: dict[str, object] = {}
    missing = []
    for argument in known.values():
        value = given.get(argument.name)
        if _is_nothing(value):
            if argument.required:
                missing.append(argument)
            continue
        found = _whole(value) if argument.kind is int else _line(value, argument.said.longest)
        if found is None:
            wrong[argument.name] = _must_be(argument)
        else:
            values[argument.name] = found
    if missing or wrong:
        raise Unreadable(missing, wrong)
    return shape(**values)


def _clean(name: object) -> str:
    """A name as an answer can carry it: short, and without lone surrogates."""
    return str(name)[:40].encode("utf-8", "backslashreplace").decode()


def _is_nothing(value: object) -> bool:
    return value is None or (isinstance(value, str) and value.strip().lower() in _NOTHING)


def _line(value: object, longest: int) -> str | None:
    """A text on one line, its white space folded."""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        value = str(value)
    return parse_text(" ".join(value.split()), longest=longest) if isinstance(value, str) else None


def _whole(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    try:
        number = Decimal(str(value).strip())
    except ArithmeticError:
        return None
    return int(number) if number.is_finite() and abs(number) < 10**9 and number == int(number) else None


def _must_be(argument: Argument) -> str:
    if argument.kind is int:
        return "must be a whole number"
    return f"must be a text of 1 to {argument.said.longest} characters on one line"


def schema_of(shape: type[msgspec.Struct]) -> dict[str, Any]:
    """The JSON Schema of a tool's arguments as strict function calling wants it.

    Every property is required, and one that may be left out is null instead; no other property is allowed.
    """
    properties: dict[str, Any] = {}
    for argument in arguments_of(shape):
        kind = "integer" if argument.kind is int else "string"
        properties[argument.name] = {
            "type": kind if argument.required else [kind, "null"],
            "description": argument.said.description,
        }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
