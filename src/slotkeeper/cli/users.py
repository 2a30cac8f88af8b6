"""``slotkeeper users``: the people who work with the dashboard."""

import click

from slotkeeper.app import link_to, sign_in_at, system_clock
from slotkeeper.cli.params import Email, Language, Name
from slotkeeper.cli.shell import Inside, Shell, in_organization, table
from slotkeeper.domain.calendar import iso_instant
from slotkeeper.domain.sign_ins import organization_of
from slotkeeper.domain.users import Role, User
from slotkeeper.operations import users as operations
from slotkeeper.operations.users import Invited


@click.group()
def users() -> None:
    """People: who may sign in to the dashboard, and what they may do there."""


@users.command("create")
@click.argument("email", type=Email())
@click.option("--name", type=Name(), help="What colleagues read.  [default: the e-mail up to its @]")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.DESK.value,
    show_default=True,
    help="'desk' books, moves and cancels; 'manager' changes the schedule too; 'admin' does everything.",
)
@click.option("--language", type=Language(), help="Such as en-GB.  [default: the browser's]")
@in_organization
def create_user(shell: Shell, email: str, *, name: str | None, role: str, language: str | None) -> None:
    """Make a user with the address EMAIL. They choose their password by a link that works once, for a week.

    \b
    Example:  slotkeeper users create asha@example.org --name "Asha Rao" --role manager

    Prints the link alone on stdout, and a note about it on stderr. With --json: link, expires_at, id and more.
    """

    async def work(at: Inside) -> Invited:
        return await operations.create_user(
            at.db,
            at.caller,
            email=email,
            name=name or email.partition("@")[0],
            role=Role(role),
            language=language,
            now=system_clock(),
        )

    _show_link(shell, shell.run_inside(work))


@users.command("list")
@in_organization
def list_users(shell: Shell) -> None:
    """List the users of an organization by e-mail, disabled ones included.

    \b
    Example:  slotkeeper users list

    Prints the id, e-mail, role, state and name of each.
    """
    found = shell.run_inside(lambda at: operations.list_users(at.db, at.caller))
    rows = [(one.user_id, one.email, one.role.value, _state(one), one.name) for one in found]
    header = ("ID", "E-MAIL", "ROLE", "STATE", "NAME")
    shell.show({"users": [_shown(one) for one in found]}, table(header, rows))


@users.command("reset")
@click.argument("user", metavar="EMAIL|ID")
@in_organization
def reset_user(shell: Shell, user: str) -> None:
    """Take the password of a user away, sign them out everywhere, and make a link to a new one, for a day.

    \b
    Example:  slotkeeper users reset asha@example.org

    Prints the link alone on stdout, and a note about it on stderr.
    """

    async def work(at: Inside) -> Invited:
        found = await operations.find_user(at.db, at.caller, user)
        return await operations.reset_user(at.db, at.caller, found.user_id, now=system_clock())

    _show_link(shell, shell.run_inside(work))


@users.command("disable")
@click.argument("user", metavar="EMAIL|ID")
@in_organization
def disable_user(shell: Shell, user: str) -> None:
    """Keep a user out, from the next request on. What they did stays in the audit trail.

    \b
    Example:  slotkeeper users disable asha@example.org

    Prints who it was. Disabling again changes nothing.
    """

    async def work(at: Inside) -> User:
        found = await operations.find_user(at.db, at.caller, user)
        return await operations.disable_user(at.db, at.caller, found.user_id, now=system_clock())

    found = shell.run_inside(work)
    shell.show(_shown(found), [f"Disabled the user {found.email} ({found.user_id})."])


@users.command("enable")
@click.argument("user", metavar="EMAIL|ID")
@in_organization
def enable_user(shell: Shell, user: str) -> None:
    """Let a user in again who was disabled, with the password they had.

    \b
    Example:  slotkeeper users enable asha@example.org

    Prints who it is.
    """

    async def work(at: Inside) -> User:
        found = await operations.find_user(at.db, at.caller, user)
        return await operations.enable_user(at.db, at.caller, found.user_id, now=system_clock())

    found = shell.run_inside(work)
    shell.show(_shown(found), [f"Enabled the user {found.email} ({found.user_id})."])


def _show_link(shell: Shell, invited: Invited) -> None:
    link = link_to(shell.settings, invited.secret)
    until = iso_instant(invited.expires_at)
    sign_in = sign_in_at(shell.settings, organization_of(invited.secret) or "")
    shell.show({"link": link, "expires_at": until, "sign_in": sign_in, **_shown(invited.user)}, [link])
    if not shell.as_json:
        click.echo(f"By this link {invited.user.email} chooses a password, once, until {until}.", err=True)
        click.echo(f"The sign-in page of this organization is {sign_in}", err=True)
        if not shell.settings.public_url:
            click.echo("It is for this machine: SLOTKEEPER_PUBLIC_URL says how browsers reach yours.", err=True)


def _state(user: User) -> str:
    if user.disabled_at is not None:
        return "disabled"
    return "active" if user.has_password else "invited"


def _shown(user: User) -> dict[str, object]:
    return {
        "id": user.user_id,
        "email": user.email,
        "name": user.name,
        "role": user.role.value,
        "language": user.language,
        "state": _state(user),
        "created_at": iso_instant(user.created_at),
    }
