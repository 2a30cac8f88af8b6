"""How often a password may be tried: neither is anybody kept out for good, nor may a machine go on."""

import asyncio

import pytest

from slotkeeper.domain.errors import InvalidInput, TooManyTries
from tests import direct
from tests.signing import HERE, THERE, Entrance, refuse

pytestmark = pytest.mark.usefixtures("quick_hashes")


def test_after_five_wrong_passwords_even_the_right_one_waits_and_then_is_let_in(known: Entrance) -> None:
    refuse(known, 5)
    with pytest.raises(TooManyTries) as refused:
        known.sign_in()
    assert refused.value.retry_after == 15 * 60
    known.world.clock.advance(minutes=10)
    with pytest.raises(TooManyTries) as refused:
        known.sign_in()
    assert refused.value.retry_after == 5 * 60, "what is refused prolongs nothing"
    known.world.clock.advance(minutes=5)
    known.sign_in()


def test_a_stranger_elsewhere_keeps_nobody_out(known: Entrance) -> None:
    refuse(known, 5, address=THERE)
    with pytest.raises(TooManyTries):
        known.sign_in(address=THERE)
    known.sign_in(address=HERE)


def test_an_address_is_refused_whichever_accounts_it_tries(known: Entrance) -> None:
    for number in range(50):
        refuse(known, 1, email=f"{number}@example.org")
    with pytest.raises(TooManyTries):
        known.sign_in("a wrong password", email="new@example.org")
    with pytest.raises(TooManyTries):
        known.sign_in()
    known.sign_in(address=THERE)


def test_an_account_is_refused_however_many_addresses_try(known: Entrance) -> None:
    for number in range(100):
        refuse(known, 1, address=f"10.0.0.{number}")
    with pytest.raises(TooManyTries):
        known.sign_in()


def test_the_right_password_takes_back_what_was_counted(known: Entrance) -> None:
    for _ in range(3):
        refuse(known, 4)
        known.sign_in()


def test_a_burst_is_counted_before_it_is_judged(known: Entrance) -> None:
    async def burst() -> list[str | BaseException]:
        tries = [known.signing_in("a wrong password") for _ in range(12)]
        return list(await asyncio.gather(*tries, return_exceptions=True))

    ended = known.world.run(burst())
    assert [type(one) for one in ended].count(InvalidInput) == 5
    assert [type(one) for one in ended].count(TooManyTries) == 7


def test_what_is_refused_writes_nothing(known: Entrance) -> None:
    refuse(known, 5)
    before = direct.dump(known.world.url, known.org_id)
    for _ in range(3):
        with pytest.raises(TooManyTries):
            known.sign_in()
    assert direct.dump(known.world.url, known.org_id) == before
