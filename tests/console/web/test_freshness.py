"""Old figures are marked, a lost stream reconnects by itself, and a short delay raises no alarm."""

import os
import re
import signal
import time
import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.browser import NARROW, WIDE, axe_faults, visit
from tests.support.grid import Grid, until

LINK = "() => document.body.dataset.link"
ROW = "table.substations tbody tr"
# An action as widgets make it, and how often it was carried out.
ACTION = """async () => {
  const { acts } = await import(script("lib/connection.js"));
  const button = document.createElement("button");
  button.textContent = "Act";
  button.addEventListener("click", () => { button.dataset.done = Number(button.dataset.done ?? 0) + 1; });
  document.querySelector("main").prepend(acts(button));
}"""
MOMENT = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\S*"
# Which rows, figures and charts lie under the words of the lost link.
COVERED = """() => {
  const words = document.getElementById("link-state").getBoundingClientRect();
  const boxes = [...document.querySelectorAll("main :is(tr, dd, figure)")];
  return boxes.filter((each) => {
    const box = each.getBoundingClientRect();
    return box.height && box.top < words.bottom - 1 && box.bottom > words.top + 1;
  }).map((each) => each.textContent);
}"""
WATCH = """() => {
  window.links = [];
  new MutationObserver(() => window.links.push(document.body.dataset.link))
    .observe(document.body, { attributeFilter: ["data-link"] });
}"""


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grid]:
    """A grid of these tests alone: they kill its services, and count how often the console has lost them."""
    made = Grid(tmp_path_factory.mktemp("grid"))
    made.start()
    yield made
    made.stop()


def covered(page: Page) -> list[str]:
    """What the words of a lost link lie upon, on a wide page and on a telephone's."""
    found: list[str] = []
    for size in (NARROW, WIDE):
        page.set_viewport_size(size)
        found += page.evaluate(COVERED)
    return found


def live(page: Page) -> None:
    until(lambda: page.evaluate(LINK) == "live")


def test_a_balancer_that_was_killed_is_told_and_then_followed_again(page: Page, grid: Grid) -> None:
    live(page)
    page.evaluate(ACTION)
    button = page.get_by_role("button", name="Act")
    button.click()
    stopped = grid.pids("balancer")[0]
    os.kill(stopped, signal.SIGSTOP)
    try:
        expect(page.locator("#link-state")).to_contain_text(
            re.compile(rf"The balancer at {grid.balancer} has not answered since {MOMENT}")
        )
        assert covered(page) == []
        assert page.evaluate(LINK) == "behind"
        expect(button).to_have_attribute("aria-disabled", "true")
        button.click(force=True)
        assert button.get_attribute("data-done") == "1"
        expect(page.locator(ROW).first).to_contain_text("of 1,400 kW")  # what was known last stays
        assert axe_faults(page) == []
    finally:
        os.kill(stopped, signal.SIGKILL)  # the supervisor starts it anew
    live(page)
    button.click()
    assert button.get_attribute("data-done") == "2"
    expect(button).not_to_have_attribute("aria-disabled", "true")
    expect(page.locator(ROW)).to_have_count(3)
    expect(page.locator("#gaps")).to_have_text(
        re.compile(rf"^◷ The balancer was unreachable from {MOMENT} for \S+ \w+: the charts have a gap\.$")
    )
    page.goto(f"{grid.console}/alarms")
    events = page.locator("#history tr").filter(has_text="the balancer").filter(has_text="Connection")
    expect(events.locator("td:nth-child(2)")).to_have_text(["Connection restored", "Connection lost"])
    expect(events.first).to_contain_text(re.compile(rf"It was lost for \S+ \w+, since {MOMENT}"))


def test_a_console_that_is_silent_is_told_apart_and_followed_again(page: Page, grid: Grid) -> None:
    live(page)
    stopped = grid.pids("admin_ui")[0]
    os.kill(stopped, signal.SIGSTOP)
    try:
        expect(page.locator("#link-state")).to_contain_text("No connection to the console since")
        assert page.evaluate(LINK) == "lost"
        report = page.locator(ROW).first.locator("td").last
        expect(report).to_have_text(re.compile(r"^\D*[5-9] s old"))  # ages go on
    finally:
        os.kill(stopped, signal.SIGCONT)
    live(page)
    expect(page.locator("#link-state")).to_have_text("Live")


@pytest.mark.parametrize("service", ["balancer", "admin_ui"])
def test_a_hiccup_alarms_nobody(page: Page, grid: Grid, service: str) -> None:
    live(page)
    expect(page.locator(ROW)).to_have_count(3)
    page.evaluate(WATCH)
    paused = grid.pids(service)[0]
    os.kill(paused, signal.SIGSTOP)
    time.sleep(2.5)
    os.kill(paused, signal.SIGCONT)
    page.wait_for_timeout(1500)
    assert page.evaluate("() => window.links") == []
    assert page.evaluate(LINK) == "live"


def test_the_seconds_that_a_killed_balancer_was_away_are_a_gap(page: Page, grid: Grid) -> None:
    gap = "() => [...document.querySelectorAll('.spark-load')].every((path) => path.getAttribute('d').split('M').length > 2)"
    live(page)
    page.wait_for_timeout(2000)

    def away() -> bool:
        """Kill the balancer, which is back before any alarm's delay, and may be back within the second."""
        if grid.pids("balancer"):
            grid.kill("balancer")
        page.wait_for_timeout(3000)
        return bool(page.evaluate(gap))

    until(away)
    page.reload()
    until(
        lambda: (
            page.evaluate(gap)
            and page.evaluate("() => document.querySelectorAll('.spark-load').length === 3")
        )
    )


def test_a_login_that_ended_elsewhere_leads_to_the_login(browser: Browser, grid: Grid) -> None:
    with visit(browser, grid.link()) as page:
        live(page)
        other = page.context.new_page()
        other.goto(grid.console)
        other.get_by_role("button", name="Log out").click()
        expect(page).to_have_url(re.compile(r"/login\?next=%2F$"))


def test_a_login_that_a_restart_has_ended_leads_to_the_login(browser: Browser, grid: Grid) -> None:
    with visit(browser, grid.link()) as page:
        live(page)
        page.goto(f"{grid.console}/?q=substation-1")
        live(page)
        grid.kill("admin_ui")
        expect(page).to_have_url(re.compile(r"/login\?next=%2F%3Fq%3Dsubstation-1$"))
    until(lambda: urllib.request.urlopen(f"{grid.console}/livez").status == 200)


def test_two_browsers_see_the_same(browser: Browser, page: Page, grid: Grid) -> None:
    with visit(browser, grid.link()) as second:
        for each in (page, second):
            live(each)
            expect(each.locator(ROW)).to_have_count(3)
        first = page.locator("#totals").inner_text()
        until(lambda: second.locator("#totals").inner_text().split("\n")[:2] == first.split("\n")[:2])
