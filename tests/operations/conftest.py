"""Fixtures for moving house, on every engine to every engine; and for signing in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import direct
from tests.engines import empty_database
from tests.moving import PAIRS, Furnished, House, furnish
from tests.signing import Entrance
from tests.world import Cast, World


@pytest.fixture(params=PAIRS, ids=" to ".join)
def houses(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[House, House]]:
    """The house that is left, and an empty one to move into."""
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    with (
        empty_database(request.param[0], tmp_path / "old") as left,
        empty_database(request.param[1], tmp_path / "new") as entered,
    ):
        old = House(left)
        new = House(entered, old.clock)
        yield old, new
        old.close()
        new.close()


@pytest.fixture
def old(houses: tuple[House, House]) -> House:
    """The house that is left."""
    return houses[0]


@pytest.fixture
def new(houses: tuple[House, House]) -> House:
    """The house to move into."""
    return houses[1]


@pytest.fixture
def clinic(old: House) -> Furnished:
    """A clinic in the old house, with rows in every table."""
    return furnish(old)


@pytest.fixture
def entrance(world: World, cast: Cast) -> Entrance:
    """A clinic with a person who has a one-time link."""
    return Entrance(world, cast.owner_org)


@pytest.fixture
def known(entrance: Entrance) -> Entrance:
    """The same, and the person has a password; the sign-in that the link began is over."""
    entrance.choose(entrance.link)
    direct.change(entrance.world.url, "DELETE FROM sign_ins")
    return entrance
