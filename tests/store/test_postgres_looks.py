"""Looks on PostgreSQL: those that wait together are one statement, and nobody notices."""

import asyncio
import time
from typing import Any

import pytest

from slotkeeper.domain.errors import Unavailable
from slotkeeper.domain.model import Configuration, Organization, Service
from slotkeeper.store import directory, postgres_session
from slotkeeper.store.database import SQL
from slotkeeper.store.postgres import PostgresDatabase
from tests.store.owned import ORG, SERVICE, add
from tests.waiting import wait_for

_RENAME = SQL("UPDATE services SET name = :name WHERE org_id = :org_id AND service_id = :service_id")
_OF_ID = SQL(
    "SELECT name, service_id FROM services WHERE org_id = :org_id AND service_id = :service_id @asked(service_id UUID)"
)
_SLOWLY = SQL(
    "SELECT name, pg_sleep(:milliseconds / 1000.0)::text FROM services"
    " WHERE org_id = :org_id AND (:service_id IS NULL OR service_id = :service_id)"
    " @asked(service_id UUID, milliseconds INTEGER)"
)


@pytest.fixture
def url(postgres_url: str) -> str:
    return postgres_url


@pytest.fixture
def database(postgres: PostgresDatabase) -> PostgresDatabase:
    return postgres


def _id(number: int) -> str:
    return f"{number:08d}-0000-4000-8000-000000000000"


def test_looks_that_wait_together_are_one_statement_and_each_gets_its_own_answer(database: PostgresDatabase) -> None:
    for number in range(20):
        wait_for(database.write(add(f"Service {number}", _id(number))))
    statements_run = []
    fetch = database._gathering._fetch

    async def count(*given: Any) -> Any:
        statements_run.append(given)
        return await fetch(*given)

    database._gathering._fetch = count

    async def ask() -> list[Any]:
        return await asyncio.gather(*(database.look(_OF_ID, org_id=ORG, service_id=_id(n % 25)) for n in range(50)))

    found = [None if row is None else tuple(row) for row in wait_for(ask())]
    assert found == [(f"Service {n % 25}", _id(n % 25)) if n % 25 < 20 else None for n in range(50)]
    assert len(statements_run) == 1


def test_looks_of_two_organizations_do_not_wait_for_each_other(database: PostgresDatabase) -> None:
    other = "99999999-9999-4999-8999-999999999999"
    wait_for(database.write(lambda tx: directory.insert_organization(tx, Organization(other, "B", 1, Configuration()))))
    wait_for(database.write(add("Checkup")))
    wait_for(database.write(lambda tx: directory.insert_service(tx, other, Service(_id(1), "Theirs", True, 1, 1))))

    async def ask() -> float:
        slow = asyncio.ensure_future(database.look(_SLOWLY, org_id=ORG, service_id=None, milliseconds=1_000))
        await asyncio.sleep(0.1)
        start = time.monotonic()
        row = await database.look(_SLOWLY, org_id=other, service_id=None, milliseconds=0)
        assert row is not None
        assert row[0] == "Theirs"
        passed = time.monotonic() - start
        await slow
        return passed

    assert wait_for(ask()) < 0.8


def test_a_look_sees_everything_that_was_committed_before_it_was_asked_for(database: PostgresDatabase) -> None:
    """Also where it has to wait for one that began before: a revoked key is refused from the next request on."""
    wait_for(database.write(add("before")))

    async def ask() -> list[str]:
        early = asyncio.ensure_future(database.look(_SLOWLY, org_id=ORG, service_id=SERVICE, milliseconds=400))
        await asyncio.sleep(0.1)
        await database.write(lambda tx: tx.execute(_RENAME, org_id=ORG, service_id=SERVICE, name="after"))
        late = [database.look(_SLOWLY, org_id=ORG, service_id=SERVICE, milliseconds=0) for _ in range(3)]
        rows = [await early, *await asyncio.gather(*late)]
        return [row[0] for row in rows if row is not None]

    assert wait_for(ask()) == ["before", "after", "after", "after"]


def test_a_look_that_nobody_waits_for_any_more_disturbs_no_other(database: PostgresDatabase) -> None:
    wait_for(database.write(add("Checkup")))

    async def ask() -> list[Any]:
        asked = [
            asyncio.ensure_future(database.look(_SLOWLY, org_id=ORG, service_id=SERVICE, milliseconds=100))
            for _ in range(5)
        ]
        await asyncio.sleep(0.05)
        asked[0].cancel()
        asked[2].cancel()
        return await asyncio.gather(*asked, return_exceptions=True)

    found = wait_for(ask())
    assert [isinstance(one, asyncio.CancelledError) for one in found] == [True, False, True, False, False]
    assert {one[0] for one in found if not isinstance(one, BaseException)} == {"Checkup"}


def test_looks_together_that_the_server_cannot_answer_are_all_unavailable(
    database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for(database.write(add("Checkup")))
    wait_for(database.close())
    monkeypatch.setattr(postgres_session, "LONGEST_STATEMENT", 0.2)

    async def ask() -> list[Any]:
        looks = (database.look(_SLOWLY, org_id=ORG, service_id=SERVICE, milliseconds=2_000) for _ in range(5))
        return await asyncio.gather(*looks, return_exceptions=True)

    assert [type(one) for one in wait_for(ask())] == [Unavailable] * 5
    row = wait_for(database.look(_OF_ID, org_id=ORG, service_id=SERVICE))
    assert row is not None
