"""What is to come and what is not usable in the charts, trends of a quarter of an hour, and the one-line diagram."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.console.browser import HUGE, NARROW, WIDE, axe_faults, logged_in
from tests.console.cars import all_leave, carry, operate, placed
from tests.support.grid import Grid

ROW = "table.substations tbody tr"
LONG = {"energy_kwh": 80, "max_power_kw": 22}
# Keeps the words that were last drawn on canvases.
WORDS = """window.words = [];
const real = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (words, ...where) {
  window.words = [...window.words.slice(-300), words];
  real.call(this, words, ...where);
};"""


@pytest.fixture(scope="module", autouse=True)
def cars(grid: Grid) -> Iterator[None]:
    """Two cars at each substation."""
    for number in range(6):
        placed(grid, f"EV-ahead-{number}", substations=[f"substation-{number % 3 + 1}"], **LONG)
    yield
    all_leave(grid)


@pytest.fixture
def drawn(browser: Browser, grid: Grid) -> Iterator[Page]:
    """The overview, whose charts tell what words they draw."""
    with logged_in(browser, grid.link()) as page:
        page.add_init_script(WORDS)
        page.goto(f"{grid.console}/?span=60")
        yield page


def until_drawn(page: Page, wanted: str) -> None:
    """Wait until a chart has drawn words that begin so."""
    page.evaluate(
        """async (wanted) => {
          while (!window.words.some((each) => each.startsWith(wanted))) await new Promise(requestAnimationFrame);
        }""",
        wanted,
    )


def test_the_chart_goes_on_with_what_the_cars_of_now_leave(page: Page) -> None:
    legend = page.locator(".of-fleet .legend")
    expect(legend).to_contain_text(re.compile(r"without new cars: [\d,]+ kW in \d+ s"))
    expect(page.locator(".of-fleet").get_by_role("img")).to_have_attribute(
        "aria-label", re.compile(r"; without new cars [\d,]+ kW in \d+ s$")
    )
    whole = page.locator(".of-fleet .u-over")
    box = whole.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.97, box["y"] + 50)
    expect(page.locator(".of-fleet .readout")).to_have_text(
        re.compile(r"^\d\d:\d\d:\d\d, in \d+ s · [\d,]+ kW without new cars")
    )
    page.mouse.move(5, 5)
    ask = "(query) => fetch(`/api/outlook?${query}`).then(async (a) => [a.status, await a.json()])"
    status, coming = page.evaluate(ask, "seconds=600")
    left = [point["kw"] for point in coming["cars"]]
    assert (status, coming["fault"]) == (200, "")
    assert left == sorted(left, reverse=True)
    assert 0 < left[0] <= 6 * 22
    assert page.evaluate(ask, "seconds=60&substation_id=nobody")[1]["fault"].startswith("What is to come")
    assert page.evaluate(ask, "seconds=x")[0] == 400


def test_the_band_of_a_forecast_is_drawn_where_there_is_one(page: Page, grid: Grid) -> None:
    for url in grid.substations:
        carry(url, 300)
    try:
        # A quarter hour takes 7.5 s. A forecast begins after the first one that had a base load.
        expect(page.locator(".of-fleet .legend").get_by_text("widest range")).to_be_visible()
        page.goto(f"{grid.console}/?substation=substation-2")
        expect(page.locator(".panel-chart .legend").get_by_text("80 % range")).to_be_visible()
    finally:
        for url in grid.substations:
            carry(url, 0)


def test_what_is_not_usable_is_hatched_and_named(drawn: Page, grid: Grid) -> None:
    expect(drawn.locator(".of-fleet .legend").get_by_text("limit", exact=True)).to_be_visible()
    expect(drawn.locator(".of-fleet .legend").get_by_text("not usable")).to_be_hidden()
    until_drawn(drawn, "limit 4,200 kW")
    operate(grid, "POST", "/fleet/substation-2/drain")
    operate(grid, "POST", "/fleet/substation-1/capacity", capacity_kw=1000)
    try:
        expect(drawn.locator(".of-fleet .legend").get_by_text("not usable")).to_be_visible()
        expect(drawn.locator(".of-fleet .readout")).to_contain_text("of 2,400 kW")
        until_drawn(drawn, "1,800 kW not usable: substation-2 draining; substation-1 below")
    finally:
        operate(grid, "POST", "/fleet/substation-2/restore")
        operate(grid, "POST", "/fleet/substation-1/capacity", capacity_kw=None)


def test_a_trend_of_a_quarter_of_an_hour_stands_in_rows_of_48_px(page: Page) -> None:
    expect(page.locator(ROW)).to_have_count(3)
    expect(page.get_by_role("columnheader", name="Last 15 min")).to_be_visible()
    for part in ("load", "limit"):
        expect(page.locator(f"{ROW} .spark-{part}").first).to_have_attribute("d", re.compile("^M"))
    heights = page.locator(ROW).evaluate_all(
        "(rows) => rows.map((row) => row.getBoundingClientRect().height)"
    )
    assert [round(height) for height in heights] == [48] * 3


def test_the_one_line_diagram_shows_what_each_branch_carries_and_leads_to_details(
    page: Page, grid: Grid
) -> None:
    page.get_by_role("button", name="One-line diagram").click()
    diagram = page.locator("svg.one-line")
    branch = diagram.locator("g.substation").filter(has_text="substation-2")
    expect(diagram).to_contain_text(re.compile(r"Feeder 1[123]\d kW"))
    expect(diagram.locator("g.substation")).to_have_count(3)
    expect(branch).to_contain_text("2 cars 44 kW")
    expect(branch).to_contain_text(re.compile(r"44 of 1,400 kW, 3\.1 %"))
    carry(grid.substations[1], 700)
    operate(grid, "POST", "/fleet/substation-2/drain")
    try:
        expect(branch).to_contain_text("Base load 700 kW")
        expect(branch).to_contain_text("▽ draining")
        expect(diagram).to_have_attribute(
            "aria-label", re.compile(r"^One-line diagram: the feeder carries 8[123]\d kW to 3 substations$")
        )
    finally:
        carry(grid.substations[1], 0)
        operate(grid, "POST", "/fleet/substation-2/restore")
    for size in (NARROW, HUGE, WIDE):
        page.set_viewport_size(size)
        expect(diagram.locator("g.substation")).to_have_count(3)
        inside = diagram.evaluate(
            "(svg) => [...svg.querySelectorAll('text, rect')].every((each) => each.getBoundingClientRect().right <= svg.getBoundingClientRect().right + 1)"
        )
        assert inside, size
        assert axe_faults(page) == []
    diagram.get_by_role("link", name="substation-2", exact=True).click()
    expect(page.get_by_role("heading", name="substation-2")).to_be_focused()
    expect(page).to_have_url(re.compile(r"view=diagram&substation=substation-2$"))
    page.reload()
    expect(diagram.locator("g.substation")).to_have_count(3)
    page.get_by_role("button", name="Chart", exact=True).click()
    expect(page.locator(".of-fleet .readout")).to_be_visible()
    expect(diagram).to_be_hidden()


def test_the_details_do_not_say_who_drained_it_before_that_is_known(page: Page, grid: Grid) -> None:
    held: list[Route] = []
    holding = True

    def hold(route: Route) -> None:
        if holding:
            held.append(route)
        else:
            route.continue_()

    page.route("**/api/orders/in-force?*", hold)
    operate(grid, "POST", "/fleet/substation-3/drain")
    try:
        page.goto(f"{grid.console}/?substation=substation-3")
        panel = page.locator("#substation")
        expect(panel.locator(".standing-state")).to_have_text("▽ draining")
        expect(
            panel.locator(".standing-empty")
        ).not_to_be_empty()  # the sessions have come, the orders have not
        expect(panel.locator(".standing")).to_be_empty()
        holding = False
        for each in held:
            each.continue_()
        expect(panel.locator(".standing")).to_have_text(re.compile("Drained, but not from this console"))
    finally:
        operate(grid, "POST", "/fleet/substation-3/restore")
