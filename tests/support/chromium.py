"""Chromium, driven by Playwright; a test that needs it is skipped where there is none."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from deploy.local import printing

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-sync",
    "--disable-component-update",
]


def path() -> str:
    """Return the path of Chromium, or skip the test."""
    if not (installed := printing.browser()):
        pytest.skip("no Chromium: apt-get install chromium-headless-shell")
    return installed


def browser() -> Iterator[Browser]:
    """Start Chromium, and end it: the body of a fixture."""
    executable = path()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        try:
            yield started
        finally:
            started.close()
