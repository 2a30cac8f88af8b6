"""The rows of bookings without the bookings: a bare loop that writes what somebody else has written.

It writes into a twin of the database that was made before the first round, so both have the same schema and grow
alike. Each transaction holds what one transaction of the first database held, with the same durability; all values are
known beforehand, and each table takes one prepared statement.
"""

import os
import sqlite3
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

# What each booking wrote, by the appointment's id. The order of the joins is given (CROSS), because nobody gathers
# statistics for SQLite to choose it by.
_WRITTEN = {
    "appointments": "SELECT a.appointment_id, a.* FROM appointments a WHERE a.org_id = ?1 AND a.updated_at > ?2",
    "upcoming": """
        SELECT a.appointment_id, u.* FROM appointments a
        CROSS JOIN upcoming u ON u.org_id = a.org_id AND u.patient_key = a.phone_key || ' ' || a.name_key
            AND u.service_id = a.service_id
        WHERE a.org_id = ?1 AND a.updated_at > ?2
    """,
    "requests": """
        SELECT r.answer ->> 'appointment_id', r.* FROM requests r
        WHERE r.org_id = ?1 AND r.created_at > ?2
    """,
    "audit": """
        SELECT a.appointment_id, t.* FROM appointments a
        CROSS JOIN audit t INDEXED BY audit_by_subject ON t.org_id = a.org_id AND t.subject = a.appointment_id
        WHERE a.org_id = ?1 AND a.updated_at > ?2
    """,
}
_COUNT = "UPDATE days SET filled = filled + ?, rev = rev + 1 WHERE org_id = ? AND date = ? AND calendar_id = ?"
_PRAGMAS = ("synchronous = FULL", "wal_autocheckpoint = 0", "foreign_keys = ON", "temp_store = MEMORY")

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


class Twin:
    """The copy of a database, into which a bare loop writes what appears in the first one."""

    def __init__(self, first: Path, second: Path, org_id: str) -> None:
        self._org_id = org_id
        self._first = sqlite3.connect(first)
        self._second = sqlite3.connect(second, isolation_level=None)
        for pragma in _PRAGMAS:
            self._second.execute(f"PRAGMA {pragma}")
        (self._seen,) = self._first.execute("SELECT coalesce(max(updated_at), 0) FROM appointments").fetchone()

    def write(self, groups: Sequence[int]) -> Written:
        """Write all bookings that appeared since the last time, so many in each transaction."""
        transactions = list(self._transactions(groups))
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
        return Written(sum(groups), len(groups), seconds)

    def _transactions(self, groups: Sequence[int]) -> Iterator[Transaction]:
        """What each transaction wrote, in their order."""
        written = {table: self._read(query) for table, query in _WRITTEN.items()}
        numbers = [len(rows) for rows in written.values()]
        assert numbers == [sum(groups)] * len(written), f"each booking is one row of each table: {groups} {numbers}"
        # The ids of audit entries sort as the bookings were decided, one after the other.
        order = iter(sorted(written["audit"], key=lambda booking: written["audit"][booking][1]))
        for size in groups:
            group = list(islice(order, size))
            one: Transaction = {}
            for table, found in written.items():
                rows = [found[booking] for booking in group]
                one[f"INSERT INTO {table} VALUES (?{', ?' * (len(rows[0]) - 1)})"] = rows
            counts = Counter((row[0], row[2], row[3]) for row in map(written["appointments"].__getitem__, group))
            one[_COUNT] = [(number, *place) for place, number in sorted(counts.items())]
            yield one
        self._seen = max(row[-1] for row in written["appointments"].values())

    def _read(self, query: str) -> dict[str, tuple[Any, ...]]:
        """The rows of a table that came since the last time, by the appointment's id."""
        return {booking: tuple(row) for booking, *row in self._first.execute(query, (self._org_id, self._seen))}

    def close(self) -> None:
        """Close both databases."""
        self._first.close()
        self._second.close()


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
