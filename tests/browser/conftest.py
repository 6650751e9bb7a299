"""A real browser, for what a person sees: Chromium of the system, driven by Playwright."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Skips where no Chromium is installed; on a test server (CI=true) that is a failure."""
    executable = next(filter(None, map(shutil.which, NAMES)), None)
    if executable is None:
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing(f"needs one of the commands {', '.join(NAMES)} (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        # Chromium's own sandbox needs rights that root in a container does not have.
        yield playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
