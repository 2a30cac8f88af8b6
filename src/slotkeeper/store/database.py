"""The protocol that each database engine fills in, and the SQL that both of them understand.

Statements are written once, as constants, with named parameters (``:org_id``). What the engines
spell differently stands in them as a marker that each engine spells out once, at first use:

- ``@rows(:name, column type, …) alias``: the rows of a parameter that ``pack`` made, as a table;
- ``@values(column type, …)``: what an INSERT INTO … stores for each of some rows, after the organization's id;
- ``@each(column type, …)``: before the WHERE of an UPDATE or DELETE that is meant for each of some sets of values,
  those that differ between the sets; all others are the same in each;
- ``@asked(column type, …)``: at the end of a statement for ``look``, the parameters that differ between those who ask
  it of one organization at the same moment;
- ``@absent(:name type)``: whether a parameter is None;
- ``@list(a, b)``: a JSON array of arrays, aggregated over the rows of a group;
- ``@lock``: the lock on the rows read, where the engine does not lock the whole database;
- ``@index(name)``: behind a table, the index to find its rows by, where the engine keeps no statistics to know.

Types of columns, in the schema and in markers: ``UUID``, ``TEXT``, ``DATE``, ``INSTANT``
(milliseconds UTC), ``INTEGER``, ``BOOLEAN``.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import date
from typing import Any, NewType, Protocol, TypeVar

SQL = NewType("SQL", str)
Row = tuple[Any, ...]
T = TypeVar("T")


class Rows:
    """A set of rows as the value of one parameter; each engine hands it over in its own way."""

    __slots__ = ("rows",)

    def __init__(self, rows: Sequence[Sequence[Any]]) -> None:
        self.rows = rows


Value = str | int | bool | Rows | None


class Connection(Protocol):
    """One transaction's view of the database. Statements come in order; each sees those before it."""

    async def fetch(self, sql: SQL, **values: Value) -> Sequence[Row]:
        """All rows of a statement."""
        ...

    async def fetch_one(self, sql: SQL, **values: Value) -> Row | None:
        """The first row of a statement, or None."""
        ...

    async def execute(self, sql: SQL, **values: Value) -> int:
        """Run a statement and say how many rows it changed."""
        ...

    async def insert(self, sql: SQL, org_id: str, rows: Sequence[Sequence[Value]]) -> None:
        """Run a statement with ``@values`` for some rows of an organization."""
        ...

    async def lock(self, sql: SQL, **values: Value) -> int | None:
        """Run a statement that only keeps others waiting until the transaction ends.

        How many rows are locked by it; None where the engine locks the whole database.
        """
        ...

    async def execute_each(self, sql: SQL, rows: Sequence[Mapping[str, Value]]) -> None:
        """Run a statement with ``@each``, which changes one row by its primary key, for each of some sets of values.

        No two sets name the same row.
        """
        ...


Work = Callable[[Connection], Coroutine[Any, Any, T]]


class Database(Protocol):
    """What every engine guarantees.

    - ``read`` sees one consistent moment and writes nothing.
    - ``write`` is one transaction: all of it is durable when the call returns, or nothing of it
      happened. The work may be run again after a deadlock, so it must not keep state of its own.
    - A unique or foreign key refused by the database raises Conflict; everything that keeps the
      database from answering raises Unavailable.
    - Booleans come out as 0/1 or bool, dates as ``YYYY-MM-DD``, UUIDs as lower-case text.
    """

    async def read(self, work: Work[T]) -> T:
        """Run short reading work; the embedded engine answers without leaving the event loop."""
        ...

    async def look(self, sql: SQL, **values: Value) -> Row | None:
        """The one row of a statement that reads by a key, or None: less work than ``read`` where one statement is all.

        With ``@asked`` in it, an engine may answer all who wait by one statement, begun after the last of them asked.
        """
        ...

    def stamp(self) -> int | None:
        """A number that is the same at two moments only if nothing at all was changed in between, by anybody.

        It is from a moment after the caller began to wait for the event loop. None where the engine cannot tell now;
        a server would need a round trip.
        """
        ...

    async def read_aside(self, work: Work[T]) -> T:
        """Run long reading work where it does not keep others waiting."""
        ...

    async def read_lagging(self, work: Work[T]) -> T:
        """Run long reading work that may be some moments old, where it burdens the bookings least: on a replica."""
        ...

    async def write(
        self, work: Work[T], *, asked_at: float | None = None, brief: bool = False, lasting: bool = True
    ) -> T:
        """Run writing work as one durable transaction.

        The engine's patience counts from ``asked_at`` (on the monotonic clock), where the one who waits asked earlier.
        ``brief`` work takes some milliseconds at most; the embedded engine does it without leaving the event loop.
        What is not ``lasting`` is for the next seconds only: a server does not wait for its standbys.
        """
        ...

    async def schema_step(self) -> int:
        """The number of the last migration applied; 0 for an empty database."""
        ...

    async def migrate(self) -> int:
        """Apply what is missing of the history, each step whole or not at all; the new step."""
        ...

    async def distribute(self) -> list[str]:
        """Migrate, and distribute by organization the tables that are not yet: all of them or none; their names.

        Raises Unavailable, before anything is changed, where the database cannot be distributed.
        """
        ...

    async def is_distributed(self) -> bool:
        """Whether organizations are on different nodes, so that a statement about several of them asks all nodes."""
        ...

    async def is_whole(self) -> bool:
        """Whether every part of a database that answers does so; only one that is distributed has several."""
        ...

    async def close(self) -> None:
        """Give everything back; the database stays as it is."""
        ...


class Clock(Protocol):
    """Says which instant it is (milliseconds UTC)."""

    def __call__(self) -> int:
        """The instant now."""
        ...


def run(work: Awaitable[T]) -> T:
    """Run one operation from a program without an event loop (the command line)."""

    async def main() -> T:
        return await work

    return asyncio.run(main())


def pack(rows: Sequence[Sequence[Value | date]]) -> Rows:
    """Rows as the parameter that ``@rows`` reads."""
    return Rows(rows)
