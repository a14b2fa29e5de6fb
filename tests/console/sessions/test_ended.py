"""The page of ended sessions on a real grid in a real browser."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.browser import NARROW, WIDE, axe_faults, logged_in
from tests.console.cars import placed, stop_session
from tests.console.web.audits import small_targets, unclear, unnamed
from tests.support.grid import Grid

ROWS = ".ended-sessions tbody tr"


@pytest.fixture(scope="module", autouse=True)
def ended(grid: Grid) -> list[str]:
    """Fifty-one cars that were stopped, more than a page, and one that charges on."""
    made = []
    for number in range(51):
        session = placed(grid, f"EV-gone-{number:02}", substations=[f"substation-{number % 3 + 1}"])
        stop_session(grid, session["session_id"])
        made.append(session["session_id"])
    placed(grid, "EV-gone-but-here", energy_kwh=80, max_power_kw=3.7)
    return made


@pytest.fixture
def page(browser: Browser, grid: Grid) -> Iterator[Page]:
    """The page of ended sessions of these cars."""
    with logged_in(browser, grid.link(), "/sessions") as opened:
        opened.get_by_role("navigation", name="Lists of sessions").get_by_role("link", name="Ended").click()
        opened.get_by_label("Vehicle or session").fill("ev-gone")
        opened.get_by_role("button", name="Filter").click()
        expect(opened).to_have_url(re.compile(r"/sessions/ended\?q=ev-gone"))
        yield opened


def test_ended_sessions_are_listed_newest_first_and_older_ones_are_a_page_away(page: Page) -> None:
    expect(page.locator(ROWS)).to_have_count(50)
    expect(page.locator(ROWS).first.get_by_role("rowheader")).to_have_text("EV-gone-50")
    expect(page.locator(ROWS).first).to_contain_text("stopped")
    expect(page.locator(".sum")).to_contain_text("50 sessions on this page")
    page.get_by_role("link", name="Older").click()
    expect(page.locator(ROWS)).to_have_count(1)
    expect(page.locator(ROWS).get_by_role("rowheader")).to_have_text("EV-gone-00")
    page.get_by_role("link", name="Newest").click()
    expect(page.locator(ROWS)).to_have_count(50)
    page.locator(ROWS).first.get_by_role("link", name="EV-gone-50").click()
    expect(page.get_by_role("heading", level=2)).to_contain_text("Session substation-")


def test_a_substation_and_a_time_range_choose_sessions(page: Page) -> None:
    page.get_by_label("Substation", exact=True).select_option("substation-2")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator(ROWS)).to_have_count(17)
    page.get_by_role("link", name="last hour").click()
    expect(page.locator(ROWS)).to_have_count(17)
    page.get_by_label("Started from").fill("2001-01-01T00:00")
    page.get_by_label("Started before").fill("2001-01-02T00:00")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator(".nothing")).to_have_text("No ended session matches these filters.")
    page.get_by_role("link", name="Clear", exact=True).click()
    expect(page.locator(ROWS)).to_have_count(50)


def test_the_sessions_of_the_filters_come_as_a_file(page: Page, ended: list[str]) -> None:
    with page.expect_download() as started:
        page.get_by_role("link", name="Download CSV").click()
    with Path(started.value.path()).open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [each["session"] for each in lines] == ended[::-1]
    for each in lines:
        assert each["started"] <= each["ended"]
        assert 0 <= float(each["delivered_kwh"]) <= float(each["energy_kwh"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", each["ended"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_list_is_for_all_and_fits_a_telephone(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        assert axe_faults(page) == []
        assert page.evaluate("() => document.documentElement.scrollWidth") <= size["width"]
    assert [*small_targets(page), *unnamed(page), *unclear(page)] == []
