"""``slotkeeper regenerate``."""

from datetime import date

import click

from slotkeeper.app import system_clock
from slotkeeper.cli.params import Date
from slotkeeper.cli.shell import Shell, in_organization, progress_bar
from slotkeeper.domain.errors import InvalidInput
from slotkeeper.domain.model import Regenerated
from slotkeeper.domain.ranges import LONGEST_RANGE, date_range
from slotkeeper.operations import schedule


@click.command(short_help="Bring records in line with the windows.")
@click.option("--from", "date_from", type=Date(), required=True, help="The first date.")
@click.option("--to", "date_to", type=Date(), help="The last date; at most 366 dates in all.  [default: the first]")
@click.option("--dry-run", is_flag=True, help="Change nothing; say what would change.")
@in_organization
def regenerate(shell: Shell, date_from: date, date_to: date | None, dry_run: bool) -> None:
    """Bring the schedule tracking records of some dates in line with the calendar windows.

    Bookings, holds and overrides stay, and running it twice changes nothing the second time.

    \b
    Example:  slotkeeper regenerate --from 2026-06-15 --to 2026-06-30

    Prints how many window-dates were processed, upserted, skipped (kept although no window covers them,
    because something stands on them) and in error; with --dry-run also each change and its reason.
    Exit code 1 where a record could not be written.
    """
    try:
        first, last = date_range(date_from, date_to)
    except InvalidInput:
        raise click.UsageError(
            f"--to must not be before --from, and there may be at most {LONGEST_RANGE} dates in all."
        ) from None
    with progress_bar("Regenerating", shown=not dry_run) as progress:
        result = shell.run_inside(
            lambda at: schedule.regenerate(
                at.db,
                at.caller,
                date_from=first,
                date_to=last,
                dry_run=dry_run,
                now=system_clock(),
                progress=progress,
            )
        )
    shell.show(_shown(result, dry_run=dry_run), _lines(result, dry_run=dry_run))
    if result.errors:
        click.get_current_context().exit(1)


def _shown(result: Regenerated, *, dry_run: bool) -> dict[str, object]:
    counters: dict[str, object] = {
        "processed": result.processed,
        "skipped": result.skipped,
        "errors": result.errors,
        "upserted": result.upserted,
    }
    if dry_run:
        counters["changes"] = [
            {"slot_id": f"{item.calendar_id}||{item.date}", "change": item.change, "reason": item.reason}
            for item in result.changes
        ]
    return counters


def _lines(result: Regenerated, *, dry_run: bool) -> list[str]:
    changes = [f"{item.change:6}  {item.calendar_id}||{item.date}  {item.reason}" for item in result.changes]
    counters = f"{result.upserted} upserted, {result.skipped} skipped, {result.errors} errors."
    if dry_run:
        return [f"Nothing was changed; it would be: {result.processed} processed, {counters}", *changes]
    return [*changes, f"{result.processed} processed: {counters}"]
