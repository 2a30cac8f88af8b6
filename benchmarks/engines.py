"""Where the databases of the benchmarks are: a SQLite file, or a PostgreSQL of their own that syncs as it should."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.servers import PACKAGED, Server, versions

SQLITE, POSTGRES = "sqlite", "postgres"


@contextlib.contextmanager
def new_database(engine: str, folder: Path, name: str) -> Iterator[str]:
    """The URL of an empty database in a folder on a disk."""
    if engine == SQLITE:
        yield f"sqlite:///{folder / name}.db"
        return
    server = Server(versions()[PACKAGED], folder=folder.parent)
    try:
        yield server.url(server.create())
    finally:
        server.remove()
