"""What people see: browsers at a desk, watched for whatever a page must not do."""

import re
from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, Route, expect

from slotkeeper.domain.users import Role
from tests.dashboard.desk import Desk

NARROW = 360
PATIENCE = 30_000
"""For how many milliseconds something is waited for that must come: a machine may be busy."""
expect.set_options(timeout=PATIENCE)
_AXE = Axe()
_OUTSIDE = """
    width => [...document.body.querySelectorAll("*")].filter(element => {
        if (!element.checkVisibility() || element.closest(".skip, .hidden, .scroll, svg")) return false;
        const at = element.getBoundingClientRect();
        return at.width > 0 && (at.left < -1 || at.right > width + 1);
    }).slice(0, 5).map(element => element.outerHTML.slice(0, 120))
"""


class Screens:
    """The browsers of one test. Each is a person's own: it shares no cookie with the others.

    Whatever a page logs as an error, asks of another host, or fails to load is a fault, and a test with a fault fails
    at its end, unless it says with ``forgive`` that it meant it.
    """

    def __init__(self, chromium: Browser, desk: Desk) -> None:
        self._chromium, self._desk = chromium, desk
        self._forgiven: list[str] = []
        self._faults: list[str] = []
        self._close: list[Callable[[], None]] = []

    def open(self, role: Role | None = None, desk: Desk | None = None, **options: Any) -> Page:
        """A new browser at a desk, of a person who is signed in with a role, or of nobody yet.

        ``options`` are those of Playwright's ``new_context``: a viewport, a colour scheme, no script.
        """
        at = desk or self._desk
        context = self._chromium.new_context(base_url=at.url, **({"locale": "en-GB"} | options))
        context.set_default_timeout(PATIENCE)
        self._close.append(context.close)
        if role is not None:
            sign_in(context, at, role)
        context.route(lambda url: urlsplit(url).netloc != at.host, self._refuse)
        page = context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self._faults.append(f"error in a script: {error}"))
        page.on("response", self._look)
        return page

    def forgive(self, pattern: str) -> None:
        """Let the faults that a pattern finds be."""
        self._forgiven.append(pattern)

    def close(self) -> None:
        """Close all browsers."""
        for close in self._close:
            close()

    def faults(self) -> list[str]:
        """What went wrong on the pages, and was not meant."""
        return [fault for fault in self._faults if not any(re.search(one, fault) for one in self._forgiven)]

    def _refuse(self, route: Route) -> None:
        if urlsplit(route.request.url).scheme in {"data", "blob", "about"}:
            route.continue_()
            return
        self._faults.append(f"asked of another host: {route.request.url}")
        route.abort()

    def _hear(self, message: ConsoleMessage) -> None:
        # What failed to load is told of by the response, which knows what it was asked for as.
        if message.type in {"error", "warning"} and not message.text.startswith("Failed to load resource"):
            self._faults.append(f"in the console: {message.text}")

    def _look(self, response: Response) -> None:
        is_page = response.request.is_navigation_request()
        if response.status >= 500 or (response.status >= 400 and not is_page):
            self._faults.append(f"answered with {response.status}: {response.url}")


def sign_in(context: BrowserContext, desk: Desk, role: Role) -> None:
    """Let a browser hold what it would hold had a person just signed in."""
    context.add_cookies(
        [
            {
                "name": "slotkeeper_session",
                "value": desk.token(role),
                "url": desk.url,
                "httpOnly": True,
                "sameSite": "Lax",
            }
        ]
    )


def assert_accessible(page: Page) -> None:
    """Axe finds nothing on a page in the light, and no colour that is hard to read in the dark."""
    rules: dict[Literal["light", "dark"], dict[str, object]] = {"light": {}, "dark": {"runOnly": ["color-contrast"]}}
    for scheme, only in rules.items():
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # colours change at once
        found = _AXE.run(page, options={"resultTypes": ["violations"], **only}).response["violations"]
        told = [f"{one['id']}: {one['help']}\n  {node['html']}" for one in found for node in one["nodes"]]
        assert not told, f"{page.url} ({scheme})\n" + "\n".join(told)
    page.emulate_media(color_scheme=None, reduced_motion=None)


def assert_fits(page: Page) -> None:
    """A page needs no scrolling sideways on a narrow phone."""
    before = page.viewport_size
    page.set_viewport_size({"width": NARROW, "height": 740})
    width = page.evaluate("document.documentElement.scrollWidth")
    outside = page.evaluate(_OUTSIDE, NARROW)
    assert width <= NARROW, f"{page.url} is {width} wide: {outside}"
    assert outside == [], f"{page.url} has something that cannot be seen on a phone"
    if before is not None:
        page.set_viewport_size(before)


def assert_sound(page: Page) -> None:
    """What holds of every page: accessible, fits a phone, one heading of the first order, a title."""
    assert_accessible(page)
    assert_fits(page)
    assert page.locator("h1").count() == 1
    assert page.title().strip(" ·")
