"""``slotkeeper organizations``, ``branches``, ``services``."""

import click

from slotkeeper.app import system_clock
from slotkeeper.cli.params import Name, Zone
from slotkeeper.cli.shell import Shell, in_organization, on_database, table
from slotkeeper.domain.calendar import iso_instant
from slotkeeper.domain.model import Branch, Organization, Service
from slotkeeper.operations import directory

BY_ORGANIZATION = "the organization's"


@click.group()
def organizations() -> None:
    """Organizations: each is a tenant of its own."""


@organizations.command("create")
@click.argument("name", type=Name())
@click.option("--timezone", type=Zone(), default="UTC", show_default=True, help="The IANA time zone of its branches.")
@on_database
def create_organization(shell: Shell, name: str, timezone: str) -> None:
    """Make the organization NAME. A database that is not there yet is made too.

    \b
    Example:  slotkeeper organizations create "My Clinic" --timezone Europe/Berlin

    Prints the id of the new organization.
    """
    made = shell.run(
        lambda db: directory.create_organization(db, name=name, timezone=timezone, now=system_clock()), may_create=True
    )
    shell.show(_organization(made), [f"Made the organization '{made.name}' ({made.org_id}), time zone {timezone}."])


@organizations.command("list")
@on_database
def list_organizations(shell: Shell) -> None:
    """List all organizations, the oldest first.

    \b
    Example:  slotkeeper organizations list

    Prints the id, time zone and name of each.
    """
    found = shell.run(directory.list_organizations)
    rows = [(one.org_id, one.configuration.timezone, one.name) for one in found]
    shell.show({"organizations": [_organization(one) for one in found]}, table(("ID", "TIME ZONE", "NAME"), rows))


@click.group()
def branches() -> None:
    """Branches: the physical places of an organization."""


@branches.command("create")
@click.argument("name", type=Name())
@click.option("--timezone", type=Zone(), help="An IANA time zone of its own.  [default: the organization's]")
@in_organization
def create_branch(shell: Shell, name: str, timezone: str | None) -> None:
    """Open the branch NAME.

    \b
    Example:  slotkeeper branches create "Main Street"

    Prints the id of the new branch.
    """
    made = shell.run_inside(
        lambda at: directory.create_branch(at.db, at.caller, name=name, timezone=timezone, now=system_clock())
    )
    shell.show(_branch(made), [f"Made the branch '{made.name}' ({made.branch_id})."])


@branches.command("list")
@in_organization
def list_branches(shell: Shell) -> None:
    """List the branches of an organization by name.

    \b
    Example:  slotkeeper branches list

    Prints the id, time zone and name of each.
    """
    found = shell.run_inside(lambda at: directory.list_branches(at.db, at.caller))
    rows = [(one.branch_id, one.timezone or BY_ORGANIZATION, one.name) for one in found]
    shell.show({"branches": [_branch(one) for one in found]}, table(("ID", "TIME ZONE", "NAME"), rows))


@click.group()
def services() -> None:
    """Services: the types of appointments on offer."""


@services.command("create")
@click.argument("name", type=Name())
@in_organization
def create_service(shell: Shell, name: str) -> None:
    """Offer the service NAME. Names are unique in an organization, whatever their case.

    \b
    Example:  slotkeeper services create "General Checkup"

    Prints the id of the new service.
    """
    made = shell.run_inside(lambda at: directory.create_service(at.db, at.caller, name=name, now=system_clock()))
    shell.show(_service(made), [f"Made the service '{made.name}' ({made.service_id})."])


@services.command("list")
@in_organization
def list_services(shell: Shell) -> None:
    """List the services of an organization by name, inactive ones included.

    \b
    Example:  slotkeeper services list

    Prints the id, state and name of each.
    """
    found = shell.run_inside(lambda at: directory.list_services(at.db, at.caller))
    rows = [(one.service_id, "active" if one.active else "inactive", one.name) for one in found]
    shell.show({"services": [_service(one) for one in found]}, table(("ID", "STATE", "NAME"), rows))


def _organization(one: Organization) -> dict[str, object]:
    return {
        "id": one.org_id,
        "name": one.name,
        "timezone": one.configuration.timezone,
        "created_at": iso_instant(one.created_at),
    }


def _branch(one: Branch) -> dict[str, object]:
    return {
        "id": one.branch_id,
        "name": one.name,
        "timezone": one.timezone,
        "created_at": iso_instant(one.created_at),
    }


def _service(one: Service) -> dict[str, object]:
    return {
        "id": one.service_id,
        "name": one.name,
        "active": one.active,
        "created_at": iso_instant(one.created_at),
    }
