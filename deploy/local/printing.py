"""Chromium as a printer: an HTML page becomes a PDF with bookmarks.

The page numbers come from the margin boxes of the page's own style sheet (Chromium 131 or newer).
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

# The shell first: it draws the same pages without the windows of a browser around them, which cost Chromium
# a second and a half of processor time for each new context (0.4 s against 2.0 s for a page and its picture).
BROWSERS = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--no-pdf-header-footer",
    "--generate-pdf-document-outline",
)
TIMEOUT_S = 120
LACKING = "Chromium is needed to print the report: apt-get install chromium, or name one in CHROMIUM."


def browser() -> str | None:
    """Return the path of Chromium, or None when there is none."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)


def print_page(browser: str, page: Path, output: Path) -> None:
    """Print `page` to the PDF `output`; raises subprocess.SubprocessError when Chromium fails."""
    with tempfile.TemporaryDirectory() as profile:
        own = (f"--user-data-dir={profile}", f"--print-to-pdf={output.absolute()}")
        command = [browser, *FLAGS, *own, page.as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT_S)  # noqa: S603 - our own
