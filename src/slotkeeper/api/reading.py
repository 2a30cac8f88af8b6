"""Requests read into shapes; all that is wrong with one is said at once, each in a sentence.

A shape is a ``msgspec.Struct`` annotated with the types of ``fields.py``. A field without a default
is required; ``| None`` lets a body say null.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache
from types import UnionType
from typing import Annotated, Any, NamedTuple, NoReturn, TypeVar, Union, get_args, get_origin, get_type_hints
from urllib.parse import unquote_to_bytes

import msgspec

from slotkeeper.api.fields import Kind
from slotkeeper.domain.errors import Detail, InvalidInput
from slotkeeper.domain.slot_ids import parse_uuid

Shape = TypeVar("Shape", bound=msgspec.Struct)
Answer = TypeVar("Answer")

SHOWN = 40
"""How many characters of a wrong value a message repeats."""
MOST_UNKNOWN = 10
"""How many unknown fields are named one by one."""
LONGEST_KEPT = 512
"""Up to how many bytes a query string is kept with what it was read as."""
COUNTED = "counts follow the appointments and cannot be set"
"""What to do instead of sending a count."""

Instead = Mapping[str, str]
"""By the name of a field that a request cannot set: what sets it, to end a message with."""
NOTHING: Instead = {}


class Field(NamedTuple):
    """One field of a shape, as its annotation describes it; ``kind`` is None for answers only.

    ``attribute`` is its name in Python: where a client's word is Python's own, such as ``from``, with a ``_``.
    """

    name: str
    attribute: str
    kind: Kind | None
    inner: Any
    nullable: bool
    required: bool
    default: object
    description: str


@cache
def fields_of(shape: type[msgspec.Struct]) -> tuple[Field, ...]:
    """The fields of a shape in their order."""
    hints = get_type_hints(shape, include_extras=True)
    return tuple(_field(info, hints[info.name]) for info in msgspec.structs.fields(shape))


def _field(info: msgspec.structs.FieldInfo, hint: object) -> Field:
    kind: Kind | None = None
    description, nullable = "", False
    while (origin := get_origin(hint)) in (Annotated, Union, UnionType):
        hint, *notes = get_args(hint)
        if origin is Annotated:
            kind = next((note for note in notes if isinstance(note, Kind)), kind)
            description = next((note for note in notes if isinstance(note, str)), description)
        else:
            nullable = type(None) in notes
    return Field(info.name.rstrip("_"), info.name, kind, hint, nullable, info.required, info.default, description)


def read_query(shape: type[Shape], query: bytes) -> Shape:
    """The parameters of a query string; unknown ones are ignored, empty ones count as not given."""
    # The same query is asked again and again, and reading it depends on nothing else.
    read = _recall if len(query) <= LONGEST_KEPT else _parse_query
    found: Shape = read(shape, query)
    return found


def _parse_query(shape: type[Shape], query: bytes) -> Shape:
    given: dict[str, object] = {}
    wrong: list[Detail] = []
    known = {field.name.encode(): field.name for field in fields_of(shape)}
    for pair in query.split(b"&"):
        raw_name, _, raw_value = pair.replace(b"+", b" ").partition(b"=")
        name = known.get(unquote_to_bytes(raw_name))
        if name is None:
            continue
        if name in given:
            wrong.append(Detail(name, f"'{name}' is given more than once; give it once."))
        given[name] = _text(unquote_to_bytes(raw_value))
    said = {name: value for name, value in given.items() if value != ""}
    return _read(shape, said, wrong)


_recall = lru_cache(maxsize=1024)(_parse_query)


def read_body(shape: type[Shape], raw: bytes, *, instead: Instead = NOTHING) -> Shape:
    """The fields of a JSON body. Raises InvalidInput for unknown ones, which may be typing errors."""
    given = read_object(raw)
    wrong = [] if given.keys() <= _known(shape) else _refuse_unknown(given, _names(shape), instead=instead)
    return _read(shape, given, wrong)


class Changes(NamedTuple):
    """What a PATCH asks for, and what it only repeats of the answer it had."""

    given: Mapping[str, Any]
    echoed: Mapping[str, object]


def read_changes(
    shape: type[msgspec.Struct], shown: type[msgspec.Struct], raw: bytes, *, instead: Instead = NOTHING
) -> Changes:
    """The fields of a PATCH, which may repeat those of its answer (contract.md section 3).

    Raises InvalidInput where there is no field at all.
    """
    given = read_object(raw)
    writable = _names(shape)
    readable = [name for name in _names(shown) if name not in writable]
    wrong = _refuse_unknown(given, writable, besides=readable, instead=instead)
    if not given:
        wrong = [Detail("", f"The body names no field to change; give at least one of {_listed(writable)}.")]
    body = _read(shape, {name: value for name, value in given.items() if name in writable}, wrong)
    changes = {name: getattr(body, name) for name in writable if name in given}
    return Changes(changes, {name: given[name] for name in readable if name in given})


def require_unchanged(echoed: Mapping[str, object], shown: msgspec.Struct, *, instead: Instead = NOTHING) -> None:
    """Refuse repeated fields that differ from the answer. Raises InvalidInput."""
    if not echoed:
        return
    answer = msgspec.to_builtins(shown)
    wrong = [
        Detail(
            name,
            f"'{name}' cannot be changed here: leave it out, or send {show(answer[name])}, not {show(value)}"
            f"{_besides(instead, name)}.",
        )
        for name, value in echoed.items()
        if value != answer[name] or isinstance(value, bool) != isinstance(answer[name], bool)
    ]
    if wrong:
        raise InvalidInput(wrong)


def expecting(
    echoed: Mapping[str, object], view: Callable[[Answer], msgspec.Struct], *, instead: Instead = NOTHING
) -> Callable[[Answer], None]:
    """The check of what a PATCH repeats, for the operation to make on the stored record before the change."""

    def expect(record: Answer) -> None:
        if echoed:
            require_unchanged(echoed, view(record), instead=instead)

    return expect


def read_object(raw: bytes) -> dict[str, object]:
    """The JSON object of a body. Raises InvalidInput for everything else, a name given twice included."""
    if not raw:
        _refuse("The body is empty; it must be a JSON object.")
    try:
        value = _JSON.decode(raw.decode())
    except UnicodeDecodeError as error:
        _refuse(f"The body is not UTF-8: byte {error.start} is none of it.")
    except _Twice as error:
        name = show(error.args[0])
        raise InvalidInput.of(
            _clean(error.args[0]), f"The field {name} is given more than once; give it once."
        ) from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        _refuse(f"The body is not JSON ({error.msg}: {where}); it must be a JSON object.")
    except ValueError as error:
        _refuse(f"The body is not JSON ({error}); it must be a JSON object.")
    except RecursionError:
        _refuse("The body is nested too deeply; it must be a JSON object of plain fields.")
    if not isinstance(value, dict):
        _refuse(f"The body must be a JSON object, not {show(value)}.")
    return value


class _Twice(Exception):
    """A name stands twice in one JSON object."""


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _Twice(next(name for name in names if names.count(name) > 1))
    return found


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _number(digits: str) -> Decimal:
    """A number exactly as it was written, of any size: no float takes 0.1e-400 for a whole number."""
    try:
        return Decimal(digits)
    except InvalidOperation:
        raise ValueError("it holds a number that nobody can count to") from None


def _integer(digits: str) -> int | Decimal:
    # Python refuses to read an int of thousands of digits.
    return int(digits) if len(digits) <= SHOWN else _number(digits)


_JSON = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer, parse_float=_number)


def _read(shape: type[Shape], given: Mapping[str, object], wrong: list[Detail]) -> Shape:
    """A shape of the values given; adds to what is already known to be wrong, and raises all of it."""
    values: dict[str, object] = {}
    refused = {detail.field for detail in wrong} if wrong else ()
    for name, attribute, read, field in _readers(shape):
        if name in given:
            value = given[name]
            found = None if value is None else read(value)
            if found is None and not (value is None and field.nullable) and name not in refused:
                wrong.append(Detail(name, f"'{name}' must be {_must_be(field)}, not {show(value)}."))
            values[attribute] = found
        elif field.required and name not in refused:
            wrong.append(Detail(name, f"'{name}' is required: it must be {_must_be(field)}."))
    if wrong:
        raise InvalidInput(wrong)
    return shape(**values)


@cache
def _readers(shape: type[msgspec.Struct]) -> tuple[tuple[str, str, Callable[[object], object | None], Field], ...]:
    """What ``_read`` needs of each field of a request's shape, at hand."""
    fields = [(field, field.kind) for field in fields_of(shape)]
    return tuple((field.name, field.attribute, kind.read, field) for field, kind in fields if kind is not None)


