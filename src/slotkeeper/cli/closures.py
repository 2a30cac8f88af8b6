"""``slotkeeper closures``: dates on which no bookings are taken."""

from datetime import date, timedelta
from pathlib import Path

import click

from slotkeeper.app import system_clock
from slotkeeper.cli.closure_file import list_holidays, read_calendar
from slotkeeper.cli.params import Date, Id
from slotkeeper.cli.shell import Inside, Shell, in_organization, table
from slotkeeper.domain.calendar import iso_instant, today
from slotkeeper.domain.errors import InvalidInput
from slotkeeper.domain.model import Closure
from slotkeeper.domain.slot_ids import FIRST_YEAR, LAST_YEAR
from slotkeeper.domain.texts import REASON_LENGTH, parse_text
from slotkeeper.operations import closures as operations
from slotkeeper.operations import directory
from slotkeeper.operations.closures import Closed, NewClosure
from slotkeeper.operations.windows import choose_named

BRANCH = click.option("--branch", metavar="NAME|ID", help="Only this branch.  [default: every branch]")
AHEAD = timedelta(days=730)


@click.group()
def closures() -> None:
    """Closures: dates on which no bookings are taken; the appointments on them stay."""


@closures.command("import", short_help="Close the dates of an .ics file, or public holidays.")
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="[FILE.ics]"
)
@click.option("--country", metavar="CODE", help="A country's public holidays instead of a file, such as DE or IN.")
@click.option("--subdivision", metavar="CODE", help="Those of a part of the country too, such as BY.")
@click.option(
    "--year",
    "years",
    multiple=True,
    type=click.IntRange(FIRST_YEAR, LAST_YEAR),
    help="Of this year; may be given several times.  [default: this year and the next]",
)
@click.option("--language", metavar="CODE", help="The language of the holidays' names, such as de.")
@click.option("--from", "first", type=Date(), help="Events of the file from this date on.  [default: today]")
@click.option("--to", "last", type=Date(), help="Events of the file up to this date.  [default: two years ahead]")
@BRANCH
@click.option("--dry-run", is_flag=True, help="Say what would be closed and change nothing.")
@in_organization
def import_closures(
    shell: Shell,
    *,
    file: Path | None,
    country: str | None,
    subdivision: str | None,
    years: tuple[int, ...],
    language: str | None,
    first: date | None,
    last: date | None,
    branch: str | None,
    dry_run: bool,
) -> None:
    """Close the dates of the events in an .ics file, or of a country's public holidays: all of them or none.

    What is closed already, with the same branch, dates and reason, is left as it is, so that an import
    can be run again. Recurring events are closed each time that they occur between --from and --to.

    \b
    Examples:  slotkeeper closures import holidays.ics --branch "Main Street" --dry-run
               slotkeeper closures import --country DE --subdivision BY --year 2027

    Prints what was closed, and how many appointments still to come stand on those dates: somebody has
    to ring these patients.
    """
    if (file is None) == (country is None):
        raise click.UsageError("Name an .ics file, or a country with --country, but not both.")

    content = None if file is None else file.read_bytes()

    async def work(at: Inside) -> Closed:
        timezone = at.organization.configuration.timezone
        branch_id = await _branch_id(at, branch)
        if branch_id is not None:
            timezone = await _timezone(at, branch_id)
        on = today(system_clock(), timezone)
        if content is not None:
            found = read_calendar(content, first=first or on, last=last or on + AHEAD, timezone=timezone)
        else:
            found = list_holidays(country or "", subdivision, years or (on.year, on.year + 1), language=language)
        return await operations.import_closures(
            at.db,
            at.caller,
            [NewClosure(branch_id, *one) for one in found],
            source="holidays" if content is None else "ics",
            dry_run=dry_run,
            now=system_clock(),
        )

    done = shell.run_inside(work)
    did = "Nothing was changed; it would be" if dry_run else "Imported:"
    counts = f"{did} {len(done.made)} new, {done.unchanged} closed already."
    shell.show(
        {
            "created": len(done.made),
            "unchanged": done.unchanged,
            "affected": done.affected,
            "closures": [_closure(one) for one in done.made],
            "dry_run": dry_run,
        },
        [*_listed(done.made), counts, _in_the_way(done.affected)],
    )


