"""One session on a PostgreSQL server: how it is begun, and how statements run in it."""

from collections.abc import Mapping, Sequence
from functools import partial

import asyncpg

from slotkeeper.domain.errors import Unavailable
from slotkeeper.store.database import SQL, Row, Rows, Value
from slotkeeper.store.hosts import each_host, first_that_fits
from slotkeeper.store.pool import Raw
from slotkeeper.store.postgres_errors import FAILURES, unreachable
from slotkeeper.store.postgres_sql import ARRAYS, ROWS, spell

OLDEST_SERVER = 14
PATIENCE = 5.0
"""For how many seconds somebody waits for a connection, or for a row that another transaction has locked."""
LONGEST_STATEMENT = 10.0
"""For how many seconds an ordinary statement may run, and a transaction stand idle."""
_FOREVER = 86_400.0


class Several(BaseException):
    """A read that began as one statement needs another, or is no plain read. No Exception: work must not catch it."""


class PostgresConnection:
    """One transaction on one connection; fills in the Connection protocol."""

    def __init__(self, raw: Raw, longest: float | None = None) -> None:
        self._raw = raw
        self._longest = longest

    async def fetch(self, sql: SQL, **values: Value) -> Sequence[Row]:
        """All rows of a statement."""
        spelled = spell(sql)
        rows: Sequence[Row] = await self._raw.fetch(spelled.text, *spelled.bind(values), timeout=self._longest)
        return rows

    async def fetch_one(self, sql: SQL, **values: Value) -> Row | None:
        """The first row of a statement, or None."""
        spelled = spell(sql)
        row: Row | None = await self._raw.fetchrow(spelled.text, *spelled.bind(values), timeout=self._longest)
        return row

    async def execute(self, sql: SQL, **values: Value) -> int:
        """Run a statement and say how many rows it changed."""
        return await self._execute(sql, values)

    async def insert(self, sql: SQL, org_id: str, rows: Sequence[Sequence[Value]]) -> None:
        """Store some rows of an organization."""
        if rows:
            await self._execute(sql, {"org_id": org_id, ROWS: Rows(rows)})

    async def lock(self, sql: SQL, **values: Value) -> int | None:
        """Keep others from changing some rows; how many were there to be locked."""
        return await self._execute(sql, values)

    async def execute_each(self, sql: SQL, rows: Sequence[Mapping[str, Value]]) -> None:
        """Run a statement for all of some sets of values at once."""
        if rows:
            spelled = spell(sql)
            sets = Rows([[row[name] for name in spelled.each] for row in rows])
            await self._execute(sql, {**rows[0], ROWS: sets})

    async def run(self, text: str) -> None:
        """Run statements of the engine's own."""
        await self._raw.execute(text, timeout=_FOREVER)

    async def _execute(self, sql: SQL, values: Mapping[str, Value]) -> int:
        spelled = spell(sql)
        status: str = await self._raw.execute(spelled.text, *spelled.bind(values), timeout=self._longest)
        count = status.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0


class OneStatement(PostgresConnection):
    """A connection without a transaction, for reads that need a single statement."""

    def __init__(self, raw: Raw) -> None:
        super().__init__(raw)
        self.is_used = False

    async def fetch(self, sql: SQL, **values: Value) -> Sequence[Row]:
        """All rows of the statement. Raises Several where it is not the only one."""
        self._require_first(sql)
        return await super().fetch(sql, **values)

    async def fetch_one(self, sql: SQL, **values: Value) -> Row | None:
        """The first row of the statement, or None. Raises Several where it is not the only one."""
        self._require_first(sql)
        return await super().fetch_one(sql, **values)

    async def _execute(self, sql: SQL, values: Mapping[str, Value]) -> int:  # noqa: ARG002
        raise Several

    def _require_first(self, sql: SQL) -> None:
        if self.is_used or not sql.lstrip().startswith("SELECT"):
            raise Several
        self.is_used = True


async def connect(url: str, *, pooler: bool = False) -> Raw:
    """A new connection to the primary among the URL's hosts, as all connections are. Raises Unavailable.

    Through a pooler it leads to many sessions.
    """
    try:
        raw = await first_that_fits(each_host(url), partial(_connect, pooler=pooler))
    except (*FAILURES, ValueError) as error:
        raise unreachable(error) from error
    try:
        _require_version(raw)
        for name in ("uuid", "date"):
            await raw.set_type_codec(name, schema="pg_catalog", encoder=str, decoder=str, format="text")
        if pooler:
            await _learn_arrays(raw)
    except BaseException as error:
        raw.terminate()
        if isinstance(error, FAILURES):
            raise unreachable(error) from error
        raise
    return raw


async def _connect(url: str, *, pooler: bool) -> Raw:
    """A connection to one host. A standby is refused, unless the URL asks for one: what it shows may be old."""
    return await asyncpg.connect(
        url,
        timeout=PATIENCE,
        command_timeout=LONGEST_STATEMENT + PATIENCE,
        statement_cache_size=0 if pooler else 512,
        max_cached_statement_lifetime=0,
        target_session_attrs=None if "target_session_attrs=" in url else "primary",
        server_settings={"application_name": "slotkeeper"} | ({} if pooler else _settings()),
    )


def _settings() -> dict[str, str]:
    """What every session is told; a statement or a lock that takes too long ends as Unavailable."""
    return {
        "DateStyle": "ISO",
        "jit": "off",
        # The driver asks for each type of array once for each connection; where Citus hides its shards from the
        # catalogue meanwhile, that takes more than a second for each instead of some milliseconds.
        "citus.override_table_visibility": "off",
        "statement_timeout": f"{LONGEST_STATEMENT * 1000:.0f}",
        "lock_timeout": f"{PATIENCE * 1000:.0f}",
        "idle_in_transaction_session_timeout": f"{LONGEST_STATEMENT * 1000:.0f}",
    }


def set_local() -> str:
    """The same for one transaction, behind its BEGIN: a session behind a pooler belongs to everybody."""
    return "".join(f"; SET LOCAL {name} = '{value}'" for name, value in _settings().items())


async def _learn_arrays(raw: Raw) -> None:
    """Let the driver look up the arrays of its statements now, and take back what it tells the session meanwhile.

    It turns compilation off in a session for that, and would leave it so where it found it off.
    """
    await raw.execute("BEGIN", timeout=PATIENCE)
    columns = ", ".join(f"${number}::{kind}" for number, kind in enumerate(ARRAYS, start=1))
    await raw.fetch(f"SELECT {columns}", *[[] for _ in ARRAYS])
    await raw.execute("ROLLBACK")


def _require_version(raw: Raw) -> None:
    """Refuse a server that is too old, or that cannot store every text. Raises Unavailable."""
    version = raw.get_server_version().major
    if version < OLDEST_SERVER:
        raise Unavailable(f"This is PostgreSQL {version}; Slotkeeper needs {OLDEST_SERVER} or newer.")
    encoding = raw.get_settings().server_encoding
    if encoding.upper() not in {"UTF8", "UTF-8"}:
        raise Unavailable(f"This database stores texts as {encoding}; make one with ENCODING 'UTF8'.")
