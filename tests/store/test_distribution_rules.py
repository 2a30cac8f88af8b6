"""Schema and statements keep to what a PostgreSQL distributed by organization asks; the check finds what does not."""

import ast
import re
from importlib import resources

import pytest

from slotkeeper.store.database import SQL
from slotkeeper.store.migrations import list_migrations, statements_of
from slotkeeper.store.postgres_sql import spell, spell_schema
from slotkeeper.store.tables import TABLES
from tests.distribution_rules import breaches_of_schema, breaches_of_statement
from tests.statements import MODULES, UNROUTED, builders, statements

NAMES = {table.name for table in TABLES}
SCHEMA = resources.files("slotkeeper.store").joinpath("schema.sql").read_text(encoding="utf-8")
DECLARED = [spell_schema(statement) for statement in statements_of(SCHEMA)]
HISTORY = [spell_schema(statement) for migration in list_migrations() for statement in migration.statements]
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
ORG = "org_id = :org_id"

BUILT = {
    **dict.fromkeys(
        ("tables._page_of", "tables._count_of", "tables._insert_into", "tables._removal_from"), "one for each table"
    ),
    "distribution._distribution_of": "it distributes a table, which is not distributed before",
    "days._room": "what it makes are constants, and looked at as such",
}
"""The functions that make statements, and why: those of the tables are looked at one by one."""

NODES_DO_NOT_SHARE = re.compile(r"pg_(try_)?advisory|pg_notify|\b(UN)?LISTEN\b|\bNOTIFY\b")
MIGRATES = {"postgres._ONE_AT_A_TIME": "all who migrate ask the coordinator"}
"""Texts of the store that lock or tell on one node, and why they may."""


def breaches(sql: str, *, across: bool = False) -> list[str]:
    """The rules that a statement of the store breaks, in PostgreSQL's words."""
    spelled = spell(SQL(sql))
    parameters = [name for name, _ in spelled.arguments]
    return breaches_of_statement(spelled.text, parameters, NAMES, across=across)


@pytest.mark.parametrize("name", statements())
def test_a_statement_runs_on_a_database_distributed_by_organization(name: str) -> None:
    sql = statements()[name]
    assert breaches(sql, across=name in UNROUTED) == []
    if name in UNROUTED:
        assert breaches(sql), "it keeps to one organization now: take it off UNROUTED"


def test_no_statement_is_overlooked() -> None:
    assert set(builders()) == BUILT.keys()
    assert len(statements()) > 150


def test_the_schema_and_its_history_can_be_distributed() -> None:
    assert len(DECLARED) > len(NAMES)
    assert breaches_of_schema(DECLARED) == []
    assert breaches_of_schema(HISTORY) == []


def test_nothing_but_a_migration_locks_or_tells_on_one_node() -> None:
    found = set()
    for path in MODULES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and NODES_DO_NOT_SHARE.search(ast.unparse(node.value)):
                found.add(f"{path.stem}.{ast.unparse(node.targets[0])}")
        functions = [
            node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, FUNCTION)
        ]
        texts = [inner.value for node in functions for inner in ast.walk(node) if isinstance(inner, ast.Constant)]
        found |= {path.stem for text in texts if isinstance(text, str) and NODES_DO_NOT_SHARE.search(text)}
    assert found == MIGRATES.keys()


