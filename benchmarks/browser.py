"""What a real browser says of a page: how many bytes came over the wire for it, and when something was to be seen."""

from typing import NamedTuple

from playwright.sync_api import Page, sync_playwright

from tests.dashboard import chromium

_TOLD = """
    () => new Promise(tell => new PerformanceObserver(list => {
        const paint = list.getEntriesByName("first-contentful-paint")[0];
        if (!paint) return;
        const loaded = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
        const files = loaded.filter(entry => !entry.name.includes("/live?"));
        tell({bytes: files.reduce((sum, entry) => sum + entry.transferSize, 0), paint: paint.startTime});
    }).observe({type: "paint", buffered: true}))
"""


class Told(NamedTuple):
    """Bytes of the page, its styles and its scripts with all heads; milliseconds from the click to the first paint."""

    bytes: int
    paint: float


class Visits(NamedTuple):
    """The visits of browsers that have never been there, and second visits of the same."""

    first: list[Told]
    again: list[Told]


def visit(url: str, *, cookie: tuple[str, str], number: int) -> Visits | None:
    """Let some browsers visit a page, each twice; None where there is no Chromium."""
    with sync_playwright() as driver:
        found = chromium.find(driver)
        if found is None:
            return None
        browser = chromium.launch(driver, found)
        visits = Visits([], [])
        for _ in range(number):
            context = browser.new_context()
            context.add_cookies([{"name": cookie[0], "value": cookie[1], "url": url}])
            page = context.new_page()
            for told in visits:
                told.append(_open(page, url))
            context.close()
        browser.close()
        return visits


def _open(page: Page, url: str) -> Told:
    page.goto(url)
    told = page.evaluate(_TOLD)
    return Told(told["bytes"], told["paint"])
