"""Figures beside their limits, as a table for a reader: medians of several rounds, ratios with their spread."""

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from slotkeeper.load.generator import Load

FEWEST = {0.5: 1, 0.95: 20, 0.99: 100}
"""Of how many answers at least a percentile is told."""
_NONE = "–"
_COLUMNS = (31, 8, 7, 7, 7, 8, 7, 6)


class Goal(NamedTuple):
    """What a ratio should be: at least a number, or at most; not judged on a machine that cannot tell."""

    number: float
    at_most: bool = False
    is_judged: bool = True

    def is_reached(self, ratio: float) -> bool:
        """Whether a ratio is as it should be, to the digits that are shown."""
        shown = round(ratio, 2)
        return shown <= self.number if self.at_most else shown >= self.number

    def verdict(self, ratio: float) -> str:
        """The goal, and whether a ratio reaches it."""
        found = ("reached" if self.is_reached(ratio) else "MISSED") if self.is_judged else "not judged"
        return f"{'≤' if self.at_most else '≥'} {self.number:.2f} {found}"


class Beside(NamedTuple):
    """A limit measured beside a row, round by round, and the row's ratio to it in each round."""

    name: str
    values: Sequence[float]
    ratios: Sequence[float]
    goal: Goal | None = None
    unit: str = "/s"

    @property
    def is_cost(self) -> bool:
        """Whether a higher ratio is worse: that of a time, and not of a rate."""
        return self.unit != "/s"

    @property
    def ratio(self) -> float:
        """The median ratio."""
        return median(self.ratios)


class Row(NamedTuple):
    """One thing that was measured: figures of several rounds, and its limits. None where it was not measured.

    Rates are a second, latencies milliseconds, processor time microseconds for one answer, memory megabytes.
    """

    name: str
    loads: Sequence[Load]
    beside: Sequence[Beside]
    server: Sequence[float] | None = None
    database: Sequence[float] | None = None
    memory: float | None = None


class Block(NamedTuple):
    """Rows under one title."""

    title: str
    rows: Sequence[Row]
    notes: Sequence[str] = ()


_HEADER = (
    ("", "answers", "p50", "p95", "p99", "server", "db", "mem"),
    ("", "/s", "ms", "ms", "ms", "CPU µs", "CPU µs", "MB"),
)


def lines(block: Block) -> list[str]:
    """A block as lines of text; a row with several limits takes a line for each. What no row has gets no column."""
    columns = len(_COLUMNS) if any(row.server for row in block.rows) else len(_COLUMNS) - 3
    goal = "goal" if any(beside.goal for row in block.rows for beside in row.beside) else ""
    first, second = (_left(cells[:columns]) for cells in _HEADER)
    found = [block.title, f"{first}  {'limit':<19}{'ratio (low–high)':<21}{goal}", second]
    for row in block.rows:
        left = _left(_figures(row)[:columns])
        for beside in row.beside or (None,):
            found.append(f"{left}  {_limit(beside)}")
            left = _left([""] * columns)
    return [line.rstrip() for line in [*found, *(f"  {note}" for note in block.notes)]]


def percentile(loads: Sequence[Load], share: float) -> float | None:
    """The median over the rounds, in milliseconds; None where there were too few answers to tell."""
    if not loads or min(len(load.latencies) for load in loads) < FEWEST[share]:
        return None
    return median(load.percentile(share) for load in loads)


def _figures(row: Row) -> list[str]:
    return [
        row.name,
        _number(median(load.rate for load in row.loads)),
        *(_number(percentile(row.loads, share)) for share in FEWEST),
        *(_number(None if found is None else median(found)) for found in (row.server, row.database)),
        _NONE if row.memory is None else f"{row.memory:.0f}",
    ]


def _left(cells: Sequence[str]) -> str:
    return "".join(
        cell.rjust(width) if place else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(cells, _COLUMNS, strict=False))
    )


def _limit(beside: Beside | None) -> str:
    if beside is None:
        return _NONE
    limit = f"{beside.name} {_number(median(beside.values))}{beside.unit}"
    ratio = f"{beside.ratio:.2f} ({min(beside.ratios):.2f}–{max(beside.ratios):.2f})"
    return f"{limit:<19}{ratio:<21}{'' if beside.goal is None else beside.goal.verdict(beside.ratio)}"


def _number(value: float | None) -> str:
    """Three digits that count, thousands with commas."""
    if value is None:
        return _NONE
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
