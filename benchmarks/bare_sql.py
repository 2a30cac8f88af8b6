"""L2: the statements of one request in a bare loop on the same database, by the driver alone.

What the statements are is not written down here: a request goes through the application in this process, and the
driver tells which statements with which values reached it. So they are those of the code as it stands.
"""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import asyncpg
import uvloop

from slotkeeper.app import create_app, open_database, system_clock
from slotkeeper.settings import Settings, is_server, sqlite_path
from slotkeeper.store.postgres_session import connect

PATIENCE = 600.0
TOGETHER = 10
"""Over how many connections a server is asked: as many as a server process has."""


class Statement(NamedTuple):
    """A statement in the driver's words, and its values; None where it takes none."""

    text: str
    values: Any


def statements_of(url: str, path: str, key: str) -> list[Statement]:
    """What a GET request that was answered once before asks of a database, if somebody wrote to it since.

    Raises RuntimeError for a refusal.
    """

    async def main() -> list[Statement]:
        noted: list[Statement] = []
        with _noting(noted):
            app = create_app(open_database(url), Settings(database_url=url), clock=system_clock)
            async with app.lifespan_context(app):
                await _get(app, path, key)
                await asyncio.to_thread(_touch, url)
                await asyncio.sleep(0.01)
                noted.clear()
                await _get(app, path, key)
                return list(noted)

    return uvloop.run(main())


def _touch(url: str) -> None:
    """Write something to a file that no answer shows: what was read before may be remembered until somebody writes."""
    if not is_server(url):
        with contextlib.closing(sqlite3.connect(sqlite_path(url))) as raw, raw:
            raw.execute("UPDATE organizations SET updated_at = updated_at + 1")


async def _get(app: Any, path: str, key: str) -> None:
    parts = urlsplit(path)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(b"host", b"x"), (b"authorization", f"Bearer {key}".encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 1),
        "state": {},
    }
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(scope, receive, send)
    if statuses != [200]:
        raise RuntimeError(f"{path} is answered with {statuses}")


@contextlib.contextmanager
def _noting(noted: list[Statement]) -> Iterator[None]:
    """Both drivers note what is asked over the connections that are made now."""
    connect_sqlite, connect_postgres = sqlite3.connect, asyncpg.connect

    class Noting(sqlite3.Connection):
        def execute(self, sql: str, parameters: Any = None, /) -> sqlite3.Cursor:
            noted.append(Statement(sql, parameters))
            return super().execute(sql) if parameters is None else super().execute(sql, parameters)

    def note(record: Any) -> None:
        noted.append(Statement(record.query, record.args))

    async def noting(*given: Any, **named: Any) -> Any:
        raw = await connect_postgres(*given, **named)
        raw.add_query_logger(note)
        return raw

    vars(sqlite3)["connect"] = lambda *given, **named: connect_sqlite(*given, **named, factory=Noting)
    vars(asyncpg)["connect"] = noting
    try:
        yield
    finally:
        vars(sqlite3)["connect"], vars(asyncpg)["connect"] = connect_sqlite, connect_postgres


def rate_of(url: str, statements: Sequence[Statement], *, seconds: float) -> float:
    """How often in a second all of some statements are answered, one after the other."""
    if not statements:
        raise RuntimeError("no statement is noted: the store reaches its driver in another way than bare_sql.py knows")
    if is_server(url):
        return uvloop.run(_rate_on_server(url, statements, seconds))
    return _rate_on_file(sqlite_path(url), statements, seconds)


def _rate_on_file(path: Path, statements: Sequence[Statement], seconds: float) -> float:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, cached_statements=512)) as raw:
        raw.execute("PRAGMA query_only = ON")
        number, start = 0, time.perf_counter()
        while (taken := time.perf_counter() - start) < seconds or not number:
            for text, values in statements:
                raw.execute(text, values or ()).fetchall()
            number += 1
        return number / taken


async def _rate_on_server(url: str, statements: Sequence[Statement], seconds: float) -> float:
    async with _connections(url) as raws:
        start = time.perf_counter()
        numbers = await asyncio.gather(*(_repeat(raw, statements, start + seconds) for raw in raws))
        return sum(numbers) / (time.perf_counter() - start)


async def _repeat(raw: Any, statements: Sequence[Statement], deadline: float) -> int:
    number = 0
    while time.perf_counter() < deadline or not number:
        for text, values in statements:
            await (raw.fetch(text, *values, timeout=PATIENCE) if values else raw.execute(text, timeout=PATIENCE))
        number += 1
    return number


@contextlib.asynccontextmanager
async def _connections(url: str) -> AsyncIterator[list[Any]]:
    raws = [await connect(url) for _ in range(TOGETHER)]
    try:
        yield raws
    finally:
        for raw in raws:
            await raw.close()
