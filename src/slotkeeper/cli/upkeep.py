"""``slotkeeper migrate``, ``check`` and ``patients``: what keeps a database in order."""

import asyncio

import click

from slotkeeper.app import database, refuse_newer, system_clock
from slotkeeper.cli.shell import Shell, in_organization, on_database, table
from slotkeeper.operations import upkeep
from slotkeeper.settings import Settings


@click.command(short_help="Bring the database to the newest schema step.")
@click.option(
    "--distributed",
    is_flag=True,
    help="Also distribute all tables by organization over the nodes of a PostgreSQL with the extension Citus.",
)
@on_database
def migrate(shell: Shell, distributed: bool) -> None:
    """Bring the database to the newest schema step, making it where it is not there.

    Safe to run again, and beside a running server that is one step older. A step is applied whole or
    not at all.

    \b
    Example:  slotkeeper migrate --database sqlite:///clinic.db

    Prints the step before and after.
    """
    before, after, tables = asyncio.run(_migrate(shell.settings, distributed=distributed))
    lines = [
        f"The database is on schema step {after}, as before." if before == after else f"Migrated {before} to {after}."
    ]
    if distributed:
        lines.append(
            f"Distributed {len(tables)} tables by organization: {', '.join(tables)}."
            if tables
            else "All tables are distributed by organization, as before."
        )
    shell.show({"from": before, "to": after} | ({"distributed": tables} if distributed else {}), lines)


async def _migrate(settings: Settings, *, distributed: bool) -> tuple[int, int, list[str]]:
    """The steps before and after, and the tables that were distributed."""
    async with database(settings, may_create=True) as db:
        before = await db.schema_step()
        refuse_newer(before)
        if not distributed:
            return before, await db.migrate(), []
        tables = await db.distribute()
        return before, await db.schema_step(), tables


@click.command(short_help="Recount everything and report differences.")
@on_database
def check(shell: Shell) -> None:
    """Recount every window-date of every organization, and compare with the counts that are stored.

    \b
    Example:  slotkeeper check && echo all is well

    Prints each count that differs; there must never be one. Exit code 1 where there is.
    """
    found = shell.run(upkeep.check)
    rows = [
        (one.org_id, one.calendar_id, one.date.isoformat(), one.what, str(one.stored), str(one.counted))
        for one in found
    ]
    header = ("ORGANIZATION", "WINDOW", "DATE", "COUNT", "STORED", "COUNTED")
    shell.show(
        {"differences": [one._asdict() | {"date": one.date.isoformat()} for one in found]},
        table(header, rows) if found else ["Every stored count is what its appointments and holds say."],
    )
    if found:
        click.get_current_context().exit(1)


@click.group()
def patients() -> None:
    """Patients: what is stored about a person."""


@patients.command("erase", short_help="Replace a person's name, phone and notes.")
@click.option("--phone", required=True, help="The phone number of the person; only its digits count.")
@click.option("--name", help="Only this person, in upper or lower case.  [default: everybody under that number]")
@click.option("--dry-run", is_flag=True, help="Erase nothing; say who would be erased.")
@in_organization
def erase_patient(shell: Shell, phone: str, name: str | None, dry_run: bool) -> None:
    """Replace a person's name, phone and notes everywhere. The counts stay; there is no way back.

    A number may belong to a whole family: without --name, everybody under it is erased.

    \b
    Example:  slotkeeper patients erase --phone "+91 55501 00042" --dry-run
    Example:  slotkeeper patients erase --phone "+91 55501 00042" --name "Maya Iyer"

    Prints how many appointments were erased; with --dry-run how many would be, and of whom. The audit
    trail says that it was done, not to whom.
    """
    if not any(letter.isdecimal() for letter in phone):
        raise click.BadParameter("a phone number has digits.", param_hint="'--phone'")
    erased = shell.run_inside(
        lambda at: upkeep.erase_patient(at.db, at.caller, phone=phone, name=name, dry_run=dry_run, now=system_clock())
    )
    count = f"{erased.appointments} appointment{'' if erased.appointments == 1 else 's'}"
    people = f"{len(erased.names)} {'person' if len(erased.names) == 1 else 'people'}"
    if dry_run:
        line = f"Nothing was changed; it would erase {count} of {people}: {', '.join(erased.names)}."
        shell.show({"erased": erased.appointments, "names": erased.names, "dry_run": True}, [line])
    else:
        shell.show({"erased": erased.appointments, "dry_run": False}, [f"Erased {count} of {people}."])
