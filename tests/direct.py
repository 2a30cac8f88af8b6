"""What has no interface yet, written straight into the database: holds, closures, other statuses of appointments.

Written the way that store/schema.sql documents, so that reads can be held to honouring it.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

ZERO = "00000000-0000-0000-0000-000000000000"


def connect(path: Path) -> sqlite3.Connection:
    """A connection that, unlike the program's own, enforces no foreign keys; whoever asks closes it."""
    return sqlite3.connect(path, timeout=5)


def change(path: Path, sql: str, *values: Any) -> int:
    """Run one statement in a transaction of its own; how many rows it changed."""
    with closing(connect(path)) as raw, raw:
        return raw.execute(sql, values).rowcount


def rows(path: Path, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """The rows of one statement."""
    with closing(connect(path)) as raw:
        return raw.execute(sql, values).fetchall()


def hold(path: Path, org_id: str, calendar_id: str, on: str, service_id: str, *, now: int, expires_at: int) -> str:
    """A hold on a stored window-date; its id."""
    hold_id = str(uuid4())
    change(
        path,
        "INSERT INTO holds (org_id, date, calendar_id, hold_id, service_id, channel, key_id, expires_at, created_at)"
        " VALUES (?, ?, ?, ?, ?, 'ai', ?, ?, ?)",
        *(org_id, on, calendar_id, hold_id, service_id, str(uuid4()), expires_at, now),
    )
    changed = change(
        path,
        "UPDATE days SET held = held + 1, rev = rev + 1 WHERE org_id = ? AND date = ? AND calendar_id = ?",
        *(org_id, on, calendar_id),
    )
    assert changed == 1, "a hold stands on a stored window-date"
    return hold_id


def closure(path: Path, org_id: str, first: str, last: str, *, branch_id: str | None = None, now: int) -> str:
    """A closure of one branch, or of all; stored window-dates in it are covered no more. Its id."""
    closure_id = str(uuid4())
    change(
        path,
        "INSERT INTO closures (org_id, closure_id, branch_id, date_from, date_to, reason, source, created_at)"
        " VALUES (?, ?, ?, ?, ?, 'Holiday', 'manual', ?)",
        *(org_id, closure_id, branch_id or ZERO, first, last, now),
    )
    change(
        path,
        "UPDATE days SET covered = 0, rev = rev + 1 WHERE org_id = ? AND date BETWEEN ? AND ?"
        " AND (? IS NULL OR branch_id = ?)",
        *(org_id, first, last, branch_id, branch_id),
    )
    change(path, "UPDATE organizations SET config_rev = config_rev + 1 WHERE org_id = ?", org_id)
    return closure_id


def remove_closure(path: Path, org_id: str, closure_id: str) -> None:
    """Take a closure away; a regenerate of its dates covers them again."""
    change(path, "DELETE FROM closures WHERE org_id = ? AND closure_id = ?", org_id, closure_id)
    change(path, "UPDATE organizations SET config_rev = config_rev + 1 WHERE org_id = ?", org_id)


def set_status(path: Path, org_id: str, appointment_id: str, status: str) -> None:
    """Move an appointment between the statuses that keep their place."""
    assert status != "cancelled", "cancelling changes counts; use the operation"
    sql = "UPDATE appointments SET status = ? WHERE org_id = ? AND appointment_id = ?"
    assert change(path, sql, status, org_id, appointment_id) == 1


def dump(path: Path, org_id: str) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that the database holds of an organization."""
    tables = [name for (name,) in rows(path, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    kept: dict[str, list[tuple[Any, ...]]] = {}
    for table in tables:
        columns = [column[1] for column in rows(path, f"PRAGMA table_info({table})")]
        if "org_id" in columns:
            kept[table] = sorted(rows(path, f"SELECT * FROM {table} WHERE org_id = ?", org_id), key=repr)
    return kept
