"""The composition root: the one module that knows the doors and the store."""

import asyncio
import contextlib
import logging
import multiprocessing
import os
import signal
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Router

from slotkeeper.api import docs, openapi, server
from slotkeeper.api.availability import write_availability
from slotkeeper.api.door import Door
from slotkeeper.api.platforms import PLATFORM_OPERATIONS
from slotkeeper.api.request import Page, Site
from slotkeeper.api.request_log import LoggingDoor
from slotkeeper.api.routes import OPERATIONS
from slotkeeper.dashboard.door import Dashboard
from slotkeeper.dashboard.routes import ROUTES
from slotkeeper.dashboard.sign_in import link_path, sign_in_path
from slotkeeper.dashboard.visit import PREFIX as DASHBOARD
from slotkeeper.dashboard.visit import Site as Desk
from slotkeeper.domain.errors import NotFound, SlotkeeperError, Unavailable, WrongSchema
from slotkeeper.mcp.door import McpDoor
from slotkeeper.operations import Clock, Database, audit, schedule, sign_ins
from slotkeeper.operations.availability import Replies
from slotkeeper.operations.board import Boards
from slotkeeper.operations.facts import Knowledge
from slotkeeper.operations.line import new_line
from slotkeeper.operations.rate_leases import SharedRateLimits
from slotkeeper.operations.rate_limits import RateLimiter
from slotkeeper.settings import PREFIX, Settings, is_server, read_settings, shown, sqlite_path
from slotkeeper.store import health
from slotkeeper.store.migrations import current_step
from slotkeeper.store.postgres import PostgresDatabase
from slotkeeper.store.replica import ReplicatedDatabase
from slotkeeper.store.sqlite import SqliteDatabase
from slotkeeper.tools.calls import Site as Tools

log = logging.getLogger(__name__)

SECONDS_BETWEEN_ROLLS = 20
"""How often it is asked whether a branch's midnight has passed; records must be there a minute after it."""
SECONDS_BETWEEN_FORGETTING = 3600
"""How often old entries of the audit trail and old answers are taken away."""
SECONDS_TO_FIRST_FORGETTING = 60
"""After how long a server process does it first: one that is started every day must come to it too."""
SECONDS_BETWEEN_LOOKS = 1
"""How often a server process asks whether the one that started it is still there."""


def create_app(db: Database, settings: Settings, *, clock: Clock) -> Router:
    """The application over a database that it takes over: it closes it when the server stops.

    A single server process counts the requests of each key exactly; several share its limit. On a database server
    there may be others on other machines.
    """
    shared = settings.workers > 1 or is_server(settings.database_url)
    limits = SharedRateLimits(db) if shared else RateLimiter()
    line, knowledge = new_line(db), Knowledge()
    tools = Tools(db, line, knowledge, settings.call_hold_seconds)
    site = Site(db, partial(is_whole, db), _pages(), Replies(write_availability), line, knowledge, tools)
    mcp = McpDoor(tools, limits=limits, clock=clock, public_url=settings.public_url)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(keep_rolling_forward(db, clock=clock)),
            asyncio.create_task(keep_forgetting(db, clock=clock)),
            asyncio.create_task(end_with_parent()),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await mcp.close()
            await db.close()

    door = LoggingDoor if settings.log_level == "debug" else Door
    router = door(site, (*OPERATIONS, *PLATFORM_OPERATIONS), limits=limits, clock=clock).router(lifespan)
    desk = Desk(db, line, knowledge, clock, settings.public_url, settings.proxies, Boards(db, clock))
    # What leads to no path of the interface is asked for by browsers and by AI clients: the rest pays nothing for them.
    router.default = mcp.beside(Dashboard(desk, ROUTES).beside(router.default))
    return router


async def keep_rolling_forward(db: Database, *, clock: Clock) -> None:
    """Make the records that each new day asks for, at once and then every some seconds, whatever happens."""
    while True:
        try:
            await schedule.roll_forward(db, now=clock())
        except SlotkeeperError as error:
            log.warning("the schedule could not be rolled forward, trying again soon: %s", error)
        except Exception:
            log.exception("the schedule could not be rolled forward, trying again soon")
        await asyncio.sleep(SECONDS_BETWEEN_ROLLS)


async def keep_forgetting(db: Database, *, clock: Clock) -> None:
    """Take away what is kept no longer, some time after the start and then every hour, whatever happens."""
    await asyncio.sleep(min(SECONDS_TO_FIRST_FORGETTING, SECONDS_BETWEEN_FORGETTING))
    while True:
        try:
            await audit.forget_old(db, now=clock())
            await sign_ins.forget_ended(db, now=clock())
        except Exception:
            log.exception("what is kept no longer could not be taken away, trying again in an hour")
        await asyncio.sleep(SECONDS_BETWEEN_FORGETTING)


