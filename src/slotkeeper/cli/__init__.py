"""The command line: the same operations as over HTTP, for the person who runs Slotkeeper."""

from slotkeeper.cli.main import main

__all__ = ["main"]
