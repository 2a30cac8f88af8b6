"""What is particular to the server engine."""

import asyncio
import contextlib
import random
import signal
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from slotkeeper.domain.errors import Conflict, Unavailable
from slotkeeper.store import postgres, postgres_session
from slotkeeper.store.database import SQL, Connection, Work
from slotkeeper.store.pool import Pool
from slotkeeper.store.postgres import PostgresDatabase
from tests import direct
from tests.servers import PACKAGED, Server, server, versions
from tests.store.owned import ORG, SERVICE, add, add_organization
from tests.waiting import wait_for

_SLEEP = SQL("SELECT pg_sleep(:milliseconds / 1000.0) IS NULL")
_ME = SQL("SELECT pg_backend_pid()")
_NAME = SQL("SELECT name FROM services WHERE org_id = :org_id")
_RENAME = SQL("UPDATE services SET name = :name WHERE org_id = :org_id AND service_id = :service_id")


@pytest.fixture
def url(postgres_url: str) -> str:
    return postgres_url


@pytest.fixture
def database(postgres: PostgresDatabase) -> PostgresDatabase:
    return postgres


def _names(database: PostgresDatabase) -> list[str]:
    return sorted(row[0] for row in wait_for(database.read(lambda tx: tx.fetch(_NAME, org_id=ORG))))


async def _end(url: str, pid: int) -> None:
    """Cut a session off, as an operator or a fail-over does, and wait until it is gone."""
    await asyncio.to_thread(direct.rows, url, f"SELECT pg_terminate_backend({pid}, 5000)")


def test_a_session_that_is_cut_off_before_the_commit_did_nothing_and_is_unavailable(
    database: PostgresDatabase, url: str
) -> None:
    async def work(tx: Connection) -> None:
        await add("Checkup")(tx)
        row = await tx.fetch_one(_ME)
        assert row is not None
        await _end(url, row[0])
        await tx.fetch_one(_ME)

    with pytest.raises(Unavailable):
        wait_for(database.write(work))
    assert _names(database) == []
    wait_for(database.write(add("Checkup")))
    assert _names(database) == ["Checkup"]


def test_a_session_that_is_cut_off_at_its_commit_is_unavailable_and_not_done_again(
    database: PostgresDatabase, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It waits for a standby that is not there, and is ended while it does: then it is committed all the same."""
    runs = []
    running = server(PACKAGED)
    direct.change(url, f"ALTER DATABASE {url.partition('?')[0].rpartition('/')[2]} SET synchronous_commit = on")
    waits = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND datname = current_database()"

    async def work(tx: Connection) -> None:
        runs.append(1)
        await add("Checkup")(tx)

    async def cut_off() -> None:
        writing = asyncio.ensure_future(database.write(work))
        async with asyncio.timeout(10):
            while not (found := await asyncio.to_thread(direct.rows, url, waits)):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await _end(url, found[0][0])
        with pytest.raises(Unavailable):
            await writing

    wait_for(database.close())
    running.set("synchronous_standby_names", "nobody")
    try:
        wait_for(cut_off())
    finally:
        running.set("synchronous_standby_names", "")
    assert runs == [1]
    assert _names(database) == ["Checkup"]
    assert "its outcome is unknown" in caplog.text


def test_what_is_for_the_next_seconds_only_waits_for_no_standby(database: PostgresDatabase, url: str) -> None:
    """A key's share of its rate limit, for one: reading goes on while all standbys are away."""
    running = server(PACKAGED)
    direct.change(url, f"ALTER DATABASE {url.partition('?')[0].rpartition('/')[2]} SET synchronous_commit = on")
    wait_for(database.close())
    running.set("synchronous_standby_names", "nobody")
    try:
        wait_for(database.write(add("Checkup"), lasting=False))
        with pytest.raises(Unavailable, match="not known whether"):
            wait_for(database.write(add("Vaccination", "33333333-3333-4333-8333-333333333333")))
    finally:
        running.set("synchronous_standby_names", "")
    assert "Checkup" in _names(database)


def test_idle_sessions_that_were_cut_off_are_replaced_without_anybody_noticing(
    database: PostgresDatabase, url: str
) -> None:
    async def pids() -> set[int]:
        async def work(tx: Connection) -> int:
            row = await tx.fetch_one(_ME)
            await tx.fetch_one(_SLEEP, milliseconds=200)
            assert row is not None
            return int(row[0])

        return set(await asyncio.gather(*(database.write(work) for _ in range(3))))

    before = wait_for(pids())
    assert len(before) == 3
    for pid in before:
        wait_for(_end(url, pid))
    wait_for(database.write(add("Checkup")))
    assert _names(database) == ["Checkup"]
    assert not before & wait_for(pids())


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["stopped", "crashed"])
def test_while_the_server_is_away_everything_is_unavailable_and_afterwards_as_before(how: signal.Signals) -> None:
    running = Server(versions()[PACKAGED])
    try:
        database = PostgresDatabase(running.url("postgres"))
        wait_for(database.migrate())
        wait_for(database.write(add_organization))
        wait_for(database.write(add("Checkup")))
        running.stop(how)
        start = time.monotonic()
        acts: list[Callable[[], Coroutine[Any, Any, Any]]] = [
            lambda: database.write(add("Dentist")),
            lambda: database.read(lambda tx: tx.fetch(_NAME, org_id=ORG)),
            lambda: database.look(_NAME, org_id=ORG),
            lambda: database.read_aside(lambda tx: tx.fetch(_NAME, org_id=ORG)),
            database.schema_step,
        ]
        for act in acts:
            with pytest.raises(Unavailable):
                wait_for(act())
        assert time.monotonic() - start < postgres_session.PATIENCE
        running.start()
        assert _names(database) == ["Checkup"]
        wait_for(database.write(add("Dentist", "33333333-3333-4333-8333-333333333333")))
        assert _names(database) == ["Checkup", "Dentist"]
        wait_for(database.close())
    finally:
        running.remove()


