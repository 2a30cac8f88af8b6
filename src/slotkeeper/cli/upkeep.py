"""``slotkeeper migrate``, ``check`` and ``patients``: what keeps a database in order."""

import asyncio

import click

from slotkeeper.app import open_database, system_clock
from slotkeeper.cli.shell import Shell, in_organization, on_database, table
from slotkeeper.operations import upkeep


@click.command(short_help="Bring the database to the newest schema step.")
@on_database
def migrate(shell: Shell) -> None:
    """Bring the database to the newest schema step, making it where it is not there.

    Safe to run again, and beside a running server that is one step older. A step is applied whole or
    not at all.

    \b
    Example:  slotkeeper migrate --database sqlite:///clinic.db

    Prints the step before and after.
    """
    before, after = asyncio.run(_migrate(shell.settings.database_url))
    shell.show(
        {"from": before, "to": after},
        [
            f"The database is on schema step {after}, as before."
            if before == after
            else f"Migrated {before} to {after}."
        ],
    )


async def _migrate(url: str) -> tuple[int, int]:
    db = open_database(url)
    try:
        return await db.schema_step(), await db.migrate()
    finally:
        await db.close()


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
@click.option("--name", help="Only this person, where several share the number; in any case.")
@in_organization
def erase_patient(shell: Shell, phone: str, name: str | None) -> None:
    """Replace a person's name, phone and notes everywhere. The counts stay; there is no way back.

    \b
    Example:  slotkeeper patients erase --phone "+91 55501 00042" --name "Maya Iyer"

    Prints how many appointments were erased. The audit trail says that it was done, not to whom.
    """
    if not any(letter.isdecimal() for letter in phone):
        raise click.BadParameter("a phone number has digits.", param_hint="'--phone'")
    count = shell.run_inside(
        lambda at: upkeep.erase_patient(at.db, at.caller, phone=phone, name=name, now=system_clock())
    )
    shell.show({"erased": count}, [f"Erased the person from {count} appointment{'' if count == 1 else 's'}."])
