"""Secrets, when they end, and what tries are counted by."""

import re

from slotkeeper.domain.sign_ins import (
    IDLE,
    LONGEST,
    counters_of,
    has_ended,
    hash_secret,
    make_secret,
    organization_of,
)

ORG = "0d3c1f2a-5b7e-4c8d-9a10-5107c11a1c00"


def test_a_secret_carries_its_organization() -> None:
    secret = make_secret(ORG, "a" * 40)
    assert organization_of(secret) == ORG
    assert re.fullmatch("[0-9a-f]{64}", hash_secret(secret))
    for wrong in ("", secret[:-1], secret + "a", secret.upper(), secret.replace("_", "-"), f"{secret}\n", f"x{secret}"):
        assert organization_of(wrong) is None


def test_a_sign_in_ends_when_nothing_was_done_and_in_any_case() -> None:
    assert not has_ended(0, 0, IDLE - 1)
    assert has_ended(0, 0, IDLE)
    assert not has_ended(0, LONGEST - 1, LONGEST - 1)
    assert has_ended(0, LONGEST - 1, LONGEST)


def test_tries_are_counted_by_account_and_by_address_without_naming_them() -> None:
    counters = counters_of("Asha@Example.org", "192.0.2.1")
    assert counters == counters_of(" asha@example.ORG", "192.0.2.1")
    both, account, address = counters
    assert both.most < address.most < account.most
    elsewhere = counters_of("asha@example.org", "192.0.2.2")
    assert (elsewhere[0] != both, elsewhere[1] == account, elsewhere[2] != address) == (True, True, True)
    other = counters_of("ravi@example.org", "192.0.2.1")
    assert (other[0] != both, other[1] != account, other[2] == address) == (True, True, True)
    assert not any("asha" in counter.subject or "192" in counter.subject for counter in counters)


def test_one_household_is_one_address() -> None:
    def address(text: str) -> str:
        return counters_of("a@b", text)[2].subject

    assert address("2001:db8:1:2::1") == address("2001:db8:1:2:ffff::9")
    assert address("2001:db8:1:2::1") != address("2001:db8:1:3::1")
    assert address("::ffff:192.0.2.1") == address("192.0.2.1")
    assert address("") != address("no address")