async def end_with_parent() -> None:
    """Stop one of several server processes whose parent is gone: nobody else would, and it would hold the port."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    while parent.is_alive():  # noqa: ASYNC110 - the end of another process is no event of this one
        await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
    log.warning("the process that started this server process is gone, so it stops too")
    signal.raise_signal(signal.SIGTERM)


def from_environment() -> Router:
    """The application of one server process, by the settings in its environment."""
    settings = read_settings(os.environ)
    server.end_on_hangup()
    _start_log(settings)
    return create_app(open_database_of(settings), settings, clock=system_clock)


def _start_log(settings: Settings) -> None:
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True
    )
    if settings.log_level != "debug":
        logging.getLogger("uvicorn").setLevel(logging.WARNING)  # that it starts and stops is no news


def dashboard_at(server_url: str) -> str:
    """The address of the dashboard of a server."""
    return f"{server_url}{DASHBOARD}"


def link_to(settings: Settings, secret: str) -> str:
    """The address of a one-time link, as browsers reach it."""
    return f"{_desk(settings)}{link_path(secret)}"


def sign_in_at(settings: Settings, org_id: str) -> str:
    """The address of an organization's own sign-in page, as browsers reach it."""
    return f"{_desk(settings)}{sign_in_path(org_id)}"


def _desk(settings: Settings) -> str:
    return settings.public_url or f"http://{settings.host}:{settings.port}"


def serve(settings: Settings, listener: socket.socket) -> None:
    """Answer on a listening socket until a signal ends it; each server process reads the settings for itself."""
    _start_log(settings)
    os.environ |= {f"{PREFIX}{name.upper()}": str(value) for name, value in asdict(settings).items()}
    server.run("slotkeeper.app:from_environment", listener, workers=settings.workers)


def system_clock() -> int:
    """The instant now (milliseconds UTC)."""
    return time.time_ns() // 1_000_000


@cache
def _pages() -> dict[str, Page]:
    """The documents about the interface, which depend on nothing but the program."""
    return {"/openapi.json": openapi.page(OPERATIONS), "/docs": docs.page(OPERATIONS)}


def open_database_of(settings: Settings) -> Database:
    """The database that settings name. Raises InvalidInput, Unavailable."""
    return open_database(settings.database_url, replica_url=settings.replica_url, pooler=settings.pooler)


def open_database(url: str, *, replica_url: str = "", pooler: bool = False) -> Database:
    """The database of a URL, as it is: neither made nor migrated. Raises InvalidInput, Unavailable.

    ``replica_url`` may name a standby of a server, and ``pooler`` says that servers are reached through one.
    """
    if replica_url:
        return ReplicatedDatabase(url, replica_url, pooler=pooler)
    if is_server(url):
        return PostgresDatabase(url, pooler=pooler)
    path = sqlite_path(url)
    if not path.absolute().parent.is_dir():
        raise Unavailable(f"The folder {path.absolute().parent} does not exist: make it first, or name another file.")
    if path.is_dir():
        raise Unavailable(f"{path} is a folder: name a file in it, for instance {path / 'slotkeeper.db'}.")
    return SqliteDatabase(path)


@contextlib.asynccontextmanager
async def database(settings: Settings, *, may_create: bool) -> AsyncIterator[Database]:
    """A database for as long as one command works on it.

    Raises InvalidInput, NotFound where there is none and it may not be made, Unavailable that says the cause and
    the cure to the person who runs the command.
    """
    url = settings.database_url
    db = open_database_of(settings)
    try:
        if not may_create and not is_server(url):
            _require_file(sqlite_path(url))
        yield db
    except Unavailable as error:
        sentence = health.explain(shown(url) if is_server(url) else str(sqlite_path(url)), error)
        if sentence is None:
            raise
        raise Unavailable(sentence) from error
    finally:
        await db.close()


def _require_file(path: Path) -> None:
    if not path.exists():
        raise NotFound(
            f"There is no database at {path}; 'slotkeeper organizations create NAME' makes one, or name another "
            "with --database."
        )


async def doubt_replica(db: Database) -> str | None:
    """Why the replica is not used, as a sentence; None where it is, or where there is none. Raises Unavailable."""
    return await db.find_fault() if isinstance(db, ReplicatedDatabase) else None


async def make_file(url: str, db: Database) -> None:
    """Migrate an empty SQLite file. A database on a server is many people's: there somebody says when."""
    if not is_server(url) and await db.schema_step() == 0:
        await db.migrate()


async def require_schema(db: Database) -> None:
    """Refuse a database that this program cannot run on: it knows its own schema step and the next one.

    Raises WrongSchema that says which command to run.
    """
    step, own = await db.schema_step(), current_step()
    if step == 0:
        raise WrongSchema("This database is empty: run 'slotkeeper migrate' first, with the same --database.")
    if step < own:
        raise WrongSchema(
            f"The database is on schema step {step}, and this Slotkeeper runs on step {own}: run 'slotkeeper migrate'."
        )
    refuse_newer(step)


async def is_whole(db: Database) -> bool:
    """Whether a server can do all of its work on a database; False where a part of a distributed one is away.

    Raises Unavailable where it can do nothing.
    """
    await require_schema(db)
    return await db.is_whole()


def refuse_newer(step: int) -> None:
    """Refuse the schema step of a Slotkeeper that is newer by more than one step. Raises WrongSchema."""
    own = current_step()
    if step > own + 1:
        raise WrongSchema(
            f"The database is on schema step {step}, and this Slotkeeper runs on steps {own} and {own + 1}: "
            "install a newer Slotkeeper."
        )


async def require_writable(db: Database) -> None:
    """Refuse a database that cannot be changed, before somebody's booking finds out. Raises Unavailable."""
    await db.write(health.try_write)
