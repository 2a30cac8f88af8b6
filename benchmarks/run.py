"""``make bench``: every figure beside its limit, measured in the same run, interleaved; medians of several rounds."""

import asyncio
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

from benchmarks import booking, crowd, grouping, openings, regenerating
from benchmarks.booking import Booked
from benchmarks.engines import ENGINES, Engine
from benchmarks.load import Load, get, put_load
from benchmarks.serving import (
    CONSTANT,
    resident_megabytes,
    seconds_of_processor,
    seconds_to_first_answer,
    serving,
)
from slotkeeper.app import open_database
from slotkeeper.domain.access import Scope, operator
from slotkeeper.domain.model import DAYS, Channel, Session
from slotkeeper.operations import Database, access, directory, windows

ROUNDS = 7
SECONDS = 2.0
NOW = 1_780_300_800_000  # 2026-06-01T08:00:00Z
MONDAY = "2026-06-15"


class Clinic(NamedTuple):
    """What is asked for: one branch of two, six windows of a Monday, among 210 windows."""

    path: str
    key: str


class Asked(NamedTuple):
    """One round against the server: the load, and how much processor time the server took for one answer."""

    load: Load
    cpu: float
    database_cpu: float


async def _fill(database: Database) -> Clinic:
    await database.migrate()
    organization = await directory.create_organization(database, name="Bench", timezone="Asia/Kolkata", now=NOW)
    me = operator(organization.org_id)
    branches = [await directory.create_branch(database, me, name=name, timezone=None, now=NOW) for name in "AB"]
    for name in ("General Checkup", "Vaccination", "Dental", "Eyes"):
        await directory.create_service(database, me, name=name, now=NOW)
    for number in range(210):
        # Branch A has six windows on a Monday, B all the others.
        branch = branches[0] if number < 42 else branches[1]
        await windows.create_window(
            database,
            me,
            branch_id=branch.branch_id,
            day=DAYS[number % 7],
            session=list(Session)[number % 3],
            start_time=f"{9 + number % 3 * 3:02d}:00",
            end_time=f"{11 + number % 3 * 3:02d}:00",
            max_slots=20,
            ai_slots=10,
            batch=f"B{number}",
            service=None,
            now=NOW,
        )
    _, key = await access.create_key(
        database,
        organization.org_id,
        label="bench",
        scopes=[Scope.SLOTS_READ],
        channel=Channel.AI,
        rate_limit=0,
        expires_at=None,
        now=NOW,
    )
    path = f"/v1/appointment-slots/availability?date={MONDAY}&branch_id={branches[0].branch_id}"
    return Clinic(path, key)


class Measured(NamedTuple):
    """Rounds against the constant, the server's memory after them in MB, and the size of the answer."""

    asked: list[Asked]
    constant: list[Asked]
    memory: float
    size: int

    def shares(self) -> list[float]:
        """What share of the constant reply's rate the answers came at, round by round."""
        pairs = zip(self.asked, self.constant, strict=True)
        return [asked.load.rate / constant.load.rate for asked, constant in pairs]


def _availability(engine: Engine, clinic: Clinic, *, keep: bool, rounds: int) -> Measured:
    with serving(engine.url, constant_size=1000) as (port, _):
        size = put_load(port, repeat(get(clinic.path, clinic.key)), seconds=0.1, connections=1).size
    with serving(engine.url, constant_size=size, keep=keep) as (port, pid):

        def ask(path: str, key: str | None) -> Asked:
            before, database_before = seconds_of_processor(pid), engine.seconds_of_processor()
            load = put_load(port, repeat(get(path, key)), seconds=SECONDS)
            number, database_after = len(load.latencies), engine.seconds_of_processor()
            used = seconds_of_processor(pid) - before
            return Asked(load, used / number, (database_after - database_before) / number)

        ask(clinic.path, clinic.key)  # warm
        pairs = [(ask(clinic.path, clinic.key), ask(CONSTANT, None)) for _ in range(rounds)]
        return Measured([pair[0] for pair in pairs], [pair[1] for pair in pairs], resident_megabytes(pid), size)


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):8.2f}  ({min(values):.2f}–{max(values):.2f})"


