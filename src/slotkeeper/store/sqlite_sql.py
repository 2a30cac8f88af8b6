"""The statements of the store in SQLite's words: what each marker of ``database.py`` becomes.

Sets of rows travel as one JSON text; named parameters stay as they are.
"""

import re
import sqlite3
from functools import cache

import msgspec

from slotkeeper.store.database import SQL, Rows

_TYPES = {"UUID": "TEXT", "DATE": "TEXT", "INSTANT": "INTEGER", "BOOLEAN": "INTEGER"}
_TYPE_WORD = re.compile(r"\b(UUID|DATE|INSTANT|BOOLEAN)\b")
_TABLE = re.compile(r"CREATE TABLE (\w+)")
_WIDE = frozenset({"appointments", "audit", "requests"})  # see the head of sqlite.py
_ROWS = re.compile(r"@rows\(:(\w+),([^)]*)\)")
_VALUES = re.compile(r"@values\(([^)]*)\)")
_INDEX = re.compile(r"@index\((\w+)\)")
_ABSENT = re.compile(r"@absent\((:\w+) \w+\)")
_EACH = re.compile(r"@each\([^)]*\)")
_ASKED = re.compile(r"@asked\([^)]*\)")
_LIST = re.compile(r"@list\(([^)]*)\)")

sqlite3.register_adapter(Rows, lambda given: msgspec.json.encode(given.rows).decode())


@cache
def spell(sql: SQL) -> str:
    """A statement in SQLite's words; every statement is a constant, so each is spelled once."""

    def rows(found: re.Match[str]) -> str:
        names = [column.split()[0] for column in found[2].split(",")]
        columns = ", ".join(f"json_extract(value, '$[{place}]') AS {name}" for place, name in enumerate(names))
        return f"(SELECT {columns} FROM json_each(:{found[1]}))"  # noqa: S608 (both come from a constant)

    text = _ROWS.sub(rows, sql)
    text = _VALUES.sub(lambda found: f"VALUES (?{', ?' * (found[1].count(',') + 1)})", text)
    text = _ASKED.sub("", _EACH.sub("", text))
    text = _ABSENT.sub(r"\1 IS NULL", text)
    text = _LIST.sub(r"json_group_array(json_array(\1))", text)
    text = _INDEX.sub(r"INDEXED BY \1", text)
    return text.replace("@lock", "")


def spell_schema(statement: str) -> str:
    """A statement of the schema in SQLite's words: strict tables, most of them clustered by their primary key."""
    text = _TYPE_WORD.sub(lambda found: _TYPES[found[1]], statement)
    table = _TABLE.match(text)
    if table is None:
        return text
    return f"{text} STRICT" if table[1] in _WIDE else f"{text} STRICT, WITHOUT ROWID"
