"""Signing in: who is let in, and for how long."""

import asyncio

import pytest
from argon2 import PasswordHasher

from slotkeeper.domain.access import operator
from slotkeeper.domain.errors import InvalidInput, NotFound
from slotkeeper.domain.sign_ins import IDLE, LONGEST, SEEN_EVERY, hash_secret
from slotkeeper.domain.users import Role
from slotkeeper.operations import passwords, sign_ins, users
from tests import direct
from tests.signing import HERE, OTHER, PASSWORD, Entrance, refuse
from tests.world import Cast

pytestmark = pytest.mark.usefixtures("quick_hashes")


def test_a_link_lets_a_person_in_once(entrance: Entrance) -> None:
    token = entrance.choose(entrance.link)
    signed_in = entrance.who(token)
    assert signed_in is not None
    assert (signed_in.user.email, signed_in.organization) == ("asha@example.org", "Husky Clinic")
    assert signed_in.caller.user_id == entrance.user.user_id
    with pytest.raises(NotFound, match="used already"):
        entrance.choose(entrance.link, OTHER)
    assert entrance.who(entrance.sign_in()) is not None


def test_looking_at_a_link_does_not_use_it_up(entrance: Entrance) -> None:
    for _ in range(2):
        link = entrance.world.run(sign_ins.get_link(entrance.world.db, entrance.link, now=entrance.world.clock()))
        assert (link.user.email, link.purpose, link.organization) == ("asha@example.org", "invite", "Husky Clinic")
    assert entrance.choose(entrance.link)


def test_of_two_who_use_a_link_at_once_one_finds_it_gone(entrance: Entrance) -> None:
    async def both() -> list[str | BaseException]:
        now = entrance.world.clock()
        uses = [sign_ins.use_link(entrance.world.db, entrance.link, password=one, now=now) for one in (PASSWORD, OTHER)]
        return list(await asyncio.gather(*uses, return_exceptions=True))

    assert {type(one) for one in entrance.world.run(both())} == {NotFound, str}


def test_a_weak_password_leaves_the_link_as_it_was(entrance: Entrance) -> None:
    with pytest.raises(InvalidInput):
        entrance.choose(entrance.link, "short")
    assert entrance.choose(entrance.link)


def test_a_link_that_has_expired_leads_nowhere(entrance: Entrance) -> None:
    entrance.world.clock.advance(days=7)
    with pytest.raises(NotFound):
        entrance.choose(entrance.link)


def test_what_is_stored_of_secrets_and_passwords_is_their_hashes(entrance: Entrance) -> None:
    token = entrance.choose(entrance.link)
    texts = repr([direct.dump(entrance.world.url, entrance.org_id)])
    assert hash_secret(token) in texts
    assert "$argon2id$" in texts
    assert not any(secret in texts for secret in (token, entrance.link, PASSWORD))


def test_signing_in_gives_a_new_token_each_time(known: Entrance) -> None:
    assert known.sign_in() != known.sign_in(email="ASHA@Example.org ")
    assert known.rows("sign_ins") == 2


@pytest.mark.parametrize(
    ("email", "password"),
    [("asha@example.org", OTHER), ("nobody@example.org", PASSWORD), ("", ""), ("a\x00b", "x\x00")],
)
def test_whatever_is_wrong_the_sentence_is_the_same(known: Entrance, email: str, password: str) -> None:
    with pytest.raises(InvalidInput, match=r"^The e-mail or the password is not right\.$"):
        known.sign_in(password, email=email)


def test_without_a_password_nobody_signs_in(entrance: Entrance) -> None:
    with pytest.raises(InvalidInput, match="not right"):
        entrance.sign_in()


def test_one_e_mail_in_two_organizations_is_two_people(known: Entrance, cast: Cast) -> None:
    other = known.invite("asha@example.org", cast.outsider_org)
    elsewhere = known.choose(other.secret, OTHER)
    found = known.who(elsewhere)
    assert found is not None
    assert (found.caller.org_id, found.organization) == (cast.outsider_org, "Other Clinic")
    with pytest.raises(InvalidInput):
        known.sign_in(OTHER)
    swapped = elsewhere.replace(cast.outsider_org.replace("-", ""), known.org_id.replace("-", ""))
    assert known.who(swapped) is None


def test_an_organization_that_is_not_whole_lets_nobody_in(known: Entrance, entrance: Entrance) -> None:
    known.sign_in()
    direct.change(
        known.world.url,
        "INSERT INTO imports (org_id, digest, run_id, begun_at) VALUES (?, 'x', ?, 1)",
        *(known.org_id, known.org_id),
    )
    with pytest.raises(InvalidInput, match="not right"):
        known.sign_in()
    fresh = entrance.invite("ravi@example.org")
    with pytest.raises(NotFound):
        known.choose(fresh.secret)
    assert known.world.run(sign_ins.find_organization(known.world.db, known.org_id)) is None


def test_the_only_organization_needs_no_name(known: Entrance, cast: Cast) -> None:
    find = sign_ins.find_organization
    assert known.world.run(find(known.world.db, None)) is None
    assert known.world.run(find(known.world.db, cast.outsider_org)) == (cast.outsider_org, "Other Clinic")
    direct.change(
        known.world.url,
        "INSERT INTO imports (org_id, digest, run_id, begun_at) VALUES (?, 'x', ?, 1)",
        *(cast.outsider_org, cast.outsider_org),
    )
    assert known.world.run(find(known.world.db, None)) == (cast.owner_org, "Husky Clinic")


