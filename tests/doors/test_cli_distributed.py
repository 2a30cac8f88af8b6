"""A distributed database at the doors: ``slotkeeper migrate --distributed``, and what /readyz says of its nodes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slotkeeper.store.migrations import current_step
from slotkeeper.store.tables import TABLES
from tests import stand_in_citus
from tests.direct import change
from tests.doors.terminal import Terminal
from tests.engines import POSTGRES, empty_database
from tests.world import World

pytestmark = pytest.mark.slow
NAMES = [table.name for table in TABLES]


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[str]:
    with stand_in_citus.prepared_to_note(tmp_path) as url:
        yield url


def test_it_says_which_tables_were_distributed_and_changes_nothing_the_second_time(
    terminal: Terminal, stand_in: str
) -> None:
    command = ["migrate", "--distributed", "--database", stand_in]
    assert terminal.done(*command) == (
        f"Migrated 0 to {current_step()}.\nDistributed {len(NAMES)} tables by organization: {', '.join(NAMES)}.\n"
    )
    assert terminal.done(*command) == (
        f"The database is on schema step {current_step()}, as before.\n"
        "All tables are distributed by organization, as before.\n"
    )
    assert terminal.json(*command) == {"from": current_step(), "to": current_step(), "distributed": []}
    assert len(stand_in_citus.asked(stand_in)) == len(NAMES) + 1


def test_a_postgresql_without_the_extension_is_refused_in_one_line_that_says_what_to_do(
    terminal: Terminal, tmp_path: Path
) -> None:
    with empty_database(POSTGRES, tmp_path) as url:
        line = terminal.refused("migrate", "--distributed", "--database", url)
        assert "lacks the extension 'citus'" in line
        assert "CREATE EXTENSION citus" in line
        assert terminal.json("migrate", "--database", url) == {"from": 0, "to": current_step()}


def test_a_file_is_refused_and_not_made(terminal: Terminal) -> None:
    line = terminal.refused("migrate", "--distributed")
    assert "A SQLite file cannot be distributed" in line
    assert list(terminal.folder.iterdir()) == []


def test_readiness_says_degraded_while_a_node_is_away_and_goes_on_answering(stand_in: str) -> None:
    world = World(stand_in)
    try:
        world.run(world.db.distribute())
        assert world.request("GET", "/readyz").json() == {"success": True, "status": "ready"}
        change(stand_in, "INSERT INTO nodes VALUES (TRUE, 0), (FALSE, 0)")
        answer = world.request("GET", "/readyz")
        assert answer.status_code == 200
        assert answer.json() == {"success": True, "status": "degraded"}
    finally:
        world.close()
