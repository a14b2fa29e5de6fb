"""`make screenshots`: every page of the console in every state, light and dark, wide and narrow, to be looked at.

A real grid is brought into each state; nothing is judged here. `ONLY="alarms lost"` takes those of these functions.
"""

import os
import signal
import subprocess
import sys
import tempfile
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.console.browser import CHROMIUM, HUGE, NARROW, WIDE, chromium, visit
from tests.console.cars import all_leave, carry, operate, placed
from tests.console.conftest import METERS
from tests.console.people.screenshots import accounts, together
from tests.support.grid import ROOT, Grid
from tests.support.lone_console import console

FOLDER = ROOT / "data" / "screenshots"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WALL: ViewportSize = {"width": 1920, "height": 1080}
LOOKS = [(scheme, size) for scheme in SCHEMES for size in (WIDE, NARROW, WALL, HUGE)]
CARS, SECONDS = 300, 12
MANY = 1000
REASON = "Reason (for the audit log)"


class Camera:
    """One page; `shoot` keeps what it shows, in every look."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self._address = address

    def to(self, path: str) -> Page:
        """Go to a page, and wait for what it shows."""
        self.page.goto(self._address + path)
        self.page.wait_for_timeout(1500)
        return self.page

    def shoot(self, name: str, path: str | None = None) -> None:
        """Write `<name>-<scheme>-<width>.png` for each look."""
        if path is not None:
            self.to(path)
        for scheme, size in LOOKS:
            self.page.emulate_media(color_scheme=scheme)
            self.page.set_viewport_size(size)
            self.page.wait_for_timeout(250)  # charts are drawn anew
            file = FOLDER / f"{name}-{scheme}-{size['width']}.png"
            self.page.screenshot(path=file, full_page=not self.page.get_by_role("dialog").count())
        self.page.set_viewport_size(WIDE)
        print(name)


def alone(browser: Browser) -> None:
    """What a console shows that sees no grid, an empty one, or a very large one."""
    for count, name in ((None, "unreachable"), (0, "empty"), (MANY, "many")):
        with tempfile.TemporaryDirectory() as data, console(Path(data), count) as served:
            if count is None:
                with visit(browser, f"{served.url}/login") as page:
                    Camera(page, served.url).shoot("login")
                with visit(browser, f"{served.url}/enter?token=x") as page:
                    Camera(page, served.url).shoot("login-link-used")
                with visit(browser, f"{served.url}/login") as page:
                    page.goto(served.link())
                    Camera(page, served.url).shoot("login-link")
            with visit(browser, served.link()) as page:
                Camera(page, served.url).shoot(f"overview-{name}", "/")
                if count is None:
                    Camera(page, served.url).shoot("rush-unreachable", "/rush-hour")


def evening(browser: Browser) -> None:
    """An evening with base loads, whose last four weeks were imported: forecasts, and the policy that goes by them."""
    with tempfile.TemporaryDirectory() as data:
        for number in (1, 2, 3):
            file = ROOT / f"substation/base_load/samples/sample-{number}.csv"
            column = f"kw=substation-{number}"
            command = [sys.executable, "-m", "balancer.forecast", "import", "--column", column]
            subprocess.run(
                [*command, "--peak-kw", "900", "--data-dir", data, str(file)], cwd=ROOT, check=True
            )
        grid = Grid(Path(data), BASE_LOAD="sample", BASE_LOAD_KW="900", DAY_STARTS_AT="15:00")
        grid.start()
        try:
            for number in range(120):
                placed(grid, f"EV-evening-{number}", max_power_kw=11, energy_kwh=60)
            operate(grid, "PUT", "/policy", policy="predictive")
            with visit(browser, grid.link()) as page:
                camera = Camera(page, grid.console)
                camera.to("/?substation=substation-2").wait_for_timeout(3000)
                camera.shoot("overview-evening-no-forecast")
                page.wait_for_timeout(75_000)  # ten quarter hours: the first forecasts are judged after 2 h
                camera.shoot("overview-evening", "/")
                camera.to("/?substation=substation-2").wait_for_timeout(3000)
                camera.shoot("overview-evening-details")
        finally:
            grid.stop()


def before(camera: Camera, _: Grid) -> None:
    """What a newcomer sees: nothing has happened yet."""
    camera.shoot("overview-idle", "/")
    camera.shoot("sessions-empty", "/sessions")
    camera.shoot("rush-empty", "/rush-hour")
    camera.shoot("decisions-empty", "/decisions")
    camera.shoot("alarms-none", "/alarms")
    camera.shoot("runbooks", "/runbooks")
    camera.shoot("runbook", "/runbooks/SubstationOverload")
    camera.shoot("account", "/account")


def start(camera: Camera, cars: int = CARS, seconds: int = SECONDS) -> None:
    """Press the button of the rush hour's page."""
    page = camera.to("/rush-hour")
    page.get_by_text("Options").click()
    page.get_by_label("Requests", exact=True).fill(str(cars))
    page.get_by_label("Duration in seconds", exact=True).fill(str(seconds))
    page.get_by_role("button", name="Start rush hour").click()
    expect(page.locator("#rush-title")).to_contain_text("Running")
    page.wait_for_timeout(4000)


