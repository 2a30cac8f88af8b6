"""One transaction on one SQLite connection, and what SQLite's errors mean."""

import logging
import sqlite3
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from slotkeeper.domain.errors import Conflict, SlotkeeperError, Unavailable
from slotkeeper.store.database import SQL, Row, Value
from slotkeeper.store.sqlite_sql import spell

T = TypeVar("T")
log = logging.getLogger(__name__)


def translate(error: sqlite3.Error) -> SlotkeeperError:
    """The domain's error for one of SQLite's; what is nobody's fault here is Unavailable."""
    if isinstance(error, sqlite3.IntegrityError):
        log.info("the database refused a row: %s", error)
        return Conflict("Another record stands against this one; read it again and retry.")
    if isinstance(error, sqlite3.ProgrammingError) or getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
        raise error  # a statement of ours is wrong
    log.warning("the database cannot answer: %s", error)
    return Unavailable()


class SqliteConnection:
    """One transaction on one SQLite connection; fills in the Connection protocol without suspending."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw

    async def fetch(self, sql: SQL, **values: Value) -> Sequence[Row]:
        """All rows of a statement."""
        return self._raw.execute(spell(sql), values).fetchall()

    async def fetch_one(self, sql: SQL, **values: Value) -> Row | None:
        """The first row of a statement, or None."""
        row: Row | None = self._raw.execute(spell(sql), values).fetchone()
        return row

    async def execute(self, sql: SQL, **values: Value) -> int:
        """Run a statement and say how many rows it changed."""
        return self._raw.execute(spell(sql), values).rowcount

    async def insert(self, sql: SQL, org_id: str, rows: Sequence[Sequence[Value]]) -> None:
        """Store some rows of an organization."""
        self._raw.executemany(spell(sql), [(org_id, *row) for row in rows])

    async def lock(self, sql: SQL, **values: Value) -> int | None:
        """Nothing is left to be locked: a transaction that writes has the whole database to itself."""

    async def execute_each(self, sql: SQL, rows: Sequence[Mapping[str, Value]]) -> None:
        """Run a statement once for each of some sets of values."""
        self._raw.executemany(spell(sql), rows)


def drive(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends to its end, in any thread."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    work.close()
    raise RuntimeError("work on the embedded database must not wait for anything else")


def roll_back(raw: sqlite3.Connection) -> None:
    """Undo a transaction, unless SQLite has done so already."""
    if raw.in_transaction:
        raw.execute("ROLLBACK")
