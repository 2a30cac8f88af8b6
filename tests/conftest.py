"""Fixtures: one fresh world per test, from a prepared database with the cast in it.

A test that asks for one, however indirectly, runs on each engine: on all of them with the mark ``every_engine`` and in
the modules that go through the contract section by section, on those that the mark ``engines`` names, else on SQLite
and on the packaged PostgreSQL. Some modules run through a pooler besides.
"""

from collections.abc import Callable, Iterator

import pytest
from argon2 import PasswordHasher

from slotkeeper.operations import passwords
from tests.engines import ALL, BOTH, POOLER, SECTIONS, THROUGH_POOLER
from tests.prepared import Prepared, prepare
from tests.world import Cast, Client, World


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on its engines."""
    if "engine" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("engines")
        every = metafunc.definition.get_closest_marker("every_engine") or SECTIONS.search(metafunc.module.__name__)
        through = metafunc.config.getoption("soak") or THROUGH_POOLER.search(metafunc.module.__name__)
        pooled = (pytest.param(POOLER, marks=pytest.mark.slow),) if through else ()
        metafunc.parametrize("engine", mark.args if mark else (*(ALL if every else BOTH), *pooled), scope="session")


@pytest.fixture(scope="session")
def prepared(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(engine, tmp_path_factory)


@pytest.fixture(scope="session")
def new_world(prepared: Prepared) -> Callable[[], World]:
    """Make a world on a fresh copy; whoever asks closes it. For tests that need many."""
    return lambda: World(prepared.lend(), give_back=prepared.give_back)


@pytest.fixture
def world(new_world: Callable[[], World]) -> Iterator[World]:
    """A Slotkeeper of its own, with the cast and nothing else in it."""
    made = new_world()
    yield made
    made.close()


@pytest.fixture
def cast(prepared: Prepared) -> Cast:
    return prepared.cast


@pytest.fixture
def owner(world: World, cast: Cast) -> Client:
    """The clinic's owner: every scope, channel ``ai``, no rate limit."""
    return Client(world, cast.owner)


@pytest.fixture
def colleague(world: World, cast: Cast) -> Client:
    """Somebody of the same clinic who may only read slots."""
    return Client(world, cast.colleague)


@pytest.fixture
def outsider(world: World, cast: Cast) -> Client:
    """Somebody with every scope in another clinic."""
    return Client(world, cast.outsider)


@pytest.fixture
def nobody(world: World) -> Client:
    """Somebody without a key."""
    return Client(world, None)


@pytest.fixture
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Passwords hashed at next to no cost; what their hashes are worth is tested by itself."""
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    passwords._nobodys.cache_clear()
    yield
    passwords._nobodys.cache_clear()
