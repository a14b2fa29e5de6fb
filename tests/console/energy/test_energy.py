"""Delivered energy, from the meter of a real substation to the page and the files."""

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.browser import HUGE, NARROW, WIDE, axe_faults, logged_in
from tests.console.cars import all_leave, placed
from tests.support.grid import Grid


def downloaded(page: Page, link: str) -> list[dict[str, str]]:
    with page.expect_download() as started:
        page.get_by_role("link", name=link).click()
    with Path(started.value.path()).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_energy_is_counted_by_day_and_hour_and_comes_as_files(page: Page, grid: Grid) -> None:
    for number in range(4):
        placed(grid, f"EV-meter-{number}", substations=["substation-2"], max_power_kw=22, energy_kwh=80)
    figure = page.locator("#totals").get_by_role("link", name=re.compile(r"^[1-9]\d* kWh$"))
    expect(figure).to_be_visible()  # the meters are read every 10 s
    figure.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Energy delivered")
    row = page.get_by_role("region", name="Energy by substation").get_by_role("row")
    expect(row.filter(has_text="substation-2")).to_contain_text(re.compile(r"[1-9][\d,]*\.\d kWh"))
    expect(page.locator("#fleet-title")).to_have_text(
        re.compile(r"^All substations, [\d,]+\.\d kWh in 7 days$")
    )
    days, hours = (downloaded(page, link) for link in ("by day", "by hour (8 days)"))
    assert {each["substation"] for each in days} == {f"substation-{number}" for number in (1, 2, 3)}
    for files in (days, hours):
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:00:00Z", each["from"]) for each in files)
        counted = sum(float(each["energy_kwh"]) for each in files if each["substation"] == "substation-2")
        assert 1 < counted <= 4 * 80
    all_leave(grid)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_energy_is_for_all_and_fits_every_screen(
    browser: Browser, grid: Grid, scheme: str
) -> None:
    with logged_in(browser, grid.link(), "/energy?days=31", color_scheme=scheme) as page:
        expect(page.get_by_role("link", name="31 days")).to_have_attribute("aria-current", "true")
        for size in (NARROW, HUGE, WIDE):
            page.set_viewport_size(size)
            assert axe_faults(page) == []
            assert page.evaluate("() => document.documentElement.scrollWidth") <= size["width"]
        for wrong in ("/energy?days=8", "/energy/export?step=week"):
            assert page.request.get(f"{grid.console}{wrong}").status == 400
