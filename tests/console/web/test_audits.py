"""Every page: targets that a finger can hit, names for screen readers, and one way to write dates and figures."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from tests.console.browser import NARROW, WIDE, logged_in
from tests.console.web.audits import outside, small_targets, unclear, unnamed
from tests.console.web.test_every_page import NO_PAGES, SHOWS
from tests.support.lone_console import LoneConsole
from tests.support.route_table import path, route_table

MORE = ("/?substation=substation-1", "/?view=diagram", "/decisions?vehicle_id=nobody", "/nothing")


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_every_page_can_be_hit_and_heard_and_writes_dates_and_figures_alike(
    browser: Browser, few: LoneConsole, tmp_path: Path, size: ViewportSize
) -> None:
    found = {path(route) for route in route_table(tmp_path) if route.page} - NO_PAGES
    faults = {}
    with logged_in(browser, few.link(), viewport=size) as page:
        for each in (*sorted(SHOWS.get(each, each) for each in found), *MORE):
            page.goto(few.url + each)
            expect(page.get_by_role("heading", level=1)).to_be_attached()
            expect(page.locator("body")).not_to_have_attribute("data-link", "waiting")
            page.wait_for_load_state("networkidle")
            wrong = [
                *outside(page),
                *unnamed(page),
                *unclear(page),
                *(small_targets(page) if size is NARROW else ()),
            ]
            if wrong:
                faults[each] = wrong
    assert faults == {}


def test_the_audits_see_what_is_wrong(browser: Browser, few: LoneConsole) -> None:
    with logged_in(browser, few.link(), "/account", viewport=NARROW) as page:
        expect(page.get_by_role("heading", level=1)).to_be_attached()
        assert [*unnamed(page), *unclear(page), *small_targets(page)] == []
        page.evaluate(
            """() => {
              const made = (name, words) => { const each = document.createElement(name); each.textContent = words; return each; };
              const small = made("button", "x");
              small.style.setProperty("min-height", "1px"); small.style.setProperty("height", "20px");
              const table = document.createElement("table");
              table.append(made("caption", ""));
              table.caption.remove();
              table.insertRow().insertCell().textContent = "1";
              document.querySelector("main").append(
                small, made("h4", "deep"), table, made("div", "2026-12-01 10:00:00"), made("div", "12345 kW"), made("div", "1.12.2026"));
            }"""
        )
        assert [each.split(":")[0] for each in small_targets(page)] == ["button x"]
        assert any("is followed by h4" in each for each in unnamed(page))
        assert any("a table without a name" in each for each in unnamed(page))
        assert [each.partition(":")[0] for each in unclear(page)] == [
            "a time without a zone",
            "thousands are not separated",
            "a date of another form",
        ]