def _must_be(field: Field) -> str:
    kind = "" if field.kind is None else field.kind.must_be
    return f"{kind}, or null" if field.nullable and field.default is msgspec.UNSET else kind


def _names(shape: type[msgspec.Struct]) -> tuple[str, ...]:
    return shape.__struct_fields__


@cache
def _known(shape: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(_names(shape))


def _refuse_unknown(
    given: Iterable[str], known: Sequence[str], *, besides: Iterable[str] = (), instead: Instead
) -> list[Detail]:
    fine = {*known, *besides}
    unknown = [name for name in given if name not in fine]
    if not unknown:
        return []
    right = f"the fields are {_listed(known)}" if known else "this request takes no fields"
    wrong = [
        Detail(_clean(name), f"{show(name)} is no field of this request{_besides(instead, name)}; {right}.")
        for name in unknown
    ]
    if len(wrong) > MOST_UNKNOWN:
        rest = Detail("", f"And {len(wrong) - MOST_UNKNOWN} more fields are none of this request.")
        return [*wrong[:MOST_UNKNOWN], rest]
    return wrong


def _besides(instead: Instead, name: str) -> str:
    return f"; {instead[name]}" if name in instead else ""


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def show(value: object) -> str:
    """A wrong value as a message repeats it: as in JSON, shortened."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, Decimal):
        return _shortened(str(value))
    return _clean(json.dumps(_shortened(value) if isinstance(value, str) else value, ensure_ascii=False))


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _clean(text: str) -> str:
    """A text of a client's, shortened, as an answer can carry it: without lone surrogates."""
    return text[: 2 * SHOWN].encode("utf-8", "backslashreplace").decode()


def _text(raw: bytes) -> str:
    """A parameter's text; what is not UTF-8 becomes a lone surrogate, which no kind of field takes."""
    return raw.decode("utf-8", "surrogateescape")


def _refuse(message: str) -> NoReturn:
    raise InvalidInput.of("", message)


def read_id(name: str, text: str) -> str:
    """The UUID of a path. Raises InvalidInput."""
    found = parse_uuid(text)
    if found is None:
        raise InvalidInput.of(name, f"'{name}' must be a UUID, not {show(text)}.")
    return found
