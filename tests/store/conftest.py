"""Every test of this folder that asks for a database runs on each engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slotkeeper.store.database import Database
from tests.engines import ALL, POOLER, empty_database, migrate, open_url
from tests.waiting import wait_for


@pytest.fixture(params=(*ALL, POOLER))
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a database without a schema is, or will be."""
    with empty_database(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def empty(url: str) -> Iterator[Database]:
    """A database without a schema."""
    database = open_url(url)
    yield database
    wait_for(database.close())


@pytest.fixture
def database(empty: Database, request: pytest.FixtureRequest) -> Database:
    """A database at the current schema step."""
    wait_for(migrate(empty, request.node.callspec.params["url"]))
    return empty
