"""A primary and its standby: two real servers on loopback, which keep what they are told to keep (fsync is on)."""

import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from tests.servers import PACKAGED, SUPERUSER, Server, versions

PATIENCE = 30.0
DATABASE = "clinics"


def until(holds: Callable[[], Any], what: str) -> None:
    """Wait until something holds that soon will."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"it did not come about: {what}"
        time.sleep(0.02)


class Node(Server):
    """A server on a port of its own."""

    def __init__(self, name: str, version: str, *settings: str, of: "Node | None" = None) -> None:
        self.name, self._of = name, of
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        own = ("listen_addresses=127.0.0.1", f"port={self.port}", f"cluster_name={name}", "wal_sender_timeout=5s")
        super().__init__(versions()[version], *own, *settings)

    def fill(self) -> None:
        if self._of is None:
            super().fill()
            return
        place = f"host=127.0.0.1 port={self._of.port} user={SUPERUSER} application_name={self.name}"
        self.run("pg_basebackup", "--pgdata", str(self.data), "--write-recovery-conf", "--checkpoint", "fast",
                 "--wal-method", "stream", "--dbname", place)  # fmt: skip

    def url(self, database: str, *, user: str = SUPERUSER) -> str:
        return f"postgresql://{user}@{self.place}/{database}"

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    def processes(self) -> list[int]:
        """All processes of the server, the first one first."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [self.pid, *map(int, children.split())]

    def signal(self, how: signal.Signals) -> None:
        """Send a signal to all processes of the server."""
        for pid in self.processes():
            os.kill(pid, how)

    def kill(self) -> None:
        """Kill all of it at once: nothing is ended in order."""
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.stop(signal.SIGKILL)

    def ask(self, sql: str, database: str = SUPERUSER) -> Any:
        """The first value of a statement's first row."""
        return self.execute(sql, database)[0][0]

    def set(self, name: str, value: str) -> None:
        """Give a setting of the running server another value, and wait until it has it."""
        self.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        self.execute("SELECT pg_reload_conf()")
        until(lambda: self.ask(f"SHOW {name}") == value, f"{name} = {value}")

    def promote(self) -> None:
        """Make a standby the primary."""
        assert self.ask("SELECT pg_promote(true, 30)") is True


class Pair:
    """A primary with the database of an empty world on it, and a standby."""

    def __init__(self, *, synchronous: bool, version: str = PACKAGED) -> None:
        self._nodes: list[Node] = []
        try:
            self.primary = self._add("first", version)
            self.primary.execute(f"CREATE DATABASE {DATABASE}")
            self.standby = self._add("second", version, of=self.primary)
            self.wait_for_standby()
            if synchronous:
                self.primary.set("synchronous_standby_names", "ANY 1 (second)")
                until(lambda: self._state() == "quorum", "the standby is synchronous")
        except BaseException:
            self.remove()
            raise

    def _add(self, name: str, version: str, of: Node | None = None) -> Node:
        node = Node(name, version, of=of)
        self._nodes.append(node)
        return node

    def _state(self) -> str | None:
        rows = self.primary.execute("SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'")
        return str(rows[0][0]) if rows else None

    def wait_for_standby(self) -> None:
        """Wait until the standby follows the primary."""
        until(self._state, "the standby streams")

    @property
    def url(self) -> str:
        """The database on whichever of the two is the primary."""
        return f"postgresql://{SUPERUSER}@{self.primary.place},{self.standby.place}/{DATABASE}"

    def remove(self) -> None:
        for node in reversed(self._nodes):
            node.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()
