"""Every test of this folder that asks for a database runs on each engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slotkeeper.store.database import Database
from slotkeeper.store.postgres import PostgresDatabase
from tests.engines import ALL, POOLER, POSTGRES, empty_database, migrate, open_url
from tests.store.owned import add_organization
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


@pytest.fixture
def postgres_url(tmp_path: Path) -> Iterator[str]:
    """Where an empty database of the packaged PostgreSQL is."""
    with empty_database(POSTGRES, tmp_path) as url:
        yield url


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[PostgresDatabase]:
    """The packaged PostgreSQL at the current schema step, with the organization of ``owned.py``."""
    made = PostgresDatabase(postgres_url)
    wait_for(made.migrate())
    wait_for(made.write(add_organization))
    yield made
    wait_for(made.close())
