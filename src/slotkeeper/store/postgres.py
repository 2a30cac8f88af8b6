"""The server engine: PostgreSQL 14 or newer, on asyncpg.

Where it differs from the embedded engine, and why:

- Everything really waits, so many transactions run at once, in several processes and machines. Writes are READ
  COMMITTED: each statement sees what was committed when it began. So whoever decides by what another may change
  locks it first (``@lock``, FOR NO KEY UPDATE), and reads it in a second statement; the order of the locks is the
  same everywhere (``operations/places.py``). Two that meet in another order all the same are told apart by the
  server after a second (40P01), and one of them is run again.
- A read of one statement needs no transaction around it: the statement is one moment. Whether a second one follows is
  known when it comes; then the work is run again, inside a REPEATABLE READ transaction.
- A connection that is lost while its COMMIT is under way leaves the outcome unknown. That is Unavailable, and never run
  again here: the client's Idempotency-Key tells. So is one whose wait for the synchronous standby was cut short: it is
  committed here, and a failure of this machine would lose it (docs/decisions/0018-failover.md).
- Dates and UUIDs travel as text, as the protocol promises them.
- Statements are prepared once for each connection. Just-in-time compilation is off: it takes longer than any of them.
- Through a pooler the next transaction may run in another session. So nothing is prepared, a session is told nothing,
  every read has a transaction around it, and each transaction says for itself how long it may take.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from functools import partial
from typing import Any, TypeVar

import asyncpg

from slotkeeper.domain.errors import Unavailable
from slotkeeper.store import distribution
from slotkeeper.store.database import SQL, Row, Rows, Value, Work
from slotkeeper.store.gathering import Gathering
from slotkeeper.store.migrations import Migration, list_migrations
from slotkeeper.store.pool import Pool, Raw
from slotkeeper.store.postgres_errors import FAILURES, RUN_AGAIN, is_lost, translate
from slotkeeper.store.postgres_session import PATIENCE, OneStatement, PostgresConnection, Several, connect, set_local
from slotkeeper.store.postgres_sql import ROWS, spell, spell_schema

T = TypeVar("T")
log = logging.getLogger(__name__)

MOST_CONNECTIONS = 10  # of one process
LONGEST_ASIDE = 120.0
LONGEST_MIGRATION = 86_400.0
NODES_PATIENCE = 2.0
"""For how many seconds the nodes of a distributed database may say nothing before they count as away."""
SHORTEST_COMMIT = 1.0  # for how many seconds a commit may take, also of those who have waited long
TRIES = 5  # how often a transaction is run that others keep from being done

_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED"
READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
ASIDE = "".join(
    f"; SET LOCAL {name} = {LONGEST_ASIDE * 1000:.0f}"
    for name in ("statement_timeout", "idle_in_transaction_session_timeout")  # an export waits for who reads it
)
_WAIT = "; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0"
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(7380013580)"  # of everybody who migrates this database

_STEPS = SQL("SELECT coalesce(max(step), 0) FROM schema_steps")
# In one statement: another program may make both of them at this moment.
_TABLES = SQL("SELECT to_regclass('schema_steps') IS NOT NULL, to_regclass('organizations') IS NOT NULL")


class _NotBegun(Exception):
    """The connection was lost before it did anything."""


class PostgresDatabase:
    """The server engine of the Database protocol, on the database of a ``postgresql://`` URL."""

    def __init__(self, url: str, *, pooler: bool = False, most: int = MOST_CONNECTIONS) -> None:
        self._pool = Pool(partial(connect, url, pooler=pooler), most)
        self._pooler = pooler
        self._session = set_local() if pooler else ""  # what each transaction says first
        self._gathering = Gathering(self._fetch_asked)
        self._clearing: set[asyncio.Future[None]] = set()

    async def read(self, work: Work[T]) -> T:
        """See the protocol; without a transaction where one statement is enough."""
        if self._pooler:
            return await self._answer(lambda: self._transact(READ, work))
        try:
            return await self._answer(lambda: self._look(work))
        except Several:
            return await self._answer(lambda: self._transact(READ, work))

    async def look(self, sql: SQL, **values: Value) -> Row | None:
        """See the protocol; those who ask the same of an organization while they wait share a statement."""
        names = spell(sql).asked
        if not names:
            return await self.read(lambda tx: tx.fetch_one(sql, **values))
        return await self._gathering.look(sql, str(values["org_id"]), tuple([values[name] for name in names]))

    def stamp(self) -> int | None:
        """See the protocol."""
        return None

    async def _fetch_asked(self, sql: SQL, org_id: str, sets: Rows) -> Sequence[Row]:
        try:
            return await self.read(lambda tx: tx.fetch(sql, org_id=org_id, **{ROWS: sets}))
        except asyncpg.UndefinedTableError as error:  # the database was replaced by an empty one
            raise translate(ConnectionError(str(error))) from error

    async def read_aside(self, work: Work[T]) -> T:
        """See the protocol; statements may take long, and others do not wait for them."""
        return await self._answer(lambda: self._transact(READ, work, more=ASIDE, longest=LONGEST_ASIDE + PATIENCE))

    async def read_lagging(self, work: Work[T]) -> T:
        """See the protocol; there is no replica."""
        return await self.read_aside(work)

    async def write(
        self,
        work: Work[T],
        *,
        asked_at: float | None = None,
        brief: bool = False,  # noqa: ARG002 (all of it waits for the server)
        lasting: bool = True,
    ) -> T:
        """See the protocol; run again where others stood in the way, never where its outcome is unknown."""
        more = "" if lasting else "; SET LOCAL synchronous_commit = local"
        return await self._answer(lambda: self._transact(_WRITE, work, more=more, asked_at=asked_at))

    async def schema_step(self) -> int:
        """The last migration applied; 0 for a database without our tables. Another program's is refused."""
        found = await self.look(_TABLES)
        has_steps, has_organizations = found or (False, False)
        if has_steps:
            row = await self.look(_STEPS)
            return 0 if row is None else int(row[0])
        if has_organizations:
            raise Unavailable("This database holds the tables of another program; name one that is Slotkeeper's own.")
        return 0

    async def migrate(self) -> int:
        """Apply the missing steps, each in a transaction of its own, one program at a time.

        What they bring to a database that is distributed is distributed too: a table beside would keep no foreign key.
        """
        step = await self._migrate()
        if await self.read(distribution.is_distributed):
            await self._distribute()
        return step

    async def distribute(self) -> list[str]:
        """See the protocol; in a transaction after those of the steps."""
        await self.read(distribution.require_extension)
        await self._migrate()
        return await self._distribute()

    async def is_distributed(self) -> bool:
        """See the protocol."""
        return await self.read(distribution.is_distributed)

    async def is_whole(self) -> bool:
        """See the protocol; asks each node, and waits for a moment."""
        try:
            async with asyncio.timeout(NODES_PATIENCE):
                return await self.read(distribution.do_all_nodes_answer)
        except (TimeoutError, Unavailable):
            return False

    async def close(self) -> None:
        """Close the connections."""
        await asyncio.gather(*self._clearing, return_exceptions=True)
        await self._pool.close(PATIENCE)

    async def _migrate(self) -> int:
        await self.schema_step()  # refuses a foreign database
        step = 0
        for migration in list_migrations():
            apply = partial(_apply, migration=migration)
            try:
                step = await self._answer(partial(self._transact, _WRITE, apply, more=_WAIT))
            except asyncpg.DuplicateTableError as error:
                raise Unavailable(
                    f"This database holds a table of another program: {error}. Name a database that is empty."
                ) from error
        return step

    async def _distribute(self) -> list[str]:
        return await self._answer(partial(self._transact, _WRITE, _distribute, more=_WAIT, longest=LONGEST_MIGRATION))

    async def _answer(self, act: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Do it, again where others stood in the way. Raises the domain's error for what the driver raises."""
        for tries_left in reversed(range(TRIES)):
            try:
                return await act()
            except _NotBegun as error:  # an idle connection whose server went away
                if not tries_left:
                    raise translate(error.__cause__) from error.__cause__  # type: ignore[arg-type]
            except FAILURES as error:
                if isinstance(error, TimeoutError | asyncpg.ReadOnlySQLTransactionError):
                    self._pool.distrust()
                if not tries_left or getattr(error, "sqlstate", None) not in RUN_AGAIN:
                    raise translate(error) from error
                log.info("a transaction is run again: %s", error)
                await asyncio.sleep(random.uniform(0, 0.02) * (TRIES - tries_left))  # noqa: S311 - no secret
        raise AssertionError("the last try returns or raises")

    async def _look(self, work: Work[T]) -> T:
        """Work of a single statement. Raises Several where it needs more."""
        async with self._lent(None) as raw:
            try:
                return await work(OneStatement(raw))
            except FAILURES as error:
                if not is_lost(error):
                    raise
                raw.terminate()
                if isinstance(error, TimeoutError):  # waiting again takes as long
                    raise
                raise _NotBegun from error

    async def _transact(
        self,
        begin: str,
        work: Callable[[PostgresConnection], Coroutine[Any, Any, T]],
        *,
        more: str = "",
        asked_at: float | None = None,
        longest: float | None = None,
    ) -> T:
        """One transaction; all of it, or nothing. ``more`` is what it says first, besides what all of them say."""
        async with self._lent(asked_at) as raw:
            await self._begin(raw, begin + self._session + more)
            try:
                result = await work(PostgresConnection(raw, longest))
            except BaseException as error:
                await self._roll_back(raw, error)
                raise
            await self._commit(raw, _patience_left(asked_at))
            return result

    @contextlib.asynccontextmanager
    async def _lent(self, asked_at: float | None) -> AsyncIterator[Raw]:
        """A connection for as long as it is needed."""
        raw = await self._take(asked_at)
        try:
            yield raw
        except asyncio.CancelledError:  # nobody waits any more, but the server may still be at it
            clearing = asyncio.ensure_future(self._clear(raw))
            self._clearing.add(clearing)
            clearing.add_done_callback(self._clearing.discard)
            raise
        except BaseException:
            self._pool.give(raw)
            raise
        self._pool.give(raw)

    async def _clear(self, raw: Raw) -> None:
        """End what was left half done, and lend the connection again."""
        try:
            async with asyncio.timeout(PATIENCE):
                await raw.execute("ROLLBACK")
        except BaseException as error:
            raw.terminate()
            if not isinstance(error, FAILURES):
                raise
        finally:
            self._pool.give(raw)

    async def _take(self, asked_at: float | None) -> Raw:
        """A connection; patience counts from when it was asked for, so that a queue does not add it up."""
        left = _patience_left(asked_at)
        try:
            if not left:
                raise TimeoutError("those who came before took too long")  # noqa: TRY301 - as if the pool said it
            return await self._pool.take(left)
        except TimeoutError as error:
            raise translate(error) from error

    @staticmethod
    async def _begin(raw: Raw, begin: str) -> None:
        try:
            await raw.execute(begin, timeout=PATIENCE)  # a pooler may have no session to give just now
        except FAILURES as error:
            raw.terminate()
            if is_lost(error) and not isinstance(error, TimeoutError):
                raise _NotBegun from error
            raise

    @staticmethod
    async def _roll_back(raw: Raw, error: BaseException) -> None:
        """End a transaction that came to nothing; where that is in doubt, by ending the connection."""
        if isinstance(error, asyncio.CancelledError):
            return  # it is cleared aside
        if isinstance(error, TimeoutError | OSError) or raw.is_closed():
            raw.terminate()
            return
        try:
            await raw.execute("ROLLBACK")
        except FAILURES:
            raw.terminate()

    @staticmethod
    async def _commit(raw: Raw, patience: float) -> None:
        """Make it durable. Raises Unavailable where nobody can know whether it is on every machine."""
        try:
            status, warnings = await _ask_to_commit(raw, max(patience, SHORTEST_COMMIT))
        except asyncpg.PostgresError as error:
            if error.sqlstate in RUN_AGAIN or (error.sqlstate or "").startswith("23"):
                raise  # the server says that it did not happen
            raw.terminate()
            raise _in_doubt(error) from error
        except TimeoutError as error:
            await _stop_waiting(raw)
            raise _in_doubt(error) from error
        except FAILURES as error:
            raw.terminate()
            raise _in_doubt(error) from error
        if status != "COMMIT":
            raise RuntimeError("work went on after one of its statements had failed")
        if warnings:  # "canceling wait for synchronous replication", in whatever language
            raise _in_doubt(warnings[0])


async def _ask_to_commit(raw: Raw, patience: float) -> tuple[str, list[asyncpg.PostgresLogMessage]]:
    """What the server says to COMMIT, and its warnings. Raises TimeoutError."""
    warnings = []

    def hear(_: Raw, message: asyncpg.PostgresLogMessage) -> None:
        if message.severity_en == "WARNING":
            warnings.append(message)

    raw.add_log_listener(hear)
    try:
        return await raw.execute("COMMIT", timeout=patience), warnings
    finally:
        raw.remove_log_listener(hear)


async def _stop_waiting(raw: Raw) -> None:
    """Let a commit that waits for a standby end: otherwise it keeps its locks and a connection for as long as it waits.

    The driver has told the server to stop; the next statement comes after that.
    """
    try:
        async with asyncio.timeout(SHORTEST_COMMIT):
            await raw.execute("ROLLBACK")
    except FAILURES:
        raw.terminate()


def _in_doubt(said: object) -> Unavailable:
    log.warning("a commit was cut off, its outcome is unknown: %s", str(said) or type(said).__name__)
    return Unavailable(
        "It is not known whether this was done, because not every machine that has to keep it said so in time: look "
        "before you do it again, or send it again with the same Idempotency-Key."
    )


def _patience_left(asked_at: float | None) -> float:
    """For how many seconds one who asked at that time may wait yet."""
    return PATIENCE if asked_at is None else max(0.0, PATIENCE - (time.monotonic() - asked_at))


async def _apply(tx: PostgresConnection, migration: Migration) -> int:
    """One step, whole or not at all, unless it is there already; the step reached."""
    await _begin_alone(tx)
    await tx.run(
        "CREATE TABLE IF NOT EXISTS schema_steps"
        " (step integer PRIMARY KEY, name text NOT NULL, applied_at bigint NOT NULL)"
    )
    row = await tx.fetch_one(_STEPS)
    reached = 0 if row is None else int(row[0])
    if migration.step <= reached:
        return reached
    for statement in migration.statements:
        await tx.run(spell_schema(statement))
    await tx.execute(_NOTE, step=migration.step, name=migration.name, now=time.time_ns() // 10**6)
    return migration.step


async def _distribute(tx: PostgresConnection) -> list[str]:
    """Distribute the tables that are not yet; their names."""
    await _begin_alone(tx)
    return await distribution.distribute(tx)


async def _begin_alone(tx: PostgresConnection) -> None:
    """Wait for others who migrate, and for nobody else."""
    await tx.run(_ONE_AT_A_TIME)
    await tx.run(f"SET LOCAL lock_timeout = '{PATIENCE:.0f}s'")  # or all requests would queue behind this one


_NOTE = SQL("INSERT INTO schema_steps (step, name, applied_at) VALUES (:step, :name, :now)")
