"""The overview of a real grid in a real browser."""

import json
import urllib.request

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.browser import axe_faults, visit
from tests.support.grid import Grid


def charge(grid: Grid, vehicle_id: str, **wanted: object) -> None:
    body = json.dumps({"vehicle_id": vehicle_id, **wanted}).encode()
    request = urllib.request.Request(
        f"{grid.gateway}/charge", body, {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 201


def test_a_car_is_seen_where_it_charges_without_a_reload(page: Page, grid: Grid) -> None:
    row = page.get_by_role("row").filter(has_text="substation-2")
    expect(row).to_contain_text("1,400 kW")
    charge(grid, "EV-1", substations=["substation-2"], max_power_kw=22)
    expect(row).to_contain_text("22 kW")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, grid: Grid, scheme: str) -> None:
    with visit(browser, grid.link(), color_scheme=scheme) as page:
        expect(page.get_by_text("substation-3")).to_be_visible()
        assert axe_faults(page) == []
