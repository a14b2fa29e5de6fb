"""Every address of the console x role x method, and from hostile origins: from the route table itself."""

import gzip
import json
import re
from collections.abc import Iterator

import pytest
from tornado.web import RequestHandler

from admin_ui.web.access import OF_PARTS, PARTS, SECURITY_HEADERS
from admin_ui.web.logins import Role
from admin_ui.web.routes import Route
from tests.support.console import Console
from tests.support.route_table import path, route_table

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
READS = {"GET", "HEAD", "OPTIONS"}
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
HOSTILE = {
    "another site": {"Origin": "https://evil.example"},
    "another port": {"Origin": "http://127.0.0.1:1"},
    "a name that begins alike": {"Origin": "http://127.0.0.1.evil.example"},
    "a sandboxed frame": {"Origin": "null"},
    "no origin at all, but the browser says cross-site": {"Sec-Fetch-Site": "cross-site"},
    "another site, and the browser says so": {
        "Origin": "https://evil.example",
        "Sec-Fetch-Site": "cross-site",
    },
    "another host of the site": {"Origin": "http://x.127.0.0.1", "Sec-Fetch-Site": "same-site"},
    "an empty origin": {"Origin": ""},
    "a sandboxed frame, and no host": {"Origin": "null", "Host": ""},
    "no host": {"Host": ""},
    "nonsense": {"Origin": "http://[::1"},
}
OPEN = ("/livez", "/readyz", "/metrics", "/static/js/web/main.js", "/static/icon.svg")


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    made = Console(tmp_path_factory.mktemp("console"))
    try:
        yield made.serves()
    finally:
        made.stop()


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> list[Route]:
    return route_table(tmp_path_factory.mktemp("table"))


def takes(route: Route) -> set[str]:
    """Return the methods that a handler has; it has HEAD if it has GET."""
    base = RequestHandler
    own = {
        each for each in METHODS if getattr(route.handler, each.lower()) is not getattr(base, each.lower())
    }
    return own if "GET" in own else own - {"HEAD"}


def expected(route: Route, role: Role, method: str) -> set[int]:
    if role < route.needs:
        if role:
            return {403}
        return {302} if route.page and method in {"GET", "HEAD"} else {401}
    if method not in takes(route):
        return {405}
    nobodys = {401} if (route.pattern, method) == ("/login", "POST") else set()  # without name and password
    return (
        set(range(100, 600)) - {401, 405, 500} | nobodys
    )  # it was let in: what comes of it is told elsewhere


def test_the_table_has_the_pages_and_what_changes_something(table: list[Route]) -> None:
    assert len(table) > 10
    assert {"/", "/audit", "/login", "/stream", "/confirm", "/logout"} <= {route.pattern for route in table}
    open_to_all = {route.pattern for route in table if route.needs is Role.NOBODY}
    assert open_to_all == {"/login", "/enter"}


@pytest.mark.parametrize(
    "name", ["", "vic", "ann", "ada"], ids=["nobody", "viewer", "operator", "administrator"]
)
def test_every_role_gets_what_its_routes_give_and_nothing_else(
    console: Console, table: list[Route], name: str
) -> None:
    role = {"": Role.NOBODY, "vic": Role.VIEWER, "ann": Role.OPERATOR, "ada": Role.ADMINISTRATOR}[name]
    faults = []
    login: dict[str, str] = {}
    for route in table:
        for method in METHODS:
            if name and method in {"GET", "PUT"}:  # PUT comes after POST, which may have ended the login
                login = console.log_in(name)
            headers = login
            if route.pattern == "/stream":
                headers = headers | (UPGRADE if method == "GET" else {})
                if method != "GET":
                    continue  # an upgrade is a GET
            answer = console.ask(method, path(route), headers)
            if answer.status not in expected(route, role, method):
                faults.append((route.pattern, method, answer.status))
    assert faults == []


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_page_of_another_origin_changes_anything(
    console: Console, table: list[Route], hostile: str
) -> None:
    operator = console.log_in("ann")
    answers = {
        (route.pattern, method): console.ask(method, path(route), operator | HOSTILE[hostile]).status
        for route in table
        for method in sorted(takes(route) - READS)
    }
    assert len(answers) >= 5
    assert {key: status for key, status in answers.items() if status != 403} == {}
    assert console.ask("GET", "/api/me", operator).status == 200  # nor was it logged out


@pytest.mark.parametrize(
    "hostile",
    [
        "another site",
        "another port",
        "a name that begins alike",
        "a sandboxed frame",
        "nonsense",
        "an empty origin",
    ],
)
def test_no_page_of_another_origin_reads_the_stream(console: Console, hostile: str) -> None:
    headers = console.log_in("vic") | UPGRADE
    assert console.ask("GET", "/stream", headers).status == 101
    assert (
        console.ask("GET", "/stream", headers | {"Origin": f"http://127.0.0.1:{console.port}"}).status == 101
    )
    assert console.ask("GET", "/stream", headers | HOSTILE[hostile]).status == 403
    without_host = console.ask("GET", "/stream", headers | HOSTILE[hostile] | {"Host": ""})
    assert without_host.status in {400, 403, 426}


def test_the_same_origin_may(console: Console) -> None:
    for headers in (
        {"Origin": f"http://127.0.0.1:{console.port}"},
        {"Sec-Fetch-Site": "same-origin", "Origin": f"http://127.0.0.1:{console.port}"},
    ):
        operator = console.log_in("ann")
        assert console.post("/logout", operator | headers).status == 303
        assert console.ask("GET", "/api/me", operator).status == 401