def finish(camera: Camera) -> None:
    """Wait until the run has its verdict."""
    expect(camera.to("/rush-hour").locator("#rush-title")).to_contain_text("Last run")
    camera.page.wait_for_timeout(1000)


def under_load(camera: Camera, _: Grid) -> None:
    """A run that passes, and the other pages during it."""
    start(camera)
    camera.shoot("rush-running")
    camera.shoot("overview-load", "/")
    camera.shoot("overview-details", "/?substation=substation-2")
    camera.shoot("sessions", "/sessions")
    camera.shoot("sessions-no-match", "/sessions?q=nobody")
    camera.shoot("sessions-ended", "/sessions/ended")
    page = camera.to("/decisions")
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Show 3 candidates").first.click()
    camera.shoot("decisions-feed")
    page.get_by_label("Refused only").check()
    camera.shoot("decisions-refused")
    views(camera)
    finish(camera)
    camera.shoot("rush-passed")
    camera.page.locator("#rush-run").get_by_role("link", name="Open the report").click()
    expect(camera.page.locator("h1")).to_be_visible()
    camera.shoot("report")


def views(camera: Camera) -> None:
    """The other views of the overview, the energy of the day, the list of keys, and decisions that wait to be shown."""
    camera.shoot("overview-diagram", "/?view=diagram")
    camera.shoot("overview-charts", "/?charts=all")
    camera.shoot("overview-wall", "/?wall=1")
    camera.shoot("energy", "/energy")
    camera.to("/").keyboard.press("?")
    camera.shoot("keys")
    camera.page.keyboard.press("Escape")


def failed(camera: Camera, grid: Grid) -> None:
    """A run that fails a threshold: one substation takes no cars."""
    order(camera, "Drain", "screenshots")
    start(camera, CARS * 2)
    camera.shoot("overview-drained", "/")
    finish(camera)
    camera.shoot("rush-failed")
    compared(camera)
    order(camera, "Restore", "screenshots are taken")
    session_id = placed(grid, "EV-seen", energy_kwh=80)["session_id"]
    camera.shoot("decisions-story", f"/decisions?session_id={urllib.parse.quote(session_id)}")
    camera.shoot("decisions-unknown", "/decisions?vehicle_id=nobody")


def stopped(camera: Camera, _: Grid) -> None:
    """A run that was stopped, with its cars taken off; an address without a page; scripts that do not come."""
    start(camera, CARS * 8, SECONDS * 8)  # it must outlast the pictures of its dialog
    camera.shoot("rush-stop-button")
    camera.page.get_by_role("button", name="Stop rush hour").click()
    camera.shoot("rush-stop-asked")
    camera.page.get_by_label("end the sessions").check()
    camera.shoot("rush-stop-ends-sessions")
    camera.page.get_by_role("dialog").get_by_role("button", name="Stop and end").click()
    expect(camera.page.locator("#rush-title")).to_contain_text("stopped")
    camera.shoot("rush-stopped")
    camera.shoot("problem-404", "/nothing")
    camera.page.route("**/static/*/js/web/main.js", lambda route: route.abort())
    camera.to("/alarms")
    camera.page.wait_for_timeout(3500)
    camera.shoot("scripts-lacking")
    camera.page.unroute("**/static/*/js/web/main.js")


def compared(camera: Camera) -> None:
    """The two newest runs side by side; of one alone, the list."""
    boxes = camera.page.get_by_role("checkbox", disabled=False).all()[:2]
    for box in boxes:
        box.check()
    camera.shoot("rush-list")
    if len(boxes) > 1:
        camera.page.get_by_role("button", name="Compare").click()
        expect(camera.page.get_by_role("heading", level=1)).to_have_text("Comparison of runs")
        camera.shoot("compare")


