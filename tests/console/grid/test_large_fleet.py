"""A thousand substations, none, and no balancer: real consoles before a stream that is made up."""

import contextlib
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.browser import axe_faults, logged_in
from tests.support.grid import LIMIT_S
from tests.support.lone_console import LoneConsole, console

ROW = "table.substations tbody tr"
SLOW_CLIENTS = 5
MB = 1024 * 1024


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoneConsole]:
    with console(tmp_path_factory.mktemp("large"), 1000) as made:
        yield made


@pytest.fixture
def page(browser: Browser, large: LoneConsole) -> Iterator[Page]:
    with logged_in(browser, large.link(), "/") as opened:
        yield opened


def test_a_thousand_substations_come_in_pages_the_worst_first(page: Page) -> None:
    expect(page.get_by_text("1 to 50 of 1,000 substations, worst first")).to_be_visible()
    expect(page.locator(ROW)).to_have_count(50)
    expect(page.locator(ROW).first).to_contain_text("ejected")
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("51 to 100 of 1,000")).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?page=2$"))
    expect(page.get_by_role("button", name="Next")).to_be_focused()
    page.get_by_role("searchbox", name="Search").fill("substation-777")
    expect(page.locator(ROW)).to_have_count(1)
    page.get_by_role("button", name="A chart of each substation").click()
    expect(page.locator("#charts figcaption")).to_have_text(["All usable substations", "substation-777"])
    assert axe_faults(page) == []


CUT = """() => [document.documentElement, ...document.querySelectorAll(".leading > div, .leading .value, .board-table .table-frame")]
  .filter((each) => each.scrollWidth > each.clientWidth).map((each) => [each.className, each.textContent.slice(0, 20)])"""


@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_the_long_figures_of_a_large_fleet_fit_the_screen(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    expect(page.locator(".leading .value").first).to_have_text(re.compile(r"^\d{3},\d{3} kW$"))
    expect(page.locator(ROW)).to_have_count(50)
    assert page.evaluate(CUT) == []


def test_its_figures_go_on_while_order_is_held(page: Page) -> None:
    link = page.locator(ROW).nth(20).get_by_role("rowheader").get_by_role("link")
    link.focus()
    name, before = link.inner_text(), page.locator(ROW).nth(20).inner_text()
    page.wait_for_timeout(4000)
    assert page.locator(ROW).nth(20).get_by_role("rowheader").get_by_role("link").inner_text() == name
    assert page.locator(ROW).nth(20).inner_text() != before


def test_of_a_thousand_substations_that_do_not_answer_a_few_are_named(page: Page, large: LoneConsole) -> None:
    page.goto(f"{large.url}/sessions")
    expect(page.locator("#faults .notice")).to_have_count(4, timeout=60_000)
    expect(page.locator("#faults")).to_contain_text(
        re.compile(r"Nor are \d{3} more of the 1,000 substations")
    )
    expect(page.locator("#nothing")).to_contain_text("No session is known at the substations that answer")


def test_more_charts_are_shown_when_they_are_asked_for(page: Page) -> None:
    expect(page.locator("#charts canvas")).to_have_count(1)
    page.get_by_role("button", name="Charts of the first 11 substations").click()
    expect(page.locator("#charts canvas")).to_have_count(12)
    expect(page).to_have_url(re.compile(r"\?charts=all$"))


@contextlib.contextmanager
def stalled(url: str, cookie: str) -> Iterator[None]:
    """A client of the stream that reads nothing."""
    address = urlsplit(url)
    assert address.hostname
    assert address.port
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect((address.hostname, address.port))
        sock.sendall(
            f"GET /stream HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Cookie: {cookie}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        yield


def test_clients_that_do_not_read_cost_no_memory_and_delay_nobody(page: Page, large: LoneConsole) -> None:
    expect(page.locator(ROW)).to_have_count(50)
    (kept,) = page.context.cookies()
    with contextlib.ExitStack() as clients:
        for _ in range(SLOW_CLIENTS):
            clients.enter_context(stalled(large.url, f"{kept['name']}={kept['value']}"))
        time.sleep(1)
        before, began_s, seen = large.memory_bytes(), time.monotonic(), set[str]()
        # Frames of 6 s to five clients are 40 MB, twice of what is allowed; a busy machine may take longer for them.
        while len(seen) < 5 or time.monotonic() < began_s + 6:
            assert time.monotonic() < began_s + LIMIT_S, seen
            page.wait_for_timeout(500)
            seen.add(page.locator(ROW).nth(20).inner_text())
        expect(page.locator("body")).to_have_attribute("data-link", "live")
        # A frame is a third of a MB, and comes 4 times a second.
        assert large.memory_bytes() - before < SLOW_CLIENTS * 4 * MB


def test_without_substations_the_page_says_what_to_do(browser: Browser, tmp_path: Path) -> None:
    with console(tmp_path, 0) as alone, logged_in(browser, alone.link(), "/") as page:
        expect(page.get_by_text("No substations yet")).to_be_visible()
        expect(page.locator("#nothing")).to_contain_text(
            "The balancer polls http://127.0.0.1:8101, but no substation"
        )
        expect(page.locator("#link-state")).to_have_text("Live")
        assert axe_faults(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_without_a_balancer_the_page_says_what_to_do(browser: Browser, tmp_path: Path, scheme: str) -> None:
    with console(tmp_path, None) as alone, logged_in(browser, alone.link(), "/", color_scheme=scheme) as page:
        expect(page.get_by_text("The balancer has not answered yet", exact=True)).to_be_visible()
        expect(page.locator("#nothing")).to_contain_text(alone.balancer)
        expect(page.get_by_role("link", name="Grafana")).to_have_count(0)  # GRAFANA_URL is not set
        expect(page.locator("#link-state")).to_contain_text(
            f"The balancer at {alone.balancer} has not answered yet"
        )
        assert axe_faults(page) == []
