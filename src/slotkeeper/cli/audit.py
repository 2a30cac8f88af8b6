"""``slotkeeper audit``: who did what."""

import json

import click

from slotkeeper.app import system_clock
from slotkeeper.cli.params import Date
from slotkeeper.cli.shell import Shell, in_organization, table
from slotkeeper.domain.calendar import iso_instant
from slotkeeper.domain.model import AuditEntry
from slotkeeper.operations import audit as operations
from slotkeeper.operations.audit import Wanted

LONGEST_KEPT = 36_500


@click.group()
def audit() -> None:
    """The audit trail: every change, and every change that a rule refused."""


@audit.command("list")
@click.option("--from", "first", type=Date(), help="From this date on.")
@click.option("--to", "last", type=Date(), help="Up to this date.")
@click.option("--action", help="Only this action, such as appointments.create.")
@click.option("--subject", help="Only about this id.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many at most.")
@in_organization
def list_entries(
    shell: Shell, *, first: object, last: object, action: str | None, subject: str | None, limit: int
) -> None:
    """List the newest entries, the newest first.

    \b
    Example:  slotkeeper audit list --action days.update

    Prints when, what, about what and how it ended.
    """
    wanted = Wanted(first, last, action, subject)  # type: ignore[arg-type]  # dates, by their kind
    found, total = shell.run_inside(lambda at: operations.list_entries(at.db, at.caller, wanted, page=1, limit=limit))
    rows = [
        (iso_instant(one.at), one.action, one.outcome, one.subject or "", json.dumps(one.after or one.before or {}))
        for one in found
    ]
    header = ("AT", "ACTION", "OUTCOME", "SUBJECT", "WHAT")
    shell.show({"entries": [_entry(one) for one in found], "total": total}, table(header, rows))


@audit.command("keep")
@click.argument("days", type=click.IntRange(1, LONGEST_KEPT))
@in_organization
def keep(shell: Shell, days: int) -> None:
    """Keep entries for DAYS days; older ones are taken away within the hour, while a server runs.

    \b
    Example:  slotkeeper audit keep 3650

    Prints the days before and after.
    """
    before = shell.run_inside(lambda at: operations.keep_days(at.db, at.caller, days, now=system_clock()))
    shell.show(
        {"from": before, "to": days}, [f"Entries of the audit trail are kept for {days} days (before: {before})."]
    )


def _entry(one: AuditEntry) -> dict[str, object]:
    return one._asdict() | {"at": iso_instant(one.at)}