def test_a_sign_in_ends_for_who_does_nothing(known: Entrance) -> None:
    token = known.sign_in()
    known.world.clock.now += IDLE - 1
    assert known.who(token, counts=False) is not None
    known.world.clock.now += 1
    assert known.who(token) is None


def test_who_goes_on_working_stays_signed_in_and_not_for_ever(known: Entrance) -> None:
    token = known.sign_in()
    begun = known.world.clock()
    while known.world.clock() < begun + LONGEST - IDLE:
        known.world.clock.now += IDLE - SEEN_EVERY - 1
        assert known.who(token) is not None
    known.world.clock.now = begun + LONGEST - 1
    assert known.who(token) is not None
    known.world.clock.now += 1
    assert known.who(token) is None


def test_what_a_page_asks_for_by_itself_keeps_nobody_signed_in(known: Entrance) -> None:
    token = known.sign_in()
    for _ in range(2):
        known.world.clock.now += IDLE // 2
        found = known.who(token, counts=False)
    assert found is None


def test_signing_out_ends_a_sign_in_at_once_and_no_other(known: Entrance) -> None:
    token, other = known.sign_in(), known.sign_in()
    signed_in = known.who(token)
    assert signed_in is not None
    known.world.run(sign_ins.sign_out(known.world.db, signed_in, now=known.world.clock()))
    assert known.who(token) is None
    assert known.who(other) is not None


def test_a_new_password_ends_every_sign_in_but_its_own(known: Entrance) -> None:
    token, other = known.sign_in(), known.sign_in()
    signed_in = known.who(token)
    assert signed_in is not None
    fresh = known.world.run(
        sign_ins.change_password(
            known.world.db, signed_in, current=PASSWORD, password=OTHER, address=HERE, now=known.world.clock()
        )
    )
    assert [known.who(one) is not None for one in (token, other, fresh)] == [False, False, True]
    with pytest.raises(InvalidInput):
        known.sign_in()
    known.sign_in(OTHER)


def test_only_who_knows_the_password_changes_it(known: Entrance) -> None:
    signed_in = known.who(known.sign_in())
    assert signed_in is not None
    with pytest.raises(InvalidInput) as refused:
        known.world.run(
            sign_ins.change_password(
                known.world.db, signed_in, current=OTHER, password=OTHER, address=HERE, now=known.world.clock()
            )
        )
    assert refused.value.details[0].field == "current"
    known.sign_in()


def test_disabling_ends_every_sign_in_and_link_at_once(known: Entrance) -> None:
    token, boss = known.sign_in(), operator(known.org_id)
    disable = users.disable_user(known.world.db, boss, known.user.user_id, now=known.world.clock())
    known.world.run(disable)
    assert known.who(token) is None
    with pytest.raises(InvalidInput):
        known.sign_in()
    known.world.run(users.enable_user(known.world.db, boss, known.user.user_id, now=known.world.clock()))
    assert known.who(token) is None
    assert known.who(known.sign_in()) is not None


def test_a_reset_takes_password_sign_ins_and_older_links_away(known: Entrance) -> None:
    token, boss = known.sign_in(), operator(known.org_id)
    first, second = (
        known.world.run(users.reset_user(known.world.db, boss, known.user.user_id, now=known.world.clock()))
        for _ in range(2)
    )
    assert known.who(token) is None
    with pytest.raises(InvalidInput):
        known.sign_in()
    with pytest.raises(NotFound):
        known.choose(first.secret)
    known.choose(second.secret, OTHER)
    known.sign_in(OTHER)


def test_a_role_counts_from_the_next_request_on(known: Entrance) -> None:
    token, boss = known.sign_in(), operator(known.org_id)
    change = users.update_user(
        known.world.db, boss, known.user.user_id, changes={"role": Role.ADMIN}, now=known.world.clock()
    )
    before = known.who(token)
    known.world.run(change)
    after = known.who(token)
    assert before is not None
    assert after is not None
    assert before.caller.scopes < after.caller.scopes


def test_what_has_ended_is_forgotten(known: Entrance) -> None:
    known.sign_in()
    refuse(known, 1)
    known.invite("ravi@example.org")
    for by, left in ((0, (1, 3, 1)), (IDLE, (0, 0, 1)), (8 * 24 * 3_600_000, (0, 0, 0))):
        known.world.clock.now += by
        known.world.run(sign_ins.forget_ended(known.world.db, now=known.world.clock()))
        assert tuple(known.rows(table) for table in ("sign_ins", "attempts", "links")) == left


def test_the_audit_trail_names_the_person(known: Entrance) -> None:
    signed_in = known.who(known.sign_in())
    assert signed_in is not None
    known.world.run(sign_ins.sign_out(known.world.db, signed_in, now=known.world.clock()))
    rows = direct.rows(
        known.world.url,
        "SELECT action, subject, user_id, channel FROM audit WHERE org_id = ? AND user_id IS NOT NULL"
        " ORDER BY at, audit_id",
        known.org_id,
    )
    me = known.user.user_id
    actions = ["users.set_password", "sign_ins.create", "sign_ins.create", "sign_ins.end"]
    assert rows == [(action, me, me, "staff") for action in actions]


def test_a_hash_made_with_less_effort_is_made_anew(known: Entrance, monkeypatch: pytest.MonkeyPatch) -> None:
    sql = "SELECT password_hash FROM users WHERE password_hash IS NOT NULL"
    (before,) = direct.rows(known.world.url, sql)[0]
    known.sign_in()
    assert direct.rows(known.world.url, sql) == [(before,)]
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    known.sign_in()
    (after,) = direct.rows(known.world.url, sql)[0]
    assert "t=2" in after
    known.sign_in()
    assert direct.rows(known.world.url, sql) == [(after,)]
