"""A real pgbouncer in transaction mode for the tests: few sessions on a server, shared by everybody after each
transaction.

It is reached by a socket in a folder below the server's own, so that a URL says which server is behind it, and ends
with the test run, also where that is killed.
"""

import asyncio
import atexit
import functools
import os
import pwd
import shutil
import signal
import subprocess
import time

import asyncpg

from tests.servers import START_PATIENCE, SUPERUSER, USER, Server, end_with_parent, server
from tests.waiting import wait_for

SESSIONS = 3
"""How many sessions on the server all clients of a database share: fewer than one server process would open."""
FOLDER, PORT = "pooler", 6432
_WAY = f"/{FOLDER}&port={PORT}"


def program() -> str | None:
    """Where pgbouncer is, if it is there (``tools/pooler`` installs it)."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def is_pooled(url: str) -> bool:
    """Whether a URL leads through a pooler."""
    return url.endswith(_WAY)


def past(url: str) -> str:
    """How a database is reached past the pooler, whether the URL leads through one or not."""
    return url.removesuffix(_WAY)


class Pooler:
    """One pgbouncer in front of a server."""

    def __init__(self, behind: Server, sessions: int = SESSIONS) -> None:
        self.folder = behind.folder / FOLDER
        self.folder.mkdir()
        self.behind = behind
        (self.folder / "pgbouncer.ini").write_text(
            "[databases]\n"
            f"* = host={behind.folder}\n"
            "[pgbouncer]\n"
            "listen_addr =\n"
            f"listen_port = {PORT}\n"
            f"unix_socket_dir = {self.folder}\n"
            "auth_type = trust\n"
            f"auth_file = {self.folder / 'users'}\n"
            "pool_mode = transaction\n"
            f"default_pool_size = {sessions}\n"
            "max_client_conn = 500\n"
            "server_login_retry = 1\n"
        )
        (self.folder / "users").write_text(f'"{SUPERUSER}" ""\n')
        self._user = USER if os.geteuid() == 0 else None
        if self._user is not None:
            account = pwd.getpwnam(self._user)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = program()
        assert command is not None
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [command, "-q", str(self.folder / "pgbouncer.ini")],
                user=self._user,
                cwd="/",
                stdout=subprocess.DEVNULL,
                stderr=log,
                preexec_fn=end_with_parent(),  # noqa: PLW1509 - no thread of ours holds a lock that it needs
            )
        deadline = time.monotonic() + START_PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"pgbouncer did not start: {(self.folder / 'log').read_text()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop it, and cut all of its clients off."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=START_PATIENCE)
            self._process = None

    def url(self, database: str) -> str:
        """How programs reach a database of the server through it."""
        return self.behind.url(database) + _WAY

    def _answers(self) -> bool:
        async def ask() -> None:
            raw = await asyncpg.connect(self.url("postgres"), statement_cache_size=0)
            try:
                await raw.execute("SELECT 1")
            finally:
                await raw.close()

        try:
            wait_for(asyncio.wait_for(ask(), 5))
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        return True


@functools.cache
def pooler(version: str) -> Pooler:
    """The pooler of a version that all tests of a run share."""
    started = Pooler(server(version))
    atexit.register(started.stop)
    return started
