"""Fixtures: one fresh world per test, from a prepared file with the cast in it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slotkeeper.domain.access import Scope
from tests.world import Cast, Client, World


class Prepared:
    """A migrated file with the cast in it, to be copied for each test."""

    def __init__(self, path: Path, cast: Cast) -> None:
        self.path, self.cast = path, cast


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    path = tmp_path_factory.mktemp("prepared") / "slotkeeper.db"
    world = World(path)
    try:
        world.run(world.db.migrate())
        owner_org, outsider_org = world.organization("Husky Clinic"), world.organization("Other Clinic")
        people = world.key(owner_org), world.key(owner_org, [Scope.SLOTS_READ]), world.key(outsider_org)
        texts = [person.key or "" for person in people]
    finally:
        world.close()
    return Prepared(path, Cast(owner_org, outsider_org, *texts))


@pytest.fixture(scope="session")
def new_world(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], World]:
    """Make a world on a fresh copy; whoever asks closes it. For tests that need many."""

    def make() -> World:
        path = tmp_path_factory.mktemp("world") / "slotkeeper.db"
        shutil.copyfile(prepared.path, path)
        return World(path)

    return make


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
