"""A base load that rises into the room of cars, as the pages of a real grid show it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.console.browser import NARROW, WIDE, axe_faults
from tests.console.cars import all_leave, carry, placed
from tests.support.grid import Grid, until

ROW = "table.substations tbody tr"
BASE_KW = 1370.0  # beside it, one car of 22 kW has room in 1,400 kW, and two have not


SNAPSHOT = """async () => (await new Promise((done) => {
  const socket = new WebSocket(new URL("/stream", location.href));
  socket.onmessage = (message) => { socket.close(); done(JSON.parse(message.data)); };
})).state"""


def row_of(page: Page, name: str) -> dict[str, Any]:
    """Return what the console's stream tells of a substation now."""
    rows = page.evaluate(SNAPSHOT)["substations"]
    return next(row for row in rows if row["substation_id"] == name)


@pytest.fixture
def carrying(grid: Grid) -> Iterator[str]:
    """Two cars at substation-2, the second of which the base load pauses; yields the id of its session."""
    wanted = {"substations": ["substation-2"], "max_power_kw": 22, "energy_kwh": 80}
    placed(grid, "EV-first", **wanted)
    second = placed(grid, "EV-second", **wanted)
    carry(grid.substations[1], BASE_KW)
    yield str(second["session_id"])
    carry(grid.substations[1], 0)
    all_leave(grid)


def fact(page: Page, name: str) -> str:
    """Return the selector of a figure among details."""
    return f".details div:has(> dt:text-is('{name}')) > dd"


def test_a_grid_that_never_had_a_base_load_shows_none_of_it(page: Page, grid: Grid) -> None:
    placed(grid, "EV-alone", substations=["substation-2"], max_power_kw=22, energy_kwh=80)
    page.goto(f"{grid.console}/?substation=substation-2")
    expect(page.locator(fact(page, "Load"))).to_have_text("22 kW")
    for name in ("Cars", "Base load", "Paused sessions", "Grid clock"):
        expect(page.locator(fact(page, name))).to_be_hidden()
    expect(page.locator("#grid-time")).to_be_empty()
    shown = page.locator("main").inner_text()
    all_leave(grid)
    assert not re.search("base load|paused", shown, flags=re.IGNORECASE), shown


def test_the_base_load_is_a_part_of_what_is_shown_against_the_limit(
    page: Page, grid: Grid, carrying: str
) -> None:
    row = page.locator(ROW).filter(has_text="substation-2")
    expect(row).to_contain_text("1,392 of 1,400 kW")
    expect(row).to_contain_text("99.4 %")
    expect(row).to_contain_text("near limit, sessions paused")
    expect(row).to_contain_text("2, 1 paused")
    totals = page.locator("#totals")
    expect(totals).to_contain_text(
        re.compile(
            r"Load of the usable limit\s*1,392 kW\s*of 4,200 kW: .*cars 22 kW, base load 1,370 kW", re.DOTALL
        )
    )
    expect(totals).to_contain_text("‖ 1 paused")
    expect(page.locator("#grid-time")).to_have_text(re.compile(r"Grid clock: [MTWFS]\w+day \d\d:\d\d"))
    whole = page.locator("figure").filter(has_text="All usable substations")
    expect(whole.locator(".legend")).to_be_visible()
    words = re.compile(r"now 1,392 kW of 4,200 kW, base load 1,370 kW of it, peak")
    expect(whole.get_by_role("img")).to_have_attribute("aria-label", words)
    page.get_by_role("button", name="A chart of each substation").click()
    page.get_by_text("Charts as a table").click()
    expect(page.get_by_role("columnheader", name="Base load now")).to_be_visible()
    expect(page.locator(".chart-table tr").filter(has_text="substation-2")).to_contain_text("1,370 kW")


