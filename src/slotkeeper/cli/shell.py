"""What the commands share: their common options, the database they open, how they answer."""

import asyncio
import functools
import json
import os
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import click

from slotkeeper import app
from slotkeeper.cli.params import DatabaseUrl
from slotkeeper.domain.access import Caller, operator
from slotkeeper.domain.model import Organization
from slotkeeper.operations import Database
from slotkeeper.operations.directory import choose_organization
from slotkeeper.settings import Settings, read_settings

T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., Any])

DATABASE = click.option(
    "--database",
    "database_url",
    type=DatabaseUrl(),
    help="The database: sqlite:///file.db or postgresql://user:password@host/name.  [SLOTKEEPER_DATABASE_URL]",
)
ORGANIZATION = click.option(
    "--organization", metavar="NAME|ID", help="The organization to work in; needless while there is only one."
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print exactly one JSON object.")


class Inside(NamedTuple):
    """Where a command works: the organization, and the person at the command line as its caller."""

    db: Database
    organization: Organization
    caller: Caller


class Shell(NamedTuple):
    """The common options of one command."""

    settings: Settings
    as_json: bool
    organization: str | None = None

    def run(self, work: Callable[[Database], Awaitable[T]], *, may_create: bool = False) -> T:
        """Do the work on the database. Raises WrongSchema where it is not ready, unless it is empty and may be made."""
        return asyncio.run(_run(self.settings, work, may_create=may_create))

    def run_inside(self, work: Callable[[Inside], Awaitable[T]]) -> T:
        """Do the work in the organization. Raises NotFound or Conflict where it is not clear which."""

        async def inside(db: Database) -> T:
            organization = await choose_organization(db, self.organization)
            return await work(Inside(db, organization, operator(organization.org_id)))

        return self.run(inside)

    def show(self, answer: Mapping[str, Any], lines: Iterable[str]) -> None:
        """Print the answer as one JSON object, or its lines for a person."""
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False) if self.as_json else "\n".join(lines))


def on_database(command: Command) -> Command:
    """Give a command ``--database`` and ``--json``, and a Shell as its first argument."""
    return DATABASE(JSON(_with_shell(command)))


def in_organization(command: Command) -> Command:
    """Give a command ``--database``, ``--organization`` and ``--json``, and a Shell as its first argument."""
    return DATABASE(ORGANIZATION(JSON(_with_shell(command))))


def table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """The lines of a table, each column as wide as its widest cell."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]


@contextmanager
def progress_bar(label: str, *, shown: bool = True) -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar on stderr and what moves it (how much of how much is done); None where that is no terminal."""
    if not shown or not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def progress(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield progress


def _with_shell(command: Command) -> Command:
    @functools.wraps(command)
    def run(**given: Any) -> object:
        settings = read_settings(os.environ, database_url=given.pop("database_url"))
        shell = Shell(settings, given.pop("as_json"), given.pop("organization", None))
        return command(shell, **given)

    return run  # type: ignore[return-value]  # click calls it by keyword, whatever the command takes


async def _run(settings: Settings, work: Callable[[Database], Awaitable[T]], *, may_create: bool) -> T:
    async with app.database(settings, may_create=may_create) as db:
        if may_create:
            await app.make_file(settings.database_url, db)
        await app.require_schema(db)
        return await work(db)
