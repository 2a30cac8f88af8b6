"""The engines that a test runs on: SQLite, each PostgreSQL on this machine, and a cluster where one is named."""

import asyncio
import contextlib
import re
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from slotkeeper.app import open_database
from slotkeeper.store.database import Database
from tests import cluster
from tests.cluster import Cluster
from tests.pooler import is_pooled, pooler, program
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
POOLER = f"pooler-{PACKAGED}"
"""The packaged PostgreSQL, reached through a pgbouncer."""
SECTIONS = re.compile(r"\.test_section_\d_\w+$")
"""The modules that go through the contract: they run on every version of PostgreSQL that is found."""
THROUGH_POOLER = re.compile(r"\.test_section_[2468]_\w+$")
"""The modules of tests that run through a pooler too; in a soak it is all of them."""


@contextlib.contextmanager
def empty_database(engine: str, folder: Path) -> Iterator[str]:
    """The URL of a database without a schema, which is gone afterwards."""
    if engine == SQLITE:
        yield f"sqlite:///{folder / 'test.db'}"
        return
    running = server_of(engine)
    name = running.create()
    try:
        yield url_of(engine, name)
    finally:
        running.drop(name)


def server_of(engine: str) -> Server | Cluster:
    """What the databases of an engine are made on."""
    return cluster.cluster() if engine == CITUS else server(engine.rpartition("-")[2])


async def migrate(database: Database, engine: str) -> None:
    """Bring an empty database to the current schema step, and to all nodes of a cluster."""
    if engine == CITUS:
        await database.distribute()
    else:
        await database.migrate()


def url_of(engine: str, name: str) -> str:
    """The URL of a database on an engine's server. Skips the test where there is no pooler."""
    if engine != POOLER:
        return server_of(engine).url(name)
    if program() is None:
        pytest.skip("there is no pgbouncer: 'make test' installs it as root on Debian")
    return pooler(PACKAGED).url(name)


def open_url(url: str) -> Database:
    """The database of a URL, as it is, opened in the way that it leads there."""
    return open_database(url, pooler=is_pooled(url))


def in_another_thread(work: Coroutine[Any, Any, T]) -> T:
    """Do some work to its end in a thread and an event loop of its own, whoever runs in this one."""
    done: list[T] = []
    thread = threading.Thread(target=lambda: done.append(asyncio.run(work)))
    thread.start()
    thread.join(timeout=60)
    return done[0]
