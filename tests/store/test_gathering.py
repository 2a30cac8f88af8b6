"""Looks that wait together share a statement, and none of them sees a moment before it asked."""

import asyncio
from collections.abc import Sequence

import pytest

from slotkeeper.domain.errors import Unavailable
from slotkeeper.domain.model import Configuration, Organization
from slotkeeper.store import directory
from slotkeeper.store.database import SQL, Database, Row, Rows
from slotkeeper.store.gathering import Gathering
from tests.waiting import wait_for

ORG = "11111111-1111-4111-8111-111111111111"
ANY = SQL("SELECT 1")
ECHO = SQL("""
    SELECT :number + 1, :text
    FROM organizations
    WHERE org_id = :org_id AND :number < 10
    @asked(number INTEGER, text TEXT)
""")


class Server:
    """Answers each set of values with itself, once a test lets it; how many sets each statement had."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.gate = asyncio.Event()
        self.failure: Exception | None = None

    async def fetch(self, _: SQL, org_id: str, sets: Rows) -> Sequence[Row]:
        self.sizes.append(len(sets.rows))
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return [(number, org_id, *values) for number, values in enumerate(sets.rows, 1) if values != ("nobody",)]


def test_those_who_come_while_a_statement_is_under_way_share_the_next_one() -> None:
    async def main() -> None:
        server = Server()
        gathering = Gathering(server.fetch)

        def ask(*names: str) -> list[asyncio.Task[Row | None]]:
            return [asyncio.create_task(gathering.look(ANY, ORG, (name,))) for name in names]

        first = ask("a", "b")
        await asyncio.sleep(0.01)
        later = ask("c", "c", "nobody", "d")
        await asyncio.sleep(0.01)
        assert server.sizes == [2]
        server.gate.set()
        assert await asyncio.gather(*first) == [(ORG, "a"), (ORG, "b")]
        assert await asyncio.gather(*later) == [(ORG, "c"), (ORG, "c"), None, (ORG, "d")]
        assert server.sizes == [2, 3]

    asyncio.run(main())


def test_a_failure_is_the_answer_of_those_who_shared_it_and_of_nobody_after() -> None:
    async def main() -> None:
        server = Server()
        server.failure = Unavailable()
        server.gate.set()
        gathering = Gathering(server.fetch)
        shared = await asyncio.gather(*(gathering.look(ANY, ORG, (name,)) for name in "ab"), return_exceptions=True)
        assert [type(one) for one in shared] == [Unavailable, Unavailable]
        server.failure = None
        assert await gathering.look(ANY, ORG, ("a",)) == (ORG, "a")

    asyncio.run(main())


def test_one_who_goes_away_takes_nobody_along() -> None:
    async def main() -> None:
        server = Server()
        gathering = Gathering(server.fetch)
        gone, stays = (asyncio.create_task(gathering.look(ANY, ORG, ("a",))) for _ in range(2))
        await asyncio.sleep(0.01)
        gone.cancel()
        server.gate.set()
        assert await stays == (ORG, "a")
        with pytest.raises(asyncio.CancelledError):
            await gone

    asyncio.run(main())


def test_every_engine_gives_each_who_looks_at_once_the_row_asked_for(database: Database) -> None:
    async def main() -> list[Row | None]:
        organization = Organization(ORG, "Owner", 1, Configuration())
        await database.write(lambda tx: directory.insert_organization(tx, organization))
        looks = [database.look(ECHO, org_id=ORG, number=number % 12, text=f"text {number}") for number in range(40)]
        return await asyncio.gather(*looks)

    for number, row in enumerate(wait_for(main())):
        wanted = None if number % 12 >= 10 else (number % 12 + 1, f"text {number}")
        assert (None if row is None else tuple(row)) == wanted
