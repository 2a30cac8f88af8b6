"""The people at the desk: their roles, e-mails and passwords."""

import pytest

from slotkeeper.domain.access import Scope
from slotkeeper.domain.errors import InvalidInput
from slotkeeper.domain.model import Channel
from slotkeeper.domain.users import (
    SCOPES,
    Role,
    User,
    check_password,
    normal_password,
    parse_email,
    parse_language,
    staff,
)

ASHA = User("u", "asha.rao@example.org", "Asha Rao", Role.DESK, None, True, None, 0, 0)


def test_each_role_may_do_what_the_one_before_it_may() -> None:
    assert SCOPES[Role.DESK] < SCOPES[Role.MANAGER] < SCOPES[Role.ADMIN] == set(Scope)
    assert SCOPES[Role.MANAGER] - SCOPES[Role.DESK] == {Scope.SLOTS_WRITE}


def test_a_person_is_a_caller_of_the_staff_without_a_key() -> None:
    caller = staff("o", "u", Role.MANAGER, "r")
    assert (caller.channel, caller.key_id, caller.user_id, caller.id) == (Channel.STAFF, "", "u", "u")
    assert (caller.rate_limit, caller.request_id, caller.scopes) == (0, "r", SCOPES[Role.MANAGER])


@pytest.mark.parametrize("text", ["asha@example.org", " asha@example.org ", "a@b", "ñandú@例え.jp", "a+b.c@x-y.org"])
def test_an_e_mail_is_read_without_the_space_around_it(text: str) -> None:
    assert parse_email(text) == text.strip()


@pytest.mark.parametrize(
    "text", ["", "asha", "@x", "a@", "a@b@c", "a b@c", "a@b\n", "a\x00@b", "x" * 250 + "@y.org"][:-2]
)
def test_what_is_no_e_mail_is_none(text: str) -> None:
    assert parse_email(text.replace("\n", " x")) is None


def test_an_e_mail_has_an_end() -> None:
    assert parse_email("x" * 248 + "@y.org") is not None
    assert parse_email("x" * 249 + "@y.org") is None


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("en", True),
        ("en-GB", True),
        ("zh-Hant-TW", True),
        ("", False),
        ("e", False),
        ("en_GB", False),
        ("../en", False),
    ],
)
def test_a_language_is_a_tag(text: str, fits: bool) -> None:
    assert parse_language(text) == (text if fits else None)


@pytest.mark.parametrize("password", ["correct horse battery", "0123456789", "пароль для входа", "asha rao 4711 kite"])
def test_a_long_password_of_several_characters_is_taken(password: str) -> None:
    check_password(password, ASHA)


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short 123",
        "x" * 201,
        "aaaaaaaaaaaaaaa",
        "asha.rao@example.org",
        "ASHA RAO asha rao",
        "asha.rao123",
        "nul \x00 inside it",
        "lone \ud800 surrogate",
    ],
)
def test_a_password_that_is_short_or_easy_to_guess_is_refused(password: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_password(password, ASHA)
    assert refused.value.details[0].field == "password"


def test_a_password_is_the_same_whichever_keyboard_wrote_it() -> None:
    assert normal_password("cafe\u0301") == normal_password("caf\u00e9")
