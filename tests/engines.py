"""The engines that a test runs on: SQLite, each PostgreSQL on this machine, and a cluster where one is named."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

from slotkeeper.store.database import Database
from tests import cluster
from tests.cluster import Cluster
from tests.servers import PACKAGED, Server, server, versions

T = TypeVar("T")

SQLITE = "sqlite"
POSTGRES = f"postgres-{PACKAGED}"
CITUS = "citus"
CLUSTERS = (CITUS,) if cluster.URL else ()
SERVERS = tuple(f"postgres-{version}" for version in sorted(versions()))
ALL = (SQLITE, *SERVERS, *CLUSTERS)
BOTH = (SQLITE, POSTGRES, *CLUSTERS)
"""For tests that take long: each engine once."""


@contextlib.contextmanager
def empty_database(engine: str, folder: Path) -> Iterator[str]:
    """The URL of a database without a schema, which is gone afterwards."""
    if engine == SQLITE:
        yield f"sqlite:///{folder / 'test.db'}"
        return
    running = server_of(engine)
    name = running.create()
    try:
        yield running.url(name)
    finally:
        running.drop(name)


def server_of(engine: str) -> Server | Cluster:
    """What the databases of an engine are made on."""
    return cluster.cluster() if engine == CITUS else server(engine.removeprefix("postgres-"))


async def migrate(database: Database, engine: str) -> None:
    """Bring an empty database to the current schema step, and to all nodes of a cluster."""
    if engine == CITUS:
        await database.distribute()
    else:
        await database.migrate()


def in_another_thread(work: Coroutine[Any, Any, T]) -> T:
    """Do some work to its end in a thread and an event loop of its own, whoever runs in this one."""
    done: list[T] = []
    thread = threading.Thread(target=lambda: done.append(asyncio.run(work)))
    thread.start()
    thread.join(timeout=60)
    return done[0]
