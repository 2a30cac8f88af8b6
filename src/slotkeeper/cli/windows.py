"""``slotkeeper windows``."""

from pathlib import Path

import click

from slotkeeper.app import system_clock
from slotkeeper.cli.shell import Inside, Shell, in_organization
from slotkeeper.cli.window_file import WindowFile, line_of, read_window_file
from slotkeeper.domain.errors import InvalidInput
from slotkeeper.operations import window_import
from slotkeeper.operations.window_import import Imported


@click.group()
def windows() -> None:
    """Calendar windows: the weekly rules."""


@windows.command("import", short_help="Make and change windows from a CSV file.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE.csv")
@click.option("--dry-run", is_flag=True, help="Check everything and change nothing.")
@in_organization
def import_windows(shell: Shell, file: Path, dry_run: bool) -> None:
    """Make the windows of a CSV file, and change those that exist: all of them or none.

    A row is an existing window where branch, day, session, batch and appointment type are the same; its
    times and limits then become those of the row. Branches and appointment types are given by name or
    UUID; an empty branch is the only one there is, an empty appointment type every one, an empty
    ai_slots follows max_slots.

    \b
    The file:  branch,day,session,batch,start_time,end_time,max_slots,ai_slots,appointment_type
               Main Street,monday,Morning,MA,09:00,11:00,20,10,
    Example:   slotkeeper windows import windows.csv --dry-run

    Prints how many windows were made, changed and right already. Where a line is wrong, stderr names
    every wrong line, and nothing is imported.
    """
    read = read_window_file(file.read_bytes())
    imported = shell.run_inside(lambda at: _import(at, read, dry_run=dry_run))
    counts = f"{imported.created} new, {imported.changed} changed, {imported.unchanged} right already"
    shell.show(
        {**imported._asdict(), "dry_run": dry_run},
        [f"Nothing was changed; it would be {counts}." if dry_run else f"Imported: {counts}."],
    )


async def _import(at: Inside, read: WindowFile, *, dry_run: bool) -> Imported:
    """Import the rows, or say what is wrong in each line: what the file shows and what only the database knows."""
    wrong = list(read.wrong)
    try:
        imported = await window_import.import_windows(
            at.db, at.caller, read.rows, dry_run=dry_run or bool(wrong), now=system_clock()
        )
    except InvalidInput as error:
        wrong += error.details
    if wrong:
        raise InvalidInput(sorted(wrong, key=line_of))
    return imported
