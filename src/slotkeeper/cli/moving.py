"""``slotkeeper export`` and ``import``: organizations on their way to another database."""

import gzip
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from slotkeeper.app import system_clock
from slotkeeper.cli.params import Name
from slotkeeper.cli.shell import Shell, on_database, progress_bar
from slotkeeper.domain.errors import Conflict, NotFound
from slotkeeper.operations import exports, imports

PIPE = Path("-")


@click.command("export", short_help="Write organizations into a file, to move them.")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--organization", metavar="NAME|ID", help="Only this organization.  [default: all of them]")
@on_database
def export_file(shell: Shell, file: Path) -> None:
    """Write one organization, or all where none is named, into the new FILE; - is standard output.

    The file has everything of an organization: windows, records, overrides, closures, appointments,
    holds, keys (hashes only), kept answers, the audit trail. It is compressed where its name ends in .gz,
    and nobody else may read it: it names patients. Bookings go on meanwhile; each organization is in the
    file as it was at one moment, and what is booked after that moment is not.

    \b
    Example:  slotkeeper export clinic.jsonl.gz --organization "My Clinic"
    Example:  slotkeeper export - | slotkeeper import - --database sqlite:///new.db

    Prints what was written, how many rows, and the file's digest; on stderr where FILE is -.
    """
    if file == PIPE and shell.as_json:
        raise click.UsageError("--json prints to standard output, and so does the file '-': give a file a name.")
    with _new_file(file) as write, progress_bar("Exporting") as progress:
        made = shell.run(
            lambda db: exports.export(db, shell.organization, write=write, clock=system_clock, progress=progress)
        )
    count = f"{len(made.organizations)} organization{'' if len(made.organizations) == 1 else 's'}"
    line = f"Exported {count}, {made.rows} rows, SHA-256 {made.sha256}."
    if file == PIPE:
        click.echo(line, err=True)
    else:
        shell.show(
            {
                "file": str(file),
                "organizations": [
                    {"id": one.org_id, "name": one.name, "at": one.at, "rows": one.rows} for one in made.organizations
                ],
                "rows": made.rows,
                "sha256": made.sha256,
            },
            [line],
        )


@click.command("import", short_help="Bring in what 'export' wrote.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--name", type=Name(), help="A new name for the organization, where the file holds a single one.")
@click.option("--start-over", is_flag=True, help="Take away what an interrupted import of another file left.")
@on_database
def import_file(shell: Shell, file: Path, name: str | None, start_over: bool) -> None:
    """Bring all organizations of FILE into the database; - is standard input. A new SQLite file is made too.

    The database may be of another kind than the one that FILE came from.

    The file is read to its end first: one that is cut off or damaged changes nothing. Nobody sees an
    organization, and no key works in it, before all of it is there and was recounted. An import that was
    interrupted leaves nothing that anybody sees: run it again, as often as needed, and each organization
    is there once. An organization that is in the database already is refused, and left as it is.

    \b
    Example:  slotkeeper import clinic.jsonl.gz --database sqlite:///new.db

    Prints each organization with its rows, recounted. Exit code 1 where a count differs.
    """
    with _old_file(file) as stream, progress_bar("Importing") as progress:
        found = shell.run(
            lambda db: imports.import_file(
                db, stream, name=name, start_over=start_over, clock=system_clock, progress=progress
            ),
            may_create=True,
        )
    shell.show(
        {
            "organizations": [
                {"id": one.org_id, "name": one.name, "at": one.at, "rows": one.rows, "was_there": one.was_there}
                for one in found
            ]
        },
        [_line(one) for one in found],
    )


def _line(one: imports.Imported) -> str:
    count = f"{sum(one.rows.values())} rows, as it was at {one.at}"
    if one.was_there:
        return f"'{one.name}' ({one.org_id}) was imported from this file before: left as it is."
    return f"Imported '{one.name}' ({one.org_id}): {count}. Recounted, nothing differs."


@contextmanager
def _new_file(file: Path) -> Iterator[Callable[[bytes], object]]:
    """What writes into a file that has its name only once it is whole and on the disk."""
    if file == PIPE:
        yield sys.stdout.buffer.write
        sys.stdout.buffer.flush()
        return
    if not file.absolute().parent.is_dir():
        raise NotFound(f"The folder {file.absolute().parent} does not exist: make it first, or name another file.")
    if file.exists():
        raise Conflict(f"{file} exists already: name another file, or take that one away first.")
    with tempfile.NamedTemporaryFile(dir=file.parent, prefix=f".{file.name}.", suffix=".part", delete=False) as part:
        try:
            if file.suffix == ".gz":
                with gzip.GzipFile(filename="", mode="wb", fileobj=part, compresslevel=6) as packed:
                    yield packed.write
            else:
                yield part.write
            part.flush()
            os.fsync(part.fileno())
            Path(part.name).rename(file)
        except BaseException:
            Path(part.name).unlink(missing_ok=True)
            raise


@contextmanager
def _old_file(file: Path) -> Iterator[BinaryIO]:
    """A file that can be read twice; standard input is kept aside for that."""
    if file != PIPE:
        with file.open("rb") as stream:
            yield stream
        return
    with tempfile.TemporaryFile() as kept:
        shutil.copyfileobj(sys.stdin.buffer, kept)
        yield kept
