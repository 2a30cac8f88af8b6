"""One of several processes that work on the database of a server that is asked, started by test_staleness.py.

Each line that it reads is a task, each line that it writes says what became of it. It is the whole program on a
connection of its own, and its clock may be behind: a hold of 30 seconds that was taken 29.5 seconds ago runs out, for
everybody else, in half a second.
"""

import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, Self

from slotkeeper.app import system_clock
from slotkeeper.domain.access import Scope
from slotkeeper.operations import access
from slotkeeper.settings import is_server, sqlite_path
from tests import direct
from tests.operations.wire import Ask
from tests.world import Client, World

ROOT = Path(__file__).parents[2]
READY = "ready\n"


class Task(NamedTuple):
    """What only another process does: its name, by how many milliseconds the clock is behind, and what it needs."""

    name: str
    values: dict[str, Any]
    behind: int = 0


def sent_behind(ask: Ask, key: str, *, behind: int) -> Task:
    """A request that a server gets whose clock is behind."""
    return Task("request", {"ask": list(ask), "key": key}, behind)


class Outcome(NamedTuple):
    """What became of a task: a status as over HTTP, and the answer's JSON."""

    status: int
    body: dict[str, Any]


class Hand:
    """Starts such a process, and gives it tasks one after the other, whoever asks."""

    def __init__(self, url: str) -> None:
        self._turn = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", __spec__.name, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def __enter__(self) -> Self:
        if self._process.stdout is None or self._process.stdout.readline() != READY:
            raise AssertionError("the process ended before it was ready")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def do(self, task: Task) -> Outcome:
        """A task to its end."""
        if self._process.stdin is None or self._process.stdout is None:
            raise AssertionError("the process has no pipes")
        with self._turn:
            self._process.stdin.write(json.dumps(task) + "\n")
            self._process.stdin.flush()
            return Outcome(*json.loads(self._process.stdout.readline()))


class Worker:
    """The other end."""

    def __init__(self, url: str) -> None:
        self.world = World(url)

    def do(self, task: Task) -> Outcome:
        self.world.clock.now = system_clock() - task.behind
        acts: dict[str, Callable[..., Outcome]] = {
            "request": self.request,
            "new key": self.make_key,
            "revoke": self.revoke,
            "checkpoint": self.checkpoint,
        }
        return acts[task.name](**task.values)

    def request(self, ask: list[Any], key: str) -> Outcome:
        method, path, body, _ = ask
        answer = Client(self.world, key).request(method, path, json=body)
        return Outcome(answer.status_code, answer.json())

    def make_key(self, org_id: str, lasts: int | None) -> Outcome:
        expires_at = None if lasts is None else self.world.clock() + lasts
        made = self.world.key(org_id, [Scope.SLOTS_READ], expires_at=expires_at)
        key_id = made.record.key_id if made.record else ""
        return Outcome(201, {"key": made.key, "key_id": key_id, "expires_at": expires_at})

    def revoke(self, org_id: str, key_id: str) -> Outcome:
        now = self.world.clock()
        self.world.run(access.revoke_key(self.world.db, org_id, key_id, now=now))
        return Outcome(200, {})

    def checkpoint(self, how: str) -> Outcome:
        """Move what was written into the database file, and let the log start anew."""
        url = self.world.url
        if is_server(url):
            direct.rows(url, "CHECKPOINT")
        else:
            with closing(sqlite3.connect(sqlite_path(url), timeout=5)) as raw:
                raw.execute(f"PRAGMA wal_checkpoint({how})").fetchall()
        return Outcome(200, {})


def main() -> None:
    worker = Worker(sys.argv[1])
    sys.stdout.write(READY)
    sys.stdout.flush()
    for line in sys.stdin:
        name, values, behind = json.loads(line)
        sys.stdout.write(json.dumps(worker.do(Task(name, values, behind))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
