"""The Chromium that the dashboard's tests drive: the system's own, or else the one that Playwright keeps.

``python -m tests.dashboard.chromium`` fails where there is none.
"""

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, Playwright, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ("--disable-dev-shm-usage", "--no-sandbox") if os.geteuid() == 0 else ("--disable-dev-shm-usage",)
"""Root cannot have the sandbox; a container's shared memory may be small."""


def find(driver: Playwright) -> str | None:
    """The path of a Chromium, None where there is none."""
    system = next((found for name in NAMES if (found := shutil.which(name)) is not None), None)
    if system is not None:
        return system
    own = driver.chromium.executable_path
    return own if Path(own).exists() else None


def launch(driver: Playwright, executable: str) -> Browser:
    """A running Chromium."""
    return driver.chromium.launch(executable_path=executable, args=list(ARGUMENTS))


if __name__ == "__main__":
    with sync_playwright() as running:
        there = find(running)
    sys.exit(None if there else "there is no Chromium")
