"""The databases that are measured: SQLite, and the PostgreSQL that the tests bring along, both on the same disk."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import asyncpg

from benchmarks.serving import seconds_of_family
from tests.servers import PACKAGED, Server, versions


class Engine(NamedTuple):
    """An empty database, the process of its server where it has one, and how to copy it while nobody uses it."""

    name: str
    url: str
    pid: int | None
    copy: Callable[[], str]
    """Makes a copy of the database; its URL."""

    def seconds_of_processor(self) -> float:
        """What the database's own server has used of the processors so far."""
        return 0.0 if self.pid is None else seconds_of_family(self.pid)

    async def settle(self) -> None:
        """What a server does by itself within some minutes after a database was filled: count and tidy up."""
        if self.pid is not None:
            raw = await asyncpg.connect(self.url)
            await raw.execute("VACUUM ANALYZE")
            await raw.close()


@contextlib.contextmanager
def sqlite(folder: Path) -> Iterator[Engine]:
    """A file."""
    path = folder / "bench.db"

    def copy() -> str:
        return f"sqlite:///{shutil.copy(path, folder / 'twin.db')}"

    yield Engine("SQLite", f"sqlite:///{path}", None, copy)


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[Engine]:
    """A server with its ordinary settings: what is committed is on the disk."""
    server = Server(versions()[PACKAGED], "shared_buffers=256MB", folder=folder)
    try:
        name = server.create()

        def copy() -> str:
            return server.url(server.create(template=name))

        yield Engine(f"PostgreSQL {PACKAGED}", server.url(name), server.pid, copy)
    finally:
        server.remove()


ENGINES = (sqlite, postgres)
