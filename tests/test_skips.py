"""The report of skips, tried on a run of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.skips import read_allowed

ROOT = Path(__file__).parent.parent
SOME_TESTS = """
import pytest

def test_runs(): pass

@pytest.mark.skipif(True, reason="no such machine: none at all")
def test_is_skipped(): pass

@pytest.mark.soak
def test_is_for_the_long_run(): pass
"""


def run(folder: Path, *arguments: str, ci: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_some.py").write_text(SOME_TESTS, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = soak", encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.skips", "-p", "tests.soak", "--strict-markers", *arguments],
        cwd=folder,
        env=os.environ | {"CI": ci, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_a_skip_is_named_just_above_the_last_line_and_only_ci_fails_on_it(tmp_path: Path) -> None:
    at_home, in_ci = run(tmp_path, ci=""), run(tmp_path, ci="true")
    for ended in (at_home, in_ci):
        *_, before_last, last = ended.stdout.splitlines()
        assert before_last.endswith("test_some.py::test_is_skipped: no such machine: none at all")
        assert "1 passed, 1 skipped, 1 deselected" in last
    assert (at_home.returncode, in_ci.returncode) == (0, 1)
    assert "NOT IN tests/allowed_skips.txt" in in_ci.stdout


@pytest.mark.slow
def test_without_a_skip_the_report_says_none_and_ci_is_content(tmp_path: Path) -> None:
    ended = run(tmp_path, "-k", "runs", ci="true")
    assert ended.returncode == 0
    assert ended.stdout.splitlines()[-2] == "none"


@pytest.mark.slow
def test_a_soak_runs_the_long_tests_too(tmp_path: Path) -> None:
    assert "2 passed, 1 skipped" in run(tmp_path, "--soak", ci="").stdout.splitlines()[-1]


def test_the_list_of_allowed_skips_asks_for_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "allowed.txt"
    path.write_text("# a comment\n\ntests/test_a.py::test_b[c]: it needs: a cluster\n", encoding="utf-8")
    assert read_allowed(path) == {"tests/test_a.py::test_b[c]": "it needs: a cluster"}
    path.write_text("tests/test_a.py::test_b\n", encoding="utf-8")
    with pytest.raises(pytest.UsageError, match="line 1: write 'test id: reason'"):
        read_allowed(path)


def test_the_list_in_the_repository_can_be_read() -> None:
    assert isinstance(read_allowed(), dict)
