"""A PostgreSQL that is distributed by organization, for the tests, where ``SLOTKEEPER_CITUS_URL`` names one.

The URL is that of the coordinator, as a superuser; all nodes must be reachable under the names by which they know each
other. Each test gets a database of its own on every node, with the extension in it.
"""

import functools
import itertools
import os
import re
from typing import Any

import asyncpg

from tests.waiting import wait_for

URL = os.environ.get("SLOTKEEPER_CITUS_URL")

# The coordinator first.
_NODES = "SELECT nodename, nodeport, groupid = 0 FROM pg_dist_node ORDER BY groupid, nodeport"


class Cluster:
    """The coordinator and its nodes."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._numbers = itertools.count(1)
        self._nodes = [tuple(row) for row in wait_for(_run(url, _NODES))]
        if not self._nodes:
            raise RuntimeError("the database of SLOTKEEPER_CITUS_URL knows no nodes: run citus_set_coordinator_host")

    def url(self, database: str, node: tuple[Any, ...] | None = None) -> str:
        """How programs reach a database, at the coordinator unless a node is named."""
        found = re.fullmatch(r"(postgres(?:ql)?://(?:[^@/]*@)?)([^/?]*)(?:/[^?]*)?(\?.*)?", self._url)
        if found is None:
            raise RuntimeError("SLOTKEEPER_CITUS_URL is of another form than postgresql://user@host:port/database")
        place = found[2] if node is None else f"{node[0]}:{node[1]}"
        return f"{found[1]}{place}/{database}{found[3] or ''}"

    def create(self) -> str:
        """A new database on all nodes, empty but for the extension; its name."""
        name = f"slotkeeper_test_{os.getpid()}_{next(self._numbers)}"
        for node in self._nodes:
            wait_for(_run(_at(self._url, self.url("", node)), f"CREATE DATABASE {name}"))
            wait_for(_run(self.url(name, node), "CREATE EXTENSION citus"))
        for host, port, is_coordinator in self._nodes:
            add = "citus_set_coordinator_host" if is_coordinator else "citus_add_node"
            self.execute(f"SELECT {add}('{host}', {port})", name)
        return name

    def drop(self, name: str) -> None:
        """Take a database away from all nodes, whoever still has a connection to it."""
        for node in self._nodes:
            wait_for(_run(_at(self._url, self.url("", node)), f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))

    def execute(self, sql: str, database: str) -> list[Any]:
        """Run one statement of the superuser's."""
        return wait_for(_run(self.url(database), sql))

    def script(self, sql: str, database: str) -> None:
        """Run several statements of the superuser's in one transaction."""
        wait_for(_run(self.url(database), *sql.split("; ")))

    def copy(self, table: str, origin: str, target: str) -> None:
        """Make a table with the rows that it has in another database."""
        schema, _, name = table.partition(".")

        async def run() -> None:
            theirs, ours = await asyncpg.connect(self.url(origin)), await asyncpg.connect(self.url(target))
            try:
                rows = await theirs.fetch(f"TABLE {table}")
                await ours.execute(f"CREATE TABLE {table} AS TABLE public.{name} WITH NO DATA")
                await ours.copy_records_to_table(name, schema_name=schema, records=rows)
            finally:
                await theirs.close()
                await ours.close()

        wait_for(run())


@functools.cache
def cluster() -> Cluster:
    """The cluster of the environment."""
    if URL is None:
        raise RuntimeError("SLOTKEEPER_CITUS_URL names no cluster")
    return Cluster(URL)


def _at(known: str, place: str) -> str:
    """The URL of a place, with the database of a known one."""
    database = re.sub(r"\?.*", "", known).rpartition("/")[2]
    return re.sub(r"/(?=\?|$)", f"/{database}", place)


async def _run(url: str, *statements: str) -> list[Any]:
    """The rows of the last of some statements; several are one transaction."""
    raw = await asyncpg.connect(url)
    try:
        if len(statements) == 1:
            return list(await raw.fetch(statements[0]))
        async with raw.transaction():
            return [list(await raw.fetch(statement)) for statement in statements][-1]
    finally:
        await raw.close()
