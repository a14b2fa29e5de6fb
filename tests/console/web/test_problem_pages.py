"""What a person sees when a page fails or is not there: a page in the console's look, and never bare JSON."""

import asyncio
import concurrent.futures
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from admin_ui.audit.chain import AuditOutcome
from admin_ui.audit.log import AuditLog, path
from tests.console.browser import NARROW, at_alarms, axe_faults, visit
from tests.support.console import Answer, Console

MARK = b"an entry of long ago"
SQLITE_PAGE = 4096
REQUEST_ID = re.compile(r"request ID <code>([0-9a-f]{16})</code>")


async def _written(data: Path) -> None:
    """Leave an audit log of many pages, with an early entry that can be found in the file."""
    log = AuditLog(path(data))
    for number in range(20):
        words: dict[str, object] = {"why": f"{MARK.decode()} {number}" + " long" * 500}
        await log.note("ann", "drain", "substation-1", AuditOutcome.DONE, words)
    await log.close()


def spoil(file: Path) -> None:
    """Overwrite the page of the file that holds the first entries, as a bad disk would."""
    found = bytearray(file.read_bytes())
    at = found.index(MARK) // SQLITE_PAGE * SQLITE_PAGE
    found[at : at + 64] = b"\xff" * 64
    file.write_bytes(found)


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console whose audit log is damaged in its oldest part."""
    data = tmp_path_factory.mktemp("damaged")
    with concurrent.futures.ThreadPoolExecutor(1) as thread:  # the browser's loop is that of this one
        thread.submit(lambda: asyncio.run(_written(data))).result()
    assert Console(data).serves().stop() == 0  # it has seen its people: the next one need not look far back
    spoil(path(data))
    made = Console(data, keep_people=True)
    try:
        yield made.serves()
    finally:
        made.stop()


def problem(answer: Answer) -> str:
    """Return the request id of a page of an error."""
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8", answer
    found = REQUEST_ID.search(answer.body)
    assert found, answer.body
    assert found[1] == answer.headers["X-Request-Id"]
    return found[1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_damaged_file_is_an_error_page_with_what_to_do_and_the_id_in_the_log(
    browser: Browser, console: Console, scheme: str
) -> None:
    with visit(browser, "about:blank", color_scheme=scheme, viewport=NARROW) as page:
        at_alarms(page, console.port)
        answer = page.goto(f"http://127.0.0.1:{console.port}/audit")
        assert answer
        assert answer.status == 500
        expect(page.get_by_role("heading", level=1)).to_contain_text("The service failed")
        expect(page.locator("main")).to_contain_text("give the request ID to your administrator")
        request_id = answer.headers["x-request-id"]
        expect(page.locator("main code")).to_have_text(request_id)
        said = [json.loads(line) for line in console.said().splitlines() if request_id in line]
        assert any("malformed" in json.dumps(line) for line in said), said
        assert page.get_by_role("link", name="Try again").get_attribute("href") == "/audit"
        assert axe_faults(page) == []
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        page.get_by_role("link", name="Go to the overview").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Overview")


def test_an_address_without_a_page_says_where_to_go(browser: Browser, console: Console) -> None:
    with visit(browser, "about:blank") as page:
        at_alarms(page, console.port)
        for address in ("/nothing/here", "/runs/none/report.html", "/runbooks/None"):
            answer = page.goto(f"http://127.0.0.1:{console.port}{address}")
            assert answer
            assert answer.status == 404, address
            expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing at this address")
            expect(
                page.get_by_role("navigation", name="Pages").get_by_role("link", name="Alarms")
            ).to_be_visible()


def test_every_error_of_a_page_is_a_page_and_of_the_api_a_document(console: Console) -> None:
    browser, login = {"Accept": "text/html,*/*"}, console.log_in("ann")
    pages = {
        ("GET", "/audit"): 500,
        ("GET", "/runbooks/None"): 404,
        ("GET", "/nothing"): 404,
        ("PUT", "/alarms"): 405,
        ("DELETE", "/login"): 405,
    }
    for (method, address), status in pages.items():
        answer = console.ask(method, address, login | browser)
        assert answer.status == status, address
        problem(answer)
    assert "in its own window" in console.ask("POST", "/account", login | browser | {"Origin": "null"}).body
    documents = {
        ("GET", "/api/nothing"): 404,
        ("PUT", "/api/me"): 405,
        ("GET", "/api/history?seconds=x"): 400,
        ("GET", "/audit/export?format=x"): 400,
        ("POST", "/api/orders"): 400,
    }
    for (method, address), status in documents.items():
        answer = console.ask(method, address, login | browser)
        assert answer.status == status, address
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert json.loads(answer.body)["request_id"] == answer.headers["X-Request-Id"]
    assert (
        json.loads(console.ask("GET", "/nothing", login).body)["status"] == 404
    )  # a program asks for no page


def test_what_was_asked_for_can_not_become_markup(console: Console) -> None:
    hostile = "/runs/%3Cscript%3Ealert(1)%3C/x%22%3E"
    answer = console.ask("GET", hostile, console.log_in("ann") | {"Accept": "text/html"})
    problem(answer)
    assert "<script>alert" not in answer.body
