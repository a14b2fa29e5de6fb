"""Alarms of a real grid in a real browser: raised, acknowledged, muted, over, and kept over a restart."""

import contextlib
import json
import os
import re
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.console.browser import GRAFANA, NARROW, WAIT_MS, axe_faults, logged_in
from tests.console.cars import ask, placed, stop_session
from tests.support.grid import Grid, get, status, until

CARS = 70  # of 22 kW: more than one substation takes
MUTE = """async () => {
  const { request } = await import(script("lib/request.js"));
  await request("POST", "/api/alarms/mutes", { rule: "SubstationOverload", minutes: 5, reason: "to see that it is told" });
}"""
OVER = "Load above the limit: substation-1"


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grid]:
    """A grid whose console raises and clears alarms twenty times as fast; its cars charge for long."""
    made = Grid(
        tmp_path_factory.mktemp("grid"),
        ALARM_DELAYS="0.05",
        POLL_S="0.2",
        TIME_SCALE="1",
        GRAFANA_URL=GRAFANA,
    )
    made.start()
    made.wait()
    charge(made, "substation-1", 20)
    yield made
    made.stop()


@pytest.fixture
def alarms(browser: Browser, grid: Grid) -> Iterator[Page]:
    """The page of the alarms."""
    with logged_in(browser, grid.link(), "/alarms") as page:
        yield page


def calling(page: Page, title: str) -> Locator:
    return page.locator("#calling > li").filter(has=page.get_by_role("heading", name=title, exact=True))


def ended(page: Page, title: str) -> Locator:
    """The alarms of a rule that have ended, folded."""
    heading = page.get_by_role("heading", level=3).filter(has_text=title)
    return page.locator("#ended > li").filter(has=heading)


def process(grid: Grid, substation_id: str) -> int:
    """Return the id of a substation's process."""
    wanted = f"SUBSTATION_ID={substation_id}".encode()
    environs = {pid: Path(f"/proc/{pid}/environ").read_bytes() for pid in grid.pids("substation")}
    return next(pid for pid, environ in environs.items() if wanted in environ.split(b"\0"))


@contextlib.contextmanager
def frozen(grid: Grid, substation_id: str) -> Iterator[None]:
    """A substation that neither answers nor ends, so that nothing starts it anew."""
    pid = process(grid, substation_id)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def derated(grid: Grid) -> Iterator[None]:
    """The substation with the cars, its limit below their load."""

    def limit(capacity_kw: int | None) -> None:
        wish = json.dumps({"capacity_kw": capacity_kw}).encode()
        url = f"{grid.balancer}/fleet/substation-1/capacity"
        request = urllib.request.Request(url, wish, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10):
            pass

    limit(300)
    try:
        yield
    finally:
        limit(None)


def charge(grid: Grid, substation_id: str, cars: int) -> None:
    """Send cars of 22 kW to one substation; one for which there is no room goes away."""
    for number in range(cars):
        ask(grid, f"EV-{number}", max_power_kw=22, energy_kwh=80, substations=[substation_id])


