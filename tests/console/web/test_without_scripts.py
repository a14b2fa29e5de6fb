"""A page whose scripts do not come, or are off: it says what to do instead of "Connecting" for ever."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.console.browser import NARROW, at_alarms, visit
from tests.support.console import Console

ADVICE = "Waiting for live data. If this message stays, reload the page."


@pytest.fixture(scope="module")
def console(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console without a grid: what a page says of its scripts needs none."""
    made = Console(tmp_path_factory.mktemp("console"))
    yield made.serves()
    made.stop()


def test_scripts_that_do_not_come_are_told_and_a_reload_mends_it(browser: Browser, console: Console) -> None:
    with visit(browser, "about:blank", viewport=NARROW) as page:
        page.route("**/static/*/js/web/main.js", lambda route: route.abort())
        at_alarms(page, console.port)
        waiting = page.get_by_text(ADVICE)
        expect(waiting).to_be_visible()
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        page.unroute("**/static/*/js/web/main.js")
        waiting.get_by_role("link", name="reload the page").click()
        expect(page.locator("body:not([data-link='waiting'])")).to_be_visible()
        expect(waiting).to_have_count(0)
        assert page.url.endswith("/alarms")


def test_a_page_without_its_own_script_says_so_though_it_is_connected(
    browser: Browser, console: Console
) -> None:
    with visit(browser, "about:blank") as page:
        page.route("**/static/*/js/alarms/page.js", lambda route: route.abort())
        at_alarms(page, console.port)
        expect(page.get_by_role("alert").filter(has_text="Part of this page did not load")).to_be_visible()
        page.unroute("**/static/*/js/alarms/page.js")
        page.get_by_role("link", name="Reload the page").click()
        expect(page.get_by_text("Part of this page did not load")).to_have_count(0)
        page.goto(f"http://127.0.0.1:{console.port}/runbooks")  # which has no script of its own
        expect(page.locator("body:not([data-link='waiting'])")).to_be_visible()
        expect(page.get_by_text("Part of this page did not load")).to_have_count(0)


def test_where_scripts_are_off_the_page_says_so_alone(console: Console) -> None:
    """Read as it is served: the driver's own way of turning scripts off shows no `noscript`."""
    served = console.ask("GET", "/alarms", console.log_in("ann")).body
    notices = re.findall(r"<noscript>(.*?)</noscript>", served, flags=re.DOTALL)
    assert any("needs JavaScript, which is off in this browser" in each for each in notices)
    (sheet,) = (each for each in notices if "stylesheet" in each)
    (address,) = re.findall(r'href="([^"]+)"', sheet)
    assert "#link-state" in console.ask("GET", address).body
