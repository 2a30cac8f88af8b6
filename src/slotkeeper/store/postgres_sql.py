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
    r"|@asked\((?P<asked>[^)]*)\)"
    r"|@absent\(:(?P<absent>\w+) (?P<type>\w+)\)"
    r"|@list\((?P<list>[^)]*)\)"
    r"|@index\(\w+\)"
    r"|(?P<lock>@lock)"
    r"|(?<![:\w]):(?P<name>[a-z_]\w*)"
)

ROWS = "rows"
"""The name under which the rows of ``@values``, ``@each`` and ``@asked`` are given."""


class Spelled(NamedTuple):
    """A statement's text, where each ``$n`` comes from (a parameter, or a column of rows), ``@each`` and ``@asked``."""

    text: str
    arguments: tuple[tuple[str, int | None], ...]
    each: tuple[str, ...]
    asked: tuple[str, ...]

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


class _Speller:
    """Spells one statement, numbering its parameters on the way."""

    def __init__(self, sql: SQL) -> None:
        self._sql = sql
        self._arguments: list[tuple[str, int | None]] = []
        self._each = self._names("each")
        self._asked = self._names("asked")

    def _names(self, marker: str) -> tuple[str, ...]:
        found = re.search(rf"@{marker}\(([^)]*)\)", self._sql)
        return tuple(name for name, _ in _parse(found[1])) if found else ()

    def spell(self) -> Spelled:
        text = _MARKER.sub(self._replace, self._sql)
        if self._asked:  # each row is told by the number of the set of values that it answers
            text = f"SELECT asked.number, found.* FROM {self._sets} CROSS JOIN LATERAL ({text}) AS found"  # noqa: S608
        return Spelled(text, tuple(self._arguments), self._each, self._asked)

    def _replace(self, found: re.Match[str]) -> str:
        """What stands for one marker; it is known by the last of its groups, ``@index`` by having none."""
        kind, given, text = found.lastgroup, found.groupdict(), ""
        if kind == "name":
            name = given["name"]
            text = (
                self._number(name)
                if name not in self._each + self._asked
                else (f"one.new_{name}" if name in self._each else f"asked.asked_{name}")
            )
        elif kind == "alias":
            text = self._unnest(given["rows"], given["row"], given["alias"])
        elif kind == "values":
            first = self._number("org_id")
            text = f"SELECT {first}::uuid, one.* FROM {self._unnest(ROWS, given['values'], 'one')}"  # noqa: S608
        elif kind == "each":
            word = "USING" if self._sql.lstrip().startswith("DELETE") else "FROM"
            text = f"{word} {self._unnest(ROWS, given['each'], 'one', prefix='new_')}"
        elif kind == "asked":
            sets = self._unnest(ROWS, given["asked"], "asked", prefix="asked_")
            self._sets = f"{sets[:-1]}, number)".replace(") AS asked", ") WITH ORDINALITY AS asked", 1)
        elif kind == "type":
            text = f"{self._number(given['absent'])}::{_bare(given['type'])} IS NULL"
        elif kind == "list":  # of no rows SQLite's aggregate is an empty list, and PostgreSQL's is NULL
            text = f"coalesce(json_agg(json_build_array({given['list']})), '[]')::text"
        elif kind == "lock":  # rows keep their keys, so nobody's foreign key has to wait, as for FOR UPDATE it would
            text = "FOR NO KEY UPDATE"
        return text

    def _number(self, name: str, column: int | None = None) -> str:
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


ARRAYS = tuple(f"{_bare(kind)}[]" for kind in _TYPES)
"""The types of all columns of a set of rows."""


def spell_schema(statement: str) -> str:
    """A statement of the schema in PostgreSQL's words."""
    return _TYPE_WORD.sub(lambda found: _TYPES[found[1]], statement)
