"""The database itself, past the program: what has no interface yet is written here, and what is stored is looked at.

Written the way that store/schema.sql documents, so that reads can be held to honouring it. A database is named by its
URL; statements have ``?`` for their values, on both engines.
"""

import itertools
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from uuid import uuid4

import asyncpg

from slotkeeper.settings import is_server, sqlite_path
from tests.pooler import past
from tests.waiting import wait_for

ZERO = "00000000-0000-0000-0000-000000000000"


def change(url: str, sql: str, *values: Any) -> int:
    """Run one statement in a transaction of its own, which no foreign key hinders; how many rows it changed."""
    if is_server(url):
        count = wait_for(_execute(url, sql, values)).rpartition(" ")[2]
        return int(count) if count.isdigit() else 0
    with closing(sqlite3.connect(sqlite_path(url), timeout=5)) as raw, raw:
        return raw.execute(sql, values).rowcount


def rows(url: str, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """The rows of one statement; UUIDs and dates are texts."""
    if is_server(url):
        return wait_for(_fetch(url, sql, values))
    with closing(sqlite3.connect(sqlite_path(url), timeout=5)) as raw:
        return raw.execute(sql, values).fetchall()


def refuse(url: str, event: str, table: str, *, when: str = "", name: str = "jam") -> None:
    """Let the database refuse, as a broken rule, what is done to some rows of a table, until it is allowed again."""
    if is_server(url):
        condition = f"WHEN ({when})" if when else ""
        change(
            url,
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'jammed' USING ERRCODE = '23514'; END $$",
        )
        each = f"BEFORE {event} ON {table} FOR EACH ROW {condition} EXECUTE FUNCTION {name}()"
        change(url, f"CREATE TRIGGER {name} {each}")
        return
    condition = f"WHEN {when}" if when else ""
    change(url, f"CREATE TRIGGER {name} BEFORE {event} ON {table} {condition} BEGIN SELECT RAISE(ABORT, 'jammed'); END")


def allow(url: str, table: str, *, name: str = "jam") -> None:
    """What was refused may be done again."""
    change(url, f"DROP TRIGGER IF EXISTS {name} ON {table}" if is_server(url) else f"DROP TRIGGER IF EXISTS {name}")
    if is_server(url):
        change(url, f"DROP FUNCTION IF EXISTS {name}")


def watch(url: str, calendar_id: str, places: int) -> None:
    """Let the database note in a table ``seen`` whenever a window's counts leave what its places allow."""
    change(url, "CREATE TABLE seen (filled INTEGER, held INTEGER)")
    wrong = (
        f"new.calendar_id = '{calendar_id}' AND (new.filled + new.held > {places} OR new.filled < 0 OR new.held < 0)"
    )
    if is_server(url):
        change(
            url,
            "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN INSERT INTO seen VALUES (new.filled, new.held); RETURN NULL; END $$",
        )
        each = f"ON days FOR EACH ROW WHEN ({wrong}) EXECUTE FUNCTION see()"
        change(url, f"CREATE TRIGGER see AFTER INSERT OR UPDATE {each}")
        return
    for event in ("INSERT", "UPDATE OF filled, held"):
        change(
            url,
            f"CREATE TRIGGER see_{event[:6]} AFTER {event} ON days WHEN {wrong}"
            " BEGIN INSERT INTO seen VALUES (new.filled, new.held); END",
        )


@contextmanager
def locked(url: str, table: str) -> Iterator[None]:
    """Another program keeps a table from being changed; in SQLite all of them."""
    if is_server(url):
        raw = wait_for(_connect(url))
        wait_for(raw.execute(f"BEGIN; LOCK TABLE {table} IN EXCLUSIVE MODE"))
        try:
            yield
        finally:
            wait_for(raw.close())
        return
    with closing(sqlite3.connect(sqlite_path(url), timeout=5, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def hold(url: str, org_id: str, calendar_id: str, on: str, service_id: str, *, now: int, expires_at: int) -> str:
    """A hold on a stored window-date; its id."""
    hold_id = str(uuid4())
    change(
        url,
        "INSERT INTO holds (org_id, date, calendar_id, hold_id, service_id, channel, key_id, expires_at, created_at)"
        " VALUES (?, ?, ?, ?, ?, 'ai', ?, ?, ?)",
        *(org_id, on, calendar_id, hold_id, service_id, str(uuid4()), expires_at, now),
    )
    changed = change(
        url,
        "UPDATE days SET held = held + 1, rev = rev + 1 WHERE org_id = ? AND date = ? AND calendar_id = ?",
        *(org_id, on, calendar_id),
    )
    assert changed == 1, "a hold stands on a stored window-date"
    return hold_id


def closure(url: str, org_id: str, first: str, last: str, *, branch_id: str | None = None, now: int) -> str:
    """A closure of one branch, or of all; stored window-dates in it are covered no more. Its id."""
    closure_id = str(uuid4())
    change(
        url,
        "INSERT INTO closures (org_id, closure_id, branch_id, date_from, date_to, reason, source, created_at)"
        " VALUES (?, ?, ?, ?, ?, 'Holiday', 'manual', ?)",
        *(org_id, closure_id, branch_id or ZERO, first, last, now),
    )
    change(
        url,
        "UPDATE days SET covered = FALSE, rev = rev + 1 WHERE org_id = ? AND date BETWEEN ? AND ?"
        + ("" if branch_id is None else " AND branch_id = ?"),
        *(org_id, first, last, *([] if branch_id is None else [branch_id])),
    )
    change(url, "UPDATE organizations SET config_rev = config_rev + 1 WHERE org_id = ?", org_id)
    return closure_id


def remove_closure(url: str, org_id: str, closure_id: str) -> None:
    """Take a closure away; a regenerate of its dates covers them again."""
    change(url, "DELETE FROM closures WHERE org_id = ? AND closure_id = ?", org_id, closure_id)
    change(url, "UPDATE organizations SET config_rev = config_rev + 1 WHERE org_id = ?", org_id)


def set_status(url: str, org_id: str, appointment_id: str, status: str) -> None:
    """Move an appointment between the statuses that keep their place."""
    assert status != "cancelled", "cancelling changes counts; use the operation"
    sql = "UPDATE appointments SET status = ? WHERE org_id = ? AND appointment_id = ?"
    assert change(url, sql, status, org_id, appointment_id) == 1


def dump(url: str, org_id: str) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that the database holds of an organization."""
    owned = _OWNED_ON_SERVER if is_server(url) else _OWNED_IN_FILE
    tables = [name for (name,) in rows(url, owned)]
    return {table: sorted(rows(url, f"SELECT * FROM {table} WHERE org_id = ?", org_id), key=repr) for table in tables}


_OWNED_IN_FILE = """
    SELECT t.name FROM sqlite_master t JOIN pragma_table_info(t.name) c
    WHERE t.type = 'table' AND c.name = 'org_id' ORDER BY 1
"""
_OWNED_ON_SERVER = """
    SELECT table_name FROM information_schema.columns
    WHERE table_schema = 'public' AND column_name = 'org_id' ORDER BY 1
"""


_ON_A_CLUSTER = {"citus.enable_unsafe_triggers": "on", "citus.propagate_set_commands": "local"}
"""What a test may do that Slotkeeper does not: triggers, and SET LOCAL on every node. Elsewhere they mean nothing."""


async def _execute(url: str, sql: str, values: tuple[Any, ...]) -> str:
    raw = await _connect(url)
    try:
        async with raw.transaction():
            await raw.execute("SET LOCAL session_replication_role = replica")  # which keeps no foreign keys
            return str(await raw.execute(_numbered(sql), *values))
    finally:
        await raw.close()


async def _fetch(url: str, sql: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    raw = await _connect(url)
    try:
        return [tuple(row) for row in await raw.fetch(_numbered(sql), *values)]
    finally:
        await raw.close()


async def _connect(url: str) -> Any:
    raw = await asyncpg.connect(past(url), server_settings={"jit": "off", **_ON_A_CLUSTER})
    for name in ("uuid", "date"):
        await raw.set_type_codec(name, schema="pg_catalog", encoder=str, decoder=str, format="text")
    return raw


def _numbered(sql: str) -> str:
    """A statement with ``$1``, ``$2`` for its values."""
    numbers = itertools.count(1)
    return re.sub(r"\?", lambda _: f"${next(numbers)}", sql)