@pytest.mark.parametrize(
    ("sql", "breach"),
    [
        ("SELECT 1 FROM windows WHERE calendar_id = :c", "missing for windows"),
        ("SELECT 1 FROM windows WHERE org_id = :calendar_id", "missing for windows"),
        ("SELECT 1 FROM windows w WHERE w.org_id = :org_id OR w.enabled", "missing for w"),
        ("SELECT 1 FROM windows w WHERE w.org_id <> :org_id", "missing for w"),
        ("SELECT 1 FROM days d JOIN windows w ON w.org_id = :org_id WHERE d.date = :d", "missing for d"),
        ("SELECT 1 FROM days d JOIN windows w ON w.org_id = d.org_id WHERE d.org_id = :org_id", "missing for w"),
        ("SELECT 1 FROM days d LEFT JOIN windows w ON d.org_id = :org_id AND w.org_id = :org_id", "missing for d"),
        ("SELECT 1 FROM days d CROSS JOIN windows w WHERE org_id = :org_id", "missing for d"),
        (f"SELECT (SELECT count(*) FROM holds) FROM days WHERE {ORG}", "missing for holds"),
        (f"SELECT 1 FROM days WHERE {ORG} AND EXISTS (SELECT 1 FROM holds h)", "missing for h"),
        (f"SELECT 1 FROM days WHERE {ORG} UNION ALL SELECT 1 FROM holds", "missing for holds"),
        (f"WITH a AS (SELECT 1 FROM holds) SELECT 1 FROM a, days WHERE {ORG}", "missing for holds"),
        ("UPDATE days SET filled = 0 WHERE date = :d", "missing for days"),
        ("UPDATE days SET filled = 0 @each(date DATE) WHERE date = :date", "missing for days"),
        (f"UPDATE days SET filled = 0 FROM windows w WHERE days.{ORG}", "missing for w"),
        ("DELETE FROM days WHERE date = :d", "missing for days"),
        (f"DELETE FROM days USING holds h WHERE days.{ORG}", "missing for h"),
        ("INSERT INTO days (date, org_id) VALUES (:date, :org_id)", "missing for days"),
        ("INSERT INTO days (org_id, date) VALUES (:other, :date)", "missing for days"),
        ("INSERT INTO days (org_id, date) SELECT :other, date FROM @rows(:r, date DATE) r", "missing for days"),
        ("SELECT 1 FROM days WHERE org_id = (SELECT org_id FROM windows WHERE org_id = :org_id)", "a sub-select"),
        ("SELECT 1 FROM days WHERE org_id IN (SELECT org_id FROM windows WHERE org_id = :org_id)", "a sub-select"),
        (f"UPDATE days SET rev = random() WHERE {ORG}", "SET calls random"),
        (f"UPDATE days SET rev = now() WHERE {ORG}", "SET calls now"),
        (f"UPDATE days SET date = CURRENT_DATE WHERE {ORG}", "SET asks for the time"),
        (
            "INSERT INTO days (org_id, rev) VALUES (:org_id, 1) ON CONFLICT (org_id) DO UPDATE SET rev = now()",
            "SET calls now",
        ),
        (
            (
                "INSERT INTO days (org_id, rev) VALUES (:org_id, 1) ON CONFLICT (org_id) DO UPDATE"
                f" SET rev = (SELECT max(rev) FROM days d WHERE d.{ORG})"
            ),
            "DO UPDATE SET holds a sub-select",
        ),
        (f"INSERT INTO days (org_id, rev) VALUES (:org_id, (SELECT 1 FROM windows WHERE {ORG}))", "inside VALUES"),
        (f"INSERT INTO days (org_id, rev) SELECT d.org_id, :rev FROM days d WHERE d.{ORG}", "without a type"),
        (f"WITH a AS (SELECT rev FROM days WHERE {ORG} @lock) SELECT rev FROM a", "below the outermost SELECT"),
        (f"SELECT rev FROM (SELECT rev FROM days WHERE {ORG} FOR UPDATE) a", "below the outermost SELECT"),
        (f"INSERT INTO days (org_id) SELECT :org_id FROM windows WHERE {ORG} FOR SHARE", "below the outermost"),
        (
            (
                f"WITH a AS (UPDATE days SET rev = 1 WHERE {ORG} RETURNING rev)"
                f" INSERT INTO holds (org_id) SELECT :org_id FROM a, windows w WHERE w.{ORG}"
            ),
            "beside an INSERT",
        ),
        (
            (
                f"WITH a AS (DELETE FROM days WHERE {ORG}) INSERT INTO holds (org_id) SELECT w.org_id FROM windows w"
                f" WHERE w.{ORG}"
            ),
            "beside an INSERT",
        ),
        ("SELECT pg_advisory_xact_lock(1)", "pg_advisory_xact_lock holds on one node"),
        ("SELECT pg_notify('a', 'b')", "pg_notify holds on one node"),
        ("LISTEN a", "ListenStmt holds on one node"),
        ("NOTIFY a", "NotifyStmt holds on one node"),
    ],
)
def test_the_check_of_statements_finds_a_broken_rule(sql: str, breach: str) -> None:
    assert any(breach in one for one in breaches(sql)), breaches(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 FROM days d LEFT JOIN windows w ON w.org_id = :org_id AND w.enabled WHERE :org_id = d.org_id",
        (
            f"WITH a AS (UPDATE days SET rev = rev + 1 WHERE {ORG} RETURNING rev) INSERT INTO holds (org_id, held)"
            " SELECT CAST(:org_id AS UUID), rev FROM a RETURNING held"
        ),
        f"UPDATE days SET rev = abs(rev) + 1, covered = EXISTS (SELECT 1 FROM holds h WHERE h.{ORG}) WHERE {ORG}",
        f"SELECT rev FROM days WHERE {ORG} ORDER BY date @lock",
        "SELECT 1 FROM schema_steps",
    ],
)
def test_the_check_of_statements_lets_pass_what_works(sql: str) -> None:
    assert breaches(sql) == []


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 FROM days d JOIN windows w ON w.calendar_id = d.calendar_id",
        "SELECT (SELECT count(*) FROM holds h WHERE h.date = d.date) FROM days d",
        "SELECT 1 FROM days d WHERE EXISTS (SELECT 1 FROM holds h WHERE h.date = d.date)",
    ],
)
def test_a_statement_about_all_organizations_does_not_mix_their_rows(sql: str) -> None:
    assert [one for one in breaches(sql, across=True) if "other organizations" in one]