def settle(page: Page) -> None:
    """Acknowledge whatever is left, once it is over."""
    quiet = page.locator("#calling-empty").filter(has_text="No alarms.")
    button = page.get_by_role("button", name="Acknowledge all shown")
    for _ in range(WAIT_MS // 100):  # an alarm may be over at any moment, also between two looks
        if quiet.is_visible():
            return
        if page.locator("#calling > li[data-active]").count() == 0 and button.is_enabled():
            button.evaluate("(node) => node.click()")  # does nothing once it is disabled
        page.wait_for_timeout(100)
    expect(quiet).to_be_visible()


def test_without_alarms_the_page_says_so(alarms: Page) -> None:
    settle(alarms)
    expect(alarms.locator("#alarm-badge")).to_have_text("No alarms")
    expect(alarms.get_by_text("rules are checked every second")).to_be_visible()


def test_a_new_critical_is_in_the_header_the_title_and_said_once(alarms: Page, grid: Grid) -> None:
    settle(alarms)
    with derated(grid):
        expect(alarms.locator("#alarm-badge")).to_have_text("■ 1 critical")
        expect(alarms.locator("#alarm-says")).to_have_text("Critical: Load above the limit, substation-1.")
        expect(alarms.locator("#alarm-rate")).to_have_text(
            re.compile(r"^[1-9]\d* raised in the last 10 minutes")
        )
        expect(alarms).to_have_title(re.compile(r"^\(1\) Alarms"))
        expect(calling(alarms, OVER).get_by_role("link", name="Grafana")).to_have_attribute(
            "href", re.compile(re.escape(GRAFANA) + r"/d/\w+\?from=\d+&to=now&var-substation=substation-1$")
        )
        alarms.goto(f"{grid.console}/audit")
        expect(alarms.locator("#alarm-badge")).to_have_text("■ 1 critical")
        expect(alarms.locator("#alarm-says")).to_have_text("")


def test_one_that_is_over_stays_until_it_is_acknowledged_and_is_in_the_history_after_a_reload(
    alarms: Page, grid: Grid
) -> None:
    settle(alarms)
    with derated(grid):
        expect(calling(alarms, OVER)).to_contain_text("440 kW of 300 kW: 140 kW too much")
    over = ended(alarms, "Load above the limit")
    expect(over).to_contain_text("Cleared, not acknowledged")
    expect(over).to_contain_text("worst: 440 kW of 300 kW: 140 kW too much (substation-1)")
    expect(calling(alarms, OVER)).to_have_count(0)
    alarms.reload()
    expect(alarms.locator("#alarm-badge")).to_have_text("○ 1 cleared, not acknowledged")
    over.get_by_role("button", name="Acknowledge").click()
    expect(over.get_by_role("button", name="Acknowledge")).to_be_hidden()
    over.locator("summary").click()
    expect(over.get_by_role("listitem").first).to_contain_text(re.compile(r"substation-1 lasted [\d.]+ m?s"))
    alarms.reload()
    newest = alarms.locator("#history tr").first
    expect(newest).to_contain_text("Acknowledged")
    expect(newest).to_contain_text("olga")


def test_a_mute_has_a_reason_and_an_end_and_a_muted_critical_is_still_told(alarms: Page, grid: Grid) -> None:
    settle(alarms)
    with derated(grid):
        calling(alarms, OVER).get_by_role("button", name="Mute").click()
        dialog = alarms.get_by_role("dialog", name="Mute alarms")
        expect(dialog.get_by_text("This rule is critical")).to_be_visible()
        expect(dialog.get_by_label("Where")).to_have_value("substation-1")
        assert dialog.get_by_role("button").all_inner_texts() == [
            "Cancel",
            "Mute",
        ]  # as in the dialogs of orders
        dialog.get_by_label("Reason").fill("its limit is right")
        dialog.get_by_role("button", name="Mute", exact=True).click()
        expect(alarms.locator("#alarm-badge")).to_have_text("No alarms · ■ 1 critical muted")
        row = alarms.locator("#mutes tr")
        expect(row).to_contain_text("its limit is right")
        expect(row).to_contain_text("60 min")
        expect(alarms.locator("#muted > li")).to_contain_text("muted by an operator")
        row.get_by_role("button", name="End the mute").click()
        expect(row).to_have_count(0)
        expect(alarms.locator("#alarm-badge")).to_have_text("■ 1 critical")
    alarms.evaluate(MUTE)
    expect(alarms.locator("#alarm-badge")).to_have_text("○ 1 cleared, not acknowledged · 1 mute in force")
    row.get_by_role("button", name="End the mute").click()
    settle(alarms)


def test_a_sound_is_off_until_it_is_chosen_and_then_tells_of_each_new_alarm_on_every_page(
    alarms: Page, grid: Grid
) -> None:
    settle(alarms)
    expect(alarms.locator("#tell-summary")).to_have_text("Nothing in this browser · webhook off")
    alarms.get_by_text("How alarms reach you").click()
    sound = alarms.get_by_role("checkbox", name="Sound for critical alarms")
    expect(sound).not_to_be_checked()
    sound.check()  # it is played once, so that the person knows it
    expect(alarms.locator("#tell-status")).to_have_text("♪ Played the sound of critical alarms.")
    told = "() => new Promise((done) => document.addEventListener('alarm-told', (event) => done(event.detail.way + ' ' + event.detail.alarm.title), { once: true }))"
    alarms.evaluate(f"() => {{ window.told = ({told})(); }}")
    with derated(grid):
        assert alarms.evaluate("() => window.told") == "sound Load above the limit"
        expect(alarms.locator("#tell-status")).to_contain_text("Load above the limit, substation-1")
        alarms.reload()  # remembered, and told once
        expect(alarms.locator("#tell-summary")).to_have_text("This browser: sound · webhook off")
        expect(calling(alarms, OVER)).to_be_visible()
        expect(alarms.locator("#tell-status")).to_be_empty()
    settle(alarms)


def test_the_permission_for_notifications_is_asked_for_by_a_click_and_its_lack_is_said(alarms: Page) -> None:
    alarms.get_by_text("How alarms reach you").click()
    box = alarms.get_by_role("checkbox", name="Notification for warning alarms")
    box.click()  # this browser has no notifications: it denies them
    expect(alarms.locator("#tell-status")).to_contain_text("does not allow notifications here")
    expect(box).not_to_be_checked()
    alarms.reload()
    alarms.get_by_text("How alarms reach you").click()
    expect(box).not_to_be_checked()


def test_what_is_asked_in_vain_is_said(alarms: Page) -> None:
    messages = alarms.evaluate(
        """async () => {
            const { request } = await import(script("lib/request.js"));
            const mute = { rule: "NoHeadroom", minutes: 1441, reason: "too long" };
            return [(await request("POST", "/api/alarms/mutes", mute)).message,
                    (await request("POST", "/api/alarms/1/ack")).message];
        }"""
    )
    assert messages == [
        "a mute ends within 24 hours",
        "this occurrence needs no acknowledgement any more: look again",
    ]


def test_by_the_keyboard_alone(alarms: Page, grid: Grid) -> None:
    settle(alarms)
    with derated(grid):
        button = calling(alarms, OVER).get_by_role("button", name="Acknowledge")
        button.focus()
        alarms.keyboard.press("Enter")
        expect(calling(alarms, OVER)).to_contain_text("acknowledged by")
        expect(calling(alarms, OVER).get_by_role("button", name="Mute")).to_be_focused()
        alarms.keyboard.press("Enter")
        expect(alarms.get_by_label("Reason")).to_be_focused()
        alarms.keyboard.press("Escape")
        expect(calling(alarms, OVER).get_by_role("button", name="Mute")).to_be_focused()
        alarms.get_by_role("link", name="Runbook SubstationOverload").first.press("Enter")
        expect(alarms.get_by_role("heading", name="What to do")).to_be_visible()


def test_acknowledgements_and_history_outlive_the_console(alarms: Page, grid: Grid) -> None:
    settle(alarms)
    with derated(grid):
        calling(alarms, OVER).get_by_role("button", name="Acknowledge").click()
        expect(calling(alarms, OVER)).to_contain_text("acknowledged by")
        alarms.goto("about:blank")  # else the page goes to the login by itself, meanwhile
        grid.kill("admin_ui")
        alarms.goto(_entered(grid))
        alarms.get_by_role("button", name="Log in").click()
        alarms.goto(f"{grid.console}/alarms")
        expect(calling(alarms, OVER)).to_contain_text("acknowledged by olga")
        expect(alarms.locator("#history")).to_contain_text("Acknowledged")
    settle(alarms)


def _entered(grid: Grid) -> str:
    """Return a link to the console when it is back: logins don't outlive it."""
    until(lambda: status(f"{grid.console}/livez") == 200)
    return grid.link()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_with_alarms_mutes_and_the_dialog(
    browser: Browser, grid: Grid, scheme: str
) -> None:
    with derated(grid), logged_in(browser, grid.link(), "/alarms", color_scheme=scheme) as page:
        expect(calling(page, OVER)).to_be_visible()
        page.locator("#ended summary").first.click()
        page.get_by_text("How alarms reach you").click()
        assert axe_faults(page) == []
        page.get_by_role("button", name="Mute a rule").click()
        assert axe_faults(page) == []
        page.get_by_label("Reason").fill("a test of every colour")
        page.get_by_role("button", name="Mute", exact=True).click()
        expect(page.locator("#mutes tr")).to_have_count(1)
        assert axe_faults(page) == []
        page.get_by_role("button", name="End the mute").click()
        expect(page.locator("#mutes tr")).to_have_count(0)
        page.goto(f"{grid.console}/runbooks")
        assert axe_faults(page) == []


def test_nothing_is_wider_than_a_telephone(browser: Browser, grid: Grid) -> None:
    with logged_in(browser, grid.link(), viewport=NARROW) as page:
        page.goto(f"{grid.console}/alarms")
        with derated(grid):
            expect(calling(page, OVER)).to_be_visible()
        expect(ended(page, "Load above the limit")).to_contain_text("Cleared, not acknowledged")
        page.locator("#ended summary").first.click()
        page.get_by_text("How alarms reach you").click()
        assert page.evaluate("() => document.documentElement.scrollWidth") <= NARROW["width"]
        for path in ("/alarms", "/runbooks", "/runbooks/SubstationDown"):
            page.goto(f"{grid.console}{path}")
            expect(page.locator("#alarm-badge")).not_to_have_attribute("data-worst", "unknown")
            assert page.evaluate("() => document.documentElement.scrollWidth") <= NARROW["width"], path


def test_cars_on_one_substation_bring_it_to_its_limit_and_the_alarm_says_how_near(
    alarms: Page, grid: Grid
) -> None:
    settle(alarms)
    charge(grid, "substation-3", CARS)
    soon = calling(alarms, "Soon at its limit: substation-3")
    expect(soon).to_contain_text("99 % of 1,400 kW")
    expect(soon).to_contain_text("▲ Warning")
    for each in get(f"{grid.substations[2]}/sessions?limit=1000&after=0")["sessions"]:
        stop_session(grid, each["session_id"])
    expect(ended(alarms, "Soon at its limit")).to_contain_text("Cleared, not acknowledged")
    settle(alarms)


def test_a_lost_substation_is_told_acknowledged_and_over_when_it_is_back(alarms: Page, grid: Grid) -> None:
    settle(alarms)
    alarm = calling(alarms, "Substation lost: substation-2")
    with frozen(grid, "substation-2"):
        expect(alarm).to_contain_text("■ Critical")
        expect(alarm).to_contain_text("start it again")
        alarm.get_by_role("button", name="Acknowledge").click()
        expect(alarm).to_contain_text("Active, acknowledged by olga")
    expect(alarm).to_have_count(0)
    expect(alarms.locator("#history tr").filter(has_text="SubstationDown").first).to_contain_text("Cleared")


def test_cars_that_all_want_one_substation_are_an_uneven_load_until_they_have_left(
    alarms: Page, grid: Grid
) -> None:
    settle(alarms)
    uneven = calling(alarms, "Load is uneven")
    heavy = placed(grid, "EV-heavy", substations=["substation-2"], max_power_kw=1200, energy_kwh=1000)
    expect(uneven).to_contain_text("substation-2 is at 86 %")
    expect(uneven).to_contain_text("Check the placement policy")
    expect(uneven.get_by_role("link", name="See Decisions")).to_have_attribute("href", "/decisions")
    expect(uneven.get_by_role("link", name="Runbook LoadImbalance")).to_have_attribute(
        "href", "/runbooks/LoadImbalance"
    )
    stop_session(grid, heavy["session_id"])
    expect(ended(alarms, "Load is uneven")).to_contain_text("Cleared, not acknowledged")
    settle(alarms)


def test_cars_that_a_full_grid_turns_away_are_an_alarm_until_nobody_is(alarms: Page, grid: Grid) -> None:
    settle(alarms)
    refused = calling(alarms, "Cars are turned away")
    rooms_kw = {
        each["substation_id"]: each["headroom_kw"] for each in get(f"{grid.balancer}/fleet")["substations"]
    }
    full = [
        placed(grid, f"EV-{name}", substations=[name], max_power_kw=room_kw - 1, energy_kwh=1000)[
            "session_id"
        ]
        for name, room_kw in rooms_kw.items()
    ]
    answers = [ask(grid, f"EV-late-{number}", max_power_kw=22)[0] for number in range(10)]
    assert set(answers) == {503}
    expect(refused).to_contain_text(re.compile(r"requests a second: \d+ %"))
    expect(refused).to_contain_text("Restore drained substations and lowered limits")
    alarms.goto(grid.console)
    expect(alarms.locator("#totals")).to_contain_text(re.compile(r"▲ \d\d in the last 60 s"))
    alarms.goto(f"{grid.console}/rush-hour")
    expect(alarms.locator("#rush-refusals")).to_contain_text(
        re.compile(r"Refusals: \d+\.\d per second, \d\d in the last 60 s")
    )
    alarms.goto(f"{grid.console}/alarms")
    ended(alarms, "Cars are turned away").get_by_role("link", name="Runbook RefusalRateHigh").press("Enter")
    expect(alarms.get_by_role("heading", name="RefusalRateHigh")).to_be_visible()
    for session_id in full:
        stop_session(grid, session_id)
    alarms.goto(f"{grid.console}/alarms")
    expect(ended(alarms, "Cars are turned away")).to_contain_text("Cleared, not acknowledged")
    settle(alarms)
