"""What goes on beside a measured load: a process of its own that works while it is told to.

``python -m benchmarks.disturbing KIND URL ORGANIZATION KEY FIRST PORT``; a line on its input lets it begin, the next
one lets it end, and it answers each end with a line.
"""

import asyncio
import contextlib
import select
import sqlite3
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import date
from typing import Self

import uvloop

from benchmarks.bare_days import bare_of
from benchmarks.regenerating import REGENERATE as PATH
from benchmarks.regenerating import TIMES, Schedule, body_of
from benchmarks.serving import Served
from slotkeeper.load.generator import put_load
from slotkeeper.load.target import Target
from slotkeeper.settings import sqlite_path

CHECKPOINTS = "while checkpoints go on"
REGENERATE = "during another's regenerate"
ROWS = 300
"""How many rows are changed before each checkpoint, most of them on a page of their own."""
PAUSE = 0.1
"""For how many seconds nothing is written after each."""
REST = 0.5
"""For how many seconds nothing is regenerated after each time."""

Act = Callable[[], Awaitable[None]]


class Disturber:
    """The process, as whoever measures sees it."""

    def __init__(self, kind: str, url: str, other: Schedule, served: Served) -> None:
        command = [sys.executable, "-m", "benchmarks.disturbing", kind, url, other.org_id, other.key, str(other.first)]
        self._process = subprocess.Popen(
            [*command, str(served.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def __enter__(self) -> Self:
        with self.at_work():
            pass
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=60)

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Let it work as long as this lasts."""
        self._say("go")
        try:
            yield
        finally:
            self._say("stop")
            assert self._process.stdout is not None
            if not self._process.stdout.readline():
                raise RuntimeError("the process that disturbs has ended")

    def _say(self, word: str) -> None:
        assert self._process.stdin is not None
        print(word, file=self._process.stdin, flush=True)


def _checkpointing(url: str, org_id: str) -> Act:
    """Change rows all over the file and copy the log into it, again and again."""
    raw = sqlite3.connect(sqlite_path(url), isolation_level=None, timeout=5)
    raw.execute("PRAGMA synchronous = FULL")
    raw.execute("PRAGMA wal_autocheckpoint = 0")
    keys = raw.execute("SELECT date, calendar_id FROM days WHERE org_id = ?", (org_id,)).fetchall()
    chosen = [(org_id, *key) for key in keys[:: max(1, len(keys) // ROWS)]]

    async def act() -> None:
        raw.execute("BEGIN IMMEDIATE")
        raw.executemany("UPDATE days SET rev = rev + 1 WHERE org_id = ? AND date = ? AND calendar_id = ?", chosen)
        raw.execute("COMMIT")
        raw.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        time.sleep(PAUSE)  # noqa: ASYNC251 (there is nothing else in this process)

    return act


async def _regenerating(url: str, other: Schedule, port: int) -> Act:
    """Regenerate a year in which every record differs, by a request like any other."""
    bare = await bare_of(url)
    target = Target(port)
    request = target.send("POST", PATH, body_of(other, max(TIMES)), other.key)

    async def act() -> None:
        await bare.make_all_differ(other.org_id)
        await asyncio.to_thread(put_load, target, [request], seconds=30, connections=1)
        await asyncio.sleep(REST)

    return act


async def _work(kind: str, url: str, other: Schedule, port: int) -> None:
    act = _checkpointing(url, other.org_id) if kind == CHECKPOINTS else await _regenerating(url, other, port)
    # A line that was read ahead would not be seen below.
    with open(0, "rb", buffering=0, closefd=False) as told:  # noqa: ASYNC230 (there is nothing else to do)
        while told.readline():
            while not select.select([told], [], [], 0)[0]:
                await act()
            told.readline()
            print("stopped", flush=True)


if __name__ == "__main__":
    kind, url, org_id, key, first, port = sys.argv[1:]
    uvloop.run(_work(kind, url, Schedule(org_id, key, date.fromisoformat(first)), int(port)))
