"""Scopes, and what an API key's text says (contract section 3)."""

import re
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotkeeper.domain import access
from slotkeeper.domain.access import Caller, Scope
from slotkeeper.domain.errors import InsufficientScope
from slotkeeper.domain.model import Channel

SECRET = "A1b2" * 10


def caller(*scopes: Scope) -> Caller:
    return Caller(str(uuid4()), str(uuid4()), frozenset(scopes), Channel.AI, 60)


def test_the_scopes_are_those_of_the_contract() -> None:
    named = ["slots:read", "slots:write", "appointments:read", "appointments:write", "admin"]
    assert [scope.value for scope in Scope] == named


@pytest.mark.parametrize("scope", list(Scope))
def test_a_caller_has_exactly_its_own_scopes_and_the_refusal_names_the_missing_one(scope: Scope) -> None:
    caller(scope).require(scope)
    others = [other for other in Scope if other is not scope]
    with pytest.raises(InsufficientScope, match=re.escape(scope)) as refusal:
        caller(*others).require(scope)
    assert refusal.value.code == "INSUFFICIENT_SCOPE"


def test_admin_does_not_stand_for_the_other_scopes() -> None:
    with pytest.raises(InsufficientScope):
        caller(Scope.ADMIN).require(Scope.SLOTS_READ)


def test_the_operator_at_the_command_line_has_every_scope_and_no_rate_limit() -> None:
    person = access.operator(str(uuid4()))
    for scope in Scope:
        person.require(scope)
    assert person.rate_limit == 0


def test_a_key_starts_with_sk_live_and_carries_its_organizations_id() -> None:
    org_id = str(uuid4())
    key = access.make_key(org_id, SECRET)
    assert key.startswith("sk_live_")
    assert key.endswith(SECRET)
    assert access.organization_of_key(key) == org_id


def test_the_stored_form_of_a_key_does_not_contain_it() -> None:
    key = access.make_key(str(uuid4()), SECRET)
    assert SECRET not in access.hash_key(key)
    assert access.hash_key(key) != access.hash_key(key[:-1] + "z")


@pytest.mark.parametrize(
    "text",
    ["", "sk_live_", "sk_test_" + "0" * 32 + "_" + SECRET, "sk_live_" + "0" * 32, "sk_live_" + "0" * 32 + "_short",
     "sk_live_" + "g" * 32 + "_" + SECRET, "sk_live_" + "0" * 32 + "_" + SECRET + "\n",
     "sk_live_" + "0" * 32 + "_" + "é" * 40,
     " sk_live_" + "0" * 32 + "_" + SECRET],
)  # fmt: skip
def test_what_is_no_key_names_no_organization(text: str) -> None:
    assert access.organization_of_key(text) is None


@given(st.text(max_size=120))
def test_no_text_breaks_the_reading_of_a_key(text: str) -> None:
    found = access.organization_of_key(text)
    assert found is None or text == access.make_key(found, text.rpartition("_")[2])
