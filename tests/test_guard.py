"""The regression guard's comparison: ratios, with a tolerance, and a sentence for each that is worse."""

import json

import pytest

from benchmarks.guard import FILE, better, compare, ratios_of
from slotkeeper.load.figures import Beside, Block, Row
from slotkeeper.load.generator import Load

SHARE = "SQLite, availability, branch and date, L1"
COST = "SQLite, availability, branch and date, L1 CPU"


@pytest.mark.parametrize("now", [0.35, 0.5, 0.9], ids=["at the tolerance", "the same", "better"])
def test_a_share_within_the_tolerance_passes(now: float) -> None:
    assert compare({SHARE: 0.5}, {SHARE: now}, tolerance=0.3) == []


@pytest.mark.parametrize("now", [0.5, 2.0, 2.59], ids=["better", "the same", "within the tolerance"])
def test_a_cost_within_the_tolerance_passes(now: float) -> None:
    assert compare({COST: 2.0}, {COST: now}, tolerance=0.3) == []


def test_a_share_that_fell_is_named_with_how_much() -> None:
    (sentence,) = compare({SHARE: 0.5}, {SHARE: 0.3}, tolerance=0.3)
    assert sentence == f"{SHARE}: the share fell from 0.50 to 0.30, by 40%."


def test_a_cost_that_rose_is_named_with_how_much() -> None:
    (sentence,) = compare({COST: 2.0}, {COST: 3.0}, tolerance=0.3)
    assert sentence == f"{COST}: the cost rose from 2.00 to 3.00, by 50%."


def test_a_ratio_that_is_not_measured_any_more_fails() -> None:
    (sentence,) = compare({SHARE: 0.5, COST: 2.0}, {COST: 2.0})
    assert SHARE in sentence
    assert "not measured" in sentence


def test_a_ratio_that_is_new_does_not_fail() -> None:
    assert compare({SHARE: 0.5}, {SHARE: 0.5, COST: 9.0}) == []


def test_the_better_of_two_measurements_is_the_higher_share_and_the_lower_cost() -> None:
    assert better({SHARE: 0.3, COST: 2.0}, {SHARE: 0.5, COST: 3.0}) == {SHARE: 0.5, COST: 2.0}
    assert better({SHARE: 0.3}, {}) == {SHARE: 0.3}


def test_the_first_limit_of_each_row_and_the_processor_time_are_guarded() -> None:
    beside = [Beside("L1", [10.0], [0.5]), Beside("L2", [10.0], [0.1]), Beside("L1 CPU", [30.0], [2.0], unit=" µs")]
    row = Row("  whole organization", [Load(1.0, 10, [0.1])], beside)
    found = ratios_of([Block("PostgreSQL 18, 1 server process", [row])])
    assert found == {"PostgreSQL, whole organization, L1": 0.5, "PostgreSQL, whole organization, L1 CPU": 2.0}


def test_the_stored_ratios_are_numbers_of_both_engines() -> None:
    stored = json.loads(FILE.read_text(encoding="utf-8"))
    assert {name.partition(",")[0] for name in stored} == {"SQLite", "PostgreSQL"}
    assert all(0 < ratio < 100 for ratio in stored.values())