def _line(name: str, values: Sequence[float], goal: str = "") -> None:
    print(f"  {name:<58}{_spread(values)}  {goal}")


def _median(rounds: Sequence[Asked], figure: Callable[[Asked], float]) -> list[float]:
    return [figure(asked) for asked in rounds]


def _report_availability(folder: Path) -> None:
    for make, goal in zip(ENGINES, ("goal ≥ 0.40", "goal ≥ 0.22"), strict=True):
        with make(folder) as engine:
            _report_availability_on(engine, goal)


def _report_availability_on(engine: Engine, goal: str) -> None:
    database = open_database(engine.url)

    async def fill() -> Clinic:
        clinic = await _fill(database)
        await database.close()
        await engine.settle()
        return clinic

    clinic = asyncio.run(fill())
    kept = _availability(engine, clinic, keep=True, rounds=ROUNDS)
    made = _availability(engine, clinic, keep=False, rounds=ROUNDS)
    asked, constant = kept.asked, kept.constant
    print(
        f"\navailability of a branch and a day over HTTP, key checked; {kept.size} bytes, 32 connections, one process, "
        f"{engine.name}"
    )
    _line("share of the constant reply of the same size", kept.shares(), goal)
    _line("the same where no reply is kept", made.shares())
    _line("answers a second", _median(asked, lambda one: one.load.rate))
    _line("answers a second of the constant", _median(constant, lambda one: one.load.rate))
    _line("server's processor µs for an answer", _median(asked, lambda one: one.cpu * 1e6))
    _line("database's processor µs for an answer", _median(asked, lambda one: one.database_cpu * 1e6))
    _line("server's processor µs for the constant", _median(constant, lambda one: one.cpu * 1e6))
    _line("p50 in ms", _median(asked, lambda one: one.load.percentile(0.5)))
    _line("p99 in ms", _median(asked, lambda one: one.load.percentile(0.99)))
    _line("resident memory of the server in MB", [kept.memory], "goal ≤ 80")


def _report_regenerate(folder: Path) -> None:
    for make in ENGINES:
        with make(folder) as engine:
            _report_regenerate_on(engine)


def _report_regenerate_on(engine: Engine) -> None:
    rounds = regenerating.measure(engine, rounds=ROUNDS)
    print(f"\nregenerate of 210 windows over a year, 10,950 records, {engine.name}")
    _line("all records differ, against the bare loop", [changed / bare for changed, bare, _ in rounds], "goal ≤ 2.00")
    _line("no record differs, against the bare loop", [unchanged / bare for _, bare, unchanged in rounds])
    _line("all records differ, ms", [changed * 1000 for changed, _, _ in rounds])
    _line("bare loop, ms", [bare * 1000 for _, bare, _ in rounds])


def _report_booking(folder: Path) -> None:
    rounds = booking.measure(folder, rounds=ROUNDS, seconds=SECONDS)
    size = rounds[0].spread.load.size
    print(f"\nbookings over HTTP, each with an Idempotency-Key; {size} bytes, 32 connections, one process, SQLite")
    print("  H: 1/H = 1/constant reply to the same POST + 1/the same rows in the same transactions in a bare loop")
    _report_booked("over 210 windows and 60 dates", [one.spread for one in rounds])
    _report_booked("of one window-date", [one.hot for one in rounds])
    _line("disk's sync after a small write, µs", [one.sync * 1e6 for one in rounds])