TABLE = "CREATE TABLE organizations (org_id uuid PRIMARY KEY)"


@pytest.mark.parametrize(
    ("statement", "breach"),
    [
        ("CREATE TABLE a (id uuid PRIMARY KEY)", "has no org_id"),
        ("CREATE TABLE a (org_id uuid)", "has no primary key"),
        ("CREATE TABLE a (org_id text PRIMARY KEY)", "of several types"),
        ("CREATE TABLE a (org_id uuid, id uuid PRIMARY KEY)", "a key does not begin"),
        ("CREATE TABLE a (org_id uuid, id uuid, PRIMARY KEY (id, org_id))", "a key does not begin"),
        ("CREATE TABLE a (org_id uuid PRIMARY KEY, id uuid UNIQUE)", "a key does not begin"),
        ("CREATE TABLE a (org_id uuid PRIMARY KEY, id uuid, UNIQUE (id))", "a key does not begin"),
        ("CREATE TABLE a (org_id uuid PRIMARY KEY, EXCLUDE USING gist (org_id WITH =))", "an exclusion"),
        ("CREATE TABLE a (org_id uuid PRIMARY KEY, id serial)", "are bigint"),
        ("CREATE TABLE a (org_id uuid PRIMARY KEY, id int GENERATED ALWAYS AS IDENTITY)", "are bigint"),
        (
            "CREATE TABLE a (org_id uuid PRIMARY KEY, id uuid REFERENCES organizations (org_id))",
            "a foreign key does not begin",
        ),
        (
            "CREATE TABLE a (org_id uuid PRIMARY KEY REFERENCES organizations)",
            "a foreign key does not begin",
        ),
        ("CREATE TABLE a (org_id uuid PRIMARY KEY REFERENCES later (org_id))", "made later"),
        (
            "CREATE TABLE a (org_id uuid PRIMARY KEY REFERENCES organizations (org_id) ON UPDATE CASCADE)",
            "ON UPDATE changes",
        ),
        (
            "CREATE TABLE a (org_id uuid PRIMARY KEY REFERENCES organizations (org_id) ON DELETE SET NULL)",
            "ON DELETE sets",
        ),
        (
            "CREATE TABLE a (org_id uuid PRIMARY KEY REFERENCES organizations (org_id) ON DELETE SET DEFAULT)",
            "ON DELETE sets",
        ),
        ("CREATE UNIQUE INDEX i ON organizations (name)", "an index does not begin"),
        ("CREATE INDEX i ON organizations (lower(name), org_id)", "an index does not begin"),
        ("CREATE TRIGGER t BEFORE INSERT ON organizations FOR EACH ROW EXECUTE FUNCTION f()", "no triggers"),
        ("CREATE RULE r AS ON DELETE TO organizations DO NOTHING", "no triggers or rules"),
        ("ALTER TABLE organizations RENAME CONSTRAINT a TO b", "a constraint is renamed"),
        ("ALTER TABLE organizations ADD COLUMN a integer CHECK (a > 0)", "in one statement"),
        ("ALTER TABLE organizations ADD UNIQUE (name)", "a key does not begin"),
    ],
)
def test_the_check_of_the_schema_finds_a_broken_rule(statement: str, breach: str) -> None:
    assert any(breach in one for one in breaches_of_schema([TABLE, statement])), breaches_of_schema([TABLE, statement])


def test_the_check_of_the_schema_lets_pass_what_works() -> None:
    child = (
        "CREATE TABLE a (org_id uuid, id bigint GENERATED ALWAYS AS IDENTITY, PRIMARY KEY (org_id, id),"
        " FOREIGN KEY (org_id) REFERENCES organizations (org_id) ON DELETE CASCADE, CHECK (id > 0))"
    )
    index = "CREATE UNIQUE INDEX i ON a (org_id, (id % 2)) WHERE id > 1"
    assert breaches_of_schema([TABLE, child, index, "ALTER TABLE a ADD COLUMN b integer"]) == []
