"""The rows of bookings without the bookings (L3): a bare loop that writes what somebody else has written.

It writes into a twin of the database that was made before the first round, so both have the same schema and grow
alike. Each transaction holds what one transaction of the first database held, with the same durability; all values are
known beforehand, and each table takes one prepared statement.

It knows what a booking writes: one row of each of some tables, and one change of its window-date. Where a booking
writes anything else, it says so and measures nothing.
"""

import os
import sqlite3
import statistics
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import asyncpg
import uvloop

from slotkeeper.settings import is_server, sqlite_path

# What each booking wrote: its appointment's id, then the row. The order of the joins is given (CROSS), because nobody
# gathers statistics for SQLite to choose it by.
_WRITTEN = {
    "appointments": "SELECT a.appointment_id, a.* FROM appointments a WHERE a.org_id = {org} AND a.updated_at > {seen}",
    "upcoming": """
        SELECT a.appointment_id, u.* FROM appointments a
        CROSS JOIN upcoming u
        WHERE a.org_id = {org} AND a.updated_at > {seen}
          AND u.org_id = a.org_id AND u.patient_key = a.phone_key || ' ' || a.name_key AND u.service_id = a.service_id
    """,
    "requests": """
        SELECT {answer} ->> 'appointment_id', r.* FROM requests r
        WHERE r.org_id = {org} AND r.created_at > {seen}
    """,
    "audit": """
        SELECT a.appointment_id, t.* FROM appointments a
        CROSS JOIN audit t {by_subject}
        WHERE a.org_id = {org} AND a.updated_at > {seen} AND t.org_id = a.org_id AND t.subject = a.appointment_id
    """,
}
_SEEN = "SELECT coalesce(max(updated_at), 0) FROM appointments WHERE org_id = {org}"
_SUMS = """
    SELECT sum(filled) AS filled, sum(rev) AS rev, sum(held) AS held, sum(next_token) AS tokens,
           sum(max_slots) AS places
    FROM days WHERE org_id = {org}
"""
_NOTES = {"schema_steps", "sqlite_sequence"}
"""Tables that belong to no organization."""
_PRAGMAS = ("synchronous = FULL", "wal_autocheckpoint = 0", "foreign_keys = ON", "temp_store = MEMORY")

Rows = dict[str, dict[str, Any]]
"""The rows of one table by the appointment's id, each by its columns."""
Transaction = dict[str, list[tuple[Any, ...]]]
"""Sets of values by the statement that they are for."""


class Written(NamedTuple):
    """How long the bare loop took for some bookings in some transactions."""

    bookings: int
    transactions: int
    seconds: float

    @property
    def rate(self) -> float:
        """Bookings a second."""
        return self.bookings / self.seconds


class State(NamedTuple):
    """What there is of an organization: rows in each table, and sums over its window-dates."""

    counts: Mapping[str, int]
    sums: Sequence[int]


