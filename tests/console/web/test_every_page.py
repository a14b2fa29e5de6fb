"""What holds on every page: generated from the route table, in both themes, from a telephone to a wall."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from tests.console.browser import HUGE, NARROW, WIDE, axe_faults, logged_in, visit
from tests.console.load import FAST, HOUR_S, MB, heap_bytes
from tests.support.lone_console import LoneConsole
from tests.support.route_table import path, route_table

NO_PAGES = {"/enter", "/runs/x/x"}  # a redirect, and files of runs: their pages are tested with them
SHOWS = {"/runs/compare": "/runs/compare?run=a&run=b", "/runbooks/x": "/runbooks/SubstationOverload"}
ROW = "table.substations tbody tr"
MOST_SHIFTED = 0.05
SHIFTS = """window.shifted = { score: 0, sources: [] };
new PerformanceObserver((list) => {
  for (const shift of list.getEntries()) {
    if (shift.hadRecentInput) continue;
    window.shifted.score += shift.value;
    window.shifted.sources.push(...shift.sources.map(({ node }) => node?.id || node?.className || node?.nodeName));
  }
}).observe({ type: "layout-shift", buffered: true });"""


@pytest.fixture
def pages(tmp_path: Path) -> list[str]:
    """The address of every page that the route table has."""
    found = {path(route) for route in route_table(tmp_path) if route.page} - NO_PAGES
    assert len(found) > 8
    return sorted(SHOWS.get(each, each) for each in found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_for_all_and_fits_every_screen_and_nothing_moves(
    browser: Browser, few: LoneConsole, pages: list[str], scheme: str
) -> None:
    with logged_in(browser, few.link(), color_scheme=scheme, reduced_motion="no-preference") as page:
        for each in pages:
            page.goto(few.url + each)
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            assert axe_faults(page) == [], each
            for size in (NARROW, HUGE, WIDE):
                page.set_viewport_size(size)
                assert page.evaluate("() => document.documentElement.scrollWidth") <= size["width"], each
            assert page.evaluate("() => document.getAnimations().length") == 0, each


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_nothing_moves_while_a_page_fills(
    browser: Browser, few: LoneConsole, pages: list[str], size: ViewportSize
) -> None:
    """The sum of all shifts, which is at least the score that browsers tell: a page is good below 0.1."""
    moved = {}
    with logged_in(browser, few.link(), viewport=size) as page:
        page.add_init_script(SHIFTS)
        for each in [*pages, "/?substation=substation-1", "/?view=diagram", "/?charts=all"]:
            page.goto(few.url + each)
            expect(page.get_by_role("heading", level=1)).to_be_attached()
            expect(page.locator("body")).not_to_have_attribute("data-link", "waiting")
            page.wait_for_load_state("networkidle")
            page.evaluate(
                "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
            )
            score, sources = page.evaluate("() => [window.shifted.score, window.shifted.sources]")
            if score >= MOST_SHIFTED:
                moved[each] = (round(score, 3), sources)
    assert moved == {}


def second_page(browser: Browser, url: str, script: str) -> None:
    """Visit, and run something on a page that was opened beside the first."""
    with visit(browser, url) as page:
        other = page.context.new_page()
        other.goto(url)
        other.evaluate(f"() => {{ try {{ {script} }} catch (fault) {{ console.error(fault.message); }} }}")
        other.wait_for_timeout(200)


@pytest.mark.parametrize(
    "forbidden",
    [
        "document.body.append(Object.assign(document.createElement('img'), { src: 'https://evil.example/x' }))",
        "document.body.setAttribute('style', 'color: red')",
        "document.body.setAttribute('onclick', 'alert(1)')",
        "document.body.innerHTML = '<b>x</b>'",
    ],
    ids=["elsewhere", "style", "script", "markup"],
)
def test_what_the_content_security_policy_stops_fails_the_test(
    browser: Browser, few: LoneConsole, forbidden: str
) -> None:
    with pytest.raises(AssertionError, match=r"Content Security Policy|TrustedHTML|TrustedScript"):
        second_page(browser, f"{few.url}/login", forbidden)


def test_a_gateway_that_is_not_heard_is_told_beside_its_figures(browser: Browser, few: LoneConsole) -> None:
    with logged_in(browser, few.link(), "/") as page:
        expect(page.locator("#totals")).to_contain_text(
            re.compile(r"Refusals\s*.\s*◷ no data from the gateway")
        )


def test_an_hour_of_frames_leaves_no_more_behind_than_its_first_half(
    browser: Browser, few: LoneConsole
) -> None:
    with logged_in(browser, few.link(), "/") as page:
        expect(page.locator(ROW)).to_have_count(12)
        state = page.evaluate(
            """async () => (await new Promise((done) => {
              const socket = new WebSocket(new URL("/stream", location.href));
              socket.onmessage = (message) => { socket.close(); done(JSON.parse(message.data)); };
            })).state"""
        )
        # What a frame leaves behind, it leaves for each row: half of them cost half.
        state["substations"] = state["substations"][:6]
        page.add_init_script(FAST)
        page.goto(few.url)
        page.wait_for_timeout(500)
        client = page.context.new_cdp_session(page)
        left, shown = [], set()
        for _ in range(4):
            page.evaluate("([state, seconds]) => window.drive(state, seconds, 1000)", [state, HOUR_S // 4])
            left.append(heap_bytes(client) / MB)
            shown.add(page.locator(ROW).nth(5).inner_text())
        assert len(shown) == 4
        assert left[3] < left[1] * 1.15 + 0.5, left
