"""The embedded engine: SQLite in WAL mode, one writer thread, readers that never leave their thread.

Where it differs from a database server, and why:

- Reads run synchronously in the caller's thread: each takes a fraction of a millisecond, less than
  a hop to another thread costs.
- All writes of a process take turns, and each transaction begins IMMEDIATE: SQLite has one writer at a time
  anyway, and a transaction that holds the lock from its start cannot deadlock. That is why ``@lock`` is empty here.
- Brief work runs in the caller's thread too, and only what may wait goes to the writer's thread: another process's
  transaction, and the commit, during which the event loop goes on. Two threads that share one interpreter for the
  work itself get in each other's way at every statement.
- Nobody gathers statistics (``ANALYZE``), and without them SQLite takes an organization for ten rows. Where it would
  read all of them, ``@index`` names the index that it has to use.
- A table is clustered by its primary key, but for those with wide rows that come in no order of their keys: there a
  page would hold a handful, and most new rows would split one.
- ``synchronous=FULL``: a commit that was answered survives the loss of power.
- Checkpoints run in a thread of their own, because one inside a commit costs its client tens of
  milliseconds.
"""

import asyncio
import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from pathlib import Path
from typing import TypeVar

from slotkeeper.domain.errors import Unavailable
from slotkeeper.store.database import SQL, Row, Value, Work
from slotkeeper.store.migrations import Migration, list_migrations
from slotkeeper.store.sqlite_log import Checkpointer
from slotkeeper.store.sqlite_session import SqliteConnection, drive, roll_back, translate
from slotkeeper.store.sqlite_sql import spell, spell_schema

T = TypeVar("T")
log = logging.getLogger(__name__)

OLDEST_SQLITE = (3, 37, 0)  # STRICT tables
APPLICATION_ID = 0x510C  # marks a file as Slotkeeper's
WRITE_PATIENCE = 5.0  # seconds that a write waits for another process's transaction
READ_PATIENCE = 0.5
MOST_LOOKS = 1_000  # rows remembered as long as nothing is written
WRITER_CACHE = 16_384  # KiB: the upper pages of every index of some million bookings
LOOK_EVERY = 1.0  # seconds after which a read makes sure that the file is still the one that is open


