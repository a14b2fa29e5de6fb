"""The page of all open sessions, and the ways to it, on a real grid in a real browser."""

import csv
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from admin_ui.web.logins import Role
from tests.console.browser import NARROW, WIDE, axe_faults, log_in, logged_in, visit
from tests.console.cars import all_leave, carry, placed
from tests.support.console import people
from tests.support.grid import Grid

ROWS = ".open-sessions tbody tr"
LONG = {"energy_kwh": 80, "max_power_kw": 3.7}  # ten minutes of wall time
TARGET_PX = 44


@pytest.fixture(scope="module", autouse=True)
def cars(grid: Grid) -> None:
    """Sixty cars, more than a page: one of high power, at substation-1; none ends before these tests."""
    for number in range(59):
        placed(grid, f"EV-list-{number:02}", substations=[f"substation-{number % 3 + 1}"], **LONG)
    placed(grid, "EV-strong", substations=["substation-1"], max_power_kw=22, energy_kwh=150)


@pytest.fixture
def page(browser: Browser, grid: Grid) -> Iterator[Page]:
    """The page of all sessions."""
    with logged_in(browser, grid.link(), "/sessions") as opened:
        expect(opened.locator(ROWS)).to_have_count(50)
        yield opened


def row(page: Page, vehicle: str) -> Locator:
    return page.locator(ROWS).filter(has=page.get_by_role("link", name=vehicle, exact=True))


def first(page: Page) -> Locator:
    return page.locator(ROWS).first.get_by_role("rowheader")


def test_all_sessions_are_counted_and_each_leads_to_its_story(page: Page) -> None:
    expect(page.locator("#counts")).to_have_text("60 open: 60 charging, 0 paused")
    expect(page.locator(".list-line")).to_contain_text("1 to 50 of 60 open sessions")
    expect(first(page)).to_contain_text("EV-strong")
    expect(row(page, "EV-strong").locator("td.number").nth(1)).to_have_text("22.0")
    page.get_by_role("link", name="EV-strong").click()
    expect(page.get_by_role("heading", level=2)).to_contain_text("Session substation-1.")


def test_a_column_sorts_and_the_address_keeps_the_order_and_the_filters(page: Page) -> None:
    page.get_by_role("button", name="At most, kW").click()
    expect(page.get_by_role("columnheader", name="At most, kW")).to_have_attribute("aria-sort", "descending")
    expect(first(page)).to_contain_text("EV-strong")
    page.get_by_role("button", name="Vehicle").click()
    expect(page.get_by_role("columnheader", name="Vehicle")).to_have_attribute("aria-sort", "ascending")
    expect(page.get_by_role("columnheader", name="At most, kW")).not_to_have_attribute(
        "aria-sort", re.compile("")
    )
    expect(first(page)).to_contain_text("EV-list-00")
    page.get_by_label("Substation", exact=True).select_option("substation-2")
    expect(page.locator(ROWS)).to_have_count(20)
    expect(page).to_have_url(re.compile(r"sort=vehicle&substation=substation-2$"))
    page.reload()
    expect(page.locator(ROWS)).to_have_count(20)
    expect(first(page)).to_contain_text("EV-list-01")
    expect(page.get_by_label("Substation", exact=True)).to_have_value("substation-2")
    page.go_back()
    expect(page.locator(ROWS)).to_have_count(50)
    page.get_by_label("State").select_option("paused")
    expect(page.locator("#nothing")).to_have_text("No open session matches these filters.")


def test_pages_are_turned_with_the_keyboard_and_the_count_is_told(page: Page) -> None:
    page.get_by_role("button", name="Next").focus()
    page.keyboard.press("Enter")
    expect(page.locator(ROWS)).to_have_count(10)
    expect(page.get_by_role("status").filter(has_text="51 to 60 of 60 open sessions")).to_be_attached()
    expect(page.get_by_role("button", name="Next")).to_have_attribute("aria-disabled", "true")
    expect(page.get_by_role("button", name="Next")).to_be_focused()
    page.reload()
    expect(page.locator(ROWS)).to_have_count(10)
    page.get_by_role("button", name="Previous").click()
    expect(page.locator(ROWS)).to_have_count(50)
    expect(first(page)).to_contain_text("EV-strong")
    expect(page.get_by_role("button", name="Previous")).to_have_attribute("aria-disabled", "true")


