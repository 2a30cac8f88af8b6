"""What was skipped, by name, in the last lines of every run; in CI only what a list allows.

A test that cannot run on a machine is skipped with a reason. With ``CI=true`` the run fails where
a skipped test is not named in ``tests/allowed_skips.txt``, so that no test is lost unseen.
"""

import os
from pathlib import Path

import pytest

ALLOWED = Path(__file__).with_name("allowed_skips.txt")


def read_allowed(path: Path = ALLOWED) -> dict[str, str]:
    """The reason for each test id that may be skipped. Raises UsageError for a line without a reason."""
    allowed = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, reason = line.partition(": ")
        if not name.strip() or not reason.strip():
            raise pytest.UsageError(f"{path.name}, line {number}: write 'test id: reason'.")
        allowed[name.strip()] = reason.strip()
    return allowed


def skipped_tests(reporter: pytest.TerminalReporter) -> dict[str, str]:
    """The reason for each test that was skipped, and for each module that was skipped whole."""
    reports = [report for report in reporter.stats.get("skipped", []) if not hasattr(report, "wasxfail")]
    return {report.nodeid: _reason(report) for report in reports}


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run in CI that skipped what the list does not allow."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and _is_ci() and skipped_tests(reporter).keys() - read_allowed().keys():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what was skipped, just above pytest's own last line."""
    skipped = skipped_tests(terminalreporter)
    allowed = read_allowed()
    terminalreporter.section("skipped tests", sep="-")
    for name, reason in sorted(skipped.items()):
        mark = "" if name in allowed or not _is_ci() else "NOT IN tests/allowed_skips.txt  "
        terminalreporter.write_line(f"{mark}{name}: {reason}")
    if not skipped:
        terminalreporter.write_line("none")


def _is_ci() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true"}


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")
