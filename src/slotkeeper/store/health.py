"""Why a database file cannot be worked on, for the person who can do something about it."""

import sqlite3
from pathlib import Path

from slotkeeper.domain.errors import Unavailable
from slotkeeper.store.database import SQL, Connection

_CHANGE_NOTHING = SQL("UPDATE schema_steps SET name = name WHERE step < 0")

_CAUSES = {
    sqlite3.SQLITE_READONLY: "cannot be written: make the file and its folder writable for this user",
    sqlite3.SQLITE_PERM: "may not be used: make the file and its folder readable and writable for this user",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: make the file and its folder readable and writable for this user",
    sqlite3.SQLITE_CORRUPT: "is damaged: put a backup in its place",
    sqlite3.SQLITE_NOTADB: "is damaged or no SQLite database: put a backup in its place, or name another file",
    sqlite3.SQLITE_FULL: "cannot grow: make room on its disk",
    sqlite3.SQLITE_IOERR: "cannot be read or written: look at its disk",
    sqlite3.SQLITE_BUSY: "is in use by another program: wait for that one, or end it",
    sqlite3.SQLITE_LOCKED: "is in use by another program: wait for that one, or end it",
}


async def try_write(tx: Connection) -> None:
    """Take the way of a change without changing anything; an empty transaction would pass on a read-only file."""
    await tx.execute(_CHANGE_NOTHING)


def explain(path: Path, error: Unavailable) -> str | None:
    """What SQLite said, as a cause and its cure in a sentence; None where the error says it itself."""
    said = error.__cause__
    if not isinstance(said, sqlite3.Error) or error.message != Unavailable().message:
        return None
    code = getattr(said, "sqlite_errorcode", 0) & 0xFF  # the rest tells apart what has the same cure
    return f"The database {path} {_CAUSES.get(code, f'cannot be used ({said})')}."
