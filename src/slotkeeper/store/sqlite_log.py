"""The write-ahead log of a SQLite file, copied into the file aside from every commit."""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable

from slotkeeper.domain.errors import SlotkeeperError

log = logging.getLogger(__name__)

LONGEST_LOG = 8192  # pages of 4 KiB
FEW = 256  # pages that writers may wait for
ROUNDS = 4  # after how many more rounds they may be more
CHECKPOINT_EVERY = 1.0  # seconds between a commit and the checkpoint that follows it
PATIENCE = 30  # milliseconds in which writers wait, where readers keep a log that is too long from starting anew
REST = 30.0  # seconds after which it is tried again, where one of them stays long


class Checkpointer:
    """A thread that copies what was committed; ``connect`` gives it a connection of its own."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._written = threading.Event()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._rests_until = 0.0

    def start(self) -> None:
        """Begin, from the first connection on that writes."""
        self._thread = threading.Thread(target=self._run, name="slotkeeper-checkpoint", daemon=True)
        self._thread.start()

    def tell(self) -> None:
        """Something was committed."""
        self._written.set()

    def stop(self) -> None:
        """End, and wait for it."""
        self._closed.set()
        self._written.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._closed.is_set():
            self._written.wait()
            if self._closed.wait(CHECKPOINT_EVERY):
                return
            self._written.clear()
            try:
                self._copy(self._connect())
            except (sqlite3.Error, SlotkeeperError) as error:
                log.warning("a checkpoint has to wait: %s", error)
                self._written.set()

    def _copy(self, raw: sqlite3.Connection) -> None:
        """Copy what nobody reads any more.

        Under steady writes there are always new pages, and the log would never start anew; once it is long, writers
        wait for a moment until it does. What was written while it was copied is copied before, so that little is left
        for that moment.
        """
        pages = self._copy_aside(raw)
        for _ in range(ROUNDS):
            copied, pages = pages, self._copy_aside(raw) if pages > LONGEST_LOG else pages
            if pages - copied <= FEW:
                break
        if pages > LONGEST_LOG and time.monotonic() >= self._rests_until:
            raw.execute(f"PRAGMA busy_timeout = {PATIENCE}")
            is_kept, _, _ = raw.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
            if is_kept:
                self._rests_until = time.monotonic() + REST

    def _copy_aside(self, raw: sqlite3.Connection) -> int:
        """Copy what nobody reads any more while others write on; how many pages the log held when that began."""
        pages: int = raw.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1]
        return pages
