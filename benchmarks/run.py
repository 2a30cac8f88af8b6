"""``make bench``: one table, every figure beside its limit, measured in the same run, interleaved.

``python -m benchmarks.run [NAME …]`` measures what is named: rows of the table by their noun, or a report beside it.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import uvloop

from benchmarks import booking, changing, reading, regenerating, steady
from benchmarks.clinic import Clinic, Patients, fill, store_year
from benchmarks.engines import ENGINES, Engine
from benchmarks.measuring import Bench, Plan
from benchmarks.reports import REPORTS
from benchmarks.serving import Served, serving
from slotkeeper.app import open_database, system_clock
from slotkeeper.load.figures import Block, Row, lines
from slotkeeper.load.generator import Refused
from slotkeeper.load.plot import write_plot

T = TypeVar("T")

ROUNDS = 5
SECONDS = 0.6
NOUNS = ("availability", "tracking", "next", "booking", "changes", "regenerate", "steady")
"""The rows of the table."""
OTHER = {"regenerate", "steady"}
"""What needs another organization besides the clinic."""
SVG = Path("bench.svg")
NOTES = (
    "L1: the same server answers as many bytes from a constant. L2: the same SQL in a bare loop on the same database.",
    "L3: a bare loop writes the rows of the bookings in the same transactions; H: 1/H = 1/L1 + 1/L3.",
)
CORES_NOTE = "1 process: one server process beside, in the same rounds on the same database."
NOT_JUDGED = " This machine has {} cores, and the load generator needs one: what two processes gain is not judged."
STEADY_NOTE = (
    "An open load: latency counts from when a request was due. The limit is the p99 of the constant at the same rate "
    "on the quiet server."
)


def measure(nouns: Sequence[str], plan: Plan, *, engines: Sequence[str], processes: Sequence[int]) -> Iterator[Block]:
    """The blocks of the table, each as soon as it is measured."""
    for make in ENGINES:
        if make.__name__ not in engines:
            continue
        with tempfile.TemporaryDirectory(dir=_disk()) as name:
            folder = Path(name)
            folder.chmod(0o755)  # the user of a database server has to pass
            with make(folder) as engine:
                yield from _measure_on(engine, folder, set(nouns), plan, processes)


def _measure_on(engine: Engine, folder: Path, nouns: set[str], plan: Plan, processes: Sequence[int]) -> Iterator[Block]:
    clinic = uvloop.run(_prepare(engine))
    other = regenerating.prepare(engine) if nouns & OTHER else None
    twin = engine.copy() if "booking" in nouns else ""
    notes: list[str] = list(NOTES)
    with ExitStack() as stack:
        servers = [stack.enter_context(serving(engine.url, workers=number)) for number in processes]
        bench = Bench(engine, folder, clinic, Patients(clinic), servers, plan)
        rows: list[list[Row]] = [[] for _ in servers]
        if nouns & {"availability", "tracking", "next"}:
            _add(rows, _tried(lambda: reading.measure(bench, nouns), notes) or [])
        if "booking" in nouns:
            found, sync = _tried(lambda: booking.measure(bench, twin), notes) or ([], 0.0)
            _add(rows, found)
            if found:
                notes.append(f"One sync of the disk after a small write took {sync * 1e6:,.0f} µs.")
        if "changes" in nouns:
            _add(rows, _tried(lambda: changing.measure(bench), notes) or [])
        if "regenerate" in nouns and other is not None:
            rows[0] += _tried(lambda: regenerating.measure(bench, other), notes) or []
        for served, found_rows in zip(servers, rows, strict=True):
            if found_rows or len(notes) > len(NOTES):
                yield Block(f"{engine.name}, {_processes(served)}", found_rows, notes + _about_processes(served))
        if "steady" in nouns and other is not None:
            title = f"{engine.name}, at half of the maximum load, {_processes(servers[0])}"
            notes = [STEADY_NOTE]
            yield Block(title, _tried(lambda: steady.measure(bench, other), notes) or [], notes)


async def _prepare(engine: Engine) -> Clinic:
    db = open_database(engine.url)
    clinic = await fill(db, now=system_clock())
    await store_year(db, clinic, now=system_clock())
    await db.close()
    await engine.settle()
    return clinic


def _tried(part: Callable[[], T], notes: list[str]) -> T | None:
    """A part of the table; where the server refuses or does not answer, a note instead, and the rest goes on."""
    try:
        return part()
    except (Refused, OSError, TimeoutError) as error:
        notes.append(f"Some rows could not be measured: {' '.join(str(error).split()) or type(error).__name__}")
        return None


def _about_processes(served: Served) -> list[str]:
    if served.workers == 1:
        return []
    cores = os.cpu_count() or 1
    return [CORES_NOTE + (NOT_JUDGED.format(cores) if cores <= served.workers else "")]


def _add(rows: list[list[Row]], more: list[list[Row]]) -> None:
    for found, added in zip(rows, more, strict=bool(more)):
        found.extend(added)


def _processes(served: Served) -> str:
    return f"{served.workers} server process{'es' * (served.workers > 1)}"


def plot(file: Path, blocks: Sequence[Block]) -> None:
    """Draw the ratio of each row to the first limit beside it."""
    drawn = [block for block in blocks if not any(beside.is_cost for row in block.rows for beside in row.beside[:1])]
    names = list(dict.fromkeys(row.name.strip() for block in drawn for row in block.rows))
    series = {}
    for block in drawn:
        ratios = {row.name.strip(): row.beside[0].ratio for row in block.rows}
        series[block.title] = [ratios.get(name) for name in names]
    write_plot(
        file, "Share of the limit beside it: L1 for what is read or changed, H for bookings, L2 else", names, series
    )


def _is_in_memory(folder: Path) -> bool:
    """Whether what is written to a folder is never on a disk, so that waiting for the disk costs nothing."""
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return False
    holding = [
        (len(point), number, kind)
        for number, (_, point, kind, *_) in enumerate(map(str.split, mounts.read_text().splitlines()))
        if folder.resolve().is_relative_to(point)
    ]
    return max(holding)[2] in {"tmpfs", "ramfs"}


def _disk() -> Path:
    """Where temporary folders are made: on a disk, not in memory."""
    for folder in (Path(tempfile.gettempdir()), Path("/var/tmp"), Path.cwd()):
        if folder.is_dir() and not _is_in_memory(folder):
            return folder
    sys.exit("the benchmarks need a disk: all of /tmp, /var/tmp and this folder are kept in memory")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join((*NOUNS, *REPORTS))}; default: the table")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="rounds that count, %(default)s")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="seconds of each load, %(default)s")
    parser.add_argument("--engine", choices=[make.__name__ for make in ENGINES], help="only this one")
    parser.add_argument("--processes", type=int, choices=(1, 2), help="only so many server processes")
    parser.add_argument("--svg", type=Path, default=SVG, help="where the plot is written, %(default)s")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in (*NOUNS, *REPORTS)]
    if unknown:
        parser.error(f"there is no {unknown[0]}: choose from {', '.join((*NOUNS, *REPORTS))}")
    if given.rounds < 1 or not 0.1 <= given.seconds <= 60:
        parser.error("at least 1 round, and 0.1 to 60 seconds for each load")
    return given


def main() -> int:
    """Measure what is named, or the whole table."""
    given = _arguments()
    start = time.monotonic()
    nouns = [name for name in given.names if name in NOUNS] or ([] if given.names else NOUNS)
    if nouns:
        print(f"Medians of {given.rounds} rounds; ratios count, the rest depends on the machine.")
        engines = [given.engine] if given.engine else [make.__name__ for make in ENGINES]
        processes = [given.processes] if given.processes else [1, 2]
        blocks = []
        for block in measure(nouns, Plan(given.rounds, given.seconds), engines=engines, processes=processes):
            print("", *lines(block), sep="\n", flush=True)
            blocks.append(block)
        plot(given.svg, blocks)
        print(f"\nThe plot is in {given.svg.resolve()}. All of it took {(time.monotonic() - start) / 60:.1f} minutes.")
    for name in given.names:
        if name in REPORTS:
            with tempfile.TemporaryDirectory(dir=_disk()) as folder:
                Path(folder).chmod(0o755)  # the user of a database server has to pass
                REPORTS[name](Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
