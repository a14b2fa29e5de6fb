"""What axe finds on the overview and in the details while the grid is busy: drained, over its limit, lost, a run, a dialog."""

import contextlib
import os
import re
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.browser import NARROW, WIDE, axe_faults, logged_in
from tests.console.cars import carry, operate
from tests.support.grid import Grid

DETAILS = "/?substation=substation-2"
TARGET_PX = 44
# The tables whose last columns one would have to scroll to.
CUT = """() => [...document.querySelectorAll(".board-table .table-frame, header")]
  .filter((each) => each.scrollWidth > each.clientWidth).map((each) => [each.scrollWidth, each.clientWidth])"""
# What is pressed on a phone, but links within a sentence or a list of sentences (WCAG 2.5.8).
TARGETS = """() => [...document.querySelectorAll("main :is(a, button, input, select, summary)")]
  .filter((each) => each.checkVisibility() && !each.closest(".recent, .soft, .gaps, .standing, .last-sessions td, thead"))
  .map((each) => [each.textContent || each.id, Math.round(Math.max(each.getBoundingClientRect().height, each.closest("label")?.getBoundingClientRect().height ?? 0))])"""


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, browser: Browser, grid: Grid) -> Iterator[Page]:
    """The details of a substation on the overview."""
    with logged_in(browser, grid.link(), DETAILS, color_scheme=request.param) as opened:
        expect(opened.locator(".standing-state")).not_to_be_empty()
        yield opened


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A process that does nothing for a while."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def is_for_all(page: Page) -> None:
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        assert axe_faults(page) == [], size
        assert page.evaluate(CUT) == [], size
    page.set_viewport_size(WIDE)


def test_drained_and_above_its_limit(page: Page, grid: Grid) -> None:
    operate(grid, "POST", "/fleet/substation-2/drain")
    carry(grid.substations[0], 1500)
    try:
        expect(page.locator(".standing-state")).to_have_text("▽ draining")
        expect(page.locator("tr[data-level='critical']")).to_contain_text("▲ over limit")
        expect(page.locator("#left-out")).to_contain_text("substation-2 draining")
        expect(page.locator("#alarms li").first).to_be_visible()
        is_for_all(page)
        page.goto(f"{grid.console}/?substation=substation-1&charts=all")
        expect(page.locator(".panel-chart .readout")).to_contain_text("▲ over limit")
        is_for_all(page)
    finally:
        carry(grid.substations[0], 0)
        operate(grid, "POST", "/fleet/substation-2/restore")


def test_a_dialog(page: Page) -> None:
    page.get_by_role("button", name="Drain…").click()
    expect(page.locator(".preview:not([aria-busy])")).to_be_visible()
    is_for_all(page)


def test_a_run_in_progress(page: Page) -> None:
    asked = "(body) => fetch('/api/rush', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }).then((a) => a.status)"
    assert page.evaluate(asked, {"preset": "rush-hour", "requests": 600, "seconds": 60}) == 202
    expect(page.get_by_role("button", name=re.compile("Stop rush hour"))).to_be_visible()
    expect(page.locator("tr", has_text="substation-2").locator(".spark-load")).to_have_attribute(
        "d", re.compile("M")
    )
    is_for_all(page)
    run = page.evaluate("() => fetch('/api/runs').then((a) => a.json())")
    assert run
    page.get_by_role("button", name=re.compile("Stop rush hour")).click()
    page.get_by_label("end the sessions").check()
    is_for_all(page)
    page.get_by_role("dialog").get_by_role("button", name=re.compile("^Stop")).click()
    expect(page.get_by_role("button", name="Start rush hour")).to_be_enabled()


def test_a_substation_and_the_balancer_are_lost(page: Page, grid: Grid) -> None:
    with stopped(grid.pids("substation")[1]):
        expect(page.locator(".standing-state")).to_contain_text("✕ ejected")
        is_for_all(page)
    expect(page.locator(".standing-state")).to_have_text("healthy")
    with stopped(grid.pids("balancer")[0]):
        expect(page.locator("#link-state")).to_contain_text("has not answered since")
        is_for_all(page)
    expect(page.locator("body")).to_have_attribute("data-link", "live")


def test_what_is_pressed_on_a_phone_is_44_px_high(browser: Browser, grid: Grid) -> None:
    with logged_in(browser, grid.link(), DETAILS, viewport=NARROW) as page:
        expect(page.locator(".standing-state")).not_to_be_empty()
        for path in ("", "/?view=diagram", "/energy"):
            if path:
                page.goto(f"{grid.console}{path}")
                expect(page.get_by_role("heading", level=1)).to_be_attached()
            found = page.evaluate(TARGETS)
            assert len(found) >= 5
            assert [each for each in found if each[1] < TARGET_PX] == [], path
