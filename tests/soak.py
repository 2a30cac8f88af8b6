"""``--soak``: the same tests with the long rounds, and those that only make sense long.

A test takes the fixture ``rounds`` and asks it for a number; a property test gets more examples
through the hypothesis profile. Tests marked ``soak`` are left out of every other run.
"""

from collections.abc import Callable

import hypothesis
import pytest

SOAK_FACTOR = 20


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--soak``."""
    parser.addoption("--soak", action="store_true", help="the long rounds, and the tests marked soak")


@pytest.hookimpl(tryfirst=True)  # before pytest-timeout reads its option
def pytest_configure(config: pytest.Config) -> None:
    """Choose how long property tests search, and give long rounds the time they need."""
    hypothesis.settings.register_profile("ordinary", deadline=None, print_blob=True)
    hypothesis.settings.register_profile("soak", deadline=None, print_blob=True, max_examples=100 * SOAK_FACTOR)
    hypothesis.settings.load_profile("soak" if _is_soak(config) else "ordinary")
    if _is_soak(config) and config.getoption("timeout") is None:
        config.option.timeout = 3600


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests marked ``soak``, unless this is one."""
    if _is_soak(config):
        return
    left_out = [item for item in items if item.get_closest_marker("soak")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("soak")]


@pytest.fixture(scope="session")
def rounds(pytestconfig: pytest.Config) -> Callable[[int], int]:
    """How many rounds a test goes: the number it asks for, many times that in a soak."""
    factor = SOAK_FACTOR if _is_soak(pytestconfig) else 1
    return lambda ordinary: ordinary * factor


def _is_soak(config: pytest.Config) -> bool:
    return bool(config.getoption("soak"))
