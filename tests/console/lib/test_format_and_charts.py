"""How figures, moments and charts are written, by the page's own modules in a real browser."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.console.browser import logged_in
from tests.support.lone_console import LoneConsole

# Draws each second of a minute, and returns the labels that a canvas has cut off.
CUT = """async ([width, seconds, highest]) => {
  const { LoadChart } = await import(script("grid/load_chart.js"));
  const cut = new Set();
  let drawn = 0;
  const real = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function (words, x, y) {
    const { width: long } = this.measureText(words);
    const left = x - { left: 0, start: 0, center: long / 2, right: long, end: long }[this.textAlign];
    if (left < 0 || left + long > this.canvas.width || y < 0 || y > this.canvas.height) cut.add(words);
    drawn += 1;
    real.call(this, words, x, y);
  };
  const place = document.createElement("div");
  place.style.setProperty("width", `${width}px`);
  document.querySelector("main").append(place);
  const chart = new LoadChart(place, { unusable: () => "a part that is not usable: substation-2 draining" });
  const point = (within_s) => ({ within_s, kw: highest / 3, base_kw: highest / 5, p10_kw: highest / 4, p90_kw: highest / 2.5 });
  const ahead = { points: [seconds / 20, seconds / 4].map(point) };
  await new Promise(requestAnimationFrame);
  for (let second = 1763800000; second < 1763800060; second += 1) {
    chart.show("x", second, [highest / 2, highest, highest / 4, highest * 1.5].map((kw) => new Array(seconds).fill(kw)), { ahead });
    await null;
  }
  chart.end();
  CanvasRenderingContext2D.prototype.fillText = real;
  return [drawn, [...cut]];
}"""
STEPS = """async () => {
  const { StepChart } = await import(script("decisions/step_chart.js"));
  const place = document.createElement("div");
  document.querySelector("main").append(place);
  new StepChart(place).show([{ from: "2026-01-31T10:00:00Z", power_kw: 1399.125 }, { from: "2026-01-31T11:00:00Z", power_kw: 0 }]);
  const { width } = place.querySelector("svg").getBoundingClientRect();
  const labels = [...place.querySelectorAll("text")].map((each) => [each.textContent, each.getBBox()]);
  return [labels.length, labels.filter(([, box]) => box.x < 0 || box.x + box.width > width).map(([words]) => words)];
}"""


@pytest.fixture(scope="module")
def page(browser: Browser, few: LoneConsole) -> Iterator[Page]:
    """A page for the modules that these tests ask for: it is of no matter what else it shows."""
    with logged_in(browser, few.link(), "/") as opened:
        yield opened


def asked(page: Page, module: str, words: str) -> Any:
    """Return what an expression says that may use all of a module `m`."""
    return page.evaluate(f"async () => {{ const m = await import(script('{module}.js')); return {words}; }}")


@pytest.mark.parametrize("width", [280, 330, 900])
def test_no_label_of_a_chart_is_cut_off(page: Page, width: int) -> None:
    for seconds in (120, 300, 900):
        for highest in (1, 1400, 99_999_999):
            drawn, cut = page.evaluate(CUT, [width, seconds, highest])
            assert drawn > 100
            assert cut == [], (seconds, highest)


def test_no_label_of_a_session_s_power_is_cut_off(page: Page, few: LoneConsole) -> None:
    page.goto(f"{few.url}/decisions")
    count, cut = page.evaluate(STEPS)
    assert count > 3
    assert cut == []


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC", "2026-01-31 13:05:09 UTC"),
        ("Europe/Berlin", "2026-01-31 14:05:09 UTC+1"),
        ("Asia/Kathmandu", "2026-01-31 18:50:09 UTC+5:45"),
        ("America/St_Johns", "2026-01-31 09:35:09 UTC-3:30"),
    ],
)
def test_a_moment_has_one_format_with_its_zone(
    browser: Browser, few: LoneConsole, zone: str, shown: str
) -> None:
    with logged_in(browser, few.link(), "/audit", timezone_id=zone) as page:
        assert asked(page, "lib/format", "m.moment(Date.parse('2026-01-31T13:05:09.9Z'))") == shown
        assert page.locator("#entries time").first.inner_text().endswith(shown.rpartition(" ")[2])


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"load_kw": 1390}, ["near limit"]),
        ({"load_kw": 1450}, ["over limit"]),
        ({"load_kw": 1390, "draining": True, "left_out": "draining"}, ["draining"]),
        ({"load_kw": 1450, "draining": True, "left_out": "draining"}, ["over limit", "draining"]),
        ({"load_kw": 1390, "state": "ejected", "left_out": "ejected"}, ["ejected"]),
    ],
)
def test_a_load_is_over_its_limit_or_near_it_and_never_both(
    page: Page, row: dict[str, Any], expected: list[str]
) -> None:
    whole = {"state": "healthy", "draining": False, "left_out": "", "capacity_kw": 1400, "stale": False} | row
    found = page.evaluate(
        "async (row) => (await import(script('lib/conditions.js'))).conditions(row).map((each) => each.word)",
        whole,
    )
    assert found == expected


def test_a_countdown_goes_on_while_nothing_is_told(page: Page) -> None:
    left = page.evaluate(
        """async () => {
          const { Countdown } = await import(script("lib/countdown.js"));
          const countdown = new Countdown();
          const first = countdown.leftS(10);
          await new Promise((done) => setTimeout(done, 1100));
          return [first, countdown.leftS(10), countdown.leftS(5), countdown.leftS(null)];
        }"""
    )
    assert (round(left[0], 1), round(left[2], 1), left[3]) == (10, 5, None)
    assert left[1] <= 9


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({}, "No alarms"),
        ({"warning": 1, "cleared": 2}, "▲ 1 warning · ○ 2 cleared, not acknowledged"),
        ({"critical": 2, "warning": 3}, "■ 2 critical · ▲ 3 warnings"),
        ({"muted_cleared": 1, "muted_warning": 2}, "○ 1 cleared, not acknowledged · 2 warnings muted"),
        ({"muted_critical": 1}, "No alarms · ■ 1 critical muted"),
        ({"idle_mutes": 2}, "No alarms · 2 mutes in force"),
    ],
)
def test_the_header_forgets_nothing_that_waits_or_holds(
    page: Page, counts: dict[str, int], words: str
) -> None:
    kinds = ("critical", "warning", "cleared")
    none = {prefix + kind: 0 for prefix in ("", "muted_") for kind in kinds} | {"idle_mutes": 0}
    script = "async (c) => (await import(script('alarms/words.js'))).summary(c).parts.join(' · ')"
    assert page.evaluate(script, none | counts) == words


def test_a_second_in_which_the_figures_are_not_of_now_is_a_gap_and_no_line(page: Page) -> None:
    known = page.evaluate(
        """async () => {
          const { FLEET, History } = await import(script("grid/history.js"));
          const stream = Object.assign(new EventTarget(), { live: true, state: {
            substations: [{ substation_id: "s-1", load_kw: 5, capacity_kw: 10, stale: false }],
            totals: { load_kw: 5, capacity_kw: 10 }, link: { current: true, stale: false },
          } });
          const history = new History(stream);
          const second = () => new Promise((done) => history.addEventListener("second", done, { once: true }));
          const seen = [];
          for (const current of [true, true, false, false]) {
            stream.state = { ...stream.state, link: { current, stale: false } }; // away, and not yet called lost
            await second();
            seen.push([history.newest("s-1", 1)[0][0], history.newest(FLEET, 1)[0][0]]);
          }
          return seen;
        }"""
    )
    assert known == [[5, 5], [5, 5], [None, None], [None, None]]


@pytest.mark.parametrize(
    ("basis", "words"),
    [
        ("forecast", "the upper bound of its forecast counts"),
        ("highest_reading", "its highest reading of the last 24 h counts"),
        ("last_known", "the last known value counts"),
        ("", "an assumption counts"),
    ],
)
def test_what_counts_while_a_meter_is_silent_is_said(page: Page, basis: str, words: str) -> None:
    said = page.evaluate(
        "async (row) => (await import(script('lib/conditions.js'))).assumed(row)", {"base_load_basis": basis}
    )
    assert said == words


# Counts the triangles that a chart draws for its newest value, and what it says of it.
SHAPES = """async (loads) => {
  const { LoadChart } = await import(script("grid/load_chart.js"));
  const real = CanvasRenderingContext2D.prototype.closePath;
  let triangles = 0;
  CanvasRenderingContext2D.prototype.closePath = function () { triangles += 1; real.call(this); };
  const place = document.createElement("div");
  document.querySelector("main").append(place);
  const chart = new LoadChart(place);
  const found = [];
  for (const load of loads) {
    triangles = 0;
    await new Promise(requestAnimationFrame);
    chart.show("x", 1763800000, [load, 1000, 0, 1000].map((kw) => new Array(60).fill(kw)));
    await new Promise(requestAnimationFrame);
    found.push([triangles > 0, place.querySelector(".readout").textContent]);
  }
  chart.end();
  place.remove();
  CanvasRenderingContext2D.prototype.closePath = real;
  return found;
}"""


def test_a_chart_changes_shape_and_word_near_the_limit_and_above_it(page: Page) -> None:
    assert page.evaluate(SHAPES, [900, 960, 1100]) == [
        [False, "Now · 900 kW of 1,000 kW, 90.0 %"],
        [True, "Now · △ near limit, 960 kW of 1,000 kW, 96.0 %"],
        [True, "Now · ▲ over limit, 1,100 kW of 1,000 kW, 110.0 %"],
    ]
