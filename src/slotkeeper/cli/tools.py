"""``slotkeeper tools``: the tools of voice agents, as the platforms want them."""

import json

import click

from slotkeeper.cli.params import Scopes, ServerUrl
from slotkeeper.domain.access import Scope
from slotkeeper.platforms.export import FOR_AGENTS, Platform, export
from slotkeeper.tools.table import TOOLS


@click.group()
def tools() -> None:
    """Tools of voice agents: what an AI can call during a phone call."""


@tools.command("export")
@click.option(
    "--platform", type=click.Choice([one.value for one in Platform]), required=True, help="Where the agent runs."
)
@click.option("--url", type=ServerUrl(), required=True, help="How the platform reaches this server.")
@click.option(
    "--scopes",
    type=Scopes(),
    default=",".join(FOR_AGENTS),
    show_default=True,
    help="What the agent's key may do; only the tools that it may call are written.",
)
def export_tools(platform: str, url: str, scopes: list[Scope]) -> None:
    """Write the tools as a platform wants them pasted in: a JSON list with an entry for each.

    \b
    Example:  slotkeeper tools export --platform vapi --url https://clinic.example > tools.json

    Prints the list. YOUR_… stands in it where your API key, or the platform's name for it, has to go;
    docs/platforms says what to do with it.
    """
    chosen = [tool for tool in TOOLS if tool.scope in scopes]
    click.echo(json.dumps(export(Platform(platform), chosen, url), indent=2, ensure_ascii=False))
