"""A real replica: it answers what may lag, and wherever it cannot, the primary does."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from slotkeeper.app import open_database
from slotkeeper.domain.access import operator
from slotkeeper.domain.model import Service
from slotkeeper.operations import audit, exports
from slotkeeper.operations.audit import Wanted
from slotkeeper.store import directory, replica
from slotkeeper.store.database import SQL, Connection
from slotkeeper.store.postgres import PostgresDatabase
from slotkeeper.store.replica import ReplicatedDatabase
from tests.servers import PACKAGED, SUPERUSER, Server, server
from tests.standbys import DATABASE, Pair, until
from tests.store.test_conformance import ORG, _add_organization
from tests.waiting import wait_for

pytestmark = pytest.mark.slow

_WHERE = SQL("SELECT pg_is_in_recovery()")
_STEP = SQL("SELECT max(step) FROM schema_steps")
_SERVICES = SQL("SELECT count(*) FROM services WHERE org_id = :org_id")
_SLEEP = SQL("SELECT pg_is_in_recovery(), pg_sleep(:seconds)")


class House:
    """A primary, its standby, and a database that knows of both."""

    def __init__(self, pair: Pair, opened: Callable[..., ReplicatedDatabase]) -> None:
        self.pair = pair
        self.db = opened(pair.primary.url(DATABASE), pair.standby.url(DATABASE))

    def asked(self) -> str:
        """Who answers what may lag."""
        row = wait_for(self.db.read_lagging(lambda tx: tx.fetch_one(_WHERE)))
        assert row is not None
        return "replica" if row[0] else "primary"

    def add(self) -> None:
        """One more service."""
        service_id = str(uuid4())
        service = Service(service_id, f"service {service_id}", True, 1, 1)
        wait_for(self.db.write(lambda tx: directory.insert_service(tx, ORG, service)))

    def services(self) -> int:
        """How many services there are, as far as somebody sees who may be shown something old."""
        row = wait_for(self.db.read_lagging(lambda tx: tx.fetch_one(_SERVICES, org_id=ORG)))
        assert row is not None
        return int(row[0])

    def fault(self) -> str:
        return wait_for(self.db.find_fault()) or ""


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., ReplicatedDatabase]]:
    """Opens databases that ask a replica that was of no use again at once."""
    monkeypatch.setattr(replica, "LEAVE_ALONE", 0.0)
    made: list[ReplicatedDatabase] = []

    def open_both(url: str, replica_url: str) -> ReplicatedDatabase:
        db = open_database(url, replica_url=replica_url)
        assert isinstance(db, ReplicatedDatabase)
        made.append(db)
        return db

    yield open_both
    for db in made:
        wait_for(db.close())


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """Two servers for tests that leave them as they were."""
    with Pair(synchronous=False) as pair:
        _fill(pair)
        yield pair


@pytest.fixture
def house(pair: Pair, opened: Callable[..., ReplicatedDatabase]) -> House:
    return House(pair, opened)


@pytest.fixture
def own_house(opened: Callable[..., ReplicatedDatabase]) -> Iterator[House]:
    """Two servers that a test may kill."""
    with Pair(synchronous=False) as pair:
        _fill(pair)
        yield House(pair, opened)


def _fill(pair: Pair) -> None:
    async def work() -> None:
        db = open_database(pair.primary.url(DATABASE))
        await db.migrate()
        await db.write(_add_organization)
        await db.close()

    wait_for(work())


def is_paused(standby: Server) -> bool:
    return bool(standby.execute("SELECT pg_get_wal_replay_pause_state() = 'paused'")[0][0])


def test_what_may_lag_is_read_on_the_replica_and_all_else_on_the_primary(house: House) -> None:
    assert house.fault() == ""
    assert house.asked() == "replica"
    for read in (house.db.read, house.db.read_aside):
        assert wait_for(read(lambda tx: tx.fetch_one(_WHERE))) == (False,)
    assert wait_for(house.db.look(_WHERE)) == (False,)


def test_the_audit_trail_and_exports_are_read_on_the_replica(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    read_after, read_there = replica.Standby.read_after, []

    async def noted(self: Any, primary: Any, work: Any) -> Any:
        answer = await read_after(self, primary, work)
        read_there.append(answer)
        return answer

    monkeypatch.setattr(replica.Standby, "read_after", noted)
    trail = audit.list_entries(house.db, operator(ORG), Wanted(), page=1, limit=10)
    assert read_there == [wait_for(trail)]
    written: list[bytes] = []
    exported = wait_for(exports.export(house.db, None, write=written.append, clock=lambda: 0))
    assert read_there[1:] == exported.organizations
    assert written


def test_a_reading_on_the_replica_misses_nothing_that_was_committed_before_it(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    before = house.services()
    for number in range(1, 100):
        house.add()
        assert house.services() == before + number
    assert house.asked() == "replica"
    assert caplog.text == "", "it was never read on the primary for lack of a replica"


def test_a_primary_on_which_nothing_happens_makes_no_replica_late(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.asked()
    time.sleep(3)
    monkeypatch.setattr(replica, "BEHIND", 0.0)
    assert house.asked() == "replica"


def test_a_replica_that_lags_is_not_used_until_it_lags_no_more(house: House, caplog: pytest.LogCaptureFixture) -> None:
    assert house.asked() == "replica"
    standby = house.pair.standby
    standby.execute("SELECT pg_wal_replay_pause()")
    try:
        until(lambda: is_paused(standby), "replaying stands still")
        before = house.services()
        house.add()
        began = time.monotonic()
        assert house.services() == before + 1
        assert house.asked() == "primary"
        assert time.monotonic() - began < 2 * (replica.MOMENT + 1)
        assert "it lags behind the primary" in caplog.text
    finally:
        standby.execute("SELECT pg_wal_replay_resume()")
    until(lambda: house.asked() == "replica", "it is used again")
    assert "the replica is used again" in caplog.text
    assert house.services() == before + 1


def test_a_replica_that_the_primary_has_lost_lags_however_little_it_knows_of_it(own_house: House) -> None:
    """It has replayed all that it received: only the primary's own position shows that it received nothing."""
    standby = own_house.pair.standby
    standby.set("primary_conninfo", "host=127.0.0.1 port=1")
    until(lambda: not standby.execute("SELECT 1 FROM pg_stat_wal_receiver"), "nothing is received")
    own_house.add()
    assert own_house.services() == 1
    assert own_house.asked() == "primary"