def test_a_slash_leads_to_the_search_which_finds_a_vehicle_or_a_session(page: Page, grid: Grid) -> None:
    page.keyboard.press("/")
    expect(page.get_by_label("Vehicle or session")).to_be_focused()
    page.keyboard.type("ev-list-07")
    expect(page.locator(ROWS)).to_have_count(1)
    expect(first(page)).to_contain_text("EV-list-07")
    expect(page.locator("#counts")).to_contain_text("60 open")
    session_id = next(each["session_id"] for each in grid.sessions() if each["vehicle_id"] == "EV-strong")
    page.get_by_label("Vehicle or session").fill(session_id)
    expect(first(page)).to_contain_text("EV-strong")
    page.get_by_label("Vehicle or session").fill("")
    shown = row(page, "EV-strong").locator("td.session").text_content() or ""
    assert session_id.endswith(f".{shown}")
    page.get_by_label("Vehicle or session").fill(shown)
    expect(page.locator(ROWS)).to_have_count(1)
    expect(first(page)).to_contain_text("EV-strong")
    page.get_by_label("Vehicle or session").fill("nobody")
    expect(page.locator("#nothing")).to_contain_text("begins with “nobody”")
    expect(page.locator("#sessions")).to_be_hidden()
    assert axe_faults(page) == []
    page.get_by_role("button", name="Clear filters").click()
    expect(page.locator(ROWS)).to_have_count(50)
    expect(page.get_by_label("Vehicle or session")).to_be_focused()
    expect(page).to_have_url(re.compile(r"/sessions$"))


def test_the_sessions_that_match_come_as_a_file(page: Page) -> None:
    page.get_by_label("Substation", exact=True).select_option("substation-2")
    expect(page.locator(ROWS)).to_have_count(20)
    with page.expect_download() as started:
        page.get_by_role("link", name="Download CSV").click()
    with Path(started.value.path()).open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    assert {each["substation"] for each in lines} == {"substation-2"}
    assert len({each["session"] for each in lines}) == len(lines) == 20
    assert all(0 <= float(each["delivered_kwh"]) <= float(each["energy_kwh"]) == 80 for each in lines)
    assert all(each["started"].endswith("Z") for each in lines)


def test_a_slash_is_a_letter_while_something_is_typed(page: Page) -> None:
    page.get_by_label("Vehicle or session").fill("a")
    page.keyboard.type("/")
    expect(page.get_by_label("Vehicle or session")).to_have_value("a/")


def test_an_operator_stops_a_session_from_its_row(page: Page, grid: Grid) -> None:
    placed(grid, "EV-stopped-here", **LONG)
    page.get_by_label("Vehicle or session").fill("EV-stopped")
    row(page, "EV-stopped-here").get_by_role("button", name="Stop… EV-stopped-here").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason (for the audit log)").fill("the driver called")
    expect(dialog.locator(".preview:not([aria-busy])")).to_be_visible()
    dialog.get_by_role("button", name="Stop the session").click()
    expect(dialog.get_by_role("status")).to_contain_text("✓ Confirmed")
    dialog.get_by_role("button", name="Close").click()
    page.mouse.move(0, 0)
    expect(page.locator("#nothing")).to_contain_text("begins with “EV-stopped”")


