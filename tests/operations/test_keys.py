"""Keys, as an admin makes and revokes them at the dashboard; and what the trail says of it by person."""

import pytest

from slotkeeper.domain.access import Caller, Scope, operator
from slotkeeper.domain.errors import InsufficientScope, InvalidInput, NotFound
from slotkeeper.domain.model import ApiKey, Channel
from slotkeeper.domain.users import Role, staff
from slotkeeper.operations import access, audit, users
from slotkeeper.operations.audit import Wanted
from tests.world import Cast, World


def make(world: World, who: Caller | str, *scopes: Scope) -> ApiKey:
    """A key with some scopes."""
    made = access.create_key(
        world.db,
        who,
        label="Key",
        scopes=list(scopes),
        channel=Channel.AI,
        rate_limit=0,
        expires_at=None,
        now=world.clock(),
    )
    return world.run(made)[0]


@pytest.fixture
def boss(world: World, cast: Cast) -> Caller:
    """An admin at the dashboard."""
    made = users.create_user(
        world.db, operator(cast.owner_org), email="b@example.org", name="B", role=Role.ADMIN, now=world.clock()
    )
    return staff(cast.owner_org, world.run(made).user.user_id, Role.ADMIN)


def test_an_admin_makes_and_revokes_keys_and_the_trail_says_who(world: World, boss: Caller) -> None:
    key = make(world, boss, *Scope)
    assert key in world.run(access.list_keys(world.db, boss))
    for _ in range(2):
        revoked = world.run(access.revoke_key(world.db, boss, key.key_id, now=world.clock()))
        assert revoked.revoked_at == world.clock()
    work = audit.list_entries(world.db, boss, Wanted(user_id=boss.user_id), page=1, limit=10)
    entries, total = world.run(work)
    assert total == 2
    assert {entry.action for entry in entries} == {"keys.create", "keys.revoke"}
    assert {(entry.user_id, entry.subject) for entry in entries} == {(boss.user_id, key.key_id)}


def test_a_key_is_never_above_its_maker(world: World, boss: Caller) -> None:
    lesser = boss._replace(scopes=frozenset({Scope.ADMIN, Scope.SLOTS_READ}))
    with pytest.raises(InvalidInput, match=r"leave out appointments:write, slots:write\."):
        make(world, lesser, Scope.SLOTS_WRITE, Scope.SLOTS_READ, Scope.APPOINTMENTS_WRITE)
    assert make(world, lesser, Scope.SLOTS_READ).scopes == ("slots:read",)


@pytest.mark.parametrize("role", [Role.DESK, Role.MANAGER])
def test_only_an_admin_sees_and_changes_keys(world: World, boss: Caller, role: Role) -> None:
    key = make(world, boss, Scope.SLOTS_READ)
    colleague = staff(boss.org_id, boss.user_id, role)
    with pytest.raises(InsufficientScope):
        make(world, colleague, Scope.SLOTS_READ)
    with pytest.raises(InsufficientScope):
        world.run(access.list_keys(world.db, colleague))
    with pytest.raises(InsufficientScope):
        world.run(access.revoke_key(world.db, colleague, key.key_id, now=world.clock()))


def test_a_key_of_another_organization_is_not_found(world: World, boss: Caller, cast: Cast) -> None:
    foreign = make(world, cast.outsider_org, Scope.SLOTS_READ)
    assert foreign not in world.run(access.list_keys(world.db, boss))
    with pytest.raises(NotFound):
        world.run(access.revoke_key(world.db, boss, foreign.key_id, now=world.clock()))