class SqliteDatabase:
    """The embedded engine of the Database protocol, on the file at ``path``."""

    def __init__(self, path: Path | str) -> None:
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise Unavailable(
                f"This Python carries SQLite {sqlite3.sqlite_version}; Slotkeeper needs "
                f"{'.'.join(map(str, OLDEST_SQLITE))} or newer."
            )
        self.path = Path(path)
        self._local = threading.local()
        self._writing: sqlite3.Connection | None = None
        self._patience = -1  # what the writing connection was last told, in milliseconds
        self._turns: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None
        self._opened: list[sqlite3.Connection] = []
        self._opening = threading.Lock()
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="slotkeeper-writer")
        self._aside = ThreadPoolExecutor(max_workers=1, thread_name_prefix="slotkeeper-aside")
        self._closed = False
        self._checkpointer = Checkpointer(self._reader)
        self._identity: tuple[int, int] | None = None  # of the file that the connections are open on
        self._looked_at = 0.0
        self._stamp: int | None = None  # while the event loop has not come round since it was read
        self._looked_under: int | None = None
        self._looks: dict[tuple[Value, ...], Row | None] = {}  # what was read under that stamp

    async def read(self, work: Work[T]) -> T:
        """See the protocol; runs in the calling thread without suspending."""
        return self._read(work)

    async def look(self, sql: SQL, **values: Value) -> Row | None:
        """See the protocol; runs in the calling thread without suspending. The same twice is read once per stamp."""
        stamp, place = self.stamp(), (sql, *values.values())
        if stamp is None or stamp != self._looked_under or len(self._looks) >= MOST_LOOKS:
            self._looked_under = stamp
            self._looks.clear()
        elif place in self._looks:
            return self._looks[place]
        try:
            rows: list[Row] = self._reader().execute(spell(sql), values).fetchall()  # one left unread stays a snapshot
        except sqlite3.Error as error:
            raise translate(error) from error
        row = self._looks[place] = rows[0] if rows else None
        return row

    def stamp(self) -> int | None:
        """See the protocol. All who ask before the event loop comes round waited when the first of them asked."""
        if self._stamp is None:
            try:
                (self._stamp,) = self._reader().execute("PRAGMA data_version").fetchone()
            except (sqlite3.Error, Unavailable):  # which is said to the one who then reads
                return None
            asyncio.get_running_loop().call_soon(self._forget_stamp)
        return self._stamp

    def _forget_stamp(self) -> None:
        self._stamp = None

    async def read_aside(self, work: Work[T]) -> T:
        """See the protocol; runs in a thread of its own."""
        return await asyncio.get_running_loop().run_in_executor(self._aside, self._read, work)

    async def read_lagging(self, work: Work[T]) -> T:
        """See the protocol; there is one file only."""
        return await self.read_aside(work)

    async def write(
        self,
        work: Work[T],
        *,
        asked_at: float | None = None,
        brief: bool = False,
        lasting: bool = True,  # noqa: ARG002 (there is one machine)
    ) -> T:
        """See the protocol; after all writes asked for before."""
        since = time.monotonic() if asked_at is None else asked_at
        async with self._turn():
            if self._closed:
                raise Unavailable
            if brief:
                return await self._write_here(work, since)
            return await self._in_writer(self._transact, lambda raw: drive(work(SqliteConnection(raw))), since)

    async def schema_step(self) -> int:
        """The last migration applied; 0 for a file that is empty or not there. A foreign file is refused."""
        if not self.path.exists() or self.path.stat().st_size == 0:
            return 0
        try:
            raw = self._reader()
            if raw.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                if raw.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
                    return 0
                raise Unavailable(f"{self.path} is a database of another program; name another file.")
            step: int = raw.execute("SELECT coalesce(max(step), 0) FROM schema_steps").fetchone()[0]
            return step
        except sqlite3.DatabaseError as error:
            if "not a database" in str(error):
                raise Unavailable(f"{self.path} is not a SQLite database; name another file.") from error
            raise translate(error) from error

    async def migrate(self) -> int:
        """Apply the missing steps, each in a transaction of its own; an interrupted one leaves no trace."""
        await self.schema_step()  # refuses a foreign file
        async with self._turn():
            return await self._in_writer(self._migrate)

    async def distribute(self) -> list[str]:
        """See the protocol: it cannot be."""
        raise Unavailable(
            "A SQLite file cannot be distributed: name a PostgreSQL database that has the extension 'citus', "
            "or migrate without --distributed."
        )

    async def is_distributed(self) -> bool:
        """See the protocol: a file is on one machine."""
        return False

    async def is_whole(self) -> bool:
        """See the protocol: a file has no parts."""
        return True

    async def close(self) -> None:
        """Finish the write that has its turn, refuse those that wait for theirs, and close all connections."""
        async with self._turn():
            self._closed = True
        self._writer.shutdown(wait=True)
        self._aside.shutdown(wait=True)
        self._checkpointer.stop()
        with self._opening:
            while self._opened:
                self._opened.pop().close()
        self._local = threading.local()
        self._writing = None

    def _open(self, *pragmas: str, patience: float, mode: str) -> sqlite3.Connection:
        raw = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=patience,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )
        try:
            for pragma in ("foreign_keys = ON", "synchronous = FULL", "temp_store = MEMORY", *pragmas):
                raw.execute(f"PRAGMA {pragma}")
        except sqlite3.Error:
            raw.close()
            raise
        with self._opening:
            self._opened.append(raw)
            self._identity = self._identity or self._file()
        return raw

    def _file(self) -> tuple[int, int] | None:
        """Which file the path leads to now."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _require_file(self) -> None:
        """Refuse to work on a file that is no longer the one at the path: what is written there would be lost."""
        if self._identity is not None and self._file() != self._identity:
            log.error("%s was replaced or deleted while it was open: start Slotkeeper again", self.path)
            raise Unavailable("The database file was replaced or deleted while it was open; start Slotkeeper again.")
        self._looked_at = time.monotonic()

    def _reader(self) -> sqlite3.Connection:
        raw: sqlite3.Connection | None = getattr(self._local, "reader", None)
        if raw is None or time.monotonic() - self._looked_at > LOOK_EVERY:
            self._require_file()
        if raw is None:  # never makes a file: SQLite would take the log beside an empty one away
            raw = self._local.reader = self._open("query_only = ON", patience=READ_PATIENCE, mode="rw")
        return raw

    def _write_connection(self) -> sqlite3.Connection:
        if self._writing is None:
            self._writing = self._open(
                "journal_mode = WAL",
                "wal_autocheckpoint = 0",
                "journal_size_limit = 67108864",
                f"cache_size = -{WRITER_CACHE}",
                "secure_delete = ON",  # an erased patient is gone from the file too
                patience=WRITE_PATIENCE,
                mode="rwc",
            )
            self._patience = -1
            self._checkpointer.start()
        return self._writing

    def _read(self, work: Work[T]) -> T:
        try:
            raw = self._reader()
            raw.execute("BEGIN")
            try:
                return drive(work(SqliteConnection(raw)))
            finally:
                if raw.in_transaction:  # after some failures SQLite has ended it by itself
                    raw.execute("COMMIT")
        except sqlite3.Error as error:
            raise translate(error) from error

    def _turn(self) -> asyncio.Lock:
        """The turn of one write among those of this process, in the order in which they were asked for."""
        loop = asyncio.get_running_loop()
        if self._turns is None or self._turns[0] is not loop:
            if self._turns is not None and self._turns[1].locked():
                raise RuntimeError("the writes of a process take turns in one event loop")
            self._turns = loop, asyncio.Lock()
        return self._turns[1]

    async def _in_writer(self, act: Callable[..., T], *values: object) -> T:
        """Do in the writer's thread what may wait. It ends before the turn does, whatever happens to who asked."""
        done = asyncio.get_running_loop().run_in_executor(self._writer, act, *values)
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            while not done.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait([done])
            raise

    async def _write_here(self, work: Work[T], asked_at: float) -> T:
        """One transaction whose work runs in the calling thread."""
        try:
            try:
                if self._writing is None or not self._begin_at_once(self._writing):
                    await self._in_writer(self._begin, asked_at)
                raw = self._write_connection()
                result = drive(work(SqliteConnection(raw)))
            except BaseException:  # also of one who went away while it began
                if self._writing is not None:
                    roll_back(self._writing)
                raise
            await self._in_writer(self._commit, raw)
        except sqlite3.Error as error:
            raise translate(error) from error
        return result

    def _begin_at_once(self, raw: sqlite3.Connection) -> bool:
        """Begin a transaction where no other process keeps it waiting; whether it began."""
        self._require_file()
        self._be_patient(raw, 0)
        try:
            raw.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:  # without the bits that say why
                raise
            return False
        return True

    def _begin(self, asked_at: float) -> None:
        """Begin a transaction; its patience counts from when it was asked for, so that a queue does not add it up."""
        self._require_file()
        raw = self._write_connection()
        self._be_patient(raw, max(0.0, WRITE_PATIENCE - (time.monotonic() - asked_at)))
        raw.execute("BEGIN IMMEDIATE")

    def _be_patient(self, raw: sqlite3.Connection, seconds: float) -> None:
        """For how long to wait for another process from now on."""
        # In tenths of a second, so that few texts of it take a place among the statements kept prepared.
        patience = ceil(seconds * 10) * 100
        if patience != self._patience:
            raw.execute(f"PRAGMA busy_timeout = {patience}")
            self._patience = patience

    def _commit(self, raw: sqlite3.Connection) -> None:
        try:
            raw.execute("COMMIT")
        except BaseException:
            roll_back(raw)
            raise
        self._checkpointer.tell()

    def _transact(self, act: Callable[[sqlite3.Connection], T], asked_at: float) -> T:
        """One transaction, all of it in this thread."""
        try:
            self._begin(asked_at)
            raw = self._write_connection()
            try:
                result = act(raw)
            except BaseException:
                roll_back(raw)
                raise
            self._commit(raw)
        except sqlite3.Error as error:
            raise translate(error) from error
        return result

    def _migrate(self) -> int:
        step = 0
        for migration in list_migrations():
            step = self._transact(
                lambda raw, migration=migration: self._apply(raw, migration),  # type: ignore[misc]
                time.monotonic(),
            )
        return step

    @staticmethod
    def _apply(raw: sqlite3.Connection, migration: Migration) -> int:
        raw.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        raw.execute(
            "CREATE TABLE IF NOT EXISTS schema_steps"
            " (step INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT"
        )
        reached: int = raw.execute("SELECT coalesce(max(step), 0) FROM schema_steps").fetchone()[0]
        if migration.step <= reached:
            return reached
        for statement in migration.statements:
            raw.execute(spell_schema(statement))
        raw.execute(
            "INSERT INTO schema_steps VALUES (?, ?, ?)", (migration.step, migration.name, time.time_ns() // 10**6)
        )
        return migration.step
