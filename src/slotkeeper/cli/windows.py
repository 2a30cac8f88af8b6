"""``slotkeeper windows``."""

from pathlib import Path

import click

from slotkeeper.app import system_clock
from slotkeeper.cli.shell import Shell, in_organization
from slotkeeper.operations.window_file import import_file, read_window_file


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
    imported = shell.run_inside(lambda at: import_file(at.db, at.caller, read, dry_run=dry_run, now=system_clock()))
    counts = f"{imported.created} new, {imported.changed} changed, {imported.unchanged} right already"
    shell.show(
        {
            "created": imported.created,
            "changed": imported.changed,
            "unchanged": imported.unchanged,
            "dry_run": dry_run,
        },
        [f"Nothing was changed; it would be {counts}." if dry_run else f"Imported: {counts}."],
    )
