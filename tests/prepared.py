"""Databases with the cast in them, made once for each engine and copied for each test."""

import shutil
from pathlib import Path
from typing import Protocol

import pytest

from slotkeeper.domain.access import Scope
from slotkeeper.settings import sqlite_path
from slotkeeper.store.migrations import current_step
from tests.cluster import Cluster
from tests.engines import CITUS, POOLER, SQLITE, migrate, server_of, url_of
from tests.servers import Server
from tests.world import Cast, World


class Prepared(Protocol):
    """Lends copies of a migrated database with the cast in it."""

    cast: Cast

    def lend(self) -> str:
        """The URL of a copy."""
        ...

    def give_back(self, url: str) -> None:
        """A copy is not needed any more."""
        ...


_MADE: dict[str, Prepared] = {}


def prepare(engine: str, folders: pytest.TempPathFactory) -> Prepared:
    """The prepared database of an engine."""
    if engine not in _MADE:
        _MADE[engine] = _Files(folders) if engine == SQLITE else _on_server(engine)
    return _MADE[engine]


def _on_server(engine: str) -> Prepared:
    return _Clustered(engine) if engine == CITUS else _Databases(engine)


def fill(url: str, engine: str = "") -> Cast:
    """Migrate an empty database and put the cast into it."""
    world = World(url)
    try:
        world.run(migrate(world.db, engine))
        owner_org, outsider_org = world.organization("Husky Clinic"), world.organization("Other Clinic")
        people = world.key(owner_org), world.key(owner_org, [Scope.SLOTS_READ]), world.key(outsider_org)
        texts = [person.key or "" for person in people]
    finally:
        world.close()
    return Cast(owner_org, outsider_org, *texts)


class _Files:
    """SQLite: each copy is a file in a folder of its own."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self._folders = folders
        self._url = f"sqlite:///{folders.mktemp('prepared') / 'slotkeeper.db'}"
        self.cast = fill(self._url)

    def lend(self) -> str:
        path: Path = self._folders.mktemp("world") / "slotkeeper.db"
        shutil.copyfile(sqlite_path(self._url), path)
        return f"sqlite:///{path}"

    def give_back(self, url: str) -> None:
        """Files stay, to be looked at after a test that failed."""


class _OnServer:
    """Each copy is a database; one that is given back in order is swept and lent again: that is quicker."""

    def __init__(self, engine: str) -> None:
        self._engine = engine
        self._server = running = server_of(engine)
        self._template = running.create()
        self.cast = fill(running.url(self._template), engine)
        names = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        self._tables = [row[0] for row in running.execute(f"{names} ORDER BY oid", self._template)]
        running.execute("CREATE SCHEMA prepared", self._template)
        for table in self._tables:
            running.execute(f"CREATE TABLE prepared.{table} AS TABLE public.{table}", self._template)
        self._swept: list[str] = []

    def lend(self) -> str:
        name = self._swept.pop() if self._swept else self._copied()
        return url_of(self._engine, name)

    def give_back(self, url: str) -> None:
        name = url.partition("?")[0].rpartition("/")[2]
        if self._is_spoiled(name):
            self._server.drop(name)
            return
        self._sweep(name)
        self._swept.append(name)

    def _copied(self) -> str:
        """The name of a new copy."""
        raise NotImplementedError

    def _is_spoiled(self, name: str) -> bool:
        """Whether a test made tables or triggers of its own, or left somebody in it."""
        ((tables, triggers, step, sessions),) = self._server.execute(
            "SELECT (SELECT count(*) FROM pg_tables WHERE schemaname = 'public'),"
            " (SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal"
            " AND c.relnamespace = 'public'::regnamespace), (SELECT max(step) FROM schema_steps),"
            " (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend' AND application_name NOT LIKE 'citus%'"
            f" AND ({self._engine != POOLER} OR state <> 'idle'))",  # a pooler keeps its sessions
            name,
        )
        return (tables, triggers, step, sessions) != (len(self._tables), 0, current_step(), 0)

    def _sweep(self, name: str) -> None:
        """Empty all tables, the children first, and put the cast back."""
        emptied = [f"DELETE FROM public.{table}" for table in reversed(self._tables)]
        filled = [f"INSERT INTO public.{table} TABLE prepared.{table}" for table in self._tables]
        self._server.script("; ".join(emptied + filled), name)


class _Databases(_OnServer):
    """PostgreSQL: the server copies a database."""

    _server: Server

    def _copied(self) -> str:
        return self._server.create(self._template)


class _Clustered(_OnServer):
    """A cluster, which copies nothing by itself."""

    _server: Cluster

    def _copied(self) -> str:
        name = self._server.create()
        world = World(self._server.url(name))
        world.run(world.db.distribute())
        world.close()
        self._server.execute("CREATE SCHEMA prepared", name)
        for table in self._tables:
            self._server.copy(f"prepared.{table}", self._template, name)
        self._sweep(name)
        return name