class Copy(Protocol):
    """A database and its twin."""

    def ask(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """What the first one answers to a query with ``{org}`` and ``{seen}`` in it, as rows by column."""
        ...

    def tables(self) -> list[str]:
        """The names of all tables."""
        ...

    def insert(self, table: str, columns: Sequence[str]) -> str:
        """The statement that stores rows with these columns."""
        ...

    def count(self) -> str:
        """The statement that counts bookings on a window-date: how many, organization, date, window."""
        ...

    def write(self, transactions: Sequence[Transaction]) -> float:
        """Write into the second one; how many seconds it took."""
        ...

    def close(self) -> None:
        """Close both."""
        ...


class Twin:
    """The copy of a database, into which a bare loop writes what appears in the first one."""

    def __init__(self, first: str, second: str, org_id: str) -> None:
        self._org_id = org_id
        self._copy: Copy = _Server(first, second) if is_server(first) else _File(first, second)
        self._tables = [table for table in self._copy.tables() if table not in _NOTES]
        self._look()

    def _look(self) -> None:
        """Remember what is there now: only what comes later is written."""
        self._state = self._state_now()
        ((self._seen,),) = [row.values() for row in self._copy.ask(_SEEN, self._org_id)]

    def skip(self) -> None:
        """Leave out of the twin what was written since the last time."""
        self._look()

    def write(self, groups: Sequence[Sequence[str]]) -> Written:
        """Write all bookings that appeared since the last time, those of each group of Idempotency-Keys together."""
        written = {table: self._read(query) for table, query in _WRITTEN.items()}
        booking_of = {row["idempotency_key"]: booking for booking, row in written["requests"].items()}
        grouped = [[booking_of[key] for key in group if key in booking_of] for group in groups]
        transactions = [self._transaction(written, group) for group in grouped]
        self._require_nothing_else(written, grouped)
        seconds = self._copy.write(transactions)
        self._look()
        return Written(len(booking_of), len(groups), seconds)

    def _read(self, query: str) -> Rows:
        """The rows of a table that came since the last time."""
        found = self._copy.ask(query, self._org_id, self._seen)
        return {next(iter(row.values())): dict(list(row.items())[1:]) for row in found}

    def _transaction(self, written: Mapping[str, Rows], group: Sequence[str]) -> Transaction:
        one: Transaction = {}
        for table, rows in written.items():
            found = [rows[booking] for booking in group if booking in rows]
            if found:
                one[self._copy.insert(table, list(found[0]))] = [tuple(row.values()) for row in found]
        places = self._places(written, group)
        one[self._copy.count()] = [(number, *place) for place, number in sorted(places.items(), key=str)]
        return one

    @staticmethod
    def _places(written: Mapping[str, Rows], group: Sequence[str]) -> Counter[tuple[Any, ...]]:
        rows = map(written["appointments"].__getitem__, group)
        return Counter((row["org_id"], row["date"], row["calendar_id"]) for row in rows)

    def _require_nothing_else(self, written: Mapping[str, Rows], groups: Sequence[Sequence[str]]) -> None:
        """Refuse to measure bookings that write something else than this loop. Raises RuntimeError."""
        number = len(list(chain.from_iterable(groups)))
        changes = sum(len(self._places(written, group)) for group in groups)
        before, now = self._state, self._state_now()
        found = {f"rows of {table}": now.counts[table] - count for table, count in before.counts.items()}
        names = ("filled", "rev", "held", "next_token", "max_slots")
        found |= {f"sum of {name}": now.sums[place] - before.sums[place] for place, name in enumerate(names)}
        known = {f"rows of {table}": number for table in _WRITTEN} | {"sum of filled": number, "sum of rev": changes}
        wrong = {name: (grown, known.get(name, 0)) for name, grown in found.items() if grown != known.get(name, 0)}
        if wrong or not number:
            raise RuntimeError(
                f"{number} bookings in {len(groups)} transactions wrote something else than the bare loop of bare.py "
                f"does, so there is no limit to compare them with: {wrong} (found, known). Teach it what they write."
            )

    def _state_now(self) -> State:
        ((*sums,),) = [row.values() for row in self._copy.ask(_SUMS, self._org_id)]
        query = "SELECT count(*) FROM {table} WHERE org_id = {{org}}"
        counts = {table: self._copy.ask(query.format(table=table), self._org_id) for table in self._tables}
        return State(
            {table: next(iter(found[0].values())) for table, found in counts.items()}, [int(one) for one in sums]
        )

    def close(self) -> None:
        """Close both databases."""
        self._copy.close()


class _File:
    """Two SQLite files."""

    def __init__(self, first: str, second: str) -> None:
        self._first = sqlite3.connect(sqlite_path(first))
        self._first.row_factory = lambda cursor, row: {
            f"{place}" if not place else column[0]: value
            for place, (column, value) in enumerate(zip(cursor.description, row, strict=True))
        }
        self._second = sqlite3.connect(sqlite_path(second), isolation_level=None)
        for pragma in _PRAGMAS:
            self._second.execute(f"PRAGMA {pragma}")

    def ask(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """See Copy."""
        text = query.format(org="?1", seen="?2", answer="r.answer", by_subject="INDEXED BY audit_by_subject")
        return self._first.execute(text, values).fetchall()

    def tables(self) -> list[str]:
        """See Copy."""
        return [
            name for row in self.ask("SELECT name FROM sqlite_master WHERE type = 'table'") for name in row.values()
        ]

    def insert(self, table: str, columns: Sequence[str]) -> str:
        """See Copy."""
        return f"INSERT INTO {table} ({', '.join(columns)}) VALUES (?{', ?' * (len(columns) - 1)})"

    def count(self) -> str:
        """See Copy."""
        return "UPDATE days SET filled = filled + ?, rev = rev + 1 WHERE org_id = ? AND date = ? AND calendar_id = ?"

    def write(self, transactions: Sequence[Transaction]) -> float:
        """See Copy."""
        write, many = self._second.execute, self._second.executemany
        start = time.perf_counter()
        for one in transactions:
            write("BEGIN IMMEDIATE")
            for statement, rows in one.items():
                many(statement, rows)
            write("COMMIT")
        seconds = time.perf_counter() - start
        # The log starts anew and keeps its length, as the server's does after a while.
        write("PRAGMA wal_checkpoint(RESTART)").fetchall()
        return seconds

    def close(self) -> None:
        """See Copy."""
        self._first.close()
        self._second.close()


class _Server:
    """Two databases of one PostgreSQL server; each table takes its rows as one array for each column."""

    def __init__(self, first: str, second: str) -> None:
        self._runner = uvloop.new_event_loop()
        self._first = self._wait(asyncpg.connect(first))
        self._second = self._wait(asyncpg.connect(second))
        found = self.ask(
            "SELECT c.relname || '.' || a.attname, format_type(a.atttypid, a.atttypmod) AS kind "
            "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
            "WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0"
        )
        self._types = {row["0"]: row["kind"] for row in found}

    def _wait(self, work: Any) -> Any:
        return self._runner.run_until_complete(work)

    def ask(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """See Copy."""
        text = query.format(org="$1", seen="$2", answer="r.answer::json", by_subject="")
        rows = self._wait(self._first.fetch(text, *values))
        return [
            {f"{place}" if not place else name: value for place, (name, value) in enumerate(row.items())}
            for row in rows
        ]

    def tables(self) -> list[str]:
        """See Copy."""
        return sorted({name.partition(".")[0] for name in self._types})

    def insert(self, table: str, columns: Sequence[str]) -> str:
        """See Copy."""
        arrays = ", ".join(f"${place}::{self._types[f'{table}.{name}']}[]" for place, name in enumerate(columns, 1))
        return f"INSERT INTO {table} ({', '.join(columns)}) SELECT * FROM unnest({arrays})"

    def count(self) -> str:
        """See Copy."""
        return (
            "UPDATE days d SET filled = filled + p.number, rev = rev + 1 "
            "FROM unnest($1::int[], $2::uuid[], $3::date[], $4::uuid[]) AS p (number, org_id, date, calendar_id) "
            "WHERE d.org_id = p.org_id AND d.date = p.date AND d.calendar_id = p.calendar_id"
        )

    def write(self, transactions: Sequence[Transaction]) -> float:
        """See Copy."""
        ready = [[(text, *zip(*rows, strict=True)) for text, rows in one.items()] for one in transactions]
        return float(self._wait(self._write(ready)))

    async def _write(self, transactions: Sequence[Sequence[tuple[Any, ...]]]) -> float:
        run = self._second.execute
        start = time.perf_counter()
        for one in transactions:
            await run("BEGIN")
            for text, *columns in one:
                await run(text, *columns)
            await run("COMMIT")
        return time.perf_counter() - start

    def close(self) -> None:
        """See Copy."""
        self._wait(self._first.close())
        self._wait(self._second.close())
        self._runner.close()


def seconds_to_sync(folder: Path) -> float:
    """How long the disk takes for a small write until it is there for good: the median of some."""
    seconds = []
    with (folder / "sync").open("wb", buffering=0) as file:
        for number in range(50):
            file.seek(0)
            file.write(b"%4096d" % number)
            start = time.perf_counter()
            os.fsync(file)
            seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)
