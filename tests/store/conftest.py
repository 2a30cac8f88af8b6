"""Every test of this folder runs on each engine."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slotkeeper.store.database import Database, run
from slotkeeper.store.sqlite import SqliteDatabase

ENGINES: dict[str, Callable[[Path], Database]] = {"sqlite": lambda folder: SqliteDatabase(folder / "test.db")}


@pytest.fixture(params=sorted(ENGINES))
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without a schema."""
    database = ENGINES[request.param](tmp_path)
    yield database
    run(database.close())


@pytest.fixture
def database(empty: Database) -> Database:
    """A database at the current schema step."""
    run(empty.migrate())
    return empty
