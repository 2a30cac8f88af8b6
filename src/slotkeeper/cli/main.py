"""``slotkeeper``: all commands, and how a refusal leaves the program (contract.md section 7)."""

import logging
import os
import sys
from typing import NoReturn, TextIO

import click

from slotkeeper import __version__
from slotkeeper.cli.audit import audit
from slotkeeper.cli.bench import bench
from slotkeeper.cli.closures import closures
from slotkeeper.cli.directory import branches, organizations, services
from slotkeeper.cli.keys import keys
from slotkeeper.cli.mcp import mcp
from slotkeeper.cli.moving import export_file, import_file
from slotkeeper.cli.schedule import regenerate
from slotkeeper.cli.serve import serve
from slotkeeper.cli.simulate_calls import simulate_calls
from slotkeeper.cli.tools import tools
from slotkeeper.cli.upkeep import check, migrate, patients
from slotkeeper.cli.users import users
from slotkeeper.cli.windows import windows
from slotkeeper.domain.errors import InvalidInput, SlotkeeperError

DONE, REFUSED, INTERRUPTED = 0, 1, 130


class InOrder(click.Group):
    """Lists its commands in the order in which a newcomer meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the order in which the commands were added."""
        del ctx
        return list(self.commands)


@click.group(cls=InOrder, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="slotkeeper", message="%(prog)s %(version)s")
def slotkeeper() -> None:
    """Appointment availability and schedule tracking that never oversells a place.

    \b
    A first look:       slotkeeper serve --demo
    A clinic of yours:  slotkeeper organizations create "My Clinic" --timezone Europe/Berlin
                        slotkeeper branches create "Main Street"
                        slotkeeper services create "General Checkup"
                        slotkeeper windows import windows.csv
                        slotkeeper keys create --scopes slots:read,slots:write
                        slotkeeper users create you@example.org --role admin
                        slotkeeper serve

    All commands work on sqlite:///slotkeeper.db in the working folder, unless --database or the
    variable SLOTKEEPER_DATABASE_URL names another database.

    Exit codes: 0 done; 1 refused, and stderr says why; 2 wrong usage.
    """


for command in (
    serve,
    migrate,
    organizations,
    branches,
    services,
    keys,
    users,
    windows,
    closures,
    regenerate,
    check,
    patients,
    audit,
    export_file,
    import_file,
    tools,
    mcp,
    bench,
    simulate_calls,
):
    slotkeeper.add_command(command)


def main() -> NoReturn:
    """Run the program; refusals become one line on stderr and an exit code, never a traceback."""
    logging.getLogger("slotkeeper").addHandler(logging.NullHandler())  # a refusal says it all; serve has a log
    try:
        status = slotkeeper.main(prog_name="slotkeeper", standalone_mode=False) or DONE
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except SlotkeeperError as error:
        click.echo(f"Error: {_words(error)}", err=True)
        status = REFUSED
    except (click.Abort, KeyboardInterrupt):
        status = INTERRUPTED
    except BrokenPipeError:
        _drop(sys.stdout)
        status = REFUSED
    except OSError as error:
        _drop(sys.stdout)
        what = f"{error.filename}" if error.filename else "The output cannot be written"
        try:
            click.echo(f"Error: {what}: {str(error.strerror or error).lower()}.", err=True)
        except OSError:
            _drop(sys.stderr)
        status = REFUSED
    sys.exit(status)


def _drop(stream: TextIO) -> None:
    """Let what is left to be written vanish, so that the flush at exit is quiet too."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _words(error: SlotkeeperError) -> str:
    """One line for one thing that is wrong; a line for each where a file has several."""
    if isinstance(error, InvalidInput) and len(error.details) > 1:
        lines = [f"{len(error.details)} things are wrong, so nothing was changed:"]
        return "\n".join([*lines, *(_one_line(detail.message) for detail in error.details)])
    return _one_line(error.message)


def _one_line(message: str) -> str:
    return " ".join(message.split())
