"""Chromium, driven by Playwright; a test that needs it is skipped where there is none."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

# The shell first: it draws the same pages without the windows of a browser around them, which cost Chromium
# a second and a half of processor time for each new context (0.4 s against 2.0 s for a page and its picture).
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-sync",
    "--disable-component-update",
]


def found() -> str | None:
    """Return the path of Chromium: that in CHROMIUM, or the first that is installed."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, PROGRAMS)), None)


def path() -> str:
    """Return the path of Chromium, or skip the test."""
    if not (installed := found()):
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
