"""What stands beside the table of ``make bench``: reports of their own, measured only where they are named."""

import statistics
from collections.abc import Sequence
from pathlib import Path

from benchmarks import boards, crowd, grouping, growth, openings, talking
from benchmarks.engines import ENGINES, Engine
from benchmarks.serving import seconds_to_first_answer

ROUNDS = 7


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):8.2f}  ({min(values):.2f}–{max(values):.2f})"


def _line(name: str, values: Sequence[float], goal: str = "") -> None:
    print(f"  {name:<58}{_spread(values)}  {goal}")


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


def _report_boards(folder: Path) -> None:
    for make in ENGINES:
        with make(folder) as engine:
            _report_boards_on(engine)


def _report_boards_on(engine: Engine) -> None:
    rounds, visits = boards.measure(engine, rounds=2 * ROUNDS)
    print(f"\nthe board of a week of 210 windows, one server process that keeps no reply, {engine.name}")
    asked = [(one.board, one.availability) for one in rounds]
    _line("processor time against availability of a day", [a.processor / b.processor for a, b in asked], "goal ≤ 15.00")
    _line("  the board, ms of processors", [board.processor for board, _ in asked])
    _line("  the board, ms until it is there", [board.elapsed for board, _ in asked])
    _line("  availability, ms until it is there", [availability.elapsed for _, availability in asked])
    if visits is None:
        print("  no Chromium: bytes and first paint are not measured")
    else:
        kilobytes = [one.bytes / 1000 for one in visits.first]
        _line("page, styles and scripts over the wire, kB", kilobytes, "goal ≤ 100")
        _line("  first paint of a browser that was never there, ms", [one.paint for one in visits.first])
        _line("  first paint of one that was, ms", [one.paint for one in visits.again])
    beside = f"bookings beside {boards.OPEN} open boards, against none"
    _line(beside, [one.beside.rate / one.alone.rate for one in rounds], "goal ≥ 0.90")
    _line("  processor time for one, against none", [one.beside.processor / one.alone.processor for one in rounds])
    _line("  bookings a second beside them", [one.beside.rate for one in rounds])


def _report_talking(folder: Path) -> None:
    for engine, name, rounds in talking.measure(folder, rounds=5):
        print(f"\n{name}, {engine}, {talking.CONNECTIONS} connections, one server process that keeps no reply")
        _line("answers a second, times as many", [one.tool / one.plain for one in rounds])
        _line("  the tool", [one.tool for one in rounds])
        _line("  the interface", [one.plain for one in rounds])
        costs = [one.tool_cost / one.plain_cost for one in rounds]
        _line("processor time of an answer, times as much", costs, "goal ≤ 2.00")
        longer = [one.tool_p99 / one.plain_p99 for one in rounds]
        _line(f"p99 at {rounds[-1].rate:,.0f} a second: times as long", longer, "goal ≤ 2.00")
        _line("  the tool, ms", [one.tool_p99 for one in rounds])
        _line("  the interface, ms", [one.plain_p99 for one in rounds])


REPORTS = {
    "boards": _report_boards,
    "crowd": _report_crowd,
    "growth": growth.report_all,
    "grouping": _report_grouping,
    "openings": _report_openings,
    "start": _report_start,
    "talking": _report_talking,
}
