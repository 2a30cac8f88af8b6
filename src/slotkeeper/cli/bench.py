"""``slotkeeper bench``: how fast a running server answers."""

import os
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median
from typing import Any

import click

from slotkeeper.cli.params import Date, DayId, Id, ServerUrl
from slotkeeper.cli.shell import JSON, Shell, progress_bar
from slotkeeper.domain.errors import SlotkeeperError
from slotkeeper.load.asking import Asker
from slotkeeper.load.figures import FEWEST, Block, lines, percentile
from slotkeeper.load.plot import write_plot
from slotkeeper.load.reads import Plan, measure_reads, questions_of
from slotkeeper.load.target import target_of
from slotkeeper.load.writes import Booking, find_place
from slotkeeper.settings import KEY_VARIABLE, Settings

PERCENTILES = {f"p{share * 100:.0f}": share for share in FEWEST}


@click.command(short_help="Measure how fast a running server answers.")
@click.option("--url", type=ServerUrl(), default="http://127.0.0.1:8000", show_default=True, help="The server.")
@click.option("--key", envvar=KEY_VARIABLE, help=f"The API key; others on this machine see it here.  [{KEY_VARIABLE}]")
@click.option("--branch", type=Id(), help="Ask about this branch.  [default: that of the first open window]")
@click.option("--date", "on", type=Date(), help="Ask about this date.  [default: the window's next one after today]")
@click.option(
    "--seconds", type=click.FloatRange(0.1, 60), default=1, show_default=True, help="How long each row lasts."
)
@click.option("--rounds", type=click.IntRange(1, 20), default=3, show_default=True, help="How often each is measured.")
@click.option("--connections", type=click.IntRange(1, 256), default=32, show_default=True, help="How many ask at once.")
@click.option("--book-into", type=DayId(), help="Also book, move, hold and cancel places of this window on its date.")
@click.option("--svg", type=click.Path(dir_okay=False, path_type=Path), help="Write a plot of it into this file.")
@JSON
def bench(url: str, key: str | None, svg: Path | None, as_json: bool, book_into: str | None, **given: Any) -> None:
    """Measure how fast a running server answers: availability, schedule tracking, next-available.

    The key needs the scope slots:read and no rate limit. Each row stands beside GET /healthz of the same
    server, which is the least work that it can answer with; and once more at half of the load that it can
    bear, where the latencies are those of a server that is not overloaded.

    Nothing is changed unless --book-into names a window and a date (the slot_id of availability). Then its
    free places are booked, moved within the window, held and confirmed, and everything is cancelled at the
    end, also after Ctrl-C. The key also needs appointments:read and appointments:write; the audit trail
    and the cancelled appointments stay.

    \b
    Example:  slotkeeper bench --svg bench.svg
    Example:  slotkeeper bench --url https://clinic.example --book-into "CALENDAR_ID||2030-01-07" --seconds 0.5

    Prints a table: answers a second, latencies, and the share of what /healthz is answered with.
    """
    if not key:
        raise click.UsageError(f"name an API key with --key, or better in the variable {KEY_VARIABLE}.")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise click.UsageError("what was given as the API key is none: it looks like sk_live_….")
    if svg is not None and not os.access(svg.parent, os.W_OK):
        raise click.UsageError(f"the plot cannot be written: there is no folder '{svg.parent}' to write into.")
    asker = Asker(target_of(url), url, key)
    plan = Plan(given["rounds"], given["seconds"], given["connections"])
    asker.require_slotkeeper()
    today = datetime.now(UTC).date()
    booked = [] if book_into is None else [_book(asker, book_into, plan)]
    blocks = [*_measure(asker, plan, given["branch"], given["on"], today), *booked]
    if svg is not None:
        _plot(svg, blocks)
    text = [line for block in blocks for line in [*lines(block), ""]][:-1]
    answer = {"url": url, "rows": [row for block in blocks for row in _answer(block)], "svg": svg and str(svg)}
    Shell(Settings(), as_json).show(answer, [*text, *([f"The plot is in {svg}."] if svg else [])])


def _measure(asker: Asker, plan: Plan, branch_id: str | None, on: date | None, today: date) -> list[Block]:
    questions = questions_of(asker, branch_id=branch_id, on=on, today=today, most=plan.connections)
    with progress_bar("Reading") as progress:
        return list(measure_reads(asker, questions, plan, progress))


def _book(asker: Asker, slot_id: str, plan: Plan) -> Block:
    """Book, and take it back whatever happens. Raises KeyboardInterrupt after an interruption."""
    booking = Booking(asker, find_place(asker, slot_id), plan)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        with progress_bar("Booking") as progress:
            return booking.measure(progress)
    finally:
        _take_back(booking, is_interrupted=isinstance(sys.exc_info()[1], KeyboardInterrupt))


def _take_back(booking: Booking, *, is_interrupted: bool) -> None:
    """Cancel what is still booked; where that fails, say how it is found."""
    if is_interrupted:
        click.echo("Interrupted: cancelling what was booked …", err=True)
    try:
        booking.take_back()
    except (SlotkeeperError, KeyboardInterrupt) as error:
        reason = f": {error.message}" if isinstance(error, SlotkeeperError) else "."
        click.echo(
            f"Warning: not everything that was booked is cancelled{reason} The appointments that are left have the "
            f"external_reference_id {booking.reference}.",
            err=True,
        )


def _plot(file: Path, blocks: Sequence[Block]) -> None:
    rows = [row for block in blocks for row in block.rows if block is not blocks[1]]
    series = {name: [percentile(row.loads, share) for row in rows] for name, share in PERCENTILES.items()}
    write_plot(file, "Latency in milliseconds", [row.name.strip() for row in rows], series, logarithmic=True)


def _answer(block: Block) -> list[dict[str, Any]]:
    """The rows of a block as JSON."""
    return [
        {
            "table": block.title,
            "row": row.name.strip(),
            "answers_per_second": median(load.rate for load in row.loads),
            **{f"{name}_ms": percentile(row.loads, share) for name, share in PERCENTILES.items()},
            "limit": median(row.beside[0].values),
            "ratio": row.beside[0].ratio,
            "lowest_ratio": min(row.beside[0].ratios),
            "highest_ratio": max(row.beside[0].ratios),
        }
        for row in block.rows
    ]
