"""PostgreSQL behind a pgbouncer in transaction mode: raced, with fewer sessions than those who book; and what it leaves
behind in sessions that belong to everybody."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from slotkeeper.domain.errors import Unavailable
from slotkeeper.store import postgres, postgres_session
from slotkeeper.store.database import SQL, Connection
from tests import direct
from tests.engines import POOLER, empty_database, open_url
from tests.operations.test_races import CLOCKS, PROCESSES, Race
from tests.pooler import SESSIONS, pooler
from tests.servers import PACKAGED
from tests.waiting import wait_for
from tests.world import Cast, Client, World, good, refused

pytestmark = [pytest.mark.slow, pytest.mark.engines(POOLER)]

_SLEEP = SQL("SELECT pg_sleep(:tenths * 0.1)")
_ONE = SQL("SELECT 1")
_LEFT_BEHIND = """
    SELECT pg_backend_pid(), (SELECT count(*) FROM pg_prepared_statements),
        (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),
        (SELECT string_agg(name || '=' || setting, ', ') FROM pg_settings WHERE source = 'session' AND name NOT IN
            ('application_name', 'client_encoding', 'DateStyle', 'TimeZone', 'standard_conforming_strings'))
"""
"""Those settings a pooler keeps for each of its clients."""


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with empty_database(POOLER, tmp_path) as url:
        yield url


def test_processes_that_book_move_and_hold_through_a_pooler_never_oversell(
    world: World, owner: Client, cast: Cast
) -> None:
    race = Race(world, owner, cast.owner_org)
    race.open(7)
    race.watch(7)
    done: Counter[str] = sum(race.run({"restless": 10, "holder": 8}, apart=CLOCKS, speed=600, places=7), Counter())
    assert done["BOOKED"] > 7
    assert done["HELD"] > 0
    assert "UNAVAILABLE" not in done
    assert race.seen() == []
    assert race.filled()[0] <= 7
    race.fill_up(7)


def test_processes_that_book_through_a_pooler_fill_a_window_exactly(world: World, owner: Client, cast: Cast) -> None:
    race = Race(world, owner, cast.owner_org)
    race.open(7)
    done = race.run({"once": 20})
    assert sum(codes["BOOKED"] for codes in done) == 7
    assert sum(codes["SLOT_FULL"] for codes in done) == PROCESSES * 20 - 7
    assert race.filled() == [7, 0]


def test_nothing_is_left_behind_in_sessions_that_belong_to_everybody(world: World, owner: Client) -> None:
    service = owner.service("Checkup")
    owner.branch("Main Street")
    calendar_id = owner.window()
    good(owner.override(calendar_id, "2026-06-15", service, max_slots=3))
    owner.regenerate("2026-06-15", "2026-06-30")
    good(owner.get("/v1/audit"))
    good(owner.get("/v1/appointments", date="2026-06-15"))
    sessions = wait_for(_look_into_each(world.url))
    assert len(sessions) == SESSIONS
    assert list(sessions.values()) == [(0, 0, None)] * SESSIONS


async def _look_into_each(url: str) -> dict[int, tuple[Any, ...]]:
    """What is left behind in each session of the pooler: each transaction keeps one of them from the others."""
    clients = [await asyncpg.connect(url, statement_cache_size=0) for _ in range(SESSIONS)]
    found = {}
    for client in clients:
        await client.execute("BEGIN")
        pid, *rest = await client.fetchrow(_LEFT_BEHIND)
        found[pid] = tuple(rest)
    for client in clients:
        await client.close()
    return found


def test_a_statement_and_a_lock_that_take_too_long_are_unavailable(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_session, "LONGEST_STATEMENT", 0.3)
    monkeypatch.setattr(postgres_session, "PATIENCE", 0.15)
    db = open_url(world.url)
    try:
        for work in (db.read, db.write):
            with pytest.raises(Unavailable) as told:
                wait_for(work(lambda tx: tx.fetch_one(_SLEEP, tenths=5)))
            assert isinstance(told.value.__cause__, asyncpg.QueryCanceledError)
        wait_for(db.read_aside(lambda tx: tx.fetch_one(_SLEEP, tenths=5)))
        with direct.locked(world.url, "services"), pytest.raises(Unavailable) as told:
            wait_for(db.write(lambda tx: tx.execute(SQL("UPDATE services SET active = active"))))
        assert isinstance(told.value.__cause__, asyncpg.LockNotAvailableError)
    finally:
        wait_for(db.close())


def test_whoever_gets_no_session_in_time_is_told_so_and_the_next_one_gets_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "PATIENCE", 0.5)
    monkeypatch.setattr(postgres_session, "PATIENCE", 0.5)
    db = open_url(world.url)

    async def crowd() -> None:
        async def stay(tx: Connection) -> None:
            await tx.fetch_one(_SLEEP, tenths=20)

        taken = [asyncio.ensure_future(db.read_aside(stay)) for _ in range(SESSIONS)]
        await asyncio.sleep(0.2)
        with pytest.raises(Unavailable):
            await db.read(lambda tx: tx.fetch_one(_ONE))
        await asyncio.gather(*taken)
        assert await db.read(lambda tx: tx.fetch_one(_ONE)) == (1,)
        await db.close()

    wait_for(crowd())


def test_a_pooler_that_is_away_is_unavailable_and_is_found_again(owner: Client) -> None:
    owner.service("Checkup")
    running = pooler(PACKAGED)
    running.stop()
    try:
        answer = owner.get("/v1/services")
        refused(answer, 503, "UNAVAILABLE")
        assert int(answer.headers["retry-after"]) > 0
    finally:
        running.start()
    assert [one["name"] for one in good(owner.get("/v1/services"))["data"]] == ["Checkup"]
