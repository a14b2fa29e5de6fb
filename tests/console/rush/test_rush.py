"""The rush hour in a real browser, on a real grid, with the real load test as a child of the console."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from monitoring.grafana.grid_dashboard import UID
from tests.console.browser import GRAFANA, NARROW, WIDE, axe_faults, logged_in, visit
from tests.console.cars import cars_on, operate, placed, stop_session
from tests.support import template
from tests.support.grid import ROOT, Grid, get, until

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SHORT = {"Requests": "120", "Duration in seconds": "4"}
RANGE = re.compile(re.escape(f"{GRAFANA}/d/{UID}?from=") + r"([0-9]+)&to=([0-9]+)")
LONG = {"Requests": "60", "Duration in seconds": "60"}


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grid]:
    """Cars leave within seconds, so that one run can follow another."""
    made = Grid(tmp_path_factory.mktemp("grid"), TIME_SCALE="1200", GRAFANA_URL=GRAFANA)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def page(browser: Browser, grid: Grid) -> Iterator[Page]:
    """The page of the rush hour; whatever runs at the end is ended."""
    with logged_in(browser, grid.link()) as opened:
        yield at_rush_hour(opened, grid)
        if button(opened, "Stop").is_visible():
            stop(opened, end_sessions=True)


def at_rush_hour(page: Page, grid: Grid) -> Page:
    page.goto(f"{grid.console}/rush-hour")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    return page


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=f"{name} rush hour")


def title(page: Page) -> Locator:
    return page.locator("#rush-title")


def curve(page: Page, name: str) -> Locator:
    """The chart of a figure of the run; its name says the newest values, and what was changed when."""
    return page.locator(".rush-curves figure").filter(has_text=name).get_by_role("img")


def start(page: Page, options: dict[str, str]) -> None:
    if not page.get_by_label("Requests", exact=True).is_visible():
        page.get_by_text("Options").click()
    for label, value in options.items():
        page.get_by_label(label, exact=True).fill(value)
    button(page, "Start").click()
    expect(button(page, "Stop")).to_be_visible()


def stop(page: Page, *, end_sessions: bool) -> None:
    """Stop the run by its dialog, and wait until it has ended."""
    button(page, "Stop").click()
    asked = page.get_by_role("dialog", name="Stop the rush hour?")
    asked.get_by_label("end the sessions" if end_sessions else "continue to charge").check()
    asked.get_by_role("button", name="Stop").click()
    expect(asked).to_have_count(0)
    expect(button(page, "Stop")).to_be_hidden()


def children(grid: Grid) -> list[int]:
    (console,) = grid.pids("admin_ui")
    return [int(each) for each in Path(f"/proc/{console}/task/{console}/children").read_text().split()]


def charging(grid: Grid) -> list[str]:
    """Return the sessions that charge now."""
    return [each["session_id"] for each in grid.sessions() if each["state"] == "charging"]


def first_row(page: Page) -> Locator:
    return page.locator("#rush-runs tbody tr").first


def test_no_run_yet_says_what_to_do(page: Page) -> None:
    expect(page.locator("#rush-runs")).to_contain_text("No runs yet. Start a rush hour")
    expect(page.get_by_label("Preset")).to_have_value("rush-hour")
    expect(page.get_by_label("Seed")).to_have_value("1")
    expect(page.get_by_label("Requests", exact=True)).to_be_hidden()


def test_one_click_runs_to_a_verdict_and_a_report(page: Page, grid: Grid) -> None:
    start(page, SHORT)
    expect(page.get_by_role("progressbar", name="Run progress")).to_be_visible()
    expect(page.locator("#rush-run dl")).to_contain_text("of 120")
    expect(page.locator(".rush-left")).to_contain_text("s left of 4 s")
    chips = page.get_by_role("list", name="Thresholds so far").get_by_role("listitem")
    expect(chips.filter(has_text="Requests failed")).to_contain_text(
        "✓ passing Requests failed 0 (at most 0)"
    )
    expect(chips.filter(has_text="Highest excess over a limit")).to_contain_text("◷ pending")
    page.reload()  # what it came to so far is there
    expect(page.locator("#rush-run dl")).to_contain_text("of 120")
    # How evenly 120 cars are spread within 4 s of a busy machine is chance, and may break a threshold by a hair.
    expect(title(page)).to_contain_text(re.compile("Last run: (passed|failed)"))
    expect(page.locator(".rush-outcome")).to_have_text(re.compile(r"^\d+ of 120 cars charged"))
    overload = page.get_by_role("region", name="Thresholds").get_by_role("row", name="Overload")
    expect(overload).to_contain_text(re.compile(r"\d W·s\s*at most 0 W·s"))
    expect(chips).to_have_count(0)  # the verdicts are in the table now
    expect(curve(page, "Admissions")).to_have_attribute(
        "aria-label", re.compile("over \\d+ s: admitted 120, sent 120")
    )
    page.reload()  # the curves of the last run are still there, from its beginning
    page.get_by_text("Curves as a table").click()
    expect(page.get_by_role("region", name="Curves as a table").get_by_role("row")).not_to_have_count(1)
    first = page.get_by_role("region", name="Curves as a table").get_by_role("row").nth(1)
    expect(first).to_have_text(re.compile(r"^0\.\d"))
    expect(first_row(page).get_by_role("img", name="Load of the fleet")).to_be_visible()
    verdict = title(page).inner_text().split()[-1]
    expect(first_row(page)).to_contain_text(verdict)
    expect(first_row(page)).to_contain_text("least_loaded")
    shown = first_row(page).get_by_role("link", name="Grafana: the run of").get_attribute("href") or ""
    found = RANGE.fullmatch(shown)
    assert found, shown
    (result,) = (grid.data / "runs").glob("*/result.json")
    window = json.loads(result.read_text())["window_unix_s"]
    assert 10 < window[0] - int(found[1]) / 1000 < 20
    assert 10 < int(found[2]) / 1000 - window[1] < 20
    page.locator("#rush-run").get_by_role("link", name="Open the report").click()
    expect(page.locator("h1")).to_contain_text(verdict, ignore_case=True)
    assert page.evaluate("() => getComputedStyle(document.querySelector('main')).maxWidth") != "none"


def test_stop_ends_it_and_keeps_what_was_measured(page: Page, grid: Grid) -> None:
    start(page, LONG)
    expect(title(page)).to_contain_text("Running")
    stop(page, end_sessions=False)
    expect(title(page)).to_contain_text("Last run: stopped")
    expect(page.locator("#rush-run")).to_contain_text("stopped by olga, sessions continue")
    expect(first_row(page)).to_contain_text("stopped")
    expect(first_row(page).get_by_role("link", name="result.json")).to_be_visible()
    assert get(f"{grid.balancer}/rushhour")["run_id"] is None
    assert children(grid) == []


def looks_right_while_it_runs(page: Page) -> None:
    """The page of a run has no fault in either theme, and Stop is not where Start is."""
    expect(page.get_by_role("list", name="Thresholds so far")).to_be_visible()
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        assert axe_faults(page) == []
    start_box, stop_box = (
        button.bounding_box() for button in (page.locator("#rush-start"), button(page, "Stop"))
    )
    assert start_box
    assert stop_box
    assert stop_box["y"] > start_box["y"] + start_box["height"]


def test_a_stop_is_asked_about_and_a_double_click_on_start_stops_nothing(page: Page, grid: Grid) -> None:
    until(lambda: cars_on(grid) == 0)
    page.get_by_text("Options").click()
    for label, value in LONG.items():
        page.get_by_label(label, exact=True).fill(value)
    button(page, "Start").dblclick()
    expect(title(page)).to_contain_text("Running")
    page.locator("#rush-start").click(force=True)  # where Start was, there is still Start
    until(lambda: cars_on(grid) > 2)
    looks_right_while_it_runs(page)
    button(page, "Stop").click()
    asked = page.get_by_role("dialog", name="Stop the rush hour?")
    expect(asked.get_by_role("button", name="Keep running")).to_be_focused()
    expect(asked.locator(".stop-figures")).to_contain_text(re.compile(r"\d+ of 60 cars sent, \d+ admitted"))
    expect(asked.get_by_text("cannot be undone")).to_be_hidden()
    asked.get_by_label("end the sessions").check()
    expect(asked.get_by_text("cannot be undone")).to_be_visible()
    expect(
        asked.get_by_role("button", name=re.compile(r"Stop and end its sessions \(at most [1-9][0-9]*\)"))
    ).to_be_visible()
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        assert axe_faults(page) == []
    page.keyboard.press("Escape")
    expect(asked).to_have_count(0)
    expect(button(page, "Stop")).to_be_focused()
    expect(title(page)).to_contain_text("Running")
    stop(page, end_sessions=False)
    expect(title(page)).to_contain_text("Last run: stopped")
    (newest,) = sorted((grid.data / "runs").glob("*/result.json"))[-1:]
    document = json.loads(newest.read_text())
    ours = {each["body"]["session_id"] for each in document["requests"]}
    states = {each["session_id"]: each["state"] for each in grid.sessions()}
    assert {states[each] for each in ours if each in states} <= {"charging", "completed"}
    assert document["result"]["ended_by_stop"] is None
    page.goto(f"{grid.console}/audit")
    row = page.get_by_role("row").filter(has_text="stop rush hour").first
    expect(row).to_contain_text("olga")
    expect(row).to_contain_text("-rush-hour-1-")


def test_stop_ends_the_sessions_of_the_run_and_no_other(page: Page, grid: Grid) -> None:
    until(lambda: cars_on(grid) == 0)  # cars of the runs before have left
    mine = placed(grid, "EV-mine", max_power_kw=1, energy_kwh=80, stay_minutes=10_080)["session_id"]
    start(page, {"Requests": "600", "Duration in seconds": "20"})
    until(lambda: cars_on(grid) > 40)
    stop(page, end_sessions=True)
    expect(title(page)).to_contain_text("Last run: stopped")
    taken_off = re.compile(r"The stop ended [1-9]\d* of the \d+ sessions of this run")
    expect(page.locator("#rush-run").get_by_text(taken_off)).to_be_visible()
    assert charging(grid) == [mine]
    power_kw = get(f"{grid.gateway}/charge/{mine}")["power_kw"]
    until(lambda: grid.sample("smartgrid_substation_load_watts") == power_kw * 1000)
    (newest,) = sorted((grid.data / "runs").glob("*/result.json"))[-1:]
    document = json.loads(newest.read_text())
    ended = document["result"]["ended_by_stop"]
    assert ended["ended"] + ended["over"] == ended["sessions"] == document["result"]["admitted"] >= 40
    assert {each["name"]: each["held"] for each in document["thresholds"]}[
        "admissions counted and answered agree"
    ]
    first_row(page).get_by_role("link", name="Open the report").click()
    expect(page.locator(".sentence")).to_contain_text("Ended by the stop")
    stop_session(grid, mine)


def test_a_second_browser_sees_it_and_can_not_start_another(browser: Browser, page: Page, grid: Grid) -> None:
    start(page, LONG)
    expect(title(page)).to_contain_text("Running")
    with visit(browser, grid.link()) as other:
        chip = other.locator("#rush-button")
        expect(chip).to_contain_text("Running")
        at_rush_hour(other, grid)
        expect(title(other)).to_contain_text("Running")
        expect(other.locator("#rush-start")).to_be_disabled()
        response = other.evaluate(
            """() => fetch("/api/rush", {
              method: "POST", body: "{}", headers: {"Content-Type": "application/json"},
            }).then((answer) => answer.json())"""
        )
        assert response["status"] == 409
        assert "olga has started" in response["detail"]
        button(page, "Stop").click()
        asked = page.get_by_role("dialog", name="Stop the rush hour?")
        stop(other, end_sessions=True)
        expect(asked.get_by_role("status")).to_contain_text("Not stopped here.")
        expect(asked.get_by_role("button", name="Stop")).to_be_disabled()
        asked.get_by_role("button", name="Close").click()
        expect(title(page)).to_contain_text("Last run: stopped")
        expect(page.locator("#rush-start")).to_be_focused()


def test_a_run_from_a_terminal_is_seen_and_not_ours_to_stop(page: Page, grid: Grid) -> None:
    environment = grid.environment | {"GATEWAY_URL": grid.gateway, "BALANCER_URL": grid.balancer}
    command = [sys.executable, "-m", "loadtest", "rush-hour", "--requests", "60", "--seconds", "60"]
    other = template.popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        expect(title(page)).to_contain_text("started elsewhere")
        expect(button(page, "Stop")).to_be_hidden()
        run_id = get(f"{grid.balancer}/rushhour")["run_id"]
        expect(page.locator("#rush-run")).to_contain_text(run_id)
        # Its lines are in the folder of runs, so its figures, curves and thresholds are live as those of an own run.
        expect(page.locator("#rush-run .totals")).to_be_visible()
        expect(page.locator("#rush-run .rush-curves canvas").first).to_be_visible()
        expect(page.locator("#rush-run .chips")).to_contain_text(re.compile("passing|pending"))
        button(page, "Start").click()
        expect(page.get_by_role("alert")).to_contain_text(f"{run_id} holds the lease")
        expect(title(page)).to_contain_text("started elsewhere")
    finally:
        other.send_signal(signal.SIGINT)
        assert other.wait(30) == 130
    expect(first_row(page)).to_contain_text("stopped")


def test_a_run_that_is_killed_is_failed_and_its_lease_is_free(page: Page, grid: Grid) -> None:
    start(page, LONG)
    expect(title(page)).to_contain_text("Running")
    (child,) = children(grid)
    os.kill(child, signal.SIGKILL)
    expect(title(page)).to_contain_text("Last run: error")
    expect(page.locator("#rush-run .notice")).to_contain_text("ended by SIGKILL")
    until(lambda: get(f"{grid.balancer}/rushhour")["run_id"] is None)
    expect(first_row(page)).to_contain_text("unfinished")


def test_a_gateway_that_does_not_answer_is_told_in_words(page: Page, grid: Grid) -> None:
    (gateway,) = grid.pids("gateway")
    os.kill(gateway, signal.SIGSTOP)
    try:
        button(page, "Start").click()
        expect(page.get_by_role("alert")).to_contain_text("The grid is not ready for a rush hour")
        expect(page.get_by_role("alert")).to_contain_text(grid.gateway)
        expect(page.locator("#rush-run")).to_contain_text("Fix this, then start again")
    finally:
        os.kill(gateway, signal.SIGCONT)


def test_it_is_started_and_stopped_by_keyboard_and_the_focus_stays(page: Page) -> None:
    for label, value in LONG.items():
        page.get_by_text("Options").click() if not page.get_by_label(label, exact=True).is_visible() else None
        page.get_by_label(label, exact=True).fill(value)
    button(page, "Start").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#rush-announced")).to_have_text("Running")
    expect(page.locator("#rush-start")).to_be_focused()
    page.keyboard.press("Enter")  # once more does nothing
    button(page, "Stop").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")  # keeps it running
    expect(button(page, "Stop")).to_be_focused()
    expect(page.locator("#rush-announced")).to_have_text("Running")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#rush-announced")).to_have_text("Last run: stopped")
    expect(button(page, "Start")).to_be_focused()


def test_what_an_operator_changed_during_a_run_is_told_and_not_held_against_the_grid(
    page: Page, grid: Grid
) -> None:
    until(lambda: cars_on(grid) == 0)
    start(page, {"Requests": "120", "Duration in seconds": "12"})
    until(lambda: cars_on(grid) > 20)
    stopped = next(each for each in charging(grid) if each.startswith("substation-1"))
    stop_session(grid, stopped)
    page.wait_for_timeout(1500)  # the load test must see the stop before the rest
    operate(grid, "POST", "/fleet/substation-2/drain")
    operate(grid, "PUT", "/policy", policy="random")
    try:
        expect(title(page)).to_contain_text(re.compile("Last run: (conditions changed|passed)"))
    finally:
        operate(grid, "POST", "/fleet/substation-2/restore")
        operate(grid, "PUT", "/policy", policy="least_loaded")
    expect(first_row(page)).to_contain_text("mixed: least_loaded, random")
    expect(first_row(page).locator(".changed")).to_contain_text("1 session stopped at substation-1")
    expect(page.locator("#rush-run")).to_contain_text(re.compile(r"substation-2 drained after \d+ s"))
    for what in (
        "1 session stopped at substation-1",
        "substation-2 drained",
        "policy switched from least_loaded to random",
    ):
        expect(curve(page, "Load")).to_have_attribute("aria-label", re.compile(rf"after \d+ s {what}"))
    expect(page.get_by_role("region", name="Thresholds").get_by_text("▲ failed")).to_have_count(0)
    changed = "conditions" in (title(page).text_content() or "")  # `random` may keep the balance by chance
    if changed:
        expect(page.get_by_role("region", name="Thresholds")).to_contain_text("not judged")
    first_row(page).get_by_role("link", name="Open the report").click()
    expect(page.locator("h1")).to_contain_text(
        re.compile("conditions changed" if changed else "passed", re.IGNORECASE)
    )
    expect(page.locator("line.change").first).to_be_attached()
    page.get_by_role("link", name="Back to the runs").click()
    expect(title(page)).to_be_visible()


def test_two_runs_are_compared(page: Page, grid: Grid) -> None:
    boxes = page.get_by_role("checkbox", disabled=False)
    expect(boxes.nth(1)).to_be_visible()
    boxes.nth(1).check()
    compare = page.get_by_role("button", name=re.compile("^Compare"))
    compare.click(force=True)
    expect(compare).to_be_disabled()  # one alone is not compared
    assert "/runs/" not in page.url
    boxes.nth(0).check()
    expect(page.locator(".runs .pick").filter(has_text="A")).to_have_attribute(
        "data-run", boxes.nth(1).get_attribute("value") or ""
    )
    expect(page.locator("#rush-runs")).to_contain_text("2 runs selected.")
    page.reload()
    expect(boxes.nth(1)).to_be_checked()
    first = boxes.nth(1).get_attribute("value")
    page.get_by_role("button", name="Compare A and B").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Comparison of runs")
    expect(page.get_by_role("rowheader", name=f"A {first}")).to_be_visible()
    expect(page.get_by_role("img", name="Load of the fleet over its limit")).to_be_visible()
    page.get_by_role("link", name="Back to the runs").click()
    expect(boxes.nth(0)).to_be_checked()
    expect(boxes.nth(1)).to_be_checked()


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_three_runs_are_compared_side_by_side(browser: Browser, grid: Grid, viewport: ViewportSize) -> None:
    with logged_in(browser, grid.link(), viewport=viewport) as page:
        at_rush_hour(page, grid)
        chosen = page.get_by_role("checkbox", disabled=False)
        for number in range(3):
            chosen.nth(number).check()
        run_ids = [chosen.nth(number).get_attribute("value") or "" for number in range(3)]
        expect(page.locator("#rush-runs")).to_contain_text("3 runs selected.")
        page.get_by_role("button", name=re.compile("^Compare")).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Comparison of runs")
        assert page.url.count("run=") == 3
        for run_id in run_ids:
            expect(page.locator("main")).to_contain_text(run_id)
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        page.go_back()
        for number in range(3):
            expect(chosen.nth(number)).to_be_checked()


def test_the_overview_starts_it_too(page: Page, grid: Grid) -> None:
    page.goto(grid.console)
    button(page, "Start").click()
    expect(page.locator("#rush-button")).to_contain_text("Running")
    stop(page, end_sessions=True)
    expect(page.locator("#rush-button")).to_contain_text("Last run: stopped")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_a_phone_shows_it_all(browser: Browser, grid: Grid, scheme: str) -> None:
    with logged_in(browser, grid.link(), color_scheme=scheme, viewport=NARROW) as page:
        at_rush_hour(page, grid)
        expect(first_row(page)).to_be_visible()
        expect(title(page)).to_be_visible()
        assert axe_faults(page) == []
        wide = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0


def test_the_list_of_runs_shows_every_column_on_a_laptop(browser: Browser, grid: Grid) -> None:
    with logged_in(browser, grid.link(), viewport=WIDE) as page:
        at_rush_hour(page, grid)
        expect(first_row(page)).to_be_visible()
        frame = page.get_by_role("region", name="Run table")
        assert frame.evaluate("(frame) => frame.scrollWidth - frame.clientWidth") <= 0
