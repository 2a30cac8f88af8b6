"""``slotkeeper keys``: made here and in the dashboard only, never over HTTP."""

from datetime import date

import click

from slotkeeper.app import system_clock
from slotkeeper.cli.params import Date, Id, Name, Scopes
from slotkeeper.cli.shell import Inside, Shell, in_organization, table
from slotkeeper.domain.access import HIGHEST_RATE, Scope
from slotkeeper.domain.calendar import iso_instant
from slotkeeper.domain.model import ApiKey, Channel
from slotkeeper.operations import access


@click.group()
def keys() -> None:
    """API keys: what a program needs to talk over HTTP."""


@keys.command("create")
@click.option("--scopes", type=Scopes(), required=True, help=f"What the key may do, with commas: {', '.join(Scope)}.")
@click.option(
    "--channel",
    type=click.Choice([channel.value for channel in Channel]),
    default=Channel.AI.value,
    show_default=True,
    help="Who books with it: 'ai' is limited by a window's ai_slots, 'staff' by its max_slots.",
)
@click.option(
    "--rate-limit",
    type=click.IntRange(0, HIGHEST_RATE),
    default=60,
    show_default=True,
    help="How many requests a minute it may make; 0 for no limit.",
)
@click.option("--expires", type=Date(), help="The last day it is valid, in the organization's time zone.")
@click.option("--label", type=Name(), default="key", show_default=True, help="What 'keys list' calls it.")
@in_organization
def create_key(
    shell: Shell, *, scopes: list[Scope], channel: str, rate_limit: int, expires: date | None, label: str
) -> None:
    """Make an API key. It is shown once: only a hash of it is stored.

    \b
    Example:  slotkeeper keys create --scopes slots:read,slots:write --expires 2027-12-31
    Example:  KEY=$(slotkeeper keys create --scopes slots:read)

    Prints the key alone on stdout, and a note about it on stderr. With --json: key, id, label, scopes,
    channel, rate_limit, expires_at and more.
    """

    async def work(at: Inside) -> tuple[ApiKey, str]:
        zone = at.organization.configuration.timezone
        return await access.create_key(
            at.db,
            at.organization.org_id,
            label=label,
            scopes=scopes,
            channel=Channel(channel),
            rate_limit=rate_limit,
            expires_at=None if expires is None else access.end_of_key(expires, zone, now=system_clock()),
            now=system_clock(),
        )

    key, text = shell.run_inside(work)
    shell.show({"key": text, **_shown(key)}, [text])
    if not shell.as_json:
        click.echo(f"This is key {key.key_id}. It is not shown again: keep it where your program reads it.", err=True)


@keys.command("list")
@in_organization
def list_keys(shell: Shell) -> None:
    """List the keys of an organization, the oldest first, revoked and expired ones included.

    \b
    Example:  slotkeeper keys list

    Prints the id, ending, state, channel, rate limit, scopes and label of each; never a key itself.
    """
    found = shell.run_inside(lambda at: access.list_keys(at.db, at.organization.org_id))
    rows = [
        (one.key_id, one.prefix, _state(one), one.channel, str(one.rate_limit), " ".join(one.scopes), one.label)
        for one in found
    ]
    header = ("ID", "KEY", "STATE", "CHANNEL", "PER MINUTE", "SCOPES", "LABEL")
    shell.show({"keys": [_shown(one) for one in found]}, table(header, rows))


@keys.command("revoke")
@click.argument("key_id", type=Id(), metavar="ID")
@in_organization
def revoke_key(shell: Shell, key_id: str) -> None:
    """Revoke the key ID: from the next request on it is refused, for ever.

    \b
    Example:  slotkeeper keys revoke 4be0643f-1d98-573b-97cd-ca98a65347dd

    Prints which key it was. Revoking again changes nothing.
    """
    key = shell.run_inside(lambda at: access.revoke_key(at.db, at.organization.org_id, key_id, now=system_clock()))
    shell.show(_shown(key), [f"Revoked the key '{key.label}' ({key.key_id}, {key.prefix})."])


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is None:
        return "valid"
    return "expired" if key.expires_at <= system_clock() else f"valid until {iso_instant(key.expires_at)}"


def _shown(key: ApiKey) -> dict[str, object]:
    return {
        "id": key.key_id,
        "label": key.label,
        "prefix": key.prefix,
        "scopes": list(key.scopes),
        "channel": key.channel,
        "rate_limit": key.rate_limit,
        "expires_at": None if key.expires_at is None else iso_instant(key.expires_at),
        "revoked_at": None if key.revoked_at is None else iso_instant(key.revoked_at),
        "created_at": iso_instant(key.created_at),
    }