def test_every_answer_tells_browsers_to_run_nothing_else(console: Console, table: list[Route]) -> None:
    viewer = console.log_in("vic")
    asked = [("GET", path(route), viewer) for route in table if route.pattern != "/stream"]
    asked += [("GET", path(route), {}) for route in table]
    asked += [
        ("GET", address, {}) for address in (*OPEN, "/nothing", "/static/nothing.js", "/static/../people.py")
    ]
    asked += [
        ("POST", "/login", {"Origin": "null"}),
        ("PUT", "/login", {}),
        ("GET", "/api/history?seconds=x", viewer),
        ("GET", "/api/orders/newest?after=-1", viewer),
    ]
    lacking = {}
    for method, address, headers in asked:
        answer = console.ask(method, address, headers)
        part = str(answer.headers.get("Content-Type")).startswith(PARTS)
        demanded = OF_PARTS if part else SECURITY_HEADERS
        missing = [name for name, value in demanded.items() if answer.headers.get(name) != value]
        if missing or answer.headers.get("Server") or answer.status == 500:
            lacking[method, address, answer.status] = missing
    assert lacking == {}


def test_head_is_answered_as_get_is_without_the_body(console: Console, table: list[Route]) -> None:
    viewer = console.log_in("vic")
    differ = {}
    for address in [path(route) for route in table if route.needs is not Role.NOBODY] + [
        "/login",
        "/static/js/web/main.js",
    ]:
        get, head = (console.ask(method, address, viewer) for method in ("GET", "HEAD"))
        kept = [
            {name: answer.headers.get(name) for name in ("Content-Type", "Cache-Control")}
            for answer in (get, head)
        ]
        if head.body or get.status != head.status or kept[0] != kept[1]:
            differ[address] = get.status, head.status, *kept
    assert differ == {}


def test_what_is_asked_for_again_and_has_not_changed_says_so_too(console: Console) -> None:
    etag = console.ask("GET", "/static/js/web/main.js").headers["Etag"]
    answer = console.ask("GET", "/static/js/web/main.js", {"If-None-Match": etag})
    assert (answer.status, answer.headers["X-Frame-Options"]) == (304, "DENY")


def test_what_a_page_needs_is_compressed_and_kept_for_good(console: Console) -> None:
    (script,) = re.findall(r'<script type="module" src="([^"]+)"', console.ask("GET", "/login").body)
    plain, packed = (console.ask("GET", script, headers) for headers in ({}, {"Accept-Encoding": "br, gzip"}))
    for answer in (plain, packed):
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["Vary"] == "Accept-Encoding"
    assert (plain.headers["Content-Encoding"], packed.headers["Content-Encoding"]) == (None, "gzip")
    assert plain.headers["Etag"] != packed.headers["Etag"]
    assert gzip.decompress(packed.content).decode() == plain.body
    again = console.ask("GET", script, {"Accept-Encoding": "gzip", "If-None-Match": packed.headers["Etag"]})
    assert (again.status, again.body) == (304, "")


def test_a_script_carries_no_headers_that_are_about_documents(console: Console) -> None:
    for address, kind in (("js/web/main.js", "text/javascript"), ("css/web/console.css", "text/css")):
        headers = console.ask("GET", f"/static/{address}").headers
        assert headers["Content-Type"] == f"{kind}; charset=utf-8"
        assert [name for name in SECURITY_HEADERS if name in headers] == list(OF_PARTS)


def test_only_files_and_figures_are_compressed_and_only_files_are_kept(
    console: Console, table: list[Route]
) -> None:
    viewer = console.log_in("vic") | {"Accept-Encoding": "gzip"}
    asked = [*(path(route) for route in table if route.pattern != "/stream"), "/nothing", "/metrics"]
    for address in asked:
        answer = console.ask("GET", address, viewer)
        assert answer.headers["Content-Encoding"] is None, address
        assert answer.headers["Cache-Control"] == "no-store", address
    assert console.ask("GET", "/static/js/web/main.js").headers["Cache-Control"] == "no-cache"
    history = console.ask("GET", "/api/history?seconds=900", viewer)
    assert history.headers["Cache-Control"] == "no-store"
    assert history.headers["Content-Encoding"] == "gzip"


def test_a_history_is_compressed_when_it_is_long_and_the_client_takes_it(console: Console) -> None:
    viewer = console.log_in("vic")
    packed, plain, short = (
        console.ask("GET", f"/api/history?seconds={seconds}", viewer | {"Accept-Encoding": accepted})
        for seconds, accepted in ((900, "br, gzip"), (900, "identity"), (1, "gzip"))
    )
    assert [each.headers["Content-Encoding"] for each in (packed, plain, short)] == ["gzip", None, None]
    assert {each.headers["Vary"] for each in (packed, plain, short)} == {"Accept-Encoding"}
    unpacked = json.loads(gzip.decompress(packed.content))
    assert len(unpacked["fleet"]["load_kw"]) == 900
    assert unpacked.keys() == json.loads(plain.body).keys()
    assert len(packed.content) < len(plain.body) / 4


def test_a_problem_has_its_stable_code(console: Console) -> None:
    body = console.ask("POST", "/logout", console.log_in("ann") | {"Origin": "null"}).body
    assert '"urn:smartgrid:problem:cross-origin"' in body
    assert "login-first" in console.ask("GET", "/api/me").body
