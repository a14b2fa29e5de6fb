"""Logging in and out, the password before an action, and the audit page, in a real browser."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from admin_ui.web.logins import Role
from tests.console.browser import NARROW, WIDE, axe_faults, log_in, visit
from tests.console.people.confirm import CONFIRM
from tests.support.console import PASSWORD, Console, people
from tests.support.grid import until


@pytest.fixture(scope="module")
def console(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console without a grid: these pages need none."""
    made = Console(tmp_path_factory.mktemp("console"), {"BEHIND_TLS_PROXY": "1"})
    try:
        yield made.serves()
    finally:
        made.stop()


def url(console: Console, path: str = "/") -> str:
    return f"http://127.0.0.1:{console.port}{path}"


def test_one_logs_in_with_the_keyboard_lands_where_one_wanted_to_and_logs_out(
    browser: Browser, console: Console
) -> None:
    with visit(browser, url(console, "/audit?person=ann")) as page:
        expect(page.get_by_label("Name")).to_be_focused()
        log_in(page, "ann")
        expect(page).to_have_url(url(console, "/audit?person=ann"))
        expect(page.get_by_role("row").filter(has_text="log in").first).to_contain_text("done")
        page.get_by_role("button", name="Log out").click()
        expect(page).to_have_url(url(console, "/login"))
        page.goto(url(console, "/alarms"))
        expect(page).to_have_url(url(console, "/login?next=%2Falarms"))


def test_an_order_that_was_refused_before_the_grid_was_asked_is_in_the_audit_log(
    browser: Browser, console: Console
) -> None:
    ask = """(body) => fetch("/api/orders", {
      method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" },
    }).then((answer) => answer.status)"""
    with visit(browser, url(console, "/audit?person=vic")) as page:
        log_in(page, "vic")
        expect(page.get_by_role("heading", name="Audit")).to_be_visible()
        assert page.evaluate(ask, {"order": "drain", "target": "substation-1"}) == 403
        refused = page.get_by_role("row").filter(has_text="this requires the role operator")
        until(lambda: page.reload() and refused.count() == 1)
        expect(refused).to_contain_text("refused")
    with visit(browser, url(console, "/audit?person=ann")) as page:
        log_in(page, "ann")
        expect(page.get_by_role("heading", name="Audit")).to_be_visible()
        assert page.evaluate(ask, {"order": "explode", "target": "substation-1"}) == 400
        assert page.evaluate(ask, {"order": "drain", "target": "substation-1", "reason": "no"}) == 422
        until(lambda: page.reload() and page.get_by_role("row").filter(has_text="refused").count() == 2)
        expect(page.get_by_role("row").filter(has_text="order must be one of")).to_have_count(1)
        expect(page.get_by_role("row").filter(has_text="a reason has 3 to 200")).to_contain_text(
            "substation-1"
        )


def test_a_wrong_password_is_said_and_the_name_is_kept(browser: Browser, console: Console) -> None:
    with visit(browser, url(console)) as page:
        log_in(page, "vic", "wrong")
        expect(page.get_by_role("alert")).to_have_text("Wrong name or password.")
        expect(page.get_by_label("Name")).to_have_value("vic")
        expect(page.get_by_label("Password")).to_be_focused()
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_who_tries_too_often_is_told_to_wait(browser: Browser, console: Console) -> None:
    there = {"X-Forwarded-For": "192.0.2.7"}
    for _ in range(10):
        console.post("/login", there, name="zoe", password="x")
    with visit(browser, url(console), extra_http_headers=there) as page:
        log_in(page, "zoe", "wrong")
        expect(page.get_by_role("alert")).to_contain_text("Too many attempts. Wait")


def test_a_viewer_sees_no_control_of_an_action(browser: Browser, console: Console) -> None:
    for name, visible in {"vic": False, "ann": True}.items():
        with visit(browser, url(console)) as page:
            log_in(page, name)
            expect(page.get_by_role("heading", name="Overview")).to_be_visible()
            page.evaluate("""() => {
                const control = document.createElement("button");
                control.dataset.needs = "operator"; control.textContent = "Drain";
                document.querySelector("main").append(control);
            }""")
            expect(page.get_by_text("Drain", exact=True)).to_be_visible(visible=visible)


def test_a_login_that_ends_during_use_leads_to_the_login_and_back(browser: Browser, console: Console) -> None:
    people(console.data, ann=Role.OPERATOR, vic=Role.VIEWER, bob=Role.VIEWER)
    with visit(browser, url(console, "/audit?action=log+in")) as page:
        log_in(page, "bob")
        expect(page.get_by_role("heading", name="Audit")).to_be_visible()
        people(console.data, ann=Role.OPERATOR, vic=Role.VIEWER)
        expect(page.get_by_label("Name")).to_be_visible()
        log_in(page, "vic")
        expect(page).to_have_url(url(console, "/audit?action=log+in"))