def test_a_replica_that_was_of_no_use_is_left_alone_for_a_while_and_keeps_nobody_waiting(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica, "LEAVE_ALONE", 60.0)
    standby = house.pair.standby
    standby.execute("SELECT pg_wal_replay_pause()")
    try:
        until(lambda: is_paused(standby), "replaying stands still")
        house.add()
        assert house.asked() == "primary"
        began = time.monotonic()
        assert house.asked() == "primary"
        assert time.monotonic() - began < replica.BEHIND
    finally:
        standby.execute("SELECT pg_wal_replay_resume()")


def test_a_replica_that_is_killed_and_started_again_is_missed_by_nobody(own_house: House) -> None:
    assert own_house.asked() == "replica"
    own_house.pair.standby.kill()
    own_house.add()
    assert own_house.services() == 1
    assert own_house.fault() == "The replica is not used: it does not answer."
    own_house.pair.standby.start()
    until(lambda: own_house.asked() == "replica", "it is used again")
    assert own_house.services() == 1


def test_a_replica_killed_or_frozen_in_the_middle_of_a_reading_is_replaced_by_the_primary(
    own_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica, "PULSE_EVERY", 0.2)
    monkeypatch.setattr(replica, "LAST_PULSE", 1.0)
    standby = own_house.pair.standby
    seen: list[bool] = []

    async def work(tx: Connection) -> str:
        row = await tx.fetch_one(_WHERE)
        assert row is not None
        seen.append(row[0])
        await tx.fetch_one(_SLEEP, seconds=3)
        return "read"

    async def disturb(act: Callable[[], None]) -> float:
        seen.clear()
        began = time.monotonic()
        reading = asyncio.ensure_future(own_house.db.read_lagging(work))
        while not seen:  # noqa: ASYNC110 - another task says it
            await asyncio.sleep(0.01)
        act()
        assert await reading == "read"
        assert seen == [True, False]
        return time.monotonic() - began

    assert own_house.asked() == "replica"
    try:
        assert wait_for(disturb(lambda: standby.signal(signal.SIGSTOP))) < 3 + 2.5
    finally:
        standby.signal(signal.SIGCONT)
    until(lambda: own_house.asked() == "replica", "it is used again")
    wait_for(disturb(standby.kill))


