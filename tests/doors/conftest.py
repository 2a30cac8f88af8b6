"""People with a password, and a browser without a screen; the clinic that tools are called at, and a server of it."""

from collections.abc import Iterator

import pytest

from slotkeeper.domain.access import operator
from slotkeeper.domain.users import Role
from slotkeeper.operations import sign_ins, users
from tests.browsing import PASSWORD, Browser
from tests.doors.serving import served
from tests.doors.tooling import Clinic, open_clinic
from tests.world import Cast, Client, World


@pytest.fixture
def people(world: World, cast: Cast, quick_hashes: None) -> None:
    """A person for each role, with a password, such as desk@example.org."""
    del quick_hashes
    for role in Role:
        boss, now = operator(cast.owner_org), world.clock()
        made = users.create_user(world.db, boss, email=f"{role}@example.org", name=f"<b>{role}</b>", role=role, now=now)
        link = world.run(made).secret
        world.run(sign_ins.use_link(world.db, link, password=PASSWORD, now=now))


@pytest.fixture
def browser(world: World, cast: Cast, people: None) -> Iterator[Browser]:
    del people
    made = Browser(world)
    made.org_id = cast.owner_org
    yield made
    world.run(made.http.aclose())


@pytest.fixture
def clinic(owner: Client) -> Clinic:
    """A clinic for the tools."""
    return open_clinic(owner)


@pytest.fixture
def server(world: World, clinic: Clinic) -> Iterator[str]:
    """The address of a server on its database."""
    del clinic
    with served(world) as url:
        yield url