def order(camera: Camera, name: str, reason: str) -> None:
    """Give an order to substation-2, and see it confirmed."""
    page = camera.to("/?substation=substation-2")
    page.get_by_role("button", name=f"{name}…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label(REASON).fill(reason)
    expect(dialog.locator(".preview:not([aria-busy])")).to_be_visible()
    dialog.get_by_role("button", name=name, exact=True).click()
    expect(dialog.get_by_role("status")).to_contain_text("✓ Confirmed")


def dialogs(camera: Camera, _: Grid) -> None:
    """Each order before it is given, one refused and one confirmed."""
    for button, name in (("Drain…", "act-drain"), ("Change limit…", "act-limit")):
        camera.to("/?substation=substation-2").get_by_role("button", name=button).click()
        expect(camera.page.locator(".preview:not([aria-busy])")).to_be_visible()
        camera.shoot(name)
    camera.to("/").get_by_role("button", name="Switch…").click()
    camera.page.get_by_label("Policy for new cars").select_option("round_robin")
    camera.page.wait_for_timeout(500)
    camera.shoot("act-policy")
    camera.page.get_by_role("dialog").get_by_role("button", name="Switch", exact=True).click()
    camera.shoot("act-no-reason")
    order(camera, "Drain", "screenshots")
    camera.shoot("act-confirmed")
    order(camera, "Restore", "screenshots are taken")


def alarms(camera: Camera, grid: Grid) -> None:
    """A substation that does not answer: alarms, a mute, the history."""
    pid = grid.pids("substation")[2]
    os.kill(pid, signal.SIGSTOP)
    try:
        page = camera.to("/alarms")
        expect(page.locator("#calling > li[data-active]").first).to_be_visible()
        camera.shoot("alarms-active")
        camera.shoot("overview-lost", "/")
        camera.to("/sessions").wait_for_timeout(5000)  # as long as a silent substation is waited for
        camera.shoot("sessions-substation-lost")
        camera.to("/alarms").locator("#calling > li").first.get_by_role("button", name="Mute").click()
        camera.shoot("alarms-mute")
        page.get_by_label("Reason").fill("it is being repaired")
        page.get_by_role("dialog").get_by_role("button", name="Mute", exact=True).click()
        expect(page.locator("#mutes tr")).to_have_count(1)
        camera.shoot("alarms-muted")
    finally:
        os.kill(pid, signal.SIGCONT)
    page.wait_for_timeout(3000)
    camera.to("/alarms").locator("#ended summary").first.click()
    page.get_by_text("How alarms reach you").click()
    camera.shoot("alarms-ended")
    camera.to("/audit").locator("#entries summary").first.click()
    camera.shoot("audit")
    camera.shoot("audit-verified", "/audit?verify=1")


def lost(camera: Camera, grid: Grid) -> None:
    """A balancer that does not answer any more."""
    (pid,) = grid.pids("balancer")
    camera.to("/")
    os.kill(pid, signal.SIGSTOP)
    try:
        expect(camera.page.locator("#link-state")).to_contain_text("has not answered since")
        camera.shoot("overview-link-lost")
    finally:
        os.kill(pid, signal.SIGCONT)


def base_load(camera: Camera, grid: Grid) -> None:
    """Base loads beside cars, and sessions that one of them has paused."""
    for url, base_load_kw in zip(grid.substations, (500, 400, 300), strict=True):
        carry(url, base_load_kw)
    for number in range(180):
        name = f"substation-{number % 3 + 1}"
        placed(grid, f"EV-slow-{number}", substations=[name], max_power_kw=3.7, energy_kwh=80)
    camera.to("/").wait_for_timeout(20_000)
    carry(grid.substations[1], 1250)
    camera.to("/").wait_for_timeout(3000)
    camera.shoot("overview-base-load")
    camera.to("/?substation=substation-2").wait_for_timeout(2000)
    camera.shoot("overview-base-load-details")
    camera.shoot("sessions-paused", "/sessions?state=paused")
    camera.shoot("alarms-paused", "/alarms")
    paused = next(each for each in reversed(grid.sessions()) if each["state"] == "paused")
    camera.shoot(
        "decisions-story-paused", f"/decisions?session_id={urllib.parse.quote(paused['session_id'])}"
    )
    camera.shoot("rush-base-load", "/rush-hour")
    for url in grid.substations:
        carry(url, 0)
    all_leave(grid)


def shot(page: Page, name: str) -> None:
    """Keep what a page shows that a function of another module has opened."""
    Camera(page, "").shoot(name)


def people(camera: Camera, grid: Grid) -> None:
    """Two people at work together."""
    browser = camera.page.context.browser
    assert browser
    together(browser, shot, grid)


STATES: list[Callable[[Camera, Grid], None]] = [
    before,
    stopped,
    under_load,
    dialogs,
    failed,
    base_load,
    alarms,
    people,
    lost,
]


def main() -> None:
    """Take them all, or those of the functions that are named."""
    if not CHROMIUM:
        sys.exit("There is no Chromium: install the package chromium")
    only = sys.argv[1:]
    FOLDER.mkdir(parents=True, exist_ok=True)
    with chromium() as browser, tempfile.TemporaryDirectory() as data:
        if not only or "alone" in only:
            alone(browser)
        if not only or "evening" in only:
            evening(browser)
        if not only or "accounts" in only:
            accounts(browser, shot)
        states = [state for state in STATES if not only or state.__name__ in only]
        if not states:
            return
        grid = Grid(Path(data), TIME_SCALE="600", ALARM_DELAYS="0.1", **METERS)
        grid.start()
        try:
            with visit(browser, grid.link()) as page:
                camera = Camera(page, grid.console)
                for state in states:
                    state(camera, grid)
        finally:
            grid.stop()
    print(f"Look at them: {FOLDER.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
