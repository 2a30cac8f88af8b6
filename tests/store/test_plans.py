"""No statement reads all rows of an organization where it asks for a few: on SQLite, by the plan of each statement."""

import importlib
import pkgutil
import re
import sqlite3
from collections.abc import Iterator

import pytest

from slotkeeper import store
from slotkeeper.store.database import SQL
from slotkeeper.store.migrations import list_migrations
from slotkeeper.store.sqlite_sql import spell, spell_schema

MANY = {"windows", "days", "appointments", "holds", "overrides", "audit", "requests", "upcoming"}
"""The tables of which an organization has many rows."""

WHOLE = {
    "appointments._DIFFERENCES": "whoever checks a database counts all of it",
    "windows._LIST": "it lists the windows of an organization, with filters that may all be absent",
    "windows._SIZES": "regenerate goes through all windows",
    "requests._MENTIONING": "erasing a person looks through the answers of one day",
    **{f"tables._COUNTS[{table}]": "whoever moves an organization counts all of it" for table in MANY},
    **{
        f"tables._REMOVALS[{table}]": "what an interrupted import left is taken away from its beginning"
        for table in MANY
    },
}
"""Statements that read all rows of an organization, and why."""


def statements() -> Iterator[tuple[str, SQL]]:
    for module in pkgutil.iter_modules(store.__path__):
        for name, value in vars(importlib.import_module(f"{store.__name__}.{module.name}")).items():
            if not re.fullmatch(r"_[A-Z_]+", name):
                continue
            each = (
                {f"{name}[{table}]": sql for table, sql in value.items()} if isinstance(value, dict) else {name: value}
            )
            for own, text in each.items():
                if isinstance(text, str) and is_statement(text):
                    yield f"{module.name}.{own}", SQL(text)


def is_statement(text: str) -> bool:
    return re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", text) is not None and " FROM " in f" {text} "


@pytest.fixture(scope="module")
def raw() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    for migration in list_migrations():
        for statement in migration.statements:
            connection.execute(spell_schema(statement))
    yield connection
    connection.close()


def whole_tables(raw: sqlite3.Connection, sql: SQL) -> set[str]:
    """The tables of which a statement reads all rows of an organization."""
    names = dict(re.findall(r"(?:FROM|JOIN)\s+(\w+)\s+(?:AS\s+)?([a-z]\w*)?", sql))
    tables = {alias or table: table for table, alias in names.items()} | {table: table for table in MANY}
    values = dict.fromkeys(re.findall(r":(\w+)", sql))
    plan = [row[3] for row in raw.execute("EXPLAIN QUERY PLAN " + spell(sql), values)]
    scans = [re.match(r"SCAN (\w+)$|SEARCH (\w+) USING .* \(org_id=\?\)$", line) for line in plan]
    return {tables.get(found[1] or found[2], "") for found in scans if found} & MANY


@pytest.mark.parametrize(("name", "sql"), [pytest.param(*one, id=one[0]) for one in statements() if "org_id" in one[1]])
def test_a_statement_finds_its_rows_by_more_than_the_organization(raw: sqlite3.Connection, name: str, sql: SQL) -> None:
    assert bool(whole_tables(raw, sql)) == (name in WHOLE), name


def test_a_statement_that_reads_all_is_seen(raw: sqlite3.Connection) -> None:
    assert whole_tables(raw, SQL("SELECT a.notes FROM appointments a WHERE a.org_id = :org_id")) == {"appointments"}
