"""The overview of a real grid in a real browser: the table, its filters, its address, its charts."""

import contextlib
import http.server
import json
import os
import re
import signal
import threading
import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from monitoring.grafana.grid_dashboard import UID
from tests.console.browser import GRAFANA, HUGE, NARROW, WIDE, axe_faults, logged_in
from tests.support.grid import Grid

ROW = "table.substations tbody tr"


def charge(grid: Grid, vehicle_id: str, **wanted: object) -> None:
    body = json.dumps({"vehicle_id": vehicle_id, **wanted}).encode()
    request = urllib.request.Request(
        f"{grid.gateway}/charge", body, {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 201


def order(grid: Grid, substation_id: str, verb: str, **wanted: object) -> None:
    body = json.dumps(wanted).encode() if wanted else None
    request = urllib.request.Request(
        f"{grid.balancer}/fleet/{substation_id}/{verb}",
        body,
        {"Content-Type": "application/json"},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


def test_a_car_is_seen_where_it_charges_without_a_reload(page: Page, grid: Grid) -> None:
    row = page.locator(ROW).filter(has_text="substation-2")
    expect(row).to_contain_text("of 1,400 kW")
    charge(grid, "EV-1", substations=["substation-2"], max_power_kw=22, energy_kwh=80)
    expect(row).to_contain_text("22 of 1,400 kW")
    expect(row).to_contain_text("1,378 kW")
    expect(row).to_contain_text("1.6 %")
    expect(page.locator("#totals")).to_contain_text("22 kW")


def test_the_worst_comes_first_and_says_so_in_shape_and_word(page: Page, grid: Grid) -> None:
    expect(page.locator(ROW)).to_have_count(3)
    stopped = grid.pids("substation")[2]
    order(grid, "substation-2", "drain")
    os.kill(stopped, signal.SIGSTOP)
    try:
        expect(page.locator(ROW).nth(0)).to_contain_text("✕ ejected")
        expect(page.locator(ROW).nth(0)).to_contain_text(re.compile(r"◷ \d+ s old"))
        expect(page.locator(ROW).nth(1)).to_contain_text("▽ draining")
        expect(page.locator(ROW).nth(2)).to_contain_text("healthy")
        expect(page.locator(ROW).nth(0).locator("td").nth(2)).to_have_text("0 kW")
        exclusion = r"^Not usable, and in none of these figures: substation-2 draining \(\d+ of 1,400 kW\); substation-3 ejected \(0 of 1,400 kW, last known values\)\.$"
        expect(page.locator("#left-out")).to_have_text(re.compile(exclusion))
        expect(page.locator("#totals")).to_contain_text(
            re.compile(r"Load of the usable limit\s*\d+ kW\s*of 1,400 kW: ")
        )
        page.get_by_label("Abnormal only (2)").check()
        expect(page.locator(ROW)).to_have_count(2)
        expect(page.locator("#announced")).not_to_be_empty()
        expect(page.locator("#totals")).to_contain_text("△ only one substation is usable")
        expect(page.locator(ROW).nth(0).locator(".because")).to_have_text(
            re.compile(r"^since \d\d:\d\d:\d\d$")
        )
    finally:
        os.kill(stopped, signal.SIGCONT)
        order(grid, "substation-2", "restore")
    expect(page.get_by_text("No abnormal substations")).to_be_visible()
    expect(page.locator("#left-out")).to_be_hidden()
    page.get_by_role("button", name="Show all substations").click()
    expect(page.locator(ROW)).to_have_count(3)


def test_search_sort_filter_and_details_are_in_the_address(page: Page, grid: Grid) -> None:
    page.get_by_role("searchbox", name="Search").fill("station-2")
    expect(page.locator(ROW)).to_have_count(1)
    page.get_by_role("button", name="Utilization").click()
    page.get_by_role("link", name="substation-2").click()
    expect(page.get_by_role("heading", name="substation-2")).to_be_focused()
    expect(page).to_have_url(re.compile(r"\?q=station-2&sort=utilization&substation=substation-2$"))
    page.reload()
    expect(page.get_by_role("heading", name="substation-2")).to_be_visible()
    expect(page.locator(ROW)).to_have_count(1)
    expect(page.locator("th[aria-sort]")).to_contain_text("Utilization")
    page.get_by_role("searchbox", name="Search").fill("nobody")
    expect(page.get_by_text("No matching substations")).to_be_visible()
    page.get_by_role("button", name="Show all substations").click()
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("complementary")).to_be_hidden()
    page.go_back()
    expect(page.get_by_role("heading", name="substation-2")).to_be_visible()


def test_grafana_is_opened_with_the_seconds_that_are_shown_here(page: Page, grid: Grid) -> None:
    of_all = page.get_by_role("link", name="Grafana: load and limit")
    expect(of_all).to_have_attribute("href", f"{GRAFANA}/d/{UID}?from=now-300s&to=now")
    page.get_by_label("Time range").select_option("15 minutes")
    expect(of_all).to_have_attribute("href", f"{GRAFANA}/d/{UID}?from=now-900s&to=now")
    page.get_by_role("link", name="substation-3", exact=True).click()
    expect(page.get_by_role("link", name="Grafana: substation-3")).to_have_attribute(
        "href", f"{GRAFANA}/d/{UID}?from=now-900s&to=now&var-substation=substation-3"
    )


def test_everything_can_be_done_with_the_keyboard(page: Page, grid: Grid) -> None:
    expect(page.locator(ROW)).to_have_count(3)
    page.get_by_role("searchbox", name="Search").focus()
    page.keyboard.type("substation-3")
    expect(page.locator(ROW)).to_have_count(1)
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.dataset.substation") == "substation-3":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="substation-3")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="substation-3")).to_be_focused()


def test_rows_keep_their_places_while_one_has_the_focus(page: Page, grid: Grid) -> None:
    page.get_by_role("link", name="substation-1").focus()
    before = page.locator(ROW).locator("th").all_text_contents()
    last = before[-1]
    order(grid, last, "drain")
    try:
        button = page.get_by_role("button", name="Sort now")
        expect(button).to_be_visible()
        assert page.locator(ROW).locator("th").all_text_contents() == before
        button.click()
        expect(page.locator(ROW).nth(0)).to_contain_text(last)
    finally:
        order(grid, last, "restore")


def test_history_survives_a_reload(page: Page, grid: Grid) -> None:
    known = "() => (document.querySelector('.spark-load')?.getAttribute('d') ?? '').split('L').length"
    page.wait_for_timeout(4000)
    page.reload()
    expect(page.locator(".spark-load").first).to_have_attribute("d", re.compile("L"))
    assert page.evaluate(known) >= 4
    expect(
        page.get_by_role("img", name=re.compile("Load of All usable substations in the last 5 minutes"))
    ).to_be_visible()
    page.get_by_role("button", name="A chart of each substation").click()
    page.get_by_text("Charts as a table").click()
    twin = page.get_by_role("region", name="Chart data as a table").get_by_role("row")
    expect(twin.filter(has_text="substation-1")).to_contain_text("1,400 kW")


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
            expect(page.get_by_role("complementary").get_by_role("img")).to_be_visible()
            assert axe_faults(page) == []
            width = page.evaluate("() => document.documentElement.scrollWidth")
            assert width <= size["width"]


def test_room_says_when_it_is_gone_and_a_cursor_reads_all_charts(page: Page, grid: Grid) -> None:
    for number in range(20):
        charge(grid, f"EV-rise-{number}", max_power_kw=22, energy_kwh=80)
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
    page.mouse.move(box["x"] + box["width"] - 30, box["y"] + 40)
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
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.99, box["y"] + 50, steps=4)
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
    finally:
        order(grid, "substation-1", "capacity", capacity_kw=None)
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
        heights = "(of) => document.querySelector(of).getBoundingClientRect().height"
        assert page.evaluate(heights, "header.top") < 64
        links = page.get_by_role("navigation", name="Pages").get_by_role("link").all()
        boxes = [link.bounding_box() for link in links]
        assert all(box and box["height"] >= 44 and box["width"] >= 44 for box in boxes)
        assert all(box and box["y"] + box["height"] <= NARROW["height"] for box in boxes)


def test_a_slip_of_the_address_is_told(browser: Browser, grid: Grid) -> None:
    with logged_in(browser, grid.link(), "/?substation=nobody&page=77&sort=nothing") as page:
        expect(page.get_by_role("complementary")).to_contain_text("knows no substation with this id")
        expect(page.locator(ROW)).to_have_count(3)


ATTACK = """async (urls) => {
  for (const [method, url, body] of urls) {
    for (const mode of ["no-cors", "cors"]) {
      const options = { method: method, mode: mode };
      if (body) options.body = body;
      try { await fetch(url, options); } catch { /* it can't be read, which does not say that it was not done */ }
    }
  }
}"""


class EmptyPage(http.server.BaseHTTPRequestHandler):
    """A page of somebody else."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def other_site() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), EmptyPage)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])  # another port of the site, and another site
def test_a_page_of_somebody_else_orders_nothing(browser: Browser, grid: Grid, host: str) -> None:
    orders = [
        ("POST", f"{grid.balancer}/fleet/substation-3/drain", ""),
        ("POST", f"{grid.balancer}/fleet/substation-3/capacity", '{"capacity_kw": 1}'),
        ("PUT", f"{grid.balancer}/policy", '{"policy": "random"}'),
        ("POST", f"{grid.substations[2]}/backup", ""),
        ("POST", f"{grid.gateway}/charge", '{"vehicle_id": "EV-FOREIGN"}'),
    ]
    with other_site() as port:
        profile = browser.new_context()
        try:
            page = profile.new_page()
            page.goto(f"http://{host}:{port}/")
            page.evaluate(ATTACK, orders)
        finally:
            profile.close()
    with urllib.request.urlopen(f"{grid.balancer}/fleet", timeout=10) as answer:
        fleet = json.load(answer)
    assert fleet["policy"] == "least_loaded"
    assert [(row["draining"], row["capacity_kw"]) for row in fleet["substations"]] == [(False, 1400)] * 3
    assert not (grid.data / "substation-3" / "backups").exists()
    with urllib.request.urlopen(f"{grid.gateway}/charge?vehicle_id=EV-FOREIGN", timeout=10) as answer:
        assert json.load(answer)["sessions"] == []
    order(grid, "substation-3", "drain")  # a program may
    order(grid, "substation-3", "restore")
