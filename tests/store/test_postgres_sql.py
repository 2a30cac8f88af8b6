"""The statements on PostgreSQL: understood by every server found, and nothing newer than release 14 in them."""

import re
from pathlib import Path

import pytest

from slotkeeper.store import postgres, postgres_session
from slotkeeper.store.database import SQL
from slotkeeper.store.postgres import PostgresDatabase
from slotkeeper.store.postgres_sql import spell
from tests.engines import empty_database
from tests.servers import versions
from tests.statements import statements
from tests.waiting import wait_for

OF_CITUS = {"distribution._DISTRIBUTED", "distribution._NODES", "distribution._TRUNCATE"}
"""Statements that only a server with the extension understands; tests/store/test_distribution.py runs them."""

# What came after PostgreSQL 14, by the release that brought it.
TOO_NEW = {
    "15": r"\bMERGE\s+INTO\b|NULLS\s+(NOT\s+)?DISTINCT|\bregexp_(count|instr|like|substr)\b|security_invoker",
    "16": r"\bany_value\b|\bIS\s+(NOT\s+)?JSON\b|\bjson_(array|object)(agg)?\s*\(\s*[^)]*\bRETURNING\b|\b0[xob]\w+\b",
    "17": r"\bjson_table\b|\bjson_(exists|query|value|scalar|serialize)\b|\bmerge_action\b|\bMAINTAIN\b",
    "18": r"\buuidv[47]\b|\bRETURNING\b[^;]*\b(old|new)\.|\bWITHOUT\s+OVERLAPS\b|\bVIRTUAL\b|\bcasefold\b",
}


@pytest.mark.parametrize("release", TOO_NEW)
def test_no_statement_needs_a_release_after_14(release: str) -> None:
    folder = Path(postgres.__file__).parent
    texts = {name: spell(SQL(sql)).text for name, sql in statements().items() if "PRAGMA" not in sql}
    texts |= {file.name: file.read_text(encoding="utf-8") for file in folder.rglob("*.sql")}
    texts["postgres.py"] = (folder / "postgres.py").read_text(encoding="utf-8")
    found = [name for name, text in texts.items() if re.search(TOO_NEW[release], text, re.IGNORECASE)]
    assert found == []


@pytest.mark.parametrize(
    ("release", "sql"),
    [
        ("15", "MERGE INTO days USING windows ON true WHEN MATCHED THEN DELETE"),
        ("15", "CREATE TABLE a (b integer, UNIQUE NULLS NOT DISTINCT (b))"),
        ("16", "SELECT any_value(name) FROM services"),
        ("17", "SELECT * FROM json_table('[]', '$[*]' COLUMNS (a integer))"),
        ("18", "UPDATE days SET filled = 1 RETURNING old.filled"),
        ("18", "SELECT uuidv7()"),
    ],
)
def test_what_is_too_new_is_seen(release: str, sql: str) -> None:
    assert re.search(TOO_NEW[release], sql, re.IGNORECASE)


@pytest.mark.parametrize("version", sorted(versions()))
def test_every_statement_is_understood_by_every_server_found(version: str, tmp_path: Path) -> None:
    with empty_database(f"postgres-{version}", tmp_path) as url:
        database = PostgresDatabase(url)
        wait_for(database.migrate())
        wait_for(database.close())

        async def prepare_all() -> int:
            raw = await postgres_session.connect(url)
            try:
                for name, sql in statements().items():
                    if name not in OF_CITUS and "LOCK TABLE" not in sql:
                        await raw.prepare(spell(SQL(sql)).text)
            finally:
                await raw.close()
            return int(raw.get_server_version().major)

        assert wait_for(prepare_all()) == int(version)
