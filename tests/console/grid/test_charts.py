"""The charts of the overview and its leading figures, on a real grid in a real browser."""

import re

from playwright.sync_api import Page, expect

from monitoring.grafana.grid_dashboard import UID
from tests.console.browser import GRAFANA
from tests.console.cars import placed
from tests.support.grid import Grid


def test_grafana_is_opened_with_the_seconds_that_are_shown_here(page: Page, grid: Grid) -> None:
    of_all = page.get_by_role("link", name="Grafana: load and limit")
    expect(of_all).to_have_attribute("href", f"{GRAFANA}/d/{UID}?from=now-300s&to=now")
    page.get_by_label("Time range").select_option("15 minutes")
    expect(of_all).to_have_attribute("href", f"{GRAFANA}/d/{UID}?from=now-900s&to=now")
    page.get_by_role("link", name="substation-3", exact=True).click()
    expect(page.get_by_role("link", name="Grafana: substation-3")).to_have_attribute(
        "href", f"{GRAFANA}/d/{UID}?from=now-900s&to=now&var-substation=substation-3"
    )


def test_history_survives_a_reload(page: Page, grid: Grid) -> None:
    trend = page.locator(".spark-load").first
    expect(trend).to_have_attribute("d", re.compile("L.*L"))  # three means of 10 s
    page.reload()
    expect(trend).to_have_attribute("d", re.compile("L"))
    assert (trend.get_attribute("d") or "").count("L") >= 2, "nothing of it can have come since the reload"
    expect(
        page.get_by_role("img", name=re.compile("Load of All usable substations in the last 5 minutes"))
    ).to_be_visible()
    page.get_by_role("button", name="A chart of each substation").click()
    page.get_by_text("Charts as a table").click()
    twin = page.get_by_role("region", name="Chart data as a table").get_by_role("row")
    expect(twin.filter(has_text="substation-1")).to_contain_text("1,400 kW")


def test_room_says_when_it_is_gone_and_a_cursor_reads_all_charts(page: Page, grid: Grid) -> None:
    for number in range(20):
        placed(grid, f"EV-rise-{number}", max_power_kw=22, energy_kwh=80)
    expect(page.locator("#totals")).to_contain_text(re.compile(r"▲ gone in [\d.]+ (s|min|h) at this trend"))
    expect(page.locator("#totals")).to_contain_text(
        re.compile(r"N-1 margin\s*[\d,]+ kW\s*the largest substation can be lost")
    )
    page.get_by_role("button", name="A chart of each substation").click()
    readouts = page.locator(".readout")
    expect(readouts).to_have_count(4)
    expect(readouts.first).to_have_text(re.compile(r"^Now · [\d,]+ kW of 4,200 kW"))
    whole = page.locator(".of-fleet .u-over")
    box = whole.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 40)
    for readout in readouts.all():
        expect(readout).to_have_text(re.compile(r"^\d\d:\d\d:\d\d · "))


def test_a_range_of_hours_is_drawn_from_means_and_a_part_is_zoomed_to(page: Page, grid: Grid) -> None:
    whole = page.locator(".of-fleet")
    readout = whole.locator(".readout")
    page.get_by_label("Time range").select_option("1 hour")
    expect(page).to_have_url(re.compile(r"\?span=3600$"))
    expect(whole.get_by_role("img")).to_have_attribute(
        "aria-label", re.compile(r"in the last 60 minutes: now \d")
    )
    expect(readout).to_have_text(re.compile(r"^\d\d:\d\d:\d\d · [\d,]+ kW of [\d,]+ kW"))
    page.get_by_label("Time range").select_option("7 days")
    expect(whole.get_by_role("img")).to_have_attribute("aria-label", re.compile(r"in the last 7 days"))
    page.get_by_label("Time range").select_option("5 minutes")
    expect(whole.get_by_role("img")).to_have_attribute("aria-label", re.compile(r"in the last 5 minutes"))
    box = whole.locator(".u-over").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.78, box["y"] + 50, steps=4)
    page.mouse.up()
    page.mouse.move(5, 5)
    expect(page).to_have_url(re.compile(r"\?from=\d+&to=\d+$"))
    expect(readout).not_to_have_text(re.compile("^Now"))
    page.go_back()
    expect(readout).to_have_text(re.compile("^Now"))
    page.go_forward()
    page.get_by_role("button", name="Back to now").click()
    expect(page.get_by_label("Time range")).to_be_focused()
    expect(readout).to_have_text(re.compile("^Now"))
    long_ago = page.evaluate("() => Math.floor(Date.now() / 1000) - 86400")
    page.goto(f"{grid.console}/?from={long_ago}&to={long_ago + 600}")
    expect(readout).to_have_text(re.compile(r"^\d\d:\d\d:\d\d · no data$"))
