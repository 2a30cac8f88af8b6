"""The pictures of README.md and docs/front-desk.md, taken of the demo clinic: `make screenshots`.

``python -m tests.dashboard.screenshots FOLDER [NAME …]`` takes all of them, or those that are named. The clinic's clock
stands still, so that a picture differs only where a page does.
"""

import base64
import sys
import tempfile
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Page, sync_playwright

from slotkeeper.domain.users import Role
from slotkeeper.operations.demo_clinic import EXAMPLE_WINDOW, MAIN_STREET
from tests.dashboard import chromium
from tests.dashboard.desk import Desk, filled
from tests.dashboard.screens import Screens
from tests.engines import SQLITE
from tests.world import MovableClock

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "docs" / "pictures"
LARGEST = 600_000
"""How many bytes all pictures may have together: everybody who copies the project copies them."""
QUALITY = 72
DESKTOP, PHONE = (1280, 860), (360, 720)
MONDAY = date(2026, 6, 8)
WINDOW = f"{EXAMPLE_WINDOW}/{MONDAY}"


class Picture(NamedTuple):
    """A page as one role sees it, on a screen of a size."""

    path: str
    role: Role | None
    size: tuple[int, int] = DESKTOP
    is_dark: bool = False


PICTURES = {
    "board": Picture(f"/board?branch={MAIN_STREET}", Role.DESK, (1280, 1000)),
    "board-dark": Picture(f"/board?branch={MAIN_STREET}&date={MONDAY}", Role.DESK, (1280, 1000), is_dark=True),
    "board-phone": Picture(f"/board?branch={MAIN_STREET}", Role.DESK, PHONE),
    "change": Picture(f"/schedule/{WINDOW}", Role.MANAGER),
    "day": Picture(f"/day/{WINDOW}", Role.DESK),
    "day-phone": Picture(f"/day/{WINDOW}", Role.DESK, PHONE),
    "keys": Picture("/keys/new", Role.ADMIN, (1280, 700)),
    "month": Picture(f"/board/month?branch={MAIN_STREET}&month={MONDAY:%Y-%m}", Role.DESK, (1280, 820)),
    "reports": Picture("/reports", Role.MANAGER, (1280, 1000)),
    "sign-in": Picture("/sign-in", None, (1280, 520)),
    "windows": Picture(f"/windows?branch={MAIN_STREET}&day=monday", Role.MANAGER, (1280, 760)),
}


def take(folder: Path, names: list[str]) -> None:
    """Take some pictures into a folder."""
    with tempfile.TemporaryDirectory() as place, sync_playwright() as driver:
        found = chromium.find(driver)
        if found is None:
            sys.exit("There is no Chromium: tools/browser installs one.")
        url = f"sqlite:///{Path(place) / 'slotkeeper.db'}"
        desk = Desk(url, filled(url, SQLITE), MovableClock())
        with closing(chromium.launch(driver, found)) as browser:
            screens = Screens(browser, desk)
            for name in names:
                (folder / f"{name}.webp").write_bytes(_take(screens, PICTURES[name]))
            screens.close()
            faults = screens.faults()
        desk.stop()
    if faults:
        sys.exit("\n".join(faults))


def _take(screens: Screens, picture: Picture) -> bytes:
    width, height = picture.size
    options: dict[str, Any] = {
        "viewport": {"width": width, "height": height},
        "color_scheme": "dark" if picture.is_dark else "light",
        "reduced_motion": "reduce",
    }
    page = screens.open(picture.role, **options)
    page.goto(f"/app{picture.path}")
    _settle(page)
    # Playwright itself writes PNG and JPEG only.
    taken = page.context.new_cdp_session(page).send(
        "Page.captureScreenshot", {"format": "webp", "quality": QUALITY, "optimizeForSpeed": False}
    )
    page.close()
    return base64.b64decode(taken["data"])


def _settle(page: Page) -> None:
    """Wait until whatever can be seen is drawn."""
    page.wait_for_function(
        "() => [...document.images].every(one => one.getBoundingClientRect().top > innerHeight || one.naturalWidth)"
    )
    page.evaluate("() => document.fonts.ready.then(() => true)")


if __name__ == "__main__":
    to = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    to.mkdir(parents=True, exist_ok=True)
    take(to, sys.argv[2:] or sorted(PICTURES))