@closures.command("create")
@click.option("--from", "first", type=Date(), required=True, help="The first date.")
@click.option("--to", "last", type=Date(), help="The last date.  [default: the first]")
@click.option("--reason", required=True, help="What the staff and the callers are told.")
@BRANCH
@click.option("--dry-run", is_flag=True, help="Say which appointments it would affect and change nothing.")
@in_organization
def create_closure(
    shell: Shell, *, first: date, last: date | None, reason: str, branch: str | None, dry_run: bool
) -> None:
    """Close some dates, of one branch or of all.

    \b
    Example:  slotkeeper closures create --from 2026-12-24 --to 2026-12-26 --reason Christmas

    Prints the id of the closure, and how many appointments still to come stand on its dates.
    """
    text = parse_text(reason, longest=REASON_LENGTH)
    if text is None:
        raise InvalidInput.of("reason", f"'--reason' must be one line of 1 to {REASON_LENGTH} characters.")

    async def work(at: Inside) -> tuple[Closure | None, list[str]]:
        new = NewClosure(await _branch_id(at, branch), first, last or first, text)
        affected = await operations.preview_closure(at.db, at.caller, new, now=system_clock())
        if dry_run:
            return None, affected
        return await operations.create_closure(at.db, at.caller, new, source="cli", now=system_clock()), affected

    made, affected = shell.run_inside(work)
    if made is None:
        shell.show({"affected": affected, "dry_run": True}, ["Nothing was changed.", _in_the_way(affected)])
    else:
        shell.show(
            {**_closure(made), "affected": affected},
            [f"Closed {made.date_from} to {made.date_to} ({made.closure_id}).", _in_the_way(affected)],
        )


@closures.command("list")
@click.option("--from", "first", type=Date(), help="From this date on.")
@click.option("--to", "last", type=Date(), help="Up to this date.")
@BRANCH
@in_organization
def list_closures(shell: Shell, *, first: date | None, last: date | None, branch: str | None) -> None:
    """List closures, the earliest first.

    \b
    Example:  slotkeeper closures list --from 2026-12-01

    Prints the dates, the branch, the reason and the id of each.
    """

    async def work(at: Inside) -> list[Closure]:
        branch_id = await _branch_id(at, branch)
        found, _ = await operations.list_closures(
            at.db, at.caller, branch_id=branch_id, date_from=first, date_to=last, page=1, limit=operations.EVERY
        )
        return found

    found = shell.run_inside(work)
    shell.show({"closures": [_closure(one) for one in found]}, _listed(found) or ["Nothing is closed."])


@closures.command("remove")
@click.argument("closure_id", type=Id(), metavar="ID")
@in_organization
def remove_closure(shell: Shell, closure_id: str) -> None:
    """Remove the closure ID: its dates are open again, as far as nothing else closes them.

    \b
    Example:  slotkeeper closures remove 3a8e7c10-52d4-4c1b-9a60-77c2d1e5f4b9

    Prints what was removed.
    """
    shell.run_inside(lambda at: operations.delete_closure(at.db, at.caller, closure_id, now=system_clock()))
    shell.show({"id": closure_id, "removed": True}, [f"Removed the closure {closure_id}."])


async def _branch_id(at: Inside, branch: str | None) -> str | None:
    if branch is None:
        return None
    return choose_named(await directory.list_branches(at.db, at.caller), branch, "branch").branch_id


async def _timezone(at: Inside, branch_id: str) -> str:
    found = next(one for one in await directory.list_branches(at.db, at.caller) if one.branch_id == branch_id)
    return found.timezone or at.organization.configuration.timezone


def _listed(found: list[Closure]) -> list[str]:
    rows = [
        (str(one.date_from), str(one.date_to), one.branch_id or "every branch", one.reason, one.closure_id)
        for one in found
    ]
    return table(("FROM", "TO", "BRANCH", "REASON", "ID"), rows) if rows else []


def _in_the_way(affected: list[str]) -> str:
    if not affected:
        return "No appointment stands on these dates."
    what = "1 appointment stands" if len(affected) == 1 else f"{len(affected)} appointments stand"
    return f"{what} on these dates and stays; ring the patients: {', '.join(affected[:10])}" + (
        " …" if len(affected) > 10 else "."
    )


def _closure(one: Closure) -> dict[str, object]:
    return {
        "id": one.closure_id or None,
        "branch_id": one.branch_id,
        "date_from": str(one.date_from),
        "date_to": str(one.date_to),
        "reason": one.reason,
        "source": one.source,
        "created_at": iso_instant(one.created_at),
    }
