"""Pictures of logging in, of people, and of people at work together, for `tests.console.screenshots`."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page

from admin_ui.people import one_time_link
from admin_ui.web.logins import Role
from tests.console.browser import log_in, logged_in, visit
from tests.support.console import Console, people
from tests.support.grid import Grid
from tests.support.single_sign_on import provider, settings

Shoot = Callable[[Page, str], None]
REASON = "Reason (for the audit log)"


def accounts(browser: Browser, shoot: Shoot) -> None:
    """Logging in, single sign-on, links, the account and the page of people; of consoles without a grid."""
    with tempfile.TemporaryDirectory() as folder, provider() as op:
        data = Path(folder)
        people(data, ada=Role.ADMINISTRATOR, ann=Role.OPERATOR, vic=Role.VIEWER)
        console = Console(data, settings(data, op.url), keep_people=True).serves()
        address = f"http://127.0.0.1:{console.port}"
        try:
            with visit(browser, f"{address}/login") as page:
                shoot(page, "login-sso")
                op.control(groups=["visitors"])
                page.get_by_role("link", name="Log in with").click()
                page.get_by_label("Name").fill("eve@example")
                page.get_by_role("button", name="Sign in").click()
                shoot(page, "login-sso-refused")
                op.control(groups=["grid-ops"])
                page.goto(f"{address}/sso?next=%2Faccount")
                page.get_by_label("Name").fill("grace@example")
                page.get_by_role("button", name="Sign in").click()
                shoot(page, "account-sso")
            with visit(browser, f"{address}/login?next=%2Fpeople") as page:
                log_in(page, "ada")
                page.get_by_label("Name", exact=True).fill("bob")
                page.get_by_role("button", name="Add", exact=True).click()
                link = page.get_by_label("One-time link")
                shoot(page, "people")
                with visit(browser, link.input_value()) as theirs:
                    shoot(theirs, "invitation")
                page.get_by_role("button", name="Remove ann").click()
                shoot(page, "people-remove")
                page.keyboard.press("Escape")
                page.goto(f"{address}/account")
                shoot(page, "account-administrator")
            with visit(browser, f"{address}/login") as page:
                page.goto(one_time_link.url(data, address))
                shoot(page, "enter-named")
        finally:
            console.stop()


def together(browser: Browser, shoot: Shoot, grid: Grid) -> None:
    """Two people: who is here, whose dialog is open, and who was faster."""
    at = "/?substation=substation-2"
    with logged_in(browser, grid.link(), at, "ben") as ben, logged_in(browser, grid.link(), at, "cat") as cat:
        cat.get_by_role("button", name="Drain…").click()
        ben.locator("#present summary").click()
        shoot(ben, "present")
        ben.locator("#present summary").click()
        ben.get_by_role("button", name="Change limit…").click()
        shoot(ben, "act-others")
        ben.keyboard.press("Escape")
        ben.get_by_role("button", name="Drain…").click()
        cat.get_by_label(REASON).fill("works of the other shift")
        cat.get_by_role("dialog").get_by_role("button", name="Drain", exact=True).click()
        ben.get_by_role("dialog").get_by_role("status").filter(has_text="faster").wait_for()
        shoot(ben, "act-somebody-was-faster")
        cat.get_by_role("button", name="Undo").click()
        cat.get_by_role("dialog").get_by_role("button", name="Restore", exact=True).click()
        cat.get_by_role("dialog").get_by_role("status").filter(has_text="Confirmed").wait_for()
