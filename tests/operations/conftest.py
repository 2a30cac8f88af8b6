"""Fixtures for moving house: on every engine, to every engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines import empty_database
from tests.moving import PAIRS, Furnished, House, furnish


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
