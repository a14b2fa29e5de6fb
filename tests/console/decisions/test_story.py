"""A newcomer's first visit, from the printed link to the report, in a real browser on a real grid.

Nothing is asked of the grid but through the pages: what a person can't see there fails the story.
"""

import re

from playwright.sync_api import Browser, Locator, Page, expect

from tests.console.browser import visit
from tests.support.grid import Grid, until

CARS, SECONDS = 240, 14
DRAINED = "substation-2"
OTHERS = {"substation-1", "substation-3"}
ROW = "table.substations tbody tr"
CHOSEN = re.compile(r"admitted (substation-\d+)")
SEEN = """(items) => items.map((item) => [
  Date.parse(item.querySelector("time").dateTime), `${item.querySelector(".result").textContent} ${item.querySelector(".substation").textContent}`])"""


def printed_link(grid: Grid) -> str:
    """Return the link that `make run` has printed."""
    found = re.search(r"the console +(http://\S+)", grid.printed)
    assert found, grid.printed
    return found[1]


def follow(page: Page, name: str) -> None:
    """Go to a page as a person does: by its name in the header."""
    page.get_by_role("navigation", name="Pages").get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()


def load_kw(page: Page, substation: str) -> float:
    """Return the load that a substation's row shows."""
    shown = page.locator(ROW).filter(has_text=substation).inner_text()
    found = re.search(r"([\d,.]+) of 1,400", shown)
    assert found, shown
    return float(found[1].replace(",", ""))


def in_details(page: Page, button: str, reason: str) -> None:
    """Open the substation's details, order, and wait until the grid has confirmed it."""
    page.get_by_role("link", name=DRAINED).click()
    page.get_by_role("button", name=f"{button}…", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason (for the audit log)").fill(reason)
    expect(dialog.locator(".preview:not([aria-busy])")).to_be_visible()
    dialog.get_by_role("button", name=button, exact=True).click()
    expect(dialog.get_by_role("status")).to_contain_text("✓ Confirmed")
    dialog.get_by_role("button", name="Close").click()


def placed_since(page: Page, unix_ms: float) -> list[str]:
    """Return where the cars that the page "Decisions" shows went since a moment."""
    shown = page.locator(".decision").evaluate_all(SEEN)
    return [found[1] for at_ms, mark in shown if at_ms > unix_ms and (found := CHOSEN.search(mark))]


def audited(page: Page, action: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=action, exact=True)).first


def test_a_newcomer_runs_a_rush_hour_drains_a_substation_sees_cars_go_elsewhere_and_reads_the_report(
    browser: Browser, grid: Grid
) -> None:
    with visit(browser, printed_link(grid)) as page:
        expect(page.get_by_role("heading", level=1, name="Overview")).to_be_visible()
        presses_the_button(page)
        watches_the_load_rise(page)
        drains_and_sees_cars_go_elsewhere(page)
        reads_the_report(page)
        finds_it_all_in_the_audit_log(page)
        restores(page)


def presses_the_button(page: Page) -> None:
    follow(page, "Rush hour")
    page.get_by_text("Options").click()
    page.get_by_label("Requests", exact=True).fill(str(CARS))
    page.get_by_label("Duration in seconds", exact=True).fill(str(SECONDS))
    page.get_by_role("button", name="Start rush hour").click()
    expect(page.locator("#rush-title")).to_contain_text("Running")


def watches_the_load_rise(page: Page) -> None:
    follow(page, "Overview")
    expect(page.locator("#rush-button")).to_contain_text("Running")
    seen = load_kw(page, DRAINED)
    until(lambda: load_kw(page, DRAINED) > seen + 50)


def drains_and_sees_cars_go_elsewhere(page: Page) -> None:
    in_details(page, "Drain", "works on the transformer")
    since_ms = page.evaluate("() => Date.now()")
    follow(page, "Decisions")
    expect(page.locator(".decision").first).to_be_visible()
    until(lambda: len(placed_since(page, since_ms)) >= 20)
    assert set(placed_since(page, since_ms)) == OTHERS
    assert DRAINED in placed_since(page, 0)  # before it was drained it had its share
    page.get_by_role("button", name="Pause").click()
    newest = page.locator(".decision").first
    newest.get_by_role("button", name="Show 3 candidates").click()
    expect(page.locator(".candidate").filter(has_text=DRAINED)).to_contain_text("✕ draining")


def reads_the_report(page: Page) -> None:
    follow(page, "Rush hour")
    expect(page.locator("#rush-title")).to_contain_text("Last run")
    page.locator("#rush-run").get_by_role("link", name="Open the report").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    for substation in (DRAINED, *OTHERS):
        expect(page.get_by_role("row").filter(has_text=substation).first).to_be_visible()
    expect(page.locator("body")).to_contain_text(f"{CARS}")
    page.go_back()


def finds_it_all_in_the_audit_log(page: Page) -> None:
    follow(page, "Audit")
    for entry in ("olga", DRAINED, "works on the transformer", "done"):
        expect(audited(page, "drain")).to_contain_text(entry)
    for action in ("start rush hour", "rush hour ended"):
        expect(audited(page, action)).to_contain_text("done")


def restores(page: Page) -> None:
    follow(page, "Overview")
    row = page.locator(ROW).filter(has_text=DRAINED)
    expect(row).to_contain_text("draining")
    in_details(page, "Restore", "the works are over")
    expect(row).to_contain_text("healthy")
