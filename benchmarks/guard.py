"""``make guard``: whether something became slower, told by ratios to limits measured in the same run, never by times.

The ratios of a short selection of the table are compared with those in ``guard.json``. A ratio that is worse by more
than the tolerance is measured once more, because a machine has other things to do too; where the better one of both is
still worse, the guard fails and says which. ``python -m benchmarks.guard --store`` stores what it finds.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.measuring import Plan
from benchmarks.run import measure
from slotkeeper.load.figures import Beside, Block

FILE = Path(__file__).with_name("guard.json")
NOUNS = ("availability", "tracking", "next", "booking", "changes", "regenerate")
PLAN = Plan(rounds=5, seconds=0.4)
TOLERANCE = 0.3
"""By what share a ratio may be worse than the one that is stored."""
PROCESSOR = "L1 CPU"
SPREAD = 0.005
"""Below this a ratio has too few digits to be compared."""

Ratios = Mapping[str, float]
"""A ratio by engine, row and limit."""


def is_cost(name: str) -> bool:
    """Whether the higher one of two ratios is the worse one."""
    return name.endswith(PROCESSOR)


def compare(stored: Ratios, found: Ratios, *, tolerance: float = TOLERANCE) -> list[str]:
    """A sentence for each ratio that is worse than the stored one by more than the tolerance, or that is missing."""
    sentences = []
    for name, before in stored.items():
        now = found.get(name)
        if now is None:
            sentences.append(f"{name}: it is not measured any more; store the ratios anew.")
        elif is_cost(name) and now > before * (1 + tolerance):
            sentences.append(f"{name}: the cost rose from {before:.2f} to {now:.2f}, by {now / before - 1:.0%}.")
        elif not is_cost(name) and now < before * (1 - tolerance):
            sentences.append(f"{name}: the share fell from {before:.2f} to {now:.2f}, by {1 - now / before:.0%}.")
    return sentences


def better(one: Ratios, other: Ratios) -> dict[str, float]:
    """The better ratio of each name."""
    names = {**one, **other}
    best = {name: (min if is_cost(name) else max) for name in names}
    return {name: best[name](ratios[name] for ratios in (one, other) if name in ratios) for name in names}


def ratios_of(blocks: Sequence[Block]) -> dict[str, float]:
    """The ratios that are guarded: each row's to the first limit beside it, and the processor time's."""
    found: dict[str, float] = {}
    for block in blocks:
        engine = block.title.split(",", 1)[0].split(" ", 1)[0]
        for row in block.rows:
            for beside in row.beside:
                if _is_guarded(row.beside, beside):
                    found[f"{engine}, {row.name.strip()}, {beside.name}"] = round(beside.ratio, 3)
    return found


def _is_guarded(all_beside: Sequence[Beside], beside: Beside) -> bool:
    return beside.ratio > SPREAD and (beside is all_beside[0] or beside.name == PROCESSOR)


def _measure() -> dict[str, float]:
    return ratios_of(list(measure(NOUNS, PLAN, engines=("sqlite", "postgres"), processes=(1,))))


def main() -> int:
    """Compare, or store."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guard", description=__doc__)
    parser.add_argument("--store", action="store_true", help="store the ratios found, and compare nothing")
    given = parser.parse_args()
    found = _measure()
    if given.store:
        FILE.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"Stored {len(found)} ratios in {FILE}.")
        return 0
    stored: dict[str, float] = json.loads(FILE.read_text(encoding="utf-8"))
    worse = compare(stored, found)
    if worse:
        print("Worse than stored, so it is measured once more:", *worse, sep="\n  ", flush=True)
        worse = compare(stored, better(found, _measure()))
    if worse:
        print(f"Slower than before by more than {TOLERANCE:.0%}:", *worse, sep="\n  ", file=sys.stderr)
        return 1
    print(f"None of {len(stored)} ratios is worse than stored by more than {TOLERANCE:.0%}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
