"""The page of people and the one-time links, in a real browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from admin_ui.people import one_time_link
from admin_ui.web.logins import Role
from tests.console.browser import NARROW, WIDE, axe_faults, log_in, visit
from tests.support.console import Console, people

NEW = "another long password"


@pytest.fixture(scope="module")
def console(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console on loopback, without a grid."""
    data = tmp_path_factory.mktemp("console")
    people(data, ada=Role.ADMINISTRATOR, ann=Role.OPERATOR)
    made = Console(data, keep_people=True).serves()
    yield made
    made.stop()


def url(console: Console, path: str = "/") -> str:
    return f"http://127.0.0.1:{console.port}{path}"


def test_a_person_is_added_by_the_keyboard_and_sets_a_password_by_the_link(
    browser: Browser, console: Console
) -> None:
    with visit(browser, url(console, "/login?next=%2Fpeople")) as page:
        log_in(page, "ada")
        page.get_by_label("Name", exact=True).fill("bob")
        page.keyboard.press("Tab")
        page.keyboard.type("viewer")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.get_by_role("status").filter(has_text="bob may log in as viewer")).to_be_visible()
        link = page.get_by_label("One-time link")
        expect(link).to_be_focused()
        row = page.get_by_role("row").filter(has_text="bob")
        expect(row).to_contain_text("no password yet")
        with visit(browser, link.input_value()) as theirs:
            theirs.get_by_label("at least 12 characters").fill(NEW)
            theirs.get_by_label("Repeat the new password").fill(NEW)
            assert axe_faults(theirs) == []
            theirs.keyboard.press("Enter")
            expect(theirs.get_by_role("heading", name="Overview")).to_be_visible()
            expect(row).to_contain_text("1 login")
            page.get_by_role("button", name="End logins bob").click()
            page.get_by_role("dialog", name="End all logins of bob?").get_by_role(
                "button", name="End logins"
            ).click()
            expect(theirs.get_by_role("heading", name="Log in")).to_be_visible()
        expect(row).not_to_contain_text("1 login")


def test_a_role_is_changed_and_the_last_administrator_can_t_be_demoted(
    browser: Browser, console: Console
) -> None:
    with visit(browser, url(console, "/login?next=%2Fpeople")) as page:
        log_in(page, "ada")
        page.get_by_label("Role of ann").select_option("viewer")
        expect(page.get_by_role("status").filter(has_text="ann is viewer now")).to_be_visible()
        page.get_by_label("Role of ada").select_option("viewer")
        refused = page.get_by_text("ada is the last administrator")
        expect(refused).to_be_visible()
        expect(page.get_by_label("Role of ada")).to_have_value("administrator")
        page.get_by_role("button", name="Remove ada").click()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(page.get_by_role("button", name="Remove ada")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_people_page_its_dialog_and_the_links(
    browser: Browser, console: Console, scheme: str
) -> None:
    with visit(browser, url(console, "/login?next=%2Fpeople"), color_scheme=scheme) as page:
        log_in(page, "ada")
        expect(page.get_by_role("button", name="Remove ada")).to_be_visible()
        page.get_by_role("button", name="Reset password ann").click()
        assert axe_faults(page) == []
        page.get_by_role("dialog").get_by_role("button", name="Reset password").click()
        expect(page.get_by_label("One-time link")).to_be_visible()
        for size in (WIDE, NARROW):
            page.set_viewport_size(size)
            assert axe_faults(page) == []
            assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        with visit(browser, url(console, "/login"), color_scheme=scheme) as other:
            other.goto(one_time_link.url(console.data, url(console, "")))
            expect(other.get_by_label("Your name")).to_be_focused()
            assert axe_faults(other) == []