def _report_booked(where: str, rounds: Sequence[Booked]) -> None:
    _line(f"{where}: share of H", [one.share for one in rounds], "goal ≥ 0.60")
    _line("  share of the constant reply", [one.load.rate / one.constant.rate for one in rounds])
    _line("  bookings a second", [one.load.rate for one in rounds])
    _line("  answers a second of the constant", [one.constant.rate for one in rounds])
    _line("  bookings a second of the bare loop", [one.bare.rate for one in rounds])
    _line("  bookings in one commit", [one.group for one in rounds])
    _line("  p50 in ms", [one.load.percentile(0.5) for one in rounds])
    _line("  p99 in ms", [one.load.percentile(0.99) for one in rounds])


def _report_grouping(folder: Path) -> None:
    for make, goal in zip(ENGINES, ("goal ≥ 4.00", "goal ≥ 8.00"), strict=True):
        with make(folder) as engine:
            _report_grouping_on(engine, goal)


def _report_grouping_on(engine: Engine, hot_goal: str) -> None:
    rounds = grouping.measure(engine, rounds=ROUNDS)
    print(f"\nbookings without HTTP, 32 waiting: in groups against a transaction each, {engine.name}")
    for where, goal, found in (
        ("over 210 windows and 60 dates", "goal ≥ 2.50", [one.spread for one in rounds]),
        ("of one window-date", hot_goal, [one.hot for one in rounds]),
    ):
        _line(f"{where}: times as fast", [one.gain for one in found], goal)
        _line("  bookings a second in groups", [one.grouped for one in found])
        _line("  bookings a second in a transaction each", [one.alone for one in found])


def _report_openings(folder: Path) -> None:
    early, late = openings.measure(folder, rounds=ROUNDS)
    print("\nnext-available over 90 days of 210 windows, against availability of one day, not kept, without HTTP")
    for room, rounds in (("room on the first day", early), ("room on the last day only", late)):
        for whose, found in (("all branches", rounds.everywhere), ("one branch", rounds.one_branch)):
            _line(f"{room}, {whose}: times as long", [one.ratio for one in found], "goal ≤ 10.00")
            _line("  next-available, ms", [one.openings * 1000 for one in found])
            _line("  availability, ms", [one.availability * 1000 for one in found])


def _report_start(folder: Path) -> None:
    seconds_to_first_answer(folder)  # makes the database
    print("\nslotkeeper serve, warm")
    _line("seconds to the first answer", [seconds_to_first_answer(folder) for _ in range(ROUNDS)], "goal about 1")


def _report_crowd(folder: Path) -> None:
    for make in ENGINES:
        rounds = [one.ratios() for one in crowd.measure(make, folder / make.__name__, rounds=ROUNDS)]
        print(
            f"\none organization among {crowd.ORGANIZATIONS:,} with 10 million records, against alone, {make.__name__}"
        )
        _line("availability of a branch and a day: times as much", [one.availability for one in rounds], "goal ≤ 1.25")
        _line("booking, in groups of 32 who wait: times as much", [one.booking for one in rounds], "goal ≤ 1.25")
        _line("regenerate of a year: times as much", [one.regenerate for one in rounds], "goal ≤ 1.25")


REPORTS = {
    "availability": _report_availability,
    "booking": _report_booking,
    "crowd": _report_crowd,
    "grouping": _report_grouping,
    "openings": _report_openings,
    "regenerate": _report_regenerate,
    "start": _report_start,
}


TAKES_LONG = {"crowd"}
"""What is measured only where it is named: it fills databases for many minutes."""


def _chosen(names: Sequence[str]) -> list[Callable[[Path], None]]:
    return [REPORTS[name] for name in names or REPORTS.keys() - TAKES_LONG]


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


def main() -> int:
    """Run the benchmarks that are named, or all, in folders of their own."""
    print(f"medians of {ROUNDS} rounds (lowest–highest); ratios count, the rest depends on the machine")
    for report in _chosen(sys.argv[1:]):
        with tempfile.TemporaryDirectory(dir=_disk()) as folder:
            Path(folder).chmod(0o755)  # the user of a database server has to pass
            report(Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
