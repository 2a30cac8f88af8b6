"""The people at the desk, as an admin makes and changes them."""

import pytest

from slotkeeper.domain.access import Caller, operator
from slotkeeper.domain.errors import Conflict, InsufficientScope, NotFound
from slotkeeper.domain.users import Role, User, staff
from slotkeeper.operations import users
from tests import direct
from tests.world import Cast, World


def make(world: World, caller: Caller, email: str, role: Role = Role.DESK) -> User:
    made = users.create_user(world.db, caller, email=email, name="Name", role=role, now=world.clock())
    return world.run(made).user


@pytest.fixture
def boss(world: World, cast: Cast) -> Caller:
    """The first admin, at the dashboard."""
    user = make(world, operator(cast.owner_org), "boss@example.org", Role.ADMIN)
    return staff(cast.owner_org, user.user_id, user.role)


def test_an_e_mail_is_there_once_whatever_its_case(world: World, boss: Caller, cast: Cast) -> None:
    make(world, boss, "Asha@Example.org")
    with pytest.raises(Conflict, match=r"already a user with the e-mail asha@example\.org"):
        make(world, boss, "asha@example.org")
    make(world, operator(cast.outsider_org), "asha@example.org")


def test_people_are_listed_by_e_mail(world: World, boss: Caller) -> None:
    for email in ("zoe@example.org", "Asha@example.org"):
        make(world, boss, email)
    found = world.run(users.list_users(world.db, boss))
    assert [one.email for one in found] == ["Asha@example.org", "boss@example.org", "zoe@example.org"]
    assert [one.has_password for one in found] == [False] * 3


@pytest.mark.parametrize("role", [Role.DESK, Role.MANAGER])
def test_only_an_admin_sees_and_changes_people(world: World, boss: Caller, role: Role) -> None:
    colleague = staff(boss.org_id, make(world, boss, "asha@example.org", role).user_id, role)
    now = world.clock()
    for work in (
        users.list_users(world.db, colleague),
        users.create_user(world.db, colleague, email="x@y", name="x", role=Role.DESK, now=now),
        users.update_user(world.db, colleague, boss.user_id, changes={"role": Role.DESK}, now=now),
        users.update_user(world.db, colleague, colleague.user_id, changes={"role": Role.ADMIN}, now=now),
        users.reset_user(world.db, colleague, boss.user_id, now=now),
        users.disable_user(world.db, colleague, boss.user_id, now=now),
        users.enable_user(world.db, colleague, boss.user_id, now=now),
    ):
        with pytest.raises(InsufficientScope):
            world.run(work)


def test_a_person_of_another_organization_is_not_found(world: World, boss: Caller, cast: Cast) -> None:
    stranger = make(world, operator(cast.outsider_org), "asha@example.org")
    now = world.clock()
    for work in (
        users.update_user(world.db, boss, stranger.user_id, changes={"name": "x"}, now=now),
        users.reset_user(world.db, boss, stranger.user_id, now=now),
        users.disable_user(world.db, boss, stranger.user_id, now=now),
        users.find_user(world.db, boss, "asha@example.org"),
    ):
        with pytest.raises(NotFound):
            world.run(work)


def test_the_only_admin_stays_one(world: World, boss: Caller) -> None:
    now = world.clock()

    def demote() -> User:
        return world.run(users.update_user(world.db, boss, boss.user_id, changes={"role": Role.DESK}, now=now))

    with pytest.raises(Conflict, match="the only admin"):
        demote()
    with pytest.raises(Conflict, match="the only admin"):
        world.run(users.disable_user(world.db, boss, boss.user_id, now=now))
    second = make(world, boss, "asha@example.org", Role.ADMIN)
    world.run(users.disable_user(world.db, boss, second.user_id, now=now))
    with pytest.raises(Conflict, match="the only admin"):
        demote()
    world.run(users.enable_user(world.db, boss, second.user_id, now=now))
    assert demote().role is Role.DESK


def test_the_person_at_the_command_line_may_disable_the_last_admin(world: World, boss: Caller) -> None:
    disabled = world.run(users.disable_user(world.db, operator(boss.org_id), boss.user_id, now=world.clock()))
    assert disabled.disabled_at == world.clock()


def test_changes_are_noted_with_what_changed_and_no_secret(world: World, boss: Caller) -> None:
    user = make(world, boss, "asha@example.org")
    now = world.clock()
    world.run(users.update_user(world.db, boss, user.user_id, changes={"role": Role.MANAGER}, now=now))
    world.run(users.update_user(world.db, boss, user.user_id, changes={"role": Role.MANAGER}, now=now))
    world.run(users.reset_user(world.db, boss, user.user_id, now=now))
    world.run(users.disable_user(world.db, boss, user.user_id, now=now))
    world.run(users.disable_user(world.db, boss, user.user_id, now=now))
    sql = "SELECT action, before, after FROM audit WHERE org_id = ? AND user_id = ? ORDER BY at, audit_id"
    rows = direct.rows(world.url, sql, boss.org_id, boss.user_id)
    assert [action for action, _, _ in rows] == ["users.create", "users.update", "users.reset", "users.disable"]
    assert rows[1][1:] == ('{"role":"desk"}', '{"role":"manager"}')
    assert "hash" not in repr(rows)


def test_a_disabled_person_is_not_reset(world: World, boss: Caller) -> None:
    user = make(world, boss, "asha@example.org")
    world.run(users.disable_user(world.db, boss, user.user_id, now=world.clock()))
    with pytest.raises(Conflict, match="is disabled"):
        world.run(users.reset_user(world.db, boss, user.user_id, now=world.clock()))


def test_another_e_mail_must_be_free(world: World, boss: Caller) -> None:
    user = make(world, boss, "asha@example.org")
    now = world.clock()
    with pytest.raises(Conflict):
        world.run(users.update_user(world.db, boss, user.user_id, changes={"email": "BOSS@example.org"}, now=now))
    changed = world.run(
        users.update_user(world.db, boss, user.user_id, changes={"email": "ASHA@example.org", "name": "A"}, now=now)
    )
    assert (changed.email, changed.name) == ("ASHA@example.org", "A")
