"""The same history on PostgreSQL: declared, whole or not at all, one program at a time."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from slotkeeper.app import open_database, require_schema
from slotkeeper.domain.errors import Unavailable, WrongSchema
from slotkeeper.store import postgres as engine
from slotkeeper.store.migrations import Migration, current_step, list_migrations, statements_of
from slotkeeper.store.postgres import PostgresDatabase
from slotkeeper.store.postgres_sql import spell_schema
from tests.engines import SERVERS, empty_database
from tests.waiting import wait_for

MIGRATES = """
import sys
from slotkeeper.store.database import run
from slotkeeper.store.postgres import PostgresDatabase
sys.stdin.readline()
run(PostgresDatabase(sys.argv[1]).migrate())
"""

SHAPE = """
    SELECT table_name, column_name, data_type, is_nullable, collation_name, column_default
    FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name <> 'schema_steps'
    UNION ALL
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), contype::text, '', ''
    FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND conrelid <> 'schema_steps'::regclass AND contype <> 'n'
    UNION ALL
    SELECT tablename, indexname, indexdef, '', '', ''
    FROM pg_indexes
    WHERE schemaname = 'public' AND tablename <> 'schema_steps'
    ORDER BY 1, 2, 3
"""

BREAKS_OFF = Migration(
    current_step() + 1,
    "breaks_off",
    ("CREATE TABLE half_done (a INTEGER PRIMARY KEY)", "DROP TABLE rate_leases", "SELECT broken FROM nowhere"),
)


@pytest.fixture(params=SERVERS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with empty_database(request.param, tmp_path) as url:
        yield url


def execute(url: str, *statements: str) -> list[tuple[Any, ...]]:
    """The rows of the last statement."""

    async def run() -> list[tuple[Any, ...]]:
        raw = await asyncpg.connect(url)
        try:
            rows = [await raw.fetch(statement) for statement in statements][-1]
        finally:
            await raw.close()
        return [tuple(row) for row in rows]

    return wait_for(run())


def migrated(url: str) -> PostgresDatabase:
    database = PostgresDatabase(url)
    assert wait_for(database.migrate()) == current_step()
    return database


def test_migrating_from_empty_gives_the_declared_schema(
    url: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    wait_for(migrated(url).close())
    declared = resources.files("slotkeeper.store").joinpath("schema.sql").read_text(encoding="utf-8")
    with empty_database(request.node.callspec.params["url"], tmp_path) as other:
        statements = [spell_schema(statement) for statement in statements_of(declared)]
        execute(other, *statements, "CREATE TABLE schema_steps (a integer)")
        assert execute(url, SHAPE) == execute(other, SHAPE)
    assert len(execute(url, SHAPE)) > 150


def test_texts_are_ordered_by_code_point_whatever_the_database_does(url: str) -> None:
    wait_for(migrated(url).close())
    assert {row[4] for row in execute(url, SHAPE) if row[2] == "text"} == {"C"}


def test_a_step_that_fails_leaves_the_database_as_it_was(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = migrated(url)
    before = execute(url, SHAPE)
    monkeypatch.setattr(engine, "list_migrations", lambda: [*list_migrations(), BREAKS_OFF])
    with pytest.raises(asyncpg.UndefinedTableError, match="nowhere"):
        wait_for(database.migrate())
    assert wait_for(database.schema_step()) == current_step()
    assert execute(url, SHAPE) == before
    wait_for(database.close())


@pytest.mark.slow
def test_a_migration_killed_half_way_leaves_the_database_as_it_was(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = migrated(url)
    before = execute(url, SHAPE)
    dies = Migration(current_step() + 1, "dies", (*BREAKS_OFF.statements[:2], "SELECT pg_sleep(60)"))
    monkeypatch.setattr(engine, "list_migrations", lambda: [*list_migrations(), dies])

    async def kill() -> None:
        migrating = asyncio.ensure_future(database.migrate())
        raw = await asyncpg.connect(url)
        sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60)'"
        while not await raw.fetch(sql):  # noqa: ASYNC110 - what happens shows in the server only
            await asyncio.sleep(0.01)
        await raw.close()
        with pytest.raises(Unavailable):
            await migrating

    wait_for(kill())
    assert wait_for(database.schema_step()) == current_step()
    assert execute(url, SHAPE) == before
    wait_for(database.close())


@pytest.mark.slow
def test_programs_that_migrate_at_once_do_each_step_once(url: str) -> None:
    command = [sys.executable, "-c", MIGRATES, url]
    running = [subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    try:
        for process in running:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        said = [process.communicate(timeout=60)[1] for process in running]
    finally:
        for process in running:
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
    assert [process.returncode for process in running] == [0] * 4, said
    assert execute(url, "SELECT count(*) FROM schema_steps") == [(current_step(),)]


def test_a_database_of_another_program_is_refused_and_left_alone(url: str) -> None:
    execute(url, "CREATE TABLE organizations (theirs integer)")
    database = PostgresDatabase(url)
    with pytest.raises(Unavailable, match="another program"):
        wait_for(database.migrate())
    assert execute(url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(1,)]
    wait_for(database.close())


@pytest.mark.parametrize(
    ("step", "words"), [(0, "run 'slotkeeper migrate' first"), (current_step() + 2, "newer Slotkeeper")]
)
def test_a_program_says_what_to_do_about_a_step_that_it_cannot_run_on(url: str, step: int, words: str) -> None:
    database = open_database(url)
    if step:
        wait_for(database.migrate())
        execute(url, f"INSERT INTO schema_steps VALUES ({step}, 'later', 0)")
    with pytest.raises(WrongSchema, match=words):
        wait_for(require_schema(database))
    wait_for(database.close())


def test_a_database_with_a_table_of_another_program_is_refused_in_a_sentence(url: str) -> None:
    execute(url, "CREATE TABLE appointments (a integer)")
    database = PostgresDatabase(url)
    with pytest.raises(Unavailable, match=r"another program.*appointments"):
        wait_for(database.migrate())
    wait_for(database.close())
