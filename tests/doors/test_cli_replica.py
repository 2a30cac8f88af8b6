"""``slotkeeper serve`` with a replica and with a pooler, as real processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slotkeeper.app import open_database
from tests.doors.terminal import Terminal
from tests.doors.test_cli_serve import get
from tests.engines import POOLER, empty_database
from tests.standbys import DATABASE, Pair
from tests.waiting import wait_for

pytestmark = pytest.mark.slow


def migrate(url: str) -> None:
    async def work() -> None:
        db = open_database(url)
        await db.migrate()
        await db.close()

    wait_for(work())


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with Pair(synchronous=False) as pair:
        migrate(pair.primary.url(DATABASE))
        yield pair


def sessions(pair: Pair) -> int:
    """How many sessions Slotkeeper has on the standby."""
    sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'slotkeeper'"
    return int(pair.standby.execute(sql)[0][0])


def test_each_server_process_reads_the_audit_trail_on_the_replica(tmp_path: Path, pair: Pair) -> None:
    terminal = Terminal(tmp_path, pair.primary.url(DATABASE))
    terminal.clinic()
    key = terminal.json("keys", "create", "--scopes", "admin", "--rate-limit", "0")["key"]
    arguments = ["--replica", pair.standby.url(DATABASE), "--workers", "2", "--log-level", "warning"]
    with terminal.serving(*arguments) as (process, ready):
        while sessions(pair) < 2:
            assert b"keys.create" in get(f"{ready['url']}/v1/audit", key)[1]
        process.terminate()
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_a_replica_that_cannot_be_used_is_said_when_a_server_starts_and_is_no_hindrance(
    tmp_path: Path, pair: Pair
) -> None:
    terminal = Terminal(tmp_path, pair.primary.url(DATABASE))
    itself = f"{pair.primary.url(DATABASE)}?application_name=replica"
    with terminal.serving("--replica", itself) as (process, ready):
        assert get(f"{ready['url']}/readyz")[0] == 200
        process.terminate()
        assert process.stderr is not None
        assert "Warning: The replica is not used: it is the primary itself" in process.stderr.read()


def test_a_replica_of_a_file_is_refused_with_a_sentence(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    said = terminal.refused("serve", SLOTKEEPER_REPLICA_URL="postgresql://replica/x")
    assert "Only a PostgreSQL has replicas" in said
    assert "before a PostgreSQL only" in terminal.refused("serve", "--pooler")


def test_commands_and_several_server_processes_work_through_a_pooler(tmp_path: Path) -> None:
    with empty_database(POOLER, tmp_path) as url:
        terminal = Terminal(tmp_path, url)
        terminal.environment["SLOTKEEPER_POOLER"] = "1"
        terminal.done("migrate")
        terminal.clinic()
        key = terminal.json("keys", "create", "--scopes", "slots:read,appointments:read", "--rate-limit", "0")["key"]
        with terminal.serving("--workers", "2") as (_, ready):
            for _ in range(20):
                status, body = get(f"{ready['url']}/v1/services", key)
                assert status == 200, body
                assert b"General Checkup" in body
