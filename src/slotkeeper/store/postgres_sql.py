"""The statements of the store in PostgreSQL's words: what each marker of ``database.py`` becomes, and its parameters.

Nothing here is newer than PostgreSQL 14. Named parameters become ``$1``, ``$2`` in the order of their first use. Sets
of rows travel as one array for each column, so a statement has one text whatever the number of rows, and the server
plans it once.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from slotkeeper.store.database import SQL, Rows, Value

_TYPES = {
    "UUID": "uuid",
    "TEXT": 'text COLLATE "C"',  # ordered by code point, whatever the database's own collation
    "DATE": "date",
    "INSTANT": "bigint",
    "INTEGER": "integer",
    "BOOLEAN": "boolean",
}
_TYPE_WORD = re.compile(rf"\b({'|'.join(_TYPES)})\b")
_MARKER = re.compile(
    r"@rows\(:(?P<rows>\w+),(?P<row>[^)]*)\)\s+(?:AS\s+)?(?P<alias>\w+)"
    r"|@values\((?P<values>[^)]*)\)"
    r"|@each\((?P<each>[^)]*)\)"
    r"|@absent\(:(?P<absent>\w+) (?P<type>\w+)\)"
    r"|@list\((?P<list>[^)]*)\)"
    r"|@index\(\w+\)"
    r"|(?P<lock>@lock)"
    r"|(?<![:\w]):(?P<name>[a-z_]\w*)"
)

ORGANIZATION = "org_id"
ROWS = "rows"
"""The name under which the rows of ``@values`` and ``@each`` are given."""


class Spelled(NamedTuple):
    """A statement's text, where each ``$n`` comes from (a parameter, or a column of its rows), and ``@each``."""

    text: str
    arguments: tuple[tuple[str, int | None], ...]
    each: tuple[str, ...]

    def bind(self, values: Mapping[str, Value]) -> list[Any]:
        """The arguments in their order."""
        columns: dict[str, list[Sequence[Any]]] = {}
        bound: list[Any] = []
        for name, column in self.arguments:
            if column is None:
                bound.append(values[name])
                continue
            if name not in columns:
                columns[name] = _columns(values[name])
            bound.append(columns[name][column] if columns[name] else ())
        return bound


def _columns(given: Value) -> list[Sequence[Any]]:
    if not isinstance(given, Rows):
        raise TypeError("a set of rows is given packed")
    return list(zip(*given.rows, strict=True))


@cache
def spell(sql: SQL) -> Spelled:
    """A statement in PostgreSQL's words; every statement is a constant, so each is spelled once."""
    return _Speller(sql).spell()


def gather(sql: SQL, types: Sequence[str]) -> Spelled:
    """A statement that answers many looks of one organization at once: each row after the number of who asked.

    ``types`` are those of the plain statement's parameters, which the server says.
    """
    speller = _Speller(sql, asked=True)
    inner = speller.spell()
    of = dict(zip((name for name, _ in spell(sql).arguments), types, strict=True))
    numbers = [f"${len(inner.arguments) + place}" for place in range(1, len(inner.each) + 2)]
    arrays = [
        f"{number}::{kind}[]"
        for number, kind in zip(numbers, ["integer", *map(of.__getitem__, inner.each)], strict=True)
    ]
    names = ", ".join(["number", *inner.each])
    text = (
        f"SELECT asked.number, found.* FROM unnest({', '.join(arrays)}) AS asked ({names})"  # noqa: S608 (a constant)
        f" CROSS JOIN LATERAL (SELECT * FROM ({inner.text}) AS one LIMIT 1) AS found"
    )
    arguments = [*inner.arguments, *((ROWS, place) for place in range(len(inner.each) + 1))]
    return Spelled(text, tuple(arguments), inner.each)


class _Speller:
    """Spells one statement, numbering its parameters on the way.

    With ``asked`` all parameters but the organization are columns of a table of that name.
    """

    def __init__(self, sql: SQL, *, asked: bool = False) -> None:
        self._sql = sql
        self._asked: list[str] | None = [] if asked else None
        self._arguments: list[tuple[str, int | None]] = []
        each = re.search(r"@each\(([^)]*)\)", sql)
        self._each = tuple(name for name, _ in _parse(each[1])) if each else ()

    def spell(self) -> Spelled:
        text = _MARKER.sub(self._replace, self._sql)
        return Spelled(text, tuple(self._arguments), self._each if self._asked is None else tuple(self._asked))

    def _replace(self, found: re.Match[str]) -> str:
        """What stands for one marker; it is known by the last of its groups, ``@index`` by having none."""
        kind, given, text = found.lastgroup, found.groupdict(), ""
        if kind == "name":
            name = given["name"]
            text = f"one.new_{name}" if name in self._each else self._number(name)
        elif kind == "alias":
            text = self._unnest(given["rows"], given["row"], given["alias"])
        elif kind == "values":
            first = self._number(ORGANIZATION)
            text = f"SELECT {first}::uuid, one.* FROM {self._unnest(ROWS, given['values'], 'one')}"  # noqa: S608
        elif kind == "each":
            word = "USING" if self._sql.lstrip().startswith("DELETE") else "FROM"
            text = f"{word} {self._unnest(ROWS, given['each'], 'one', prefix='new_')}"
        elif kind == "type":
            text = f"{self._number(given['absent'])}::{_bare(given['type'])} IS NULL"
        elif kind == "list":  # of no rows SQLite's aggregate is an empty list, and PostgreSQL's is NULL
            text = f"coalesce(json_agg(json_build_array({given['list']})), '[]')::text"
        elif kind == "lock":  # rows keep their keys, so nobody's foreign key has to wait, as for FOR UPDATE it would
            text = "FOR NO KEY UPDATE"
        return text

    def _number(self, name: str, column: int | None = None) -> str:
        if self._asked is not None and name != ORGANIZATION:
            if name not in self._asked:
                self._asked.append(name)
            return f"asked.{name}"
        argument = name, column
        if argument not in self._arguments:
            self._arguments.append(argument)
        return f"${self._arguments.index(argument) + 1}"

    def _unnest(self, parameter: str, columns: str, alias: str, *, prefix: str = "") -> str:
        parsed = _parse(columns)
        arrays = [f"{self._number(parameter, place)}::{_bare(kind)}[]" for place, (_, kind) in enumerate(parsed)]
        names = ", ".join(f"{prefix}{name}" for name, _ in parsed)
        return f"unnest({', '.join(arrays)}) AS {alias} ({names})"


def _parse(columns: str) -> list[tuple[str, str]]:
    """The names and types of a marker's columns."""
    return [(name, kind) for name, kind in (column.split() for column in columns.split(","))]


def _bare(kind: str) -> str:
    """A type without its collation, which belongs to columns."""
    return _TYPES[kind].partition(" ")[0]


def spell_schema(statement: str) -> str:
    """A statement of the schema in PostgreSQL's words."""
    return _TYPE_WORD.sub(lambda found: _TYPES[found[1]], statement)
