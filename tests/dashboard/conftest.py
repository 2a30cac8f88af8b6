"""Fixtures: a desk of its own for each test, and browsers at it.

Playwright's event loop runs in this thread from the first test of this folder to the last, so nothing here may run
another one: operations are driven by ``desk.run``. The tests of other folders come before or after.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from slotkeeper.domain.users import Role
from tests.dashboard import chromium as installed
from tests.dashboard.desk import Clinics, Desk, clinics
from tests.dashboard.screens import Screens
from tests.world import MovableClock

NewDesk = Callable[..., Desk]
_CLINICS: dict[str, Clinics] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser takes seconds."""
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="package")
def driver() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="package")
def chromium(driver: Playwright) -> Iterator[Browser]:
    found = installed.find(driver)
    if found is None:
        pytest.skip("there is no Chromium: 'make test' installs it as root on Debian, or with 'playwright install'")
    browser = installed.launch(driver, found)
    yield browser
    browser.close()


@pytest.fixture
def lent(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Clinics]]:
    """The URL of a database with the clinic in it."""
    if engine not in _CLINICS:
        _CLINICS[engine] = clinics(engine, tmp_path_factory)
    url = _CLINICS[engine].lend()
    yield url, _CLINICS[engine]
    _CLINICS[engine].give_back(url)


@pytest.fixture
def clock() -> MovableClock:
    """The clock of all desks of a test: Monday, 1 June 2026, 08:00 UTC."""
    return MovableClock()


@pytest.fixture
def new_desk(lent: tuple[str, Clinics], clock: MovableClock) -> Iterator[NewDesk]:
    """Start one more server process on the test's database, with some settings."""
    started: list[Desk] = []

    def start(**settings: Any) -> Desk:
        url, lender = lent
        started.append(Desk(url, lender.demo, clock, **settings))
        return started[-1]

    yield start
    for desk in started:
        desk.stop()


@pytest.fixture
def desk(new_desk: NewDesk) -> Desk:
    """The server of the clinic."""
    return new_desk()


@pytest.fixture
def screens(chromium: Browser, desk: Desk) -> Iterator[Screens]:
    """Browsers at the desk; at the end none of them may have had a fault."""
    opened = Screens(chromium, desk)
    yield opened
    opened.close()
    assert opened.faults() == []


@pytest.fixture
def visitor(screens: Screens) -> Page:
    """The browser of somebody who is not signed in."""
    return screens.open()


@pytest.fixture
def receptionist(screens: Screens) -> Page:
    """Meera at the desk."""
    return screens.open(Role.DESK)


@pytest.fixture
def manager(screens: Screens) -> Page:
    """Ravi, who changes the schedule."""
    return screens.open(Role.MANAGER)


@pytest.fixture
def admin(screens: Screens) -> Page:
    """Asha, who runs it all."""
    return screens.open(Role.ADMIN)
