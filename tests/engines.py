"""The engines that a test runs on: SQLite, and PostgreSQL of every version that is on this machine."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

from tests.servers import PACKAGED, server, versions

T = TypeVar("T")

SQLITE = "sqlite"
POSTGRES = f"postgres-{PACKAGED}"
ALL = (SQLITE, *(f"postgres-{version}" for version in sorted(versions())))
BOTH = (SQLITE, POSTGRES)
"""For tests that take long: each engine once."""


@contextlib.contextmanager
def empty_database(engine: str, folder: Path) -> Iterator[str]:
    """The URL of a database without a schema, which is gone afterwards."""
    if engine == SQLITE:
        yield f"sqlite:///{folder / 'test.db'}"
        return
    running = server(engine.removeprefix("postgres-"))
    name = running.create()
    try:
        yield running.url(name)
    finally:
        running.drop(name)


def in_another_thread(work: Coroutine[Any, Any, T]) -> T:
    """Do some work to its end in a thread and an event loop of its own, whoever runs in this one."""
    done: list[T] = []
    thread = threading.Thread(target=lambda: done.append(asyncio.run(work)))
    thread.start()
    thread.join(timeout=60)
    return done[0]
