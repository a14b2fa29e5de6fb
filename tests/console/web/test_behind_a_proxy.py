"""The console below a path of a host, behind a real nginx, in a real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from tests.console.browser import log_in, visit
from tests.support import nginx
from tests.support.console import PASSWORD, Console

BASE = "/grid/console"
PAGES = (
    "/",
    "/sessions",
    "/rush-hour",
    "/decisions",
    "/alarms",
    "/audit",
    "/people",
    "/account",
    "/runbooks",
)

pytestmark = pytest.mark.skipif(not nginx.NGINX, reason="no nginx: install the package nginx-light")


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console without a grid, below a path."""
    environ = {"CONSOLE_PATH": BASE, "BEHIND_TLS_PROXY": "1"}
    made = Console(tmp_path_factory.mktemp("console"), environ).serves()
    yield made
    made.stop()


@pytest.fixture(scope="module", params=[False, True], ids=["the proxy keeps the path", "the proxy strips it"])
def host(
    console: Console, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The host of the proxy."""
    folder: Path = tmp_path_factory.mktemp("nginx")
    with nginx.before(folder, console.port, BASE, strips=request.param) as url:
        yield url


def follow(page: Page, host: str) -> list[str]:
    """Return a list that gets every answer that is a fault, or comes from outside the console."""
    faults: list[str] = []

    def judge(response: Response) -> None:
        if not response.url.startswith(f"{host}{BASE}/") or response.status >= 400:
            faults.append(f"{response.status} {response.url}")

    page.on("response", judge)
    return faults


def test_pages_scripts_streams_redirects_and_cookies_stay_below_the_path(browser: Browser, host: str) -> None:
    with visit(browser, "about:blank") as page:
        faults = follow(page, host)
        page.goto(f"{host}{BASE}/audit?person=ada")
        expect(page).to_have_url(f"{host}{BASE}/login?next=%2Faudit%3Fperson%3Dada")
        log_in(page, "ada")
        expect(page).to_have_url(f"{host}{BASE}/audit?person=ada")
        for path in PAGES:
            page.goto(f"{host}{BASE}{path}")
            expect(
                page.get_by_text("has not answered yet").first
            ).to_be_visible()  # its scripts run, and the stream is up
            outside = page.evaluate(
                """(base) => [...document.querySelectorAll("[href], [action], [src]")]
                  .flatMap((node) => ["href", "action", "src"].map((name) => node.getAttribute(name)))
                  .filter((link) => link?.startsWith("/") && !link.startsWith(base))""",
                BASE,
            )
            assert outside == [], path
        cookies = page.context.cookies(f"{host}{BASE}/")
        assert {(each["path"], each["secure"], each["httpOnly"]) for each in cookies} == {(BASE, True, True)}
        assert page.context.cookies(host) == []
        page.get_by_role("button", name="Log out").first.click()
        expect(page).to_have_url(f"{host}{BASE}/login")
        assert faults == []


def test_a_page_that_asks_for_figures_and_a_login_that_ends_stay_below_the_path(
    browser: Browser, host: str
) -> None:
    with visit(browser, f"{host}{BASE}/login?next=%2Fpeople") as page:
        faults = follow(page, host)
        log_in(page, "ada")
        expect(page.get_by_role("button", name="Remove ann")).to_be_visible()
        page.get_by_role("button", name="End logins ada").click()
        page.get_by_role("dialog").get_by_role("button", name="End logins").click()
        expect(page).to_have_url(f"{host}{BASE}/login?next=%2Fgrid%2Fconsole%2Fpeople")
        log_in(page, "ada")
        expect(page).to_have_url(f"{host}{BASE}/people")
        assert [each for each in faults if not each.startswith("401")] == []


def test_probes_reach_the_console_with_and_without_the_path(console: Console) -> None:
    for path in ("/livez", f"{BASE}/livez", "/metrics", f"{BASE}/login"):
        assert console.ask("GET", path).status == 200, path
    assert console.ask("GET", "/grid/consoles/login").status == 404
    assert console.ask("GET", f"{BASE}//evil.example").status == 404


@pytest.mark.parametrize(
    "beyond", ["//evil.example", f"{BASE}//evil.example", f"https://evil.example{BASE}/"]
)
def test_nobody_is_led_away_from_below_the_path(console: Console, beyond: str) -> None:
    answer = console.post(f"{BASE}/login", name="ann", password=PASSWORD, next=beyond)
    led = console.ask("GET", answer.headers["Location"], {"Cookie": "; ".join(
        each.partition(";")[0] for each in answer.headers.get_all("Set-Cookie") or ()
    )})  # fmt: skip
    assert led.headers["Location"].startswith(f"{BASE}/")
    assert not led.headers["Location"].startswith("//")
