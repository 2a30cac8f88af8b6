"""A database on several machines: which one is asked, and when it is asked anew."""

import asyncio
import signal
import socket
import time
from collections.abc import Iterator

import asyncpg
import pytest

from slotkeeper.domain.errors import Unavailable
from slotkeeper.store import health, postgres, postgres_session
from slotkeeper.store.database import SQL, Connection
from slotkeeper.store.hosts import each_host, first_that_fits
from slotkeeper.store.postgres import PostgresDatabase
from tests.servers import PACKAGED, SUPERUSER
from tests.standbys import Node
from tests.waiting import wait_for

_ME = SQL("SELECT pg_backend_pid()")
_SLEEP = SQL("SELECT pg_sleep(0.2) IS NULL")


@pytest.fixture
def node() -> Iterator[Node]:
    node = Node("alone", PACKAGED)
    yield node
    node.remove()


@pytest.fixture
def silent() -> Iterator[str]:
    """A port that takes connections, and no more is heard of it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize(
    ("url", "urls"),
    [
        ("postgresql://a/d", ["postgresql://a/d"]),
        ("postgresql://u:p%2C@a,b:2/d?x=1", ["postgresql://u:p%2C@a/d?x=1", "postgresql://u:p%2C@b:2/d?x=1"]),
        ("postgresql://[::1]:1/d", ["postgresql://[::1]:1/d"]),
        ("postgresql:///d?host=/run/a", ["postgresql:///d?host=/run/a"]),
    ],
)
def test_each_host_of_a_url_has_a_url_of_its_own(url: str, urls: list[str]) -> None:
    assert each_host(url) == urls


def test_of_several_connections_one_is_kept_and_the_others_are_ended() -> None:
    class Raw:
        def __init__(self, url: str) -> None:
            self.url = url
            self.ended = False
            made.append(self)

        def terminate(self) -> None:
            self.ended = True

    async def connect(url: str) -> Raw:
        return Raw(url)

    made: list[Raw] = []
    chosen = wait_for(first_that_fits(["a", "b", "c"], connect))
    assert len(made) == 3
    assert [raw for raw in made if not raw.ended] == [chosen]


def test_where_no_host_fits_the_most_telling_error_is_raised() -> None:
    errors = {
        "away": ConnectionRefusedError(),
        "standby": asyncpg.TargetServerAttributeNotMatched("a standby"),
        "refuses": asyncpg.InvalidPasswordError("no"),
    }

    async def connect(url: str) -> None:
        await asyncio.sleep(0.01 * list(errors).index(url))
        raise errors[url]

    for urls, told in ((list(errors), "refuses"), (["standby", "away"], "standby"), (["away", "away"], "away")):
        with pytest.raises(type(errors[told])):
            wait_for(first_that_fits(urls, connect))


def test_a_host_that_hangs_does_not_keep_the_others_from_being_asked(node: Node, silent: str) -> None:
    database = PostgresDatabase(f"postgresql://{SUPERUSER}@{silent},{node.place}/postgres")
    start = time.monotonic()
    assert wait_for(database.look(_ME)) is not None
    assert time.monotonic() - start < postgres_session.PATIENCE / 2
    wait_for(database.close())


def test_hosts_that_all_are_away_are_unavailable_within_the_patience(silent: str) -> None:
    database = PostgresDatabase(f"postgresql://{SUPERUSER}@{silent},127.0.0.1:1/postgres")
    start = time.monotonic()
    with pytest.raises(Unavailable) as refusal:
        wait_for(database.look(_ME))
    assert time.monotonic() - start < postgres_session.PATIENCE + 1
    assert "The database x " in str(health.explain("x", refusal.value))


def test_connections_to_a_server_that_hung_are_all_made_anew(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (postgres, postgres_session):
        monkeypatch.setattr(module, "PATIENCE", 0.3)
    monkeypatch.setattr(postgres_session, "LONGEST_STATEMENT", 0.3)
    database = PostgresDatabase(node.url("postgres"))

    async def slow(tx: Connection) -> int:
        row = await tx.fetch_one(_ME)
        await tx.fetch_one(_SLEEP)
        assert row is not None
        return int(row[0])

    async def several() -> set[int]:
        return set(await asyncio.gather(*(database.write(slow) for _ in range(4))))

    before = wait_for(several())
    assert len(before) == 4
    node.signal(signal.SIGSTOP)
    with pytest.raises(Unavailable):
        wait_for(database.look(_ME))
    node.signal(signal.SIGCONT)
    assert not before & wait_for(several())
    wait_for(database.close())


def test_a_connection_that_may_only_read_is_made_anew_for_the_next_change(node: Node) -> None:
    """It leads to what was the primary when it was made, as where a name is moved to another machine."""
    database = PostgresDatabase(node.url("postgres"))
    wait_for(database.migrate())
    before = wait_for(database.look(_ME))
    node.set("default_transaction_read_only", "on")
    with pytest.raises(Unavailable):
        wait_for(database.write(health.try_write))
    node.set("default_transaction_read_only", "off")
    assert wait_for(database.look(_ME)) != before
    wait_for(database.close())
