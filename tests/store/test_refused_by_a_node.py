"""What the coordinator of a distributed database says of its nodes, raised by a real server, in the domain's words."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slotkeeper.app import open_database
from slotkeeper.domain.errors import Unavailable
from slotkeeper.store.database import SQL, Connection, Database
from tests.direct import change
from tests.engines import POSTGRES, empty_database
from tests.waiting import wait_for

RAISES = "BEGIN RAISE EXCEPTION 'a node said so' USING ERRCODE"

_REFUSE = SQL("SELECT refuse(:state)")
_REFUSE_AT_COMMIT = SQL("INSERT INTO refused_at_commit (state) VALUES (:state)")
_SESSION = SQL("SELECT pg_backend_pid()")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A database that refuses with the SQLSTATE it is asked for, at once or at the COMMIT."""
    with empty_database(POSTGRES, tmp_path) as url:
        change(url, f"CREATE FUNCTION refuse(state text) RETURNS int LANGUAGE plpgsql AS $$ {RAISES} = state; END $$")
        change(url, f"CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS $$ {RAISES} = new.state; END $$")
        change(url, "CREATE TABLE refused_at_commit (state text)")
        change(
            url,
            "CREATE CONSTRAINT TRIGGER refused AFTER INSERT ON refused_at_commit DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION at_commit()",
        )
        database = open_database(url)
        yield database
        wait_for(database.close())


@pytest.mark.parametrize("state", ["08006", "XX000", "57014", "40001", "40P01"])
def test_it_is_unavailable_and_the_connection_stays_good(database: Database, state: str) -> None:
    async def work(tx: Connection) -> None:
        await tx.fetch_one(_REFUSE, state=state)

    before = wait_for(database.look(_SESSION))
    with pytest.raises(Unavailable):
        wait_for(database.look(_REFUSE, state=state))
    with pytest.raises(Unavailable):
        wait_for(database.write(work))
    assert wait_for(database.look(_SESSION)) == before


@pytest.mark.parametrize(("state", "times"), [("08006", 1), ("XX000", 1), ("40001", 5), ("40P01", 5)])
@pytest.mark.parametrize("sql", [_REFUSE, _REFUSE_AT_COMMIT], ids=["in a statement", "at the commit"])
def test_only_what_others_stood_in_the_way_of_is_run_again(
    database: Database, sql: SQL, state: str, times: int
) -> None:
    """At the commit nobody knows whether it was done where a node went away: the idempotency key tells."""
    tried = []

    async def work(tx: Connection) -> None:
        tried.append(state)
        await tx.execute(sql, state=state)

    with pytest.raises(Unavailable):
        wait_for(database.write(work))
    assert len(tried) == times
