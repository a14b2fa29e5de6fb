"""Single sign-on in a real browser, at a real provider: logging in, confirming, logging out."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.browser import axe_faults, visit
from tests.console.people.confirm import CONFIRM
from tests.support.console import Console
from tests.support.single_sign_on import Provider, provider, settings


@pytest.fixture(scope="module")
def op() -> Iterator[Provider]:
    with provider() as made:
        yield made


@pytest.fixture(scope="module")
def console(browser: Browser, op: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    data = tmp_path_factory.mktemp("console")
    made = Console(data, settings(data, op.url)).serves()
    yield made
    made.stop()


def sign_in(page: Page, name: str) -> None:
    """Fill the provider's form in."""
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Sign in").click()


def test_one_logs_in_at_the_provider_lands_where_one_wanted_to_and_logs_out(
    browser: Browser, console: Console
) -> None:
    address = f"http://127.0.0.1:{console.port}"
    with visit(browser, f"{address}/audit?person=grace%40example") as page:
        assert axe_faults(page) == []
        page.get_by_role("link", name="Log in with 127.0.0.1").click()
        sign_in(page, "grace@example")
        expect(page).to_have_url(f"{address}/audit?person=grace%40example")
        expect(page.get_by_role("row").filter(has_text="log in by single sign-on")).to_contain_text("done")
        page.get_by_role("link", name="Account: grace@example").click()
        expect(page.get_by_text("Your role comes from 127.0.0.1")).to_be_visible()
        page.get_by_role("button", name="Log out here").click()
        expect(page.get_by_role("link", name="Log in with")).to_be_visible()


def test_who_has_no_role_reads_which_groups_are_missing(
    browser: Browser, console: Console, op: Provider
) -> None:
    op.control(groups=["visitors"])
    with visit(browser, f"http://127.0.0.1:{console.port}/login") as page:
        page.get_by_role("link", name="Log in with 127.0.0.1").click()
        sign_in(page, "eve@example")
        expect(page.get_by_role("alert")).to_contain_text("no role here for eve@example")
        expect(page.get_by_role("alert")).to_contain_text("visitors")
        assert axe_faults(page) == []
    op.control(groups=["grid-ops"])


def test_an_action_is_confirmed_at_the_provider_in_a_window_beside_it(
    browser: Browser, console: Console
) -> None:
    with visit(browser, f"http://127.0.0.1:{console.port}/login?next=%2Falarms") as page:
        page.get_by_role("link", name="Log in with 127.0.0.1").click()
        sign_in(page, "grace@example")
        expect(page.get_by_role("heading", level=1)).to_have_text("Alarms")
        page.evaluate(CONFIRM)
        dialog = page.get_by_role("dialog", name="Confirm your password")
        assert axe_faults(page) == []
        with page.context.expect_page() as opened:
            dialog.get_by_role("link", name="Log in again").click()
        window = opened.value
        sign_in(window, "grace@example")
        expect(window.get_by_role("heading", name="Password confirmed")).to_be_visible()
        window.close()
        dialog.get_by_role("button", name="Continue").click()
        expect(dialog).to_have_count(0)
        assert page.evaluate("() => window.result") == "2 sent, 200"
