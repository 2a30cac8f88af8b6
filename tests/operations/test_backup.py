"""What docs/operations.md says about backups: made while everybody books, and brought back whole."""

import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from slotkeeper.settings import sqlite_path
from tests import direct
from tests.doors.terminal import Terminal
from tests.engines import SQLITE
from tests.operations.caller import Clinic, Crowd, open_clinic
from tests.prepared import fill
from tests.servers import PACKAGED
from tests.standbys import DATABASE, Node, until
from tests.world import Cast, World

pytestmark = pytest.mark.slow
CALLERS = 8
ENOUGH = 100
IDS = "SELECT appointment_id FROM appointments"


class Restored(Node):
    """A server that begins with a base backup and the log that was archived since, up to an instant."""

    def __init__(self, backup: Path, archive: Path, instant: str) -> None:
        self._backup, self._archive, self._instant = backup, archive, instant
        super().__init__("restored", PACKAGED)

    def fill(self) -> None:
        self.run("/bin/cp", "--recursive", str(self._backup), str(self.data))
        (self.data / "recovery.signal").touch()
        with (self.data / "postgresql.auto.conf").open("a") as settings:
            settings.write(
                f"restore_command = 'cp {self._archive}/%f %p'\n"
                f"recovery_target_time = '{self._instant}'\n"
                "recovery_target_action = 'promote'\narchive_mode = off\n"
            )


@pytest.fixture
def node() -> Iterator[Node]:
    """A server that archives its log as it writes it."""
    node = Node("alone", PACKAGED, "archive_mode=on", "archive_command=test ! -f ../archive/%f && cp %p ../archive/%f")
    try:
        node.run("/bin/mkdir", str(node.folder / "archive"))
        yield node
    finally:
        node.remove()


def ids(url: str) -> set[str]:
    return {row[0] for row in direct.rows(url, IDS)}


def work(terminal: Terminal, crowd: Crowd, clinic: Clinic, act: Callable[[], None]) -> None:
    """Let a crowd book on a server of its own, which ends after something is done in mid-load."""
    with ExitStack() as stack:
        process, ready = stack.enter_context(terminal.serving())
        port = urlsplit(ready["url"]).port or 0
        crowd.make_up(port)

        def act_and_end() -> None:
            act()
            process.send_signal(signal.SIGTERM)

        crowd.work(port, clinic.next_week, after=ENOUGH, act=act_and_end)
        process.wait()


def test_a_base_backup_and_the_archive_bring_every_instant_after_it_back(node: Node, tmp_path: Path) -> None:
    """The backup is made in mid-load; then people go on booking, and somebody deletes what must not be deleted."""
    url, backup = node.url(DATABASE), node.folder / "backup"
    node.execute(f"CREATE DATABASE {DATABASE}")
    cast = fill(url)
    clinic = open_clinic(World(url), cast, callers=CALLERS, narrow=20)
    crowd = Crowd(clinic, CALLERS)
    save = partial(node.run, "pg_basebackup", "--pgdata", str(backup), "--checkpoint", "fast", "--dbname",
                   f"host=127.0.0.1 port={node.port} user=postgres")  # fmt: skip
    try:
        work(Terminal(tmp_path, url), crowd, clinic, save)
        in_backup = crowd.done()
        work(Terminal(tmp_path, url), crowd, clinic, lambda: None)
        assert crowd.done() > in_backup
    finally:
        crowd.close()
    before, instant = ids(url), str(node.ask("SELECT clock_timestamp()"))
    time.sleep(0.1)
    direct.change(url, "DELETE FROM appointments")
    segment = node.ask("SELECT pg_walfile_name(pg_switch_wal())")
    until((node.folder / "archive" / segment).exists, "the last of the log is archived")
    restored = Restored(backup, node.folder / "archive", instant)
    try:
        until(lambda: not restored.ask("SELECT pg_is_in_recovery()"), "it is restored")
        assert ids(restored.url(DATABASE)) == before
        assert Terminal(tmp_path, restored.url(DATABASE)).json("check") == {"differences": []}
    finally:
        restored.remove()


@pytest.mark.engines(SQLITE)
def test_a_copy_of_a_file_that_is_in_use_is_whole(new_world: Callable[[], World], cast: Cast, tmp_path: Path) -> None:
    """SQLite's own backup, as the shell's ``.backup`` makes it, in mid-load; then it is put in the file's place."""
    clinic = open_clinic(new_world(), cast, callers=CALLERS, narrow=20)
    crowd = Crowd(clinic, CALLERS)
    path, copy = sqlite_path(clinic.url), tmp_path / "copy.db"
    copied: list[int] = []

    def save() -> None:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        copied.append(len(ids(f"sqlite:///{copy}")))

    try:
        work(Terminal(tmp_path, clinic.url), crowd, clinic, save)
    finally:
        crowd.close()
    assert 0 < copied[0] <= len(ids(clinic.url))
    for old in (path, *path.parent.glob(f"{path.name}-*")):
        old.unlink()
    shutil.copyfile(copy, path)
    terminal = Terminal(tmp_path, clinic.url)
    assert terminal.json("check") == {"differences": []}
    with terminal.serving():
        assert len(ids(clinic.url)) == copied[0]