def test_a_viewer_sees_the_sessions_and_has_no_button_to_stop_one(browser: Browser, grid: Grid) -> None:
    people(grid.data, vic=Role.VIEWER)
    with visit(browser, f"{grid.console}/login?next=%2Fsessions") as page:
        log_in(page, "vic")
        expect(page.locator(ROWS)).to_have_count(50)
        expect(page.get_by_role("button", name="Stop")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_list_is_for_all_and_fits_a_telephone(browser: Browser, grid: Grid, scheme: str) -> None:
    with logged_in(browser, grid.link(), "/sessions", color_scheme=scheme, viewport=NARROW) as page:
        expect(page.locator(ROWS)).to_have_count(50)
        assert axe_faults(page) == []
        frame = page.locator(".table-frame")
        assert frame.evaluate("(frame) => frame.scrollWidth <= frame.clientWidth")
        controls = page.locator("main :is(select, input, .acts button, .pager button):visible")
        assert controls.count() > 50
        heights = controls.evaluate_all("(all) => all.map((each) => each.getBoundingClientRect().height)")
        assert min(heights) >= TARGET_PX
        page.get_by_label("Sort by").select_option("Most power")
        expect(first(page)).to_contain_text("EV-strong")
        page.set_viewport_size(WIDE)
        assert axe_faults(page) == []


def test_a_substation_that_does_not_answer_is_named_and_the_rest_is_listed(page: Page, grid: Grid) -> None:
    pid = grid.pids("substation")[2]
    os.kill(pid, signal.SIGSTOP)
    try:
        page.reload()
        expect(page.locator("#faults")).to_contain_text("substation-3 is not in this list")
        expect(page.locator("#counts")).to_contain_text("at the substations that answer")
        expect(page.locator(ROWS)).to_have_count(41)
        assert axe_faults(page) == []
    finally:
        os.kill(pid, signal.SIGCONT)
    expect(page.locator("#faults")).to_be_empty()
    expect(page.locator(ROWS)).to_have_count(50)


def test_each_count_of_sessions_leads_to_these_sessions(page: Page, grid: Grid) -> None:
    page.goto(grid.console)
    page.locator("#totals").get_by_role("link", name="60").click()
    expect(page.locator(ROWS)).to_have_count(50)
    page.goto(grid.console)
    page.locator("table.substations tbody tr").filter(has_text="substation-2").get_by_role(
        "link", name="20 sessions"
    ).click()
    expect(page).to_have_url(re.compile("/sessions.substation=substation-2$"))
    expect(page.locator(ROWS)).to_have_count(20)
    page.goto(f"{grid.console}/rush-hour")
    page.locator(".rush-table tbody tr").filter(has_text="substation-3").get_by_role(
        "link", name="19 sessions"
    ).click()
    expect(page.locator(ROWS)).to_have_count(19)


def test_a_substation_s_panel_says_how_it_stands_since_when_by_whom_and_when_it_will_be_empty(
    page: Page, grid: Grid
) -> None:
    page.goto(f"{grid.console}/?substation=substation-2")
    panel = page.locator("#substation")
    expect(panel).to_contain_text("Its last session ends at")
    expect(panel.locator(".last-sessions tbody tr")).to_have_count(10)
    expect(panel.get_by_text("Journal")).to_be_hidden()
    panel.get_by_text("Technical details").click()
    expect(panel.get_by_text("Journal")).to_be_visible()
    panel.get_by_role("button", name="Drain…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason (for the audit log)").fill("works on the line")
    expect(dialog.locator(".preview:not([aria-busy])")).to_be_visible()
    dialog.get_by_role("button", name="Drain", exact=True).click()
    expect(dialog.get_by_role("status")).to_contain_text("✓ Confirmed")
    dialog.get_by_role("button", name="Close").click()
    expect(panel.locator(".standing")).to_contain_text(
        re.compile(r"Drained since \d\d:\d\d:\d\d .* by .*: works on the line")
    )
    expect(panel.locator(".standing-empty")).to_contain_text("It will be empty at")
    panel.get_by_role("button", name="Restore…").click()
    dialog.get_by_label("Reason (for the audit log)").fill("the works are over")
    expect(dialog.locator(".preview:not([aria-busy])")).to_be_visible()
    dialog.get_by_role("button", name="Restore", exact=True).click()
    expect(dialog.get_by_role("status")).to_contain_text("✓ Confirmed")
    dialog.get_by_role("button", name="Close").click()
    expect(panel.locator(".standing")).to_be_empty()
    panel.get_by_role("link", name="All 20 sessions").click()
    expect(page.locator(ROWS)).to_have_count(20)


def test_a_paused_session_says_since_when_and_why_and_widens_no_screen(page: Page, grid: Grid) -> None:
    carry(grid.substations[1], 1370)
    try:
        page.goto(f"{grid.console}/sessions?state=paused")
        expect(page.locator("#counts")).to_contain_text(re.compile(r" [1-9]\d* paused"))
        expect(page.locator(ROWS).first.locator("td.state")).to_have_text(
            re.compile(r"‖ paused since \d\d:\d\d:\d\d, base load")
        )
        expect(page.locator(ROWS).first.locator("td.number").first).to_contain_text("0.0")
        expect(page.locator(ROWS).first).to_contain_text("or later")
        for size in (WIDE, NARROW):
            page.set_viewport_size(size)
            assert page.evaluate("() => document.documentElement.scrollWidth") <= size["width"]
            frame = page.locator(".table-frame")
            assert frame.evaluate("(frame) => frame.scrollWidth <= frame.clientWidth")
            assert axe_faults(page) == []
        expect(page.locator(ROWS).first.get_by_role("rowheader")).to_contain_text("‖ paused")
    finally:
        carry(grid.substations[1], 0)


def test_a_grid_without_sessions_says_what_will_appear(page: Page, grid: Grid) -> None:
    all_leave(grid)
    page.reload()
    expect(page.locator("#nothing")).to_contain_text("No open sessions. A car appears here")
    expect(page.locator("#counts")).to_have_text("0 open: 0 charging, 0 paused")
    assert axe_faults(page) == []
