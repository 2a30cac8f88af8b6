"""The one list of all tables is the schema's, and goes by its order."""

import re
from importlib import resources

import pytest

from slotkeeper.store.migrations import statements_of
from slotkeeper.store.tables import MOVED, TABLES, Table

SCHEMA = resources.files("slotkeeper.store").joinpath("schema.sql").read_text(encoding="utf-8")
DECLARED = {
    found[1]: statement
    for statement in statements_of(SCHEMA)
    if (found := re.match(r"CREATE TABLE (\w+)", statement)) is not None
}
STAY = {
    "rate_leases": "what server processes on one database have let through in the last minute",
    "sign_ins": "who is signed in at the servers on one database",
    "attempts": "how often a password was tried there of late",
    "imports": "how an organization came into one database",
}
"""The tables that do not move with an organization, and why."""


def columns_of(statement: str) -> list[tuple[str, str]]:
    """The columns that a CREATE TABLE declares, in order."""
    return re.findall(r"^    (\w+) (UUID|TEXT|DATE|INSTANT|INTEGER|BOOLEAN)\b", statement, re.MULTILINE)


def test_every_table_of_the_schema_is_in_the_list_once() -> None:
    assert len(DECLARED) > 10
    assert sorted(table.name for table in TABLES) == sorted(DECLARED)


def test_parents_stand_before_their_children() -> None:
    names = [table.name for table in TABLES]
    references = 0
    for name, statement in DECLARED.items():
        for parent in re.findall(r"REFERENCES (\w+)", statement):
            assert names.index(parent) < names.index(name), (parent, name)
            references += 1
    assert references > 10


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_has_the_columns_and_the_key_that_the_schema_declares(table: Table) -> None:
    declared = columns_of(DECLARED[table.name])
    assert declared[0] == ("org_id", "UUID")
    assert [tuple(column) for column in table.columns] == declared[1:]
    key = re.search(r"PRIMARY KEY \(([^)]*)\)", DECLARED[table.name])
    assert key is not None
    assert ("org_id", *table.key) == tuple(key[1].split(", "))


def test_all_that_belongs_to_an_organization_moves_and_its_keys_come_last() -> None:
    assert {table.name for table in TABLES if not table.moves} == STAY.keys()
    assert MOVED[0].name == "organizations"
    assert MOVED[-1].name == "api_keys"
