"""A grid that asks for API keys, and a console that others reach: the password over an order, and the key of a run."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from gateway.callers import digest
from tests.console.browser import NARROW, axe_faults, log_in, logged_in, visit
from tests.support.console import PASSWORD, Console
from tests.support.grid import Grid, get, status

KEY = "k" * 40
# The console as it is, but for the five minutes for which a password holds: nobody waits for them in a test.
CONFIRMED_FOR_S = 2.0
PROGRAM = f"""
import runpy
from admin_ui.web import logins
logins.CONFIRMED_FOR_S = {CONFIRMED_FOR_S}
runpy.run_module("admin_ui", run_name="__main__")
"""
PASSES_MS = (CONFIRMED_FOR_S + 0.1) * 1000  # until a password that was given holds no longer


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the gateway's file of keys, and the console's own key."""
    folder = tmp_path_factory.mktemp("keys")
    (folder / "all").write_text(f"console {digest(KEY)}\n")
    (folder / "own").write_text(KEY + "\n")
    return folder


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory, keys: Path) -> Iterator[Grid]:
    given = {"API_KEYS": str(keys / "all"), "GATEWAY_API_KEY_FILE": str(keys / "own"), "TIME_SCALE": "1200"}
    made = Grid(tmp_path_factory.mktemp("grid"), **given)
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def reached(browser: Browser, grid: Grid, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A second console of the same grid, which a proxy lets others reach."""
    environ = {"BALANCER_URL": grid.balancer, "GATEWAY_URL": grid.gateway, "BEHIND_TLS_PROXY": "1"}
    made = Console(tmp_path_factory.mktemp("reached"), environ, program=("-c", PROGRAM))
    try:
        yield made.serves()
    finally:
        made.stop()


def ordering(page: Page, reached: Console) -> Locator:
    """Log in, and order a drain; returns the dialog of the order under that of the password."""
    page.goto(f"http://127.0.0.1:{reached.port}/login?next=%2F%3Fsubstation%3Dsubstation-2")
    log_in(page, "ann")
    page.get_by_role("button", name="Drain…").click()
    order = page.locator("dialog.act-dialog")
    expect(order.locator(".as-of")).to_be_visible()
    page.get_by_label("Reason (for the audit log)").fill("works on the line")
    page.wait_for_timeout(PASSES_MS)  # the login's own password holds no longer
    page.keyboard.press("Enter")
    expect(password(page)).to_be_focused()
    return order


def password(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Password")


def draining(grid: Grid) -> bool:
    rows = get(f"{grid.balancer}/fleet")["substations"]
    return any(row["draining"] for row in rows)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_password_is_asked_for_over_the_order_which_waits_for_it(
    browser: Browser, grid: Grid, reached: Console, scheme: str
) -> None:
    with visit(browser, f"http://127.0.0.1:{reached.port}/login", color_scheme=scheme) as page:
        order = ordering(page, reached)
        page.set_viewport_size(NARROW)
        assert axe_faults(page) == []
        page.keyboard.press("Escape")  # gives the password up, and not the order
        expect(password(page)).to_have_count(0)
        expect(order.get_by_role("status")).to_contain_text("Not done")
        expect(page.get_by_label("Reason (for the audit log)")).to_have_value("works on the line")
        assert not draining(grid)
        order.get_by_role("button", name="Drain", exact=True).click()
        expect(password(page)).to_be_focused()
        page.keyboard.type("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_text("That is not your password.")).to_be_visible()
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        expect(order.get_by_role("status")).to_contain_text("✓ Confirmed")
        assert draining(grid)
        order.get_by_role("button", name="Undo").click()
        expect(page.locator(".as-of")).to_be_visible()
        page.wait_for_timeout(PASSES_MS)
        page.get_by_role("button", name="Restore", exact=True).click()
        expect(password(page)).to_be_focused()
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.locator(".act-dialog").get_by_role("status")).to_contain_text("✓ Confirmed")
        assert not draining(grid)


def test_a_run_of_the_console_shows_the_gateway_the_key_and_says_when_it_is_not_let_in(
    browser: Browser, grid: Grid, keys: Path
) -> None:
    assert status(f"{grid.gateway}/charge?vehicle_id=EV-1") == 401
    with logged_in(browser, grid.link(), "/rush-hour") as page:
        page.get_by_text("Options").click()
        page.get_by_label("Requests", exact=True).fill("120")
        page.get_by_label("Duration in seconds", exact=True).fill("4")
        page.get_by_role("button", name="Start rush hour").click()
        # All were let in. How evenly so few cars are spread on a busy machine is not the point, and may break a threshold.
        expect(page.locator("#rush-title")).to_contain_text(re.compile("Last run: (passed|failed)"))
        expect(page.locator("#rush-run dl")).to_contain_text("Admitted120")
        (keys / "own").write_text("w" * 40)
        page.get_by_role("button", name="Start rush hour").click()
        expect(page.locator("#rush-title")).to_contain_text("Last run: not started")
        expect(page.locator("#rush-run")).to_contain_text("Give it an API key", ignore_case=True)
