"""The overview as a page: what stands beside the chart, wall mode, phones, the keyboard, and what axe finds."""

import os
import re
import signal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.browser import HUGE, NARROW, WIDE, axe_faults, logged_in
from tests.console.cars import operate
from tests.support.grid import Grid

ROW = "table.substations tbody tr"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_a_phone_needs_no_sideways_scroll(
    browser: Browser, grid: Grid, scheme: str
) -> None:
    with logged_in(browser, grid.link(), "/", color_scheme=scheme) as page:
        expect(page.locator(ROW)).to_have_count(3)
        assert axe_faults(page) == []
        page.goto(f"{grid.console}/?substation=substation-1")
        page.get_by_text("Charts as a table").click()
        for size in (WIDE, NARROW, HUGE):
            page.set_viewport_size(size)
            expect(page.locator(".panel-chart").get_by_role("img")).to_be_visible()
            assert axe_faults(page) == []
            width = page.evaluate("() => document.documentElement.scrollWidth")
            assert width <= size["width"]


def test_alarms_and_orders_stand_beside_the_chart_with_who_and_why(page: Page, grid: Grid) -> None:
    page.goto(f"{grid.console}/?substation=substation-1")
    page.get_by_role("button", name="Change limit…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Limit in kW").fill("900")
    dialog.get_by_label("Reason (for the audit log)").fill("a hot afternoon")
    expect(dialog.locator(".preview:not([aria-busy])")).to_be_visible()
    dialog.get_by_role("button", name="Set the limit").click()
    expect(dialog.get_by_role("status")).to_contain_text("✓ Confirmed")
    page.goto(grid.console)
    try:
        expect(page.locator("#orders li").first).to_contain_text(
            re.compile(r"UTC.* changed the limit of substation-1 to 900 kW\s*a hot afternoon")
        )
        expect(page.locator(ROW).filter(has_text="substation-1").locator(".because")).to_have_text(
            re.compile(r"^limit lowered from 1,400 kW, since \d\d:\d\d:\d\d, by .*: a hot afternoon$")
        )
        expect(page.locator("#left-out")).to_have_text(
            re.compile(r"500 kW by lowered limits of substation-1")
        )
        orders = page.get_by_role("list", name="Newest orders")
        orders.evaluate("(list) => { list.style.maxHeight = '1.5rem'; }")  # as if there were many
        assert axe_faults(page) == []
        orders.focus()
        page.keyboard.press("End")
        expect(orders).to_have_js_property(
            "scrollTop", orders.evaluate("(l) => l.scrollHeight - l.clientHeight")
        )
    finally:
        operate(grid, "POST", "/fleet/substation-1/capacity", capacity_kw=None)
    os.kill(grid.pids("substation")[2], signal.SIGSTOP)
    try:
        expect(page.locator("#alarms li").first).to_contain_text(re.compile(r"■ Critical for .*substation-3"))
    finally:
        os.kill(grid.pids("substation")[2], signal.SIGCONT)
    expect(page.locator("#alarms")).to_contain_text("No active alarms.")


def test_the_wall_mode_is_larger_and_has_no_controls(page: Page, grid: Grid) -> None:
    size = "() => parseFloat(getComputedStyle(document.documentElement).fontSize)"
    before = page.evaluate(size)
    page.goto(f"{grid.console}/?wall=1")
    expect(page.locator(ROW)).to_have_count(3)
    assert page.evaluate(size) > before
    expect(page.get_by_role("navigation", name="Pages")).to_be_hidden()
    expect(page.get_by_role("button", name="Switch…")).to_be_hidden()
    assert axe_faults(page) == []
    page.get_by_role("button", name="Leave the wall mode").click()
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible()


def test_on_a_phone_the_pages_are_at_the_bottom_and_the_header_is_one_line(
    browser: Browser, grid: Grid
) -> None:
    with logged_in(browser, grid.link(), "/", viewport=NARROW) as page:
        expect(page.locator(ROW)).to_have_count(3)
        tops = "(of) => document.querySelector(of).getBoundingClientRect().top"
        assert page.evaluate(tops, "table.substations") < page.evaluate(tops, "#totals")
        last = page.locator(ROW).last.bounding_box()
        assert last
        assert last["y"] + last["height"] < NARROW["height"] - 52, "all three are above the navigation"
        heights = "(of) => document.querySelector(of).getBoundingClientRect().height"
        page.locator("#alarm-badge").evaluate(
            "(badge) => badge.textContent = '■ 2 critical · ▲ 13 warnings · ○ 5 cleared, not acknowledged · 2 muted'"
        )
        assert page.evaluate(heights, "header.top") < 64
        links = page.get_by_role("navigation", name="Pages").get_by_role("link").all()
        boxes = [link.bounding_box() for link in links]
        assert all(box and box["height"] >= 44 and box["width"] >= 44 for box in boxes)
        assert all(box and box["y"] + box["height"] <= NARROW["height"] for box in boxes)


def test_shortcuts_are_listed_go_to_pages_search_and_drain_and_can_be_turned_off(
    page: Page, grid: Grid
) -> None:
    expect(page.locator(ROW)).to_have_count(3)
    expect(page.locator(".legend .key").first).to_be_visible()
    page.keyboard.press("?")
    listed = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(listed).to_contain_text("Go to Decisions")
    assert [each for each in listed.locator("kbd").all_inner_texts() if len(each) > len("Esc")] == []
    assert axe_faults(page) == []
    page.keyboard.press("Escape")
    expect(listed).to_be_hidden()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search")).to_be_focused()
    page.keyboard.type("g/?d")
    expect(page.get_by_role("searchbox", name="Search")).to_have_value("g/?d")
    page.goto(f"{grid.console}/?substation=substation-3")
    expect(page.get_by_role("heading", name="substation-3")).to_be_focused()
    expect(page.get_by_role("button", name="Drain…")).to_be_visible()
    page.keyboard.press("d")
    order_dialog = page.get_by_role("dialog", name="Drain substation-3")
    expect(order_dialog.get_by_label("Reason (for the audit log)")).to_be_focused()
    page.keyboard.press("Escape")
    expect(order_dialog).to_be_hidden()
    page.keyboard.press("?")
    listed.get_by_label("Turn the shortcuts off in this browser").check()
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("?")
    listed.get_by_label("Turn the shortcuts off in this browser").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("d")
    expect(page).to_have_url(re.compile("/decisions$"))
