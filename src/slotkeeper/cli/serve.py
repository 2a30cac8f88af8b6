"""``slotkeeper serve``."""

import asyncio
import contextlib
import http.client
import os
import shlex
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import NamedTuple

import click

from slotkeeper import __version__, app
from slotkeeper.cli.params import DatabaseUrl
from slotkeeper.cli.shell import DATABASE, JSON, Shell
from slotkeeper.domain.errors import Unavailable
from slotkeeper.operations.demo import Demo, fill_demo
from slotkeeper.operations.directory import list_organizations
from slotkeeper.settings import (
    HIGHEST_PORT,
    LOG_LEVELS,
    LONGEST_HOLD,
    MOST_PROXIES,
    MOST_WORKERS,
    SHORTEST_HOLD,
    Settings,
    read_settings,
    shown,
)

BACKLOG = 2048


class Address(NamedTuple):
    """Where the server listens, as a client on this machine reaches it."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """The beginning of every URL of the server."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


class Prepared(NamedTuple):
    """What is in the database that is served: the demo, or no organization at all."""

    demo: Demo | None
    is_empty: bool


@click.command(short_help="Answer over HTTP; --demo fills a clinic first.")
@click.option("--host", help="The address to listen on.  [default: 127.0.0.1, this machine only]")
@click.option("--port", type=click.IntRange(0, HIGHEST_PORT), help="The port; 0 takes any free one.  [default: 8000]")
@click.option("--workers", type=click.IntRange(1, MOST_WORKERS), help="How many server processes.  [default: 1]")
@click.option("--log-level", type=click.Choice(LOG_LEVELS), help="How much to log on stderr.  [default: info]")
@click.option("--replica", "replica_url", type=DatabaseUrl(), help="A standby of the PostgreSQL, for what may lag.")
@click.option("--pooler/--no-pooler", default=None, help="The PostgreSQL is reached through a pooler.")
@click.option("--public-url", help="How browsers reach the dashboard, such as https://desk.example.org.")
@click.option("--proxies", type=click.IntRange(0, MOST_PROXIES), help="How many proxies stand before it.  [default: 0]")
@click.option(
    "--call-hold-seconds",
    type=click.IntRange(SHORTEST_HOLD, LONGEST_HOLD),
    help="For how long voice agents keep a place.  [default: 300]",
)
@click.option("--demo", is_flag=True, help="Fill an empty database with a believable clinic first.")
@DATABASE
@JSON
def serve(demo: bool, as_json: bool, **flags: str | int | None) -> None:
    """Answer over HTTP until Ctrl-C. An empty SQLite file is made and migrated first; a PostgreSQL never is.

    \b
    Example:  slotkeeper serve --demo --database sqlite:///demo.db
    Example:  slotkeeper serve --host 0.0.0.0 --port 80 --workers 2

    Prints one line with the address as soon as it answers; with --demo also a key, a password for the
    dashboard (new ones at each start), and a curl line for next Monday that works as it stands. With
    --json: url, docs and demo.

    Each flag is also read from the environment: SLOTKEEPER_HOST, SLOTKEEPER_PORT, SLOTKEEPER_WORKERS,
    SLOTKEEPER_LOG_LEVEL, SLOTKEEPER_DATABASE_URL, SLOTKEEPER_REPLICA_URL, SLOTKEEPER_POOLER,
    SLOTKEEPER_PUBLIC_URL and SLOTKEEPER_PROXIES.
    """
    settings = read_settings(os.environ, **flags)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    listener = _listen(settings.host, settings.port)
    prepared = asyncio.run(_prepare(settings, demo=demo))
    address = _address(listener)
    _when_ready(address, lambda: Shell(settings, as_json).show(*_greeting(settings, address, prepared)))
    app.serve(settings, listener)


def _listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections; they wait until the server is ready. Raises Unavailable."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        reason = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        raise Unavailable(
            f"Cannot listen on {host}, port {port}: {str(reason).lower()}. Choose another with --host and --port."
        ) from None


async def _prepare(settings: Settings, *, demo: bool) -> Prepared:
    """Make the database ready to be served. Raises WrongSchema, Unavailable, Conflict."""
    async with app.database(settings, may_create=True) as db:
        await app.make_file(settings.database_url, db)
        await app.require_schema(db)
        await app.require_writable(db)
        doubt = await app.doubt_replica(db)
        if doubt is not None:
            click.echo(f"Warning: {doubt} The primary answers for it.", err=True)
        filled = await fill_demo(db, now=app.system_clock()) if demo else None
        return Prepared(filled, is_empty=not await list_organizations(db))


def _address(listener: socket.socket) -> Address:
    host, port = listener.getsockname()[:2]
    return Address({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port)  # noqa: S104 - read, not bound


def _when_ready(address: Address, act: Callable[[], None]) -> None:
    """Act as soon as the server answers; the connection waits in the listener's queue until then."""

    def wait() -> None:
        connection = http.client.HTTPConnection(*address)
        try:
            connection.request("GET", "/healthz")
            connection.getresponse().read()
        except OSError:
            return  # the server ended before it was ready, and the log says why
        finally:
            connection.close()
        with contextlib.suppress(OSError):  # nobody reads what is printed, and the server answers all the same
            act()

    threading.Thread(target=wait, daemon=True).start()


def _greeting(settings: Settings, address: Address, prepared: Prepared) -> tuple[dict[str, object], list[str]]:
    """What to print when the server is ready: as JSON, and as lines."""
    demo = prepared.demo
    docs = f"{address.url}/docs"
    lines = [f"Slotkeeper {__version__} answers on {address.url} (documentation: {docs}). Stop it with Ctrl-C."]
    answer: dict[str, object] = {
        "url": address.url,
        "docs": docs,
        "database": shown(settings.database_url),
        "demo": None,
    }
    if prepared.is_empty:
        lines.append(_hint(settings.database_url))
    if demo is not None:
        query = f"{address.url}/v1/appointment-slots/availability?date={demo.monday}&session=Morning"
        curl = shlex.join(["curl", "-s", query, "-H", f"Authorization: Bearer {demo.key}"])
        sign_in = {
            "url": app.dashboard_at(settings.public_url or address.url),
            "email": demo.emails[0],
            "password": demo.password,
        }
        answer["demo"] = {"key": demo.key, "staff_key": demo.staff_key, "curl": curl, "sign_in": sign_in}
        lines += [
            "",
            f"The demo is '{demo.organization.name}'. Its keys may do everything; each start makes new ones.",
            f"  A program's key (it may fill ai_slots):        {demo.key}",
            f"  A receptionist's key (it may fill max_slots):  {demo.staff_key}",
            "",
            f"The dashboard is at {sign_in['url']}",
            f"  E-mail:    {demo.emails[0]} (an admin; {', '.join(demo.emails[1:])} may do less)",
            f"  Password:  {demo.password}",
            "",
            "The places of next Monday morning:",
            "",
            curl,
            "",
        ]
    return answer, lines


def _hint(url: str) -> str:
    """How an empty database gets its first organization and key."""
    database = "" if url == Settings().database_url else f" --database {shlex.quote(shown(url))}"
    return (
        f"It has no organization yet: 'slotkeeper organizations create NAME{database}' makes one, "
        f"and 'slotkeeper keys create --scopes slots:read,slots:write{database}' a key for it."
    )