def test_a_statement_that_takes_too_long_is_unavailable(
    database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for(database.close())
    monkeypatch.setattr(postgres_session, "LONGEST_STATEMENT", 0.2)
    for act in (database.read, database.write):
        with pytest.raises(Unavailable):
            wait_for(act(lambda tx: tx.fetch_one(_SLEEP, milliseconds=20_000)))
    wait_for(database.read_aside(lambda tx: tx.fetch_one(_SLEEP, milliseconds=500)))


def test_a_transaction_that_stands_idle_too_long_is_unavailable(
    database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for(database.close())
    monkeypatch.setattr(postgres_session, "LONGEST_STATEMENT", 0.2)

    async def work(tx: Connection) -> None:
        await tx.fetch_one(_ME)
        await asyncio.sleep(0.6)
        await tx.fetch_one(_ME)

    with pytest.raises(Unavailable):
        wait_for(database.write(work))
    wait_for(database.write(add("Checkup")))


def test_two_that_wait_for_each_other_are_both_done(database: PostgresDatabase) -> None:
    other = "33333333-3333-4333-8333-333333333333"
    wait_for(database.write(add("Checkup")))
    wait_for(database.write(add("Dentist", other)))
    runs = []

    async def both() -> None:
        met = asyncio.Barrier(2)

        def rename(first: str, second: str, mark: str) -> Work[None]:
            async def work(tx: Connection) -> None:
                runs.append(mark)
                await tx.execute(_RENAME, org_id=ORG, service_id=first, name=f"{mark} first")
                if len(runs) <= 2:
                    await met.wait()
                await tx.execute(_RENAME, org_id=ORG, service_id=second, name=f"{mark} second")

            return work

        async with asyncio.timeout(20):
            await asyncio.gather(
                database.write(rename(SERVICE, other, "a")), database.write(rename(other, SERVICE, "b"))
            )

    wait_for(both())
    assert len(runs) == 3, "one of them was run again"
    last = runs[-1]
    assert _names(database) == [f"{last} first", f"{last} second"]


def test_work_that_goes_on_after_one_of_its_statements_failed_is_no_success(database: PostgresDatabase) -> None:
    async def work(tx: Connection) -> None:
        await add("Checkup")(tx)
        with pytest.raises(Exception, match="duplicate key"):
            await add("Checkup")(tx)

    with pytest.raises(RuntimeError, match="went on"):
        wait_for(database.write(work))
    assert _names(database) == []


def test_a_caller_who_goes_away_leaves_nothing_half_done_and_no_connection_behind(database: PostgresDatabase) -> None:
    async def work(tx: Connection) -> None:
        await add("Checkup")(tx)
        await tx.fetch_one(_SLEEP, milliseconds=30_000)

    async def leave() -> None:
        for _ in range(postgres.MOST_CONNECTIONS + 5):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await database.write(work)

    wait_for(leave())
    wait_for(database.write(add("Dentist")))
    assert _names(database) == ["Dentist"]


def test_who_has_waited_too_long_for_those_before_is_not_begun_with(database: PostgresDatabase) -> None:
    with pytest.raises(Unavailable):
        wait_for(database.write(add("Checkup"), asked_at=time.monotonic() - postgres_session.PATIENCE))
    wait_for(database.write(add("Dentist"), asked_at=time.monotonic() - postgres_session.PATIENCE / 2))
    assert _names(database) == ["Dentist"]


def test_who_waits_for_a_connection_too_long_is_told_so(
    database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "PATIENCE", 0.2)

    async def crowd() -> list[Any]:
        slow = [
            database.write(lambda tx: tx.fetch_one(_SLEEP, milliseconds=1_000))
            for _ in range(postgres.MOST_CONNECTIONS)
        ]
        working = asyncio.gather(*slow)
        await asyncio.sleep(0.1)
        late = await asyncio.gather(*(database.look(_ME) for _ in range(5)), return_exceptions=True)
        await working
        return late

    assert [type(one) for one in wait_for(crowd())] == [Unavailable] * 5
    assert wait_for(database.look(_ME)) is not None


def test_a_schema_that_changes_under_prepared_statements_is_nobodys_failure(
    database: PostgresDatabase, url: str
) -> None:
    wait_for(database.write(add("Checkup")))
    whole = SQL("SELECT * FROM services WHERE org_id = :org_id")

    async def read(tx: Connection) -> int:
        rows = await tx.fetch(whole, org_id=ORG)
        return len(rows[0])

    columns = wait_for(database.write(read))
    direct.change(url, "ALTER TABLE services ADD COLUMN later integer")
    assert wait_for(database.write(read)) == columns + 1


def test_every_refusal_of_a_row_is_a_conflict(database: PostgresDatabase, url: str) -> None:
    direct.refuse(url, "INSERT", "services")
    with pytest.raises(Conflict):
        wait_for(database.write(add("Checkup")))


@pytest.mark.parametrize("url_of", ["postgresql://nobody@127.0.0.1:1/x", "postgresql://nobody@host.invalid/x"])
def test_a_server_that_cannot_be_reached_is_unavailable(url_of: str) -> None:
    database = PostgresDatabase(url_of)
    with pytest.raises(Unavailable):
        wait_for(database.schema_step())


class FakeRaw:
    """A connection that can be closed, and nothing else."""

    closed = False

    def is_closed(self) -> bool:
        return self.closed

    async def close(self, **_: float) -> None:
        self.closed = True


def test_the_pool_lends_the_next_connection_to_who_waited_longest() -> None:
    async def queue() -> list[int]:
        async def connect() -> FakeRaw:
            return FakeRaw()

        pool, served = Pool(connect, 1), []

        async def wait(number: int) -> None:
            raw = await pool.take(5)
            served.append(number)
            await asyncio.sleep(0)
            pool.give(raw)

        first = await pool.take(5)
        waiting = [asyncio.ensure_future(wait(number)) for number in range(5)]
        await asyncio.sleep(0)
        waiting[1].cancel()
        pool.give(first)
        await asyncio.gather(*waiting, return_exceptions=True)
        await pool.close(1)
        return served

    assert wait_for(queue()) == [0, 2, 3, 4]


class Breaking:
    """Opens connections, which sometimes fails; counts how many were open at once at most."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.pool = Pool(self.connect, 3)
        self.most = 0
        self._opened: list[FakeRaw] = []

    async def connect(self) -> FakeRaw:
        raw = FakeRaw()
        self._opened.append(raw)
        self.most = max(self.most, sum(not one.closed for one in self._opened))
        try:
            await asyncio.sleep(self.dice.random() / 1000)
            if self.dice.random() < 0.2:
                raise OSError  # noqa: TRY301 - as connecting does
        except BaseException:  # also where nobody waits for it any more
            raw.closed = True
            raise
        return raw

    async def use(self) -> None:
        """Borrow one for a moment, if patience lasts; sometimes it closes meanwhile."""
        with contextlib.suppress(OSError, TimeoutError):
            raw = await self.pool.take(self.dice.choice([0.001, 5]))
            try:
                await asyncio.sleep(self.dice.random() / 1000)
                raw.closed = self.dice.random() < 0.3
            finally:
                self.pool.give(raw)


@pytest.mark.parametrize("seed", range(10))
def test_the_pool_never_has_more_connections_than_it_may_and_loses_no_place(seed: int) -> None:
    async def crowd() -> tuple[int, int]:
        breaking = Breaking(seed)
        using = [asyncio.ensure_future(breaking.use()) for _ in range(200)]
        for one in breaking.dice.sample(using, 30):
            await asyncio.sleep(0)
            one.cancel()
        await asyncio.gather(*using, return_exceptions=True)
        taken: list[FakeRaw] = []
        while len(taken) < 3:  # every place can be had again
            with contextlib.suppress(OSError):
                taken.append(await breaking.pool.take(5))
        with pytest.raises(TimeoutError):
            await breaking.pool.take(0.01)
        return len(taken), breaking.most

    assert wait_for(crowd()) == (3, 3)
