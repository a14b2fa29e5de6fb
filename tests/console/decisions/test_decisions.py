"""Decisions: the live feed, and whole stories, in a real browser on a real grid."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.browser import NARROW, WIDE, axe_faults, glued, logged_in
from tests.console.cars import all_leave, ask, operate, placed
from tests.support.grid import Grid, get, until

# What the buttons of the list have said, however shortly.
NOTES = """() => {
  window.noted = [];
  new MutationObserver((changes) => window.noted.push(...changes.map(({ target }) => target.textContent)))
    .observe(document.querySelector(".feed-head"), { childList: true, characterData: true, subtree: true });
}"""
CLOCK = re.compile(r"^\d\d:\d\d:\d\d UTC$")


@pytest.fixture(scope="module")
def grid(shared_grid: Grid) -> Iterator[Grid]:
    """Low limits, so that a car can be refused; and a balancer that has made no decision yet."""
    if get(f"{shared_grid.balancer}/decisions")["decisions"]:
        shared_grid.kill("balancer")
        shared_grid.wait()
    limit(shared_grid, 100)
    yield shared_grid
    all_leave(shared_grid)
    limit(shared_grid, None)


def limit(grid: Grid, capacity_kw: int | None) -> None:
    """Limit every substation; None lifts that."""
    for number in (1, 2, 3):
        operate(grid, "POST", f"/fleet/substation-{number}/capacity", capacity_kw=capacity_kw)


def switch(grid: Grid, policy: str) -> None:
    """Place by a policy from now on."""
    operate(grid, "PUT", "/policy", policy=policy)
    until(lambda: get(f"{grid.balancer}/fleet")["policy"] == policy)


@pytest.fixture
def decisions(browser: Browser, grid: Grid) -> Iterator[Page]:
    with logged_in(browser, grid.link(), "/decisions") as page:
        yield page


def test_before_the_first_car_the_page_says_what_to_do(decisions: Page) -> None:
    expect(decisions.get_by_text("No decisions yet")).to_be_visible()
    expect(decisions.locator("main").get_by_role("link", name="rush hour")).to_be_visible()


def test_a_decision_is_seen_as_it_is_made_with_its_reason_and_its_candidates(
    decisions: Page, grid: Grid
) -> None:
    first = placed(grid, "EV-1", max_power_kw=22, energy_kwh=80)["substation_id"]
    item = decisions.locator(".decision").filter(has_text="EV-1")
    expect(item.get_by_role("cell")).to_have_text(
        [CLOCK, "EV-1", "22 kW", "● admitted", first, "22.0 %", "least_loaded", "", "3 candidates"]
    )
    item.get_by_role("button", name="Show 3 candidates for EV-1").click()
    expect(decisions.locator(".candidates")).to_contain_text(
        f"{first} had the lowest load for its size after adding 22 kW: 22.0 %"
    )
    rows = decisions.locator(".candidate")
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text(re.compile(f"{first} ● chosen +0 kW \\+ 22 kW of 100 kW = 22.0 %"))
    expect(rows.nth(1)).to_contain_text("○ equal, not drawn")
    assert glued(decisions) == []


def test_the_list_stands_still_while_the_focus_is_in_it_and_goes_on_after(
    decisions: Page, grid: Grid
) -> None:
    placed(grid, "EV-2", max_power_kw=1)
    link = decisions.get_by_role("link", name="EV-2")
    link.focus()
    placed(grid, "EV-3", max_power_kw=1)
    expect(decisions.get_by_role("button", name="Show 1 new")).to_be_visible()
    expect(decisions.get_by_role("link", name="EV-3")).to_have_count(0)
    decisions.get_by_label("Find a vehicle or session").focus()
    expect(decisions.get_by_role("link", name="EV-3")).to_be_visible()
    decisions.get_by_role("button", name="Pause").click()
    placed(grid, "EV-4", max_power_kw=1)
    decisions.get_by_role("button", name="Show 1 new").click()
    expect(decisions.get_by_role("link", name="EV-4")).to_be_visible()


def test_what_came_too_fast_to_be_shown_is_counted(decisions: Page, grid: Grid) -> None:
    expect(decisions.locator(".decision").first).to_be_visible()
    decisions.context.set_offline(True)
    for number in range(110):
        ask(grid, f"EV-fast-{number}", max_power_kw=99)
    decisions.context.set_offline(False)
    expect(decisions.get_by_role("link", name="EV-fast-109")).to_be_visible()
    expect(decisions.get_by_text("10 decisions came too fast to be shown")).to_be_visible()


def test_what_is_read_stays_where_it_is_until_one_asks_for_what_is_new(decisions: Page, grid: Grid) -> None:
    decisions.set_viewport_size({"width": 1280, "height": 500})
    expect(decisions.locator(".decision").first).to_be_visible()
    decisions.evaluate("() => window.scrollTo(0, 200)")
    row = decisions.locator(".decision").nth(3)
    before = row.bounding_box()
    ask(grid, "EV-unseen", max_power_kw=99)
    new = decisions.get_by_role("button", name="Show 1 new")
    expect(new).to_be_in_viewport()
    assert row.bounding_box() == before
    new.click()
    expect(decisions.get_by_role("link", name="EV-unseen")).to_be_in_viewport()
    ask(grid, "EV-seen", max_power_kw=99)
    expect(decisions.get_by_role("link", name="EV-seen")).to_be_in_viewport()


def test_more_than_can_be_read_waits_until_the_burst_is_over(decisions: Page, grid: Grid) -> None:
    expect(decisions.locator(".decision").first).to_be_visible()
    decisions.evaluate(NOTES)
    decisions.context.set_offline(True)
    for number in range(30):
        ask(grid, f"EV-burst-{number}", max_power_kw=99)
    decisions.context.set_offline(False)
    expect(decisions.get_by_role("link", name="EV-burst-29")).to_be_visible()
    assert "Show 30 new" in decisions.evaluate("() => window.noted")


def test_filters_are_in_the_address_and_a_refusal_has_its_reason(decisions: Page, grid: Grid) -> None:
    all_leave(grid)
    placed(grid, "EV-there", max_power_kw=5, energy_kwh=80, substations=["substation-2"])
    status, _ = ask(grid, "EV-too-big", max_power_kw=99, substations=["substation-2"])
    assert status == 503
    taken = placed(grid, "EV-fits", max_power_kw=1, substations=["substation-1"])["substation_id"]
    expect(decisions.get_by_role("link", name="EV-fits")).to_be_visible()
    decisions.get_by_label("Refused only").check()
    refused = decisions.locator(".decision").filter(has_text="EV-too-big")
    expect(refused.locator(".why")).to_contain_text("99 kW was asked for")
    expect(decisions.get_by_role("link", name="EV-fits")).to_have_count(0)
    expect(decisions.get_by_text(re.compile(r"^\d+ of the newest \d+ decisions match\.$"))).to_be_visible()
    decisions.get_by_label("Refused only").uncheck()
    decisions.get_by_label("Substation").select_option(taken)
    decisions.get_by_label("Policy").select_option("least_loaded")
    expect(decisions).to_have_url(re.compile(rf"\?substation={taken}&policy=least_loaded$"))
    decisions.reload()
    expect(decisions.get_by_label("Substation")).to_have_value(taken)
    expect(decisions.get_by_label("Policy")).to_have_value("least_loaded")
    expect(decisions.get_by_role("link", name="EV-fits")).to_be_visible()
    expect(decisions.get_by_role("link", name="EV-too-big")).to_have_count(0)


# Presses the button of a list of earlier decisions again while it still waits for a page; returns the rows' vehicles.
IMPATIENT = """async () => {
  const { EarlierDecisions } = await import(script("decisions/earlier.js"));
  const place = document.createElement("div");
  document.querySelector("main").append(place);
  const earlier = new EarlierDecisions(place);
  await earlier.show({ refused: "1" }, new Set());
  const more = place.querySelector(":scope > section > button");
  while (!more.hidden) {
    more.click();
    more.click();
    while (more.getAttribute("aria-disabled") === "true") await new Promise((done) => setTimeout(done, 20));
  }
  const found = [...place.querySelectorAll(".decision .vehicle")].map((each) => each.textContent);
  place.remove();
  return found.filter((each) => each.startsWith("EV-later-"));
}"""


def test_filters_find_what_is_older_than_the_newest_hundred(decisions: Page, grid: Grid) -> None:
    switch(grid, "random")
    placed(grid, "EV-of-chance", max_power_kw=1)
    switch(grid, "least_loaded")
    for number in range(110):
        ask(grid, f"EV-later-{number}", max_power_kw=99)
    decisions.reload()
    expect(decisions.get_by_role("link", name="EV-later-109")).to_be_visible()
    decisions.get_by_label("Policy").select_option("random")
    earlier = decisions.get_by_role("region", name="Earlier decisions that match")
    expect(earlier.get_by_role("link", name="EV-of-chance")).to_be_visible()
    expect(earlier.get_by_role("status")).to_contain_text("1 earlier decision matches, of all")
    expect(earlier.get_by_role("button", name="Show earlier matches")).to_be_hidden()
    decisions.get_by_label("Policy").select_option("least_loaded")
    decisions.get_by_label("Refused only").check()
    expect(earlier.get_by_role("link", name="EV-later-5", exact=True)).to_be_visible()
    expect(decisions.get_by_role("link", name="EV-later-105")).to_have_count(1)
    assert axe_faults(decisions) == []
    refused = decisions.evaluate(IMPATIENT)  # all but those of the first cars, which were placed
    assert refused == [f"EV-later-{number}" for number in reversed(range(110 - len(refused), 110))]
    assert len(refused) > 100
    decisions.get_by_label("Policy").select_option("")
    decisions.get_by_label("Refused only").uncheck()
    expect(earlier).to_be_hidden()


SMALL = """() => [...document.querySelectorAll("main a, main button, main select, main input, main label")]
  .filter((each) => each.checkVisibility() && !each.closest("p"))
  .map((each) => [each.textContent.trim() || each.id, Math.round(each.getBoundingClientRect().height)])
  .filter(([name, height]) => height < 44 && name !== "only-refused")"""


def test_on_a_telephone_everything_can_be_hit_with_a_finger(browser: Browser, grid: Grid) -> None:
    placed(grid, "EV-finger", max_power_kw=1)
    with logged_in(browser, grid.link(), "/decisions", viewport=NARROW) as page:
        expect(page.get_by_role("link", name="EV-finger")).to_be_visible()
        page.get_by_role("button", name="Show 3 candidates").first.click()
        assert [found for found in page.evaluate(SMALL) if found[0] != "Find a vehicle or session"] == []


def test_what_was_asked_for_before_the_scripts_ran_is_found(decisions: Page, grid: Grid) -> None:
    placed(grid, "EV-soon")
    decisions.goto(grid.console + "/decisions?find=EV-soon")
    expect(decisions).to_have_url(re.compile(r"\?vehicle_id=EV-soon$"))
    expect(decisions.get_by_role("heading", name="Vehicle EV-soon")).to_be_focused()


def test_the_story_of_a_vehicle_has_its_refusal_its_session_and_its_power_over_time(
    decisions: Page, grid: Grid
) -> None:
    status, _ = ask(grid, "EV-late", max_power_kw=90, substations=[placed(grid, "x")["substation_id"]])
    assert status == 503
    session = placed(grid, "EV-late", max_power_kw=10, energy_kwh=40)
    decisions.get_by_label("Find a vehicle or session").fill("EV-late")
    decisions.keyboard.press("Enter")
    expect(decisions).to_have_url(re.compile(r"\?vehicle_id=EV-late$"))
    expect(decisions.get_by_role("heading", name="Vehicle EV-late")).to_be_focused()
    attempts = decisions.get_by_role("table", name="Requests and attempts").locator(".decision")
    expect(attempts.first).to_contain_text(
        re.compile("✕ refused.*No substation has room: 90 kW was asked for")
    )
    expect(attempts.nth(1)).to_contain_text(re.compile(f"● admitted *{session['substation_id']}"))
    panel = decisions.locator(".session")
    expect(panel).to_contain_text("● charging")
    expect(panel.get_by_role("img", name="Reserved power")).to_be_visible()
    panel.get_by_text("Chart data as a table").click()
    expect(panel.get_by_role("row").nth(1)).to_contain_text("10 kWnow")
    expect(panel.get_by_role("row").last).to_contain_text("0 kWplanned")
    panel.get_by_role("link", name="Session").click()
    expect(decisions.get_by_role("heading", name=f"Session {session['session_id']}").first).to_be_visible()
    decisions.get_by_role("button", name="Back to live decisions").click()
    expect(decisions.get_by_role("heading", name="Live decisions")).to_be_visible()
    decisions.go_back()
    expect(decisions.get_by_role("heading", name=f"Session {session['session_id']}").first).to_be_visible()


def test_who_is_not_known_and_who_can_t_be_asked_is_said_in_words(decisions: Page, grid: Grid) -> None:
    decisions.goto(grid.console + "/decisions?vehicle_id=nobody")
    expect(decisions.get_by_text("Nothing found. Check the id.")).to_be_visible()
    expect(decisions.get_by_text("Requests and attempts")).to_be_hidden()
    decisions.goto(grid.console + "/decisions?session_id=substation-1.0123456789abcdef")
    expect(decisions.get_by_text("There is no session substation-1.0123456789abcdef")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_page(
    browser: Browser, grid: Grid, scheme: str, size: Any
) -> None:
    session_id = placed(grid, f"EV-{scheme}-{size['width']}", max_power_kw=1)["session_id"]
    with logged_in(browser, grid.link(), color_scheme=scheme, viewport=size) as page:
        for path, ready in (
            (f"/decisions?session_id={session_id}", ".session svg"),
            ("/decisions", ".decision"),
        ):
            page.goto(grid.console + path)
            expect(page.locator(ready).first).to_be_visible()
            if ready == ".decision":
                page.get_by_role("button", name="Show 3 candidates").first.click()
            assert axe_faults(page) == []
            assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
