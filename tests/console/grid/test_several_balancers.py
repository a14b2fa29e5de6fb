"""A console that follows three balancers on one order book, of which one is killed or frozen: real processes, a real browser."""

import itertools
import json
import re
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.browser import axe_faults, logged_in
from tests.support.grid import until
from tests.support.postgres import PostgresServer
from tests.support.processes import HUNG_S
from tests.support.several_balancers import CONSOLE, GATEWAYS, SeveralBalancers, several_balancers

ROW = "#balancers tbody tr"
UP, LOST = re.compile("up since"), re.compile("lost since")
NUMBERS = itertools.count(1)
WIDTHS = (390, 1280, 1920)
# Gives an order as the dialog does. It is not awaited: window.answer is what comes of it.
ORDER = """([order, target]) => {
  const post = async (path, body) => {
    const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    return answer.json();
  };
  const give = async () => {
    const { basis } = await post("/api/preview", { order, target, value: null });
    return post("/api/orders", { order, target, value: null, basis, reason: "a test" });
  };
  window.answer = give();
}"""
CUT = """() => [document.documentElement, ...document.querySelectorAll("#balancers .table-frame")]
  .filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.className)"""


# Shows in a table of its own what no test waits for: a balancer without its book, and one that does not reach substations.
UNUSUAL = """async () => {
  const { BalancerTable } = await import(script("grid/balancers.js"));
  const place = document.createElement("div");
  document.querySelector("#balancers").append(place);
  const row = { heard_unix_s: null, started_unix_ms: Date.now(), version: "1", waiting: 0, in_flight: 1234, decisions: 0, share: null, book_id: "0123456789abcdef", book_fault: "", why: "", unreached: [], unreached_count: 0 };
  new BalancerTable(place).update([
    { ...row, name: "a:1", state: "waiting", why: "the order book: it refuses connections", book_fault: "it refuses connections" },
    { ...row, name: "b:1", state: "up", unreached: ["s-1", "s-2"], unreached_count: 1002 },
    { ...row, name: "c:1", state: "lost", why: "it has not answered yet" },
  ]);
  return [...place.querySelectorAll("tbody tr")].map((each) => each.innerText.replaceAll(/\\s+/g, " "));
}"""

# Looks for all earlier decisions in a list of its own.
EARLIER = """async () => {
  const { EarlierDecisions } = await import(script("decisions/earlier.js"));
  const place = document.createElement("div");
  document.querySelector("main").append(place);
  const earlier = new EarlierDecisions(place);
  await earlier.show({ policy: "least_loaded" }, new Set());
  const found = [...place.querySelectorAll(".decision .vehicle")].map((each) => each.textContent);
  const said = place.querySelector("[role=status]").textContent;
  place.remove();
  return [found, said];
}"""


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer) -> Iterator[SeveralBalancers]:
    data = tmp_path_factory.mktemp("several")
    with several_balancers(data, postgres, 3, ALARM_DELAYS="0.1") as made:
        made.start(CONSOLE)
        until(made.ready)
        yield made


@pytest.fixture
def page(browser: Browser, grid: SeveralBalancers) -> Iterator[Page]:
    with logged_in(browser, grid.link(), "/") as opened:
        expect(opened.locator(ROW)).to_have_text([UP] * 3)
        yield opened


def charged(grid: SeveralBalancers, count: int) -> set[str]:
    """Let cars charge, over both gateways in turn; returns the vehicles."""
    vehicles = {
        f"EV-several-{next(NUMBERS)}": gateway
        for _, gateway in zip(range(count), itertools.cycle(GATEWAYS), strict=False)
    }
    for vehicle, gateway in vehicles.items():
        body = json.dumps({"vehicle_id": vehicle, "max_power_kw": 11, "energy_kwh": 10}).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"key-of-{vehicle}"}
        request = urllib.request.Request(f"{grid.url(gateway)}/charge", body, headers)
        with urllib.request.urlopen(request, timeout=HUNG_S) as answer:
            assert answer.status == 201
    return set(vehicles)


def asked(page: Page, grid: SeveralBalancers, path: str) -> Any:
    return page.request.get(grid.url(CONSOLE) + path).json()


def placed(page: Page, grid: SeveralBalancers) -> list[str]:
    """The vehicles of the placed decisions in the console's list, once for each decision."""
    return [
        each["vehicle_id"]
        for each in asked(page, grid, "/api/decisions")["decisions"]
        if each["kind"] == "placed"
    ]


