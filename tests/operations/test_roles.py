"""The roles of docs/operations.md, made by the very statements that stand there."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.doors.terminal import Terminal
from tests.operations.wire import Ask, Wire
from tests.servers import FAST, PACKAGED
from tests.standbys import Node

GUIDE = Path(__file__).parents[2] / "docs" / "operations.md"
pytestmark = pytest.mark.slow


@pytest.fixture
def node() -> Iterator[Node]:
    node = Node("roles", PACKAGED, *FAST)
    try:
        section = GUIDE.read_text(encoding="utf-8").partition("## PostgreSQL for a group")[2].partition("\n## ")[0]
        on_server, in_database = re.findall(r"```sql\n(.*?)```", section, re.DOTALL)
        for statement in filter(None, map(str.strip, on_server.split(";\n"))):
            node.execute(statement)
        node.script(in_database, "clinics")
        yield node
    finally:
        node.remove()


def test_the_role_that_serves_can_do_everything_but_change_the_tables(node: Node, tmp_path: Path) -> None:
    owner = Terminal(tmp_path, node.url("clinics", user="slotkeeper_owner"))
    serving = Terminal(tmp_path, node.url("clinics", user="slotkeeper"))
    assert "run 'slotkeeper migrate' first" in serving.refused("serve", "--port", "0")
    assert "does not allow this user what is needed" in serving.refused("migrate")
    owner.done("migrate")
    serving.clinic()
    key = serving.json("keys", "create", "--scopes", "slots:read,admin")["key"]
    with serving.serving() as (_, ready), Wire(urlsplit(ready["url"]).port or 0, key) as wire:
        assert wire.send(Ask("GET", "/v1/appointment-slots/availability?date=2030-01-01")).good()["slots"] == []
        wire.send(Ask("POST", "/v1/services", {"name": "Vaccination"})).good(201)
    assert serving.json("check") == {"differences": []}
    serving.done("export", "clinic.jsonl")
    alone = Terminal(tmp_path)
    alone.done("organizations", "create", "Another Clinic")
    alone.done("export", "another.jsonl")
    serving.done("import", "another.jsonl")
    for statement in (
        "CREATE TABLE mine (a integer)",
        "DROP TABLE days",
        "TRUNCATE days",
        "ALTER TABLE days ADD a int",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            node.script(f"SET ROLE slotkeeper; {statement}", "clinics")
