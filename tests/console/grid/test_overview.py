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

from tests.console.browser import logged_in
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
    page.get_by_role("link", name="substation-2", exact=True).click()
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
    expect(page.get_by_role("link", name="substation-3", exact=True)).to_be_focused()


def test_rows_keep_their_places_while_one_has_the_focus(page: Page, grid: Grid) -> None:
    page.get_by_role("link", name="substation-1", exact=True).focus()
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
