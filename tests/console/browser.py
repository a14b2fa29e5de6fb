"""Real headless Chromium on the real grid; an error that a page hides fails the test."""

import contextlib
from collections.abc import Iterator
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from deploy.local import printing
from tests.support.chromium import FLAGS
from tests.support.console import PASSWORD

OPERATOR = "olga"  # who logs in by one-time link
CHROMIUM = printing.browser()
WAIT_MS = 60_000  # nothing takes as long unless it never comes
WIDE: ViewportSize = {"width": 1280, "height": 800}
AXE = Axe().axe_script
NARROW: ViewportSize = {"width": 390, "height": 844}
HUGE: ViewportSize = {"width": 3840, "height": 2160}
GRAFANA = "http://127.0.0.1:3000/grafana"  # nobody need be there: links are read, not followed
EXPECTED = ("WebSocket connection", "Failed to load resource")  # what Chromium says of a service that is down
# Gives a test the address of one of the page's own scripts, so that it imports the module that the page uses.
SCRIPT = "window.script = (path) => document.scripts[0].src.replace('web/main.js', path);"


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """One browser for many pages."""
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def visit(browser: Browser, url: str, **context: Any) -> Iterator[Page]:
    """A page in a profile of its own; fails at the end for scripts' faults and for what the CSP has stopped."""
    made = browser.new_context(**{"viewport": WIDE, "reduced_motion": "reduce"} | context)
    made.add_init_script(SCRIPT)
    page = made.new_page()
    page.set_default_timeout(WAIT_MS)
    faults: list[str] = []
    # Of the whole profile: a second page that a test opens is watched too.
    made.on("weberror", lambda error: faults.append(str(error.error)))
    made.on("console", lambda line: faults.append(line.text) if _is_fault(line.type, line.text) else None)
    try:
        page.goto(url)
        if "/enter?token=" in page.url:
            if page.get_by_label("Your name").count():  # somebody else is logged in
                page.get_by_label("Your name").fill(OPERATOR)
            page.get_by_role("button", name="Log in").click()
        yield page
        assert faults == [], faults
    finally:
        made.close()


@contextlib.contextmanager
def logged_in(
    browser: Browser, link: str, at: str = "", name: str = OPERATOR, **context: Any
) -> Iterator[Page]:
    """A page in a profile of its own that a one-time link has logged in; it shows the path `at`, or nothing.

    The login's button is not drawn, nor the overview behind it, which would cost each test half a second of a
    processor. `visit` takes that way.
    """
    console, _, token = link.partition("/enter?token=")
    with visit(browser, "about:blank", **context) as page:
        answer = page.request.post(f"{console}/enter", form={"token": token, "name": name}, max_redirects=0)
        assert answer.status == 303, answer.status
        if at:
            page.goto(f"{console}{at}")
        yield page


def log_in(page: Page, name: str, password: str = PASSWORD) -> None:
    """Fill the form of /login in, which takes no script."""
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")


def at_alarms(page: Page, port: int) -> None:
    """Log in at a console, and land at its page of alarms."""
    page.goto(f"http://127.0.0.1:{port}/login?next=%2Falarms")
    log_in(page, "ann")
    expect(page.get_by_role("heading", level=1)).to_have_text("Alarms")


# Two inline elements side by side without a space are read aloud, and copied, as one word.
GLUED = """() => {
  const inline = "span, a, time, code, strong, em, b, button, label";
  return [...document.querySelectorAll(inline)].filter((each) => {
    const next = each.nextSibling;
    return next?.nodeType === Node.ELEMENT_NODE && !(each.matches("button") && next.matches("button")) && next.matches(inline) && each.checkVisibility() && next.checkVisibility()
      && /\\S$/.test(each.textContent) && /^[^\\s,.;:)]/.test(next.textContent);
  }).map((each) => `${each.textContent}${each.nextSibling.textContent}`);
}"""


def axe_faults(page: Page) -> list[str]:
    """What axe finds wrong on a page, in a line each, and words that stand together without a space."""
    return [f"no space: {words}" for words in glued(page)] + _axe(page)


def glued(page: Page) -> list[str]:
    """Words of two elements of a line that stand together without a space."""
    found: list[str] = page.evaluate(GLUED)
    return found


def _axe(page: Page) -> list[str]:
    if not page.evaluate("() => 'axe' in window"):
        # Playwright's own `evaluate` compiles these 560 kB more than once.
        session = page.context.new_cdp_session(page)
        session.send("Runtime.evaluate", {"expression": f"{AXE};0"})
        session.detach()
    found = page.evaluate("() => axe.run({ resultTypes: ['violations'] })")["violations"]
    return [
        f"{each['id']}: {node['html'][:120]} {node['target']}" for each in found for node in each["nodes"]
    ]


def _is_fault(kind: str, text: str) -> bool:
    return kind == "error" and not any(known in text for known in EXPECTED)
