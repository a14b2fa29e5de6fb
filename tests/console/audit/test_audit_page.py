"""The audit page in a real browser: a sentence a row, details on click, a time range."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.console.browser import NARROW, WIDE, axe_faults, logged_in
from tests.support.grid import Grid

REFUSED = """async () => (await fetch("/api/orders", {
  method: "POST", headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ order: "drain", target: "substation-77", reason: "to see it refused", basis: "" }),
})).status"""


def row(page: Page, words: str) -> Locator:
    return page.locator("#entries tbody tr").filter(has_text=words).first


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_a_refused_order_is_a_sentence_with_its_reason_and_its_details_are_a_click_away(
    browser: Browser, grid: Grid, size: Any
) -> None:
    with logged_in(browser, grid.link(), "/audit", viewport=size) as page:
        assert page.evaluate(REFUSED) == 422
        page.reload()
        entry = row(page, "to see it refused")
        expect(entry.locator("summary")).to_have_text(
            re.compile(
                r"local operator wanted to drain substation-77, and was refused: .+\. to see it refused"
            )
        )
        expect(entry.locator(".outcome")).to_have_text("⊘ refused")
        expect(entry.get_by_text("hash", exact=True)).to_be_hidden()
        entry.locator("summary").press("Enter")
        expect(entry.get_by_text("hash", exact=True)).to_be_visible()
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert axe_faults(page) == []
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_a_time_range_is_chosen_in_the_zone_of_the_browser_and_is_utc_in_the_address(
    browser: Browser, grid: Grid
) -> None:
    with logged_in(browser, grid.link(), "/audit", timezone_id="Asia/Kathmandu") as page:
        expect(page.locator("#entries tbody tr")).not_to_have_count(0)
        expect(page.get_by_label("From (UTC+5:45)")).to_be_visible()
        page.get_by_label("From (UTC+5:45)").fill("2020-01-01T05:45")
        page.get_by_label("To (UTC+5:45)").fill("2020-01-02T05:45")
        page.get_by_role("button", name="Filter").click()
        expect(page).to_have_url(re.compile(r"/audit\?from=2020-01-01T00%3A00&to=2020-01-02T00%3A00$"))
        expect(page.get_by_text("No matching entries")).to_be_visible()
        expect(page.get_by_label("From (UTC+5:45)")).to_have_value("2020-01-01T05:45")
        page.get_by_role("link", name="Last hour").click()
        expect(page.locator("#entries tbody tr")).not_to_have_count(0)
        answer = page.goto(f"{grid.console}/audit?from=yesterday")
        assert answer
        assert answer.status == 400
        expect(page.locator("main")).to_contain_text("a time such as 2026-01-31T14:05")