def test_a_console_that_was_restarted_asks_for_the_login_again(browser: Browser, tmp_path: Path) -> None:
    first = Console(tmp_path).serves()
    with visit(browser, url(first)) as page:
        log_in(page, "vic")
        expect(page.locator("body")).to_have_attribute("data-link", "behind")  # its scripts run
        first.stop()
        second = Console(tmp_path, {"CONSOLE_PORT": str(first.port)}).serves()
        try:
            expect(page.get_by_label("Name")).to_be_visible()
        finally:
            second.stop()


def test_an_action_asks_for_the_password_and_is_sent_again_once_it_is_right(
    browser: Browser, console: Console
) -> None:
    with visit(browser, url(console, "/audit")) as page:
        log_in(page, "ann")
        expect(page.get_by_role("heading", name="Audit")).to_be_visible()
        page.evaluate(CONFIRM)
        dialog = page.get_by_role("dialog", name="Confirm your password")
        expect(dialog.get_by_label("Password")).to_be_focused()
        assert axe_faults(page) == []
        page.keyboard.type("wrong")
        page.keyboard.press("Enter")
        expect(dialog.get_by_role("alert")).to_have_text("That is not your password.")
        expect(dialog.get_by_label("Password")).to_be_focused()
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        expect(dialog).to_have_count(0)
        assert page.evaluate("() => window.result") == "2 sent, 200"


def test_escape_leaves_the_action_undone(browser: Browser, console: Console) -> None:
    with visit(browser, url(console, "/audit")) as page:
        log_in(page, "ann")
        expect(page.get_by_role("heading", name="Audit")).to_be_visible()
        page.evaluate(CONFIRM)
        expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.press("Escape")
        assert page.evaluate("() => window.result") == "1 sent, 403"
        expect(page.get_by_role("dialog")).to_have_count(0)


def late(route: Route) -> None:
    """Let the answer to a form arrive after the end of the login that it replaces, which the page's stream tells."""
    if route.request.method == "POST":
        answer = route.fetch(max_redirects=0)
        time.sleep(1)
        route.fulfill(response=answer)
    else:
        route.continue_()


def test_the_password_is_changed_in_the_account(browser: Browser, console: Console) -> None:
    people(console.data, ann=Role.OPERATOR, vic=Role.VIEWER, cat=Role.VIEWER)
    with visit(browser, url(console)) as page:
        page.route("**/account", late)
        log_in(page, "cat")
        page.get_by_role("link", name="Account: cat").click()
        page.get_by_label("Current password").fill(PASSWORD)
        page.get_by_label("at least 12 characters").fill("another long password")
        page.get_by_label("Repeat the new password").fill("another long password")
        page.get_by_role("button", name="Change password").click()
        expect(page.get_by_role("status").filter(has_text="Password changed")).to_be_visible()
        page.get_by_role("button", name="Log out everywhere").click()
        log_in(page, "cat", "another long password")
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_the_audit_log_is_filtered_checked_and_says_what_is_new(browser: Browser, console: Console) -> None:
    with visit(browser, url(console, "/audit")) as page:
        log_in(page, "ann")
        page.get_by_label("Outcome").select_option("refused")
        page.get_by_role("button", name="Filter").click()
        rows = page.get_by_role("row").filter(has_text="log in")
        expect(rows.filter(has_text="refused").first).to_be_visible()
        expect(rows.filter(has_text="done")).to_have_count(0)
        assert "outcome=refused" in page.url
        page.get_by_label("Target contains").fill("nothing like it")
        page.get_by_role("button", name="Filter").click()
        page.get_by_text("No matching entries.").get_by_role("link").click()
        page.get_by_role("link", name="Verify the log").click()
        expect(page.get_by_text("Log verified")).to_be_visible()
        console.log_in("vic")
        page.get_by_role("link", name="newer entr").click()
        expect(page.get_by_role("row").nth(1)).to_contain_text("vic")


def test_the_log_is_downloaded_as_a_table_and_as_lines(browser: Browser, console: Console) -> None:
    with visit(browser, url(console, "/audit")) as page:
        log_in(page, "ann")
        with page.expect_download() as table:
            page.get_by_role("link", name="as CSV").click()
        lines = table.value.path().read_text(encoding="utf-8-sig").splitlines()
        assert lines[0].startswith("number,at,who,action,target,reason,outcome")
        assert any("vic,log in,,,done" in line for line in lines)
        assert table.value.suggested_filename.endswith(".csv")
        with page.expect_download() as everything:
            page.get_by_role("link", name="as JSON Lines").click()
        assert '"hash"' in everything.value.path().read_text().splitlines()[-1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_login_the_account_and_the_audit(
    browser: Browser, console: Console, scheme: str
) -> None:
    with visit(browser, url(console), color_scheme=scheme) as page:
        assert axe_faults(page) == []
        log_in(page, "vic", "wrong")
        expect(page.get_by_role("alert")).to_be_visible()
        assert axe_faults(page) == []
        log_in(page, "ann")
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        for path in ("/account", "/audit?verify=1"):
            page.goto(url(console, path))
            expect(page.get_by_text("has not answered yet")).to_be_visible()  # that greys nothing here
            for size in (WIDE, NARROW):
                page.set_viewport_size(size)
                assert axe_faults(page) == []
                assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
