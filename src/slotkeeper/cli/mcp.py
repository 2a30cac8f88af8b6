"""``slotkeeper mcp``: the tools for AI clients that start a program."""

import asyncio

import click

from slotkeeper.cli.params import ServerUrl
from slotkeeper.settings import KEY_VARIABLE


@click.command(short_help="Offer the tools to an AI client over a pipe.")
@click.option("--url", type=ServerUrl(), default="http://127.0.0.1:8000", show_default=True, help="The server.")
@click.option("--key", envvar=KEY_VARIABLE, help=f"The API key; others on this machine see it here.  [{KEY_VARIABLE}]")
def mcp(url: str, key: str | None) -> None:
    """Speak the Model Context Protocol over standard input and output, for clients that start a program.

    Each message goes on to a running server, which speaks the same protocol at /mcp: clients that can ask an
    address with a header need nothing in between. The key says which tools there are.

    \b
    Example:  slotkeeper mcp --url https://clinic.example

    Prints messages of the protocol only, and what is wrong on stderr.
    """
    if not key:
        raise click.UsageError(f"name an API key with --key, or better in the variable {KEY_VARIABLE}.")
    from slotkeeper.mcp.bridge import bridge  # noqa: PLC0415 - other commands need not wait for the SDK

    asyncio.run(bridge(url, key))