def test_the_details_tell_the_parts_and_what_paused_sessions_wait_for(
    page: Page, grid: Grid, carrying: str
) -> None:
    page.goto(f"{grid.console}/?substation=substation-2")
    for name, shown in {
        "Load": "1,392 kW",
        "Cars": "22 kW",
        "Base load": "1,370 kW",
        "Headroom": "-14 kW",
        "Utilization": "99.4 %",
        "Paused sessions": "1 (they need 22 kW to resume)",
    }.items():
        expect(page.locator(fact(page, name))).to_have_text(shown)
    expect(page.locator(".meanings")).to_contain_text("‖ sessions paused: The base load needs the power")
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        assert axe_faults(page) == []


def test_the_details_have_a_forecast_when_a_quarter_hour_was_measured(page: Page, grid: Grid) -> None:
    carry(grid.substations[1], 700)
    try:
        page.goto(f"{grid.console}/?substation=substation-2")
        chart = page.get_by_role("region", name="Forecast").get_by_role("img")
        words = re.compile(r"Expected peak in the next 24 h: [\d,]+ kW on \w+day at \d\d:\d\d, 80 % range")
        expect(chart).to_have_attribute("aria-label", words)
        page.get_by_text("Forecast as a table").click()
        expect(page.locator(".forecast tbody tr")).to_have_count(24)
        assert axe_faults(page) == []
        found = page.evaluate("() => fetch('/api/forecast?substation_id=substation-2').then((a) => a.json())")
        assert (len(found["expected"]), found["fault"]) == (96, "")
        slots = [step["slot"] for step in found["measured"]]
        assert slots == list(range(found["expected"][0]["slot"] - len(slots), found["expected"][0]["slot"]))
        until(lambda: row_of(page, "substation-2").get("expected_base_load_kw", 0) > 0)
        assert re.fullmatch(r"\w+day \d\d:\d\d", row_of(page, "substation-2")["expected_at"])
        assert all(each["p10_kw"] <= each["mean_kw"] <= each["p90_kw"] for each in found["expected"])
    finally:
        carry(grid.substations[1], 0)


def test_the_line_of_the_policy_says_why_it_can_not_go_by_forecasts(page: Page) -> None:
    shown = page.evaluate(
        """async () => {
          const { showPolicy } = await import(script("grid/policy.js"));
          const place = document.createElement("p");
          const stream = Object.assign(new EventTarget(), { state: null });
          showPolicy(place, stream);
          return [["predictive", "no forecast"], ["predictive", ""], ["random", "no forecast"]].map(([policy, why]) => {
            stream.state = { policy, forecast_doubt: why };
            stream.dispatchEvent(new Event("state"));
            return place.querySelector(".doubt").textContent;
          });
        }"""
    )
    assert shown == ["◇ for now cars are placed by least_loaded: no forecast", "", ""]


def test_the_story_tells_since_when_a_session_is_paused_and_why_until_it_resumes(
    page: Page, grid: Grid, carrying: str
) -> None:
    page.goto(f"{grid.console}/decisions?session_id={carrying}")
    expect(page.locator(fact(page, "State"))).to_have_text("‖ paused")
    why = re.compile(r"Since \d{4}-\d\d-\d\d \S+ UTC\S*, because the base load needs its power")
    expect(page.locator(fact(page, "Paused"))).to_have_text(why)
    expect(page.locator(fact(page, "Reserved now"))).to_have_text("0 of 22 kW")
    expect(page.locator(fact(page, "Ends"))).to_contain_text("later by the length of this pause")
    assert axe_faults(page) == []
    carry(grid.substations[1], 1300)
    expect(page.locator(fact(page, "State"))).to_have_text("● charging")
    expect(page.locator(fact(page, "Paused"))).to_have_text(re.compile(r"^[\d.]+ min of grid time$"))


def test_a_pause_that_lasts_is_an_alarm(page: Page, grid: Grid, carrying: str) -> None:
    page.goto(f"{grid.console}/alarms")
    alarm = page.locator("#calling > li").filter(has_text="Sessions are paused")
    expect(alarm).to_contain_text("Paused: 1 of 2 sessions. The base load is 1,370 kW of 1,400 kW")
    expect(page.locator("#calling > li[data-active]").filter(has_text="Soon at its limit")).to_have_count(0)
