"""A server for one test: the demo clinic on a database of its own, answering on a port, its clock in our hand."""

import asyncio
import shutil
import socket
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest
import uvicorn

from slotkeeper.api import server
from slotkeeper.app import create_app
from slotkeeper.domain.users import Role
from slotkeeper.operations import sign_ins
from slotkeeper.operations.demo import Demo, fill_demo
from slotkeeper.operations.demo_clinic import ORGANIZATION, PEOPLE
from slotkeeper.settings import Settings, sqlite_path
from tests.engines import CLUSTERS, POOLER, SQLITE, in_another_thread, migrate, open_url, server_of, url_of
from tests.world import START, MovableClock, millis

T = TypeVar("T")
PATIENCE = 60
EMAILS = {role: email for email, _, role in PEOPLE}


class Clinics(Protocol):
    """Lends databases with the demo clinic in them; ``demo`` says its keys and its password."""

    demo: Demo

    def lend(self) -> str:
        """The URL of a new one."""
        ...

    def give_back(self, url: str) -> None:
        """It is not needed any more."""
        ...


def clinics(engine: str, folders: pytest.TempPathFactory) -> Clinics:
    """The clinics of an engine."""
    return _Files(folders) if engine == SQLITE else _Databases(engine)


def filled(url: str, engine: str) -> Demo:
    """Fill an empty database with the demo clinic of the morning at which all tests begin."""

    async def work() -> Demo:
        db = open_url(url)
        await migrate(db, engine)
        demo = await fill_demo(db, now=millis(START))
        await db.close()
        return demo

    return in_another_thread(work())


class _Files:
    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self._folders = folders
        self._url = f"sqlite:///{folders.mktemp('clinic') / 'slotkeeper.db'}"
        self.demo = filled(self._url, SQLITE)

    def lend(self) -> str:
        path: Path = self._folders.mktemp("desk") / "slotkeeper.db"
        shutil.copyfile(sqlite_path(self._url), path)
        return f"sqlite:///{path}"

    def give_back(self, url: str) -> None:
        """Files stay, to be looked at after a test that failed."""


class _Databases:
    def __init__(self, engine: str) -> None:
        self._engine, self._server = engine, server_of(engine)
        self._template = self._server.create()
        self.demo = filled(self._server.url(self._template), engine)

    def lend(self) -> str:
        if self._engine in CLUSTERS:  # it copies nothing by itself
            name = self._server.create()
            self.demo = filled(self._server.url(name), self._engine)
        else:
            name = self._server.create(self._template)  # type: ignore[call-arg]  # no cluster
        return url_of(self._engine, name)

    def give_back(self, url: str) -> None:
        if self._engine != POOLER:  # which keeps its sessions
            self._server.drop(url.partition("?")[0].rpartition("/")[2])


class Desk:
    """A server process on a database; several may share one."""

    def __init__(self, url: str, demo: Demo, clock: MovableClock, **settings: Any) -> None:
        self.database_url, self.demo, self.clock = url, demo, clock
        self.org_id = ORGANIZATION.org_id
        self.db = open_url(url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = f"http://{self.host}"
        app = create_app(self.db, Settings(database_url=url, **settings), clock=clock)
        self._server = uvicorn.Server(server.configure(app))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        self._loop.run_until_complete(self._server.serve(sockets=[self._listener]))
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Drive an operation on ``db`` to its end, where the server does its own."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=PATIENCE)

    def path(self, below: str) -> str:
        """The address of a page of the dashboard."""
        return f"{self.url}/app{below}"

    def token(self, role: Role) -> str:
        """What the browser of a person of the clinic holds who has just signed in."""
        work = sign_ins.sign_in(
            self.db,
            self.org_id,
            email=EMAILS[role],
            password=self.demo.password,
            address="127.0.0.1",
            now=self.clock(),
        )
        return self.run(work)

    def stop(self) -> None:
        """Stop answering."""
        self._server.should_exit = True
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
