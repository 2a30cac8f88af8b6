"""``migrate --distributed``: all tables, parents first, in one transaction; refused where it cannot be done."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from slotkeeper.app import open_database
from slotkeeper.domain.errors import Unavailable
from slotkeeper.domain.model import Configuration, Organization
from slotkeeper.settings import is_server
from slotkeeper.store import directory
from slotkeeper.store import postgres as engine
from slotkeeper.store.database import Database
from slotkeeper.store.migrations import current_step
from slotkeeper.store.tables import TABLES
from tests import stand_in_citus
from tests.direct import change, rows
from tests.engines import CLUSTERS, SERVERS, SQLITE, empty_database
from tests.waiting import wait_for

NAMES = [table.name for table in TABLES]
OTHERS = NAMES[1:]
EVERYTHING = [
    "distribute organizations org_id none",
    *(f"distribute {name} org_id organizations" for name in OTHERS),
    "truncate organizations",
]
STAND_IN = "stand-in"
ORG = "11111111-1111-4111-8111-111111111111"
OURS = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[str]:
    """A database with the stand-in for Citus, and without a schema."""
    with stand_in_citus.prepared_to_note(tmp_path) as url:
        yield url


@pytest.fixture
def noting(stand_in: str) -> Iterator[Database]:
    database = open_database(stand_in)
    yield database
    wait_for(database.close())


@pytest.mark.parametrize("url", [SQLITE, *SERVERS], indirect=True)
def test_a_database_that_cannot_be_distributed_is_refused_and_left_as_it_was(url: str, empty: Database) -> None:
    with pytest.raises(Unavailable, match=r"'citus'.*or migrate without --distributed"):
        wait_for(empty.distribute())
    assert wait_for(empty.schema_step()) == 0
    if is_server(url):
        assert rows(url, OURS) == [(0,)]
    else:
        assert not Path(url.removeprefix("sqlite://")).exists()


@pytest.mark.parametrize("url", [SQLITE, *SERVERS], indirect=True)
def test_a_database_of_one_part_is_whole(database: Database) -> None:
    assert wait_for(database.is_whole())
    assert not wait_for(database.is_distributed())


def test_all_tables_are_distributed_in_order_beside_the_organizations(noting: Database, stand_in: str) -> None:
    assert wait_for(noting.distribute()) == NAMES
    assert stand_in_citus.asked(stand_in) == EVERYTHING
    assert wait_for(noting.schema_step()) == current_step()
    assert wait_for(noting.is_distributed())


def test_distributing_again_changes_nothing(noting: Database, stand_in: str) -> None:
    wait_for(noting.distribute())
    assert wait_for(noting.distribute()) == []
    assert stand_in_citus.asked(stand_in) == EVERYTHING


def test_a_table_that_cannot_be_distributed_leaves_all_of_them_where_they_were(noting: Database, stand_in: str) -> None:
    name = stand_in_citus.database_of(stand_in)
    change(stand_in, f"ALTER DATABASE {name} SET stand_in.refuses = 'closures'")
    with pytest.raises(Unavailable):
        wait_for(noting.distribute())
    assert stand_in_citus.asked(stand_in) == []
    assert rows(stand_in, "SELECT * FROM pg_dist_partition") == []
    change(stand_in, f"ALTER DATABASE {name} RESET stand_in.refuses")
    wait_for(noting.close())
    assert wait_for(noting.distribute()) == NAMES


def test_programs_that_distribute_at_once_do_it_once(noting: Database, stand_in: str) -> None:
    other = open_database(stand_in)

    async def both() -> list[list[str]]:
        return list(await asyncio.gather(noting.distribute(), other.distribute()))

    assert sorted(wait_for(both())) == [[], NAMES]
    assert stand_in_citus.asked(stand_in) == EVERYTHING
    wait_for(other.close())


def test_migrating_distributes_nothing_where_nobody_asked_for_it(noting: Database, stand_in: str) -> None:
    wait_for(noting.migrate())
    assert stand_in_citus.asked(stand_in) == []


def test_what_a_step_brings_to_a_distributed_database_is_distributed_too(noting: Database, stand_in: str) -> None:
    wait_for(noting.distribute())
    change(stand_in, "DELETE FROM pg_dist_partition WHERE logicalrelid = 'rate_leases'::regclass")
    assert wait_for(noting.migrate()) == current_step()
    brought = ["distribute rate_leases org_id organizations", "truncate organizations"]
    assert stand_in_citus.asked(stand_in) == EVERYTHING + brought


def test_a_node_that_is_away_or_says_nothing_leaves_the_database_in_part(
    noting: Database, stand_in: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for(noting.distribute())
    assert wait_for(noting.is_whole())
    change(stand_in, "INSERT INTO nodes VALUES (TRUE, 0), (TRUE, 0)")
    assert wait_for(noting.is_whole())
    change(stand_in, "INSERT INTO nodes VALUES (FALSE, 0)")
    assert not wait_for(noting.is_whole())
    change(stand_in, "UPDATE nodes SET success = TRUE, seconds = 5")
    monkeypatch.setattr(engine, "NODES_PATIENCE", 0.2)
    assert not wait_for(noting.is_whole())


@pytest.mark.parametrize("where", [STAND_IN, *CLUSTERS])
def test_the_rows_that_are_there_stay_when_the_tables_are_distributed(
    where: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    with contextlib.ExitStack() as stack:
        on_cluster = where in CLUSTERS
        url = (
            stack.enter_context(empty_database(where, tmp_path)) if on_cluster else request.getfixturevalue("stand_in")
        )
        database = open_database(url)
        wait_for(database.migrate())
        made = Organization(ORG, "Owner", 1, Configuration())
        wait_for(database.write(lambda tx: directory.insert_organization(tx, made)))
        assert wait_for(database.distribute()) == NAMES
        assert wait_for(database.distribute()) == []
        assert wait_for(database.read(lambda tx: directory.find_organization(tx, ORG))) == made
        assert wait_for(database.is_whole())
        if on_cluster:
            found = rows(url, "SELECT table_name::text, colocation_id FROM citus_tables ORDER BY 1")
            assert [name for name, _ in found] == sorted(NAMES)
            assert len({group for _, group in found}) == 1
        wait_for(database.close())