def test_a_reading_that_takes_long_stays_on_a_replica_that_lives(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica, "PULSE_EVERY", 0.1)
    monkeypatch.setattr(replica, "LAST_PULSE", 0.6)
    row = wait_for(house.db.read_lagging(lambda tx: tx.fetch_one(_SLEEP, seconds=2)))
    assert row is not None
    assert row[0] is True


def test_a_reading_that_is_in_the_way_of_what_is_to_be_replayed_goes_on_at_the_primary(own_house: House) -> None:
    own_house.pair.standby.set("max_standby_streaming_delay", "100ms")
    change = own_house.pair.primary.execute
    seen: list[bool] = []

    async def work(tx: Connection) -> int:
        row = await tx.fetch_one(_WHERE)
        assert row is not None
        seen.append(row[0])
        await tx.fetch_one(_SERVICES, org_id=ORG)
        if row[0]:
            await asyncio.to_thread(change, "ALTER TABLE services ADD COLUMN more integer", DATABASE)
            await asyncio.sleep(1)
        found = await tx.fetch_one(_SERVICES, org_id=ORG)
        assert found is not None
        return int(found[0])

    own_house.add()
    assert own_house.asked() == "replica"
    assert wait_for(own_house.db.read_lagging(work)) == 1
    assert seen == [True, False]


def test_a_replica_that_was_promoted_is_no_replica_any_more(own_house: House) -> None:
    own_house.add()
    assert own_house.asked() == "replica"
    own_house.pair.standby.promote()
    own_house.pair.standby.execute("DELETE FROM services", DATABASE)
    assert own_house.services() == 1
    assert "it was promoted" in own_house.fault()


def test_a_replica_on_another_schema_step_lags(house: House) -> None:
    primary, standby = house.pair.primary, house.pair.standby
    standby.execute("SELECT pg_wal_replay_pause()")
    try:
        until(lambda: is_paused(standby), "replaying stands still")
        primary.execute("INSERT INTO schema_steps VALUES (900, 'later', 0)", DATABASE)
        assert wait_for(house.db.read_lagging(lambda tx: tx.fetch_one(_STEP))) == (900,)
        assert house.asked() == "primary"
    finally:
        standby.execute("SELECT pg_wal_replay_resume()")
        primary.execute("DELETE FROM schema_steps WHERE step = 900", DATABASE)


def test_a_replica_that_is_in_truth_the_primary_is_noticed_and_said(
    pair: Pair, opened: Callable[..., ReplicatedDatabase], caplog: pytest.LogCaptureFixture
) -> None:
    url = pair.primary.url(DATABASE)
    db = opened(url, f"{url}?application_name=another-name-for-it")
    assert "it is the primary itself" in (wait_for(db.find_fault()) or "")
    assert "it is the primary itself" in caplog.text


def test_a_replica_of_another_cluster_is_noticed_and_said(
    pair: Pair, opened: Callable[..., ReplicatedDatabase], caplog: pytest.LogCaptureFixture
) -> None:
    db = opened(pair.primary.url(DATABASE), server(PACKAGED).url(SUPERUSER))
    assert "it belongs to another cluster" in (wait_for(db.find_fault()) or "")
    assert "it belongs to another cluster" in caplog.text


def test_another_database_of_the_standby_is_noticed_and_said(
    pair: Pair, opened: Callable[..., ReplicatedDatabase]
) -> None:
    db = opened(pair.primary.url(DATABASE), pair.standby.url(SUPERUSER))
    assert f"leads to the database {SUPERUSER} of the server, and not to {DATABASE}" in (
        wait_for(db.find_fault()) or ""
    )


def test_a_standby_as_the_database_has_no_replica(pair: Pair, opened: Callable[..., ReplicatedDatabase]) -> None:
    db = opened(f"{pair.standby.url(DATABASE)}?target_session_attrs=any", pair.standby.url(DATABASE))
    assert "the database itself is a standby" in (wait_for(db.find_fault()) or "")


def test_a_user_without_rights_may_ask_what_a_server_says_of_itself(pair: Pair) -> None:
    pair.primary.execute("CREATE ROLE clerk LOGIN")
    db = PostgresDatabase(pair.primary.url(DATABASE, user="clerk"))
    try:
        assert wait_for(db.read(replica.get_standing)).database == DATABASE
    finally:
        wait_for(db.close())
        pair.primary.execute("DROP ROLE clerk")