def listed(page: Page, grid: SeveralBalancers, vehicles: set[str]) -> Callable[[], bool]:
    return lambda: vehicles <= set(placed(page, grid))


def order(page: Page, kind: str, meanwhile: Callable[[], None] | None = None) -> Any:
    """Give an order to substation-1, and return its answer; it is given again only if nothing was sent."""
    while True:
        page.evaluate(ORDER, [kind, "substation-1"])
        if meanwhile:
            meanwhile()
        answer = page.evaluate("() => window.answer")
        if "stream-lost" not in str(answer.get("type")):
            return answer
        meanwhile = None


def test_every_balancer_is_shown_with_its_share_at_every_width(page: Page, grid: SeveralBalancers) -> None:
    vehicles = charged(grid, 12)
    until(listed(page, grid, vehicles))
    expect(page.locator(f"{ROW} .decisions span")).to_have_text([re.compile(r"^[1-9]\d*$")] * 3)
    for name in grid.balancers:
        expect(page.locator("#balancers")).to_contain_text(grid.url(name).removeprefix("http://"))
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(CUT) == []
        assert axe_faults(page) == []


def test_why_a_balancer_is_of_less_use_is_said_in_words(page: Page) -> None:
    without_book, blind, never = page.evaluate(UNUSUAL)
    assert "◷ can place no car since" in without_book
    assert "The order book: it refuses connections." in without_book
    assert "✕ out of reach, 01234567" in without_book
    assert "up since" in blind
    assert "It does not reach s-1, s-2 and 1,000 more, which other balancers do." in blind
    assert "1,234" in blind
    assert "lost It has not answered yet." in never


def test_after_a_kill_decisions_go_on_without_loss_and_the_alarm_lasts_until_the_return(
    page: Page, grid: SeveralBalancers
) -> None:
    before = charged(grid, 9)
    until(listed(page, grid, before))
    lost = grid.balancers[1]
    grid.kill(lost)
    name = grid.url(lost).removeprefix("http://")
    row = page.locator(ROW).filter(has_text=name)
    expect(row).to_contain_text(LOST)
    expect(row).to_contain_text("It refuses connections")
    expect(page.locator("#alarms")).to_contain_text(f"A balancer is lost: {name}")
    expect(page.locator("#link-state")).to_have_text("Live")  # the grid is not without a balancer
    meanwhile = charged(grid, 6)
    until(listed(page, grid, before | meanwhile))
    earlier, said = page.evaluate(EARLIER)
    assert meanwhile <= set(earlier)  # those of the others are shown all the same
    assert f"✕ The decisions of the balancer at {name} are missing" in said
    assert "of all that are kept" not in said
    grid.start(lost)
    grid.placeable()
    expect(row).to_contain_text(UP)
    expect(page.locator("#alarms")).not_to_contain_text("A balancer is lost")
    after = charged(grid, 9)
    until(listed(page, grid, before | meanwhile | after))
    found = placed(page, grid)
    assert len(found) == len(set(found))
    page.goto(f"{grid.url(CONSOLE)}/decisions")
    expect(page.locator(".decision")).to_have_count(len(asked(page, grid, "/api/decisions")["decisions"]))
    page.get_by_label("Balancer").select_option(name)
    expect(page.locator(".decision .of-balancer").first).to_have_text(name)
    assert {each.inner_text() for each in page.locator(".decision .of-balancer").all()} == {name}
    expect(page.locator(".earlier table")).to_have_attribute("data-several", "")
    assert axe_faults(page) == []


def test_while_balancers_hang_questions_are_answered_and_an_order_goes_to_the_next_one(
    page: Page, grid: SeveralBalancers
) -> None:
    first, second, _ = grid.balancers
    for each in (first, second):
        grid.freeze(each)
    try:
        outlook = asked(page, grid, "/api/outlook?seconds=60")  # the console has not noticed yet
        assert (outlook["fault"], outlook["cars"] != []) == ("", True)
        # If it has the order, that dies with it.
        assert order(page, "drain", lambda: grid.kill(first))["outcome"] == "confirmed"
        expect(page.locator(ROW).filter(has_text=LOST)).to_have_count(2)
        expect(page.locator("#alarms").get_by_text("A balancer is lost")).to_have_count(2)
        assert order(page, "restore")["outcome"] == "confirmed"
    finally:
        grid.thaw(second)
        grid.start(first)
    expect(page.locator(ROW)).to_have_text([UP] * 3)
    expect(page.locator("#alarms")).not_to_contain_text("A balancer is lost")
