"""The requests that a listener accepts: hosts, origins, kinds of bodies, and the operator's token, on real sockets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado.httputil import HTTPHeaders
from tornado.web import Application, StaticFileHandler

from runtime import health, http, operator_token
from runtime.gate import Gate, same_origin
from runtime.handlers import ApiHandler, NotFoundHandler
from runtime.operator_token import OperatorToken
from tests.support.raw_http import Reply, exchange

pytestmark = pytest.mark.usefixtures("server")

SECRET = "t" * 32
TOKEN = OperatorToken(SECRET)
CHANGES = ("POST", "PUT", "DELETE", "PATCH")
FOREIGN_HOSTS = (
    "evil.example",
    "evil.example:8000",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "evil-localhost",
    "grid.example.evil",
    "[evil]",
    "127.0.0.1x",
    "::1",
    "0x7f.1",
    "2130706433",
)
OWN_HOSTS = (
    "127.0.0.1",
    "127.0.0.1:8000",
    "LOCALHOST:1",
    "localhost.",
    "[::1]:8000",
    "10.1.2.3:8101",
    "grid.example",
    "Grid.Example:443",
)
FOREIGN_PAGES = {
    "another site": {"Origin": "https://evil.example"},
    "another port": {"Origin": "http://127.0.0.1:1"},
    "a name that begins alike": {"Origin": "http://127.0.0.1.evil.example"},
    "a sandboxed frame": {"Origin": "null"},
    "an empty origin": {"Origin": ""},
    "nonsense": {"Origin": "http://[::1"},
    "another site without an origin": {"Sec-Fetch-Site": "cross-site"},
    "another port of the site": {"Sec-Fetch-Site": "same-site"},
    "what no browser says": {"Sec-Fetch-Site": "friendly"},
}


class OrderHandler(ApiHandler):
    """Counts what it was asked to do."""

    def get(self) -> None:
        self.write_json({"done": self.settings["done"]})

    def post(self) -> None:
        self.settings["done"].append(self.request.method)
        self.write_json({})

    put = delete = patch = post


class PrivateHandler(OrderHandler):
    """Shows what is not for everybody."""

    private = True


@asynccontextmanager
async def serving(gate: Gate, folder: Path | None = None) -> AsyncIterator[tuple[int, list[str]]]:
    """A listener, and what was done there."""
    done: list[str] = []
    app = Application(
        [
            ("/order", OrderHandler),
            ("/private", PrivateHandler),
            ("/livez", health.LiveHandler),
            ("/readyz", health.ReadyHandler, {"waiting_for": list}),
            ("/files/(.*)", StaticFileHandler, {"path": str(folder or ".")}),
        ],
        default_handler_class=NotFoundHandler,
        done=done,
    )
    async with http.listen(app, "127.0.0.1", 0, gate=gate) as port:
        yield port, done


def request(line: str, body: str = "", **headers: str) -> bytes:
    fields = {"Host": "127.0.0.1", **headers} | ({"Content-Length": str(len(body))} if body else {})
    told = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if name != "Host" or value)
    return f"{line} HTTP/1.1\r\n{told}\r\n{body}".encode()


def code(reply: Reply) -> str:
    return str(reply.json()["type"]).rpartition(":")[2]


@pytest.mark.gen_test
async def test_a_page_whose_name_leads_here_reads_nothing_and_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("x")
    async with serving(Gate(("grid.example",)), tmp_path) as (port, done):
        for host in FOREIGN_HOSTS:
            for line in ("GET /order", "GET /files/file.txt", "GET /nowhere", "POST /order", "DELETE /order"):
                reply = await exchange(port, request(line, Host=host))
                assert (reply.status, code(reply)) == (421, "foreign-host"), (host, line)
                assert "ALLOWED_HOSTS" in reply.json()["detail"]
        for host in OWN_HOSTS:
            assert (await exchange(port, request("GET /order", Host=host))).status == 200, host
            assert (await exchange(port, request("GET /files/file.txt", Host=host))).status == 200
        assert done == []


@pytest.mark.gen_test
async def test_a_health_probe_may_know_the_service_by_any_name() -> None:
    async with serving(Gate()) as (port, _):
        for path in ("/livez", "/readyz"):
            assert (await exchange(port, request(f"GET {path}", Host="probe.example"))).status == 200
        without_host = b"GET /order HTTP/1.0\r\n\r\n"  # no browser speaks that
        assert (await exchange(port, without_host)).status == 200


@pytest.mark.parametrize("page", FOREIGN_PAGES)
@pytest.mark.gen_test
async def test_a_page_of_another_origin_changes_nothing(page: str) -> None:
    headers = FOREIGN_PAGES[page]
    async with serving(Gate()) as (port, done):
        for method in CHANGES:
            for path in ("/order", "/nowhere"):
                reply = await exchange(port, request(f"{method} {path}", **headers))
                assert (reply.status, code(reply)) == (403, "cross-origin")
        assert done == []
        assert (await exchange(port, request("GET /order", **headers))).status == 200  # links lead here


@pytest.mark.gen_test
async def test_pages_of_its_own_and_programs_may_change_what_they_may() -> None:
    async with serving(Gate()) as (port, done):
        own: tuple[dict[str, str], ...] = (
            {},
            {"Origin": "http://127.0.0.1"},
            {"Sec-Fetch-Site": "same-origin"},
            {"Sec-Fetch-Site": "none"},
            {"Sec-Fetch-Site": "same-origin", "Origin": "https://a-proxy.example"},
        )
        for headers in own:
            assert (await exchange(port, request("DELETE /order", **headers))).status == 200
        assert len(done) == len(own)


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
@pytest.mark.gen_test
async def test_a_change_with_a_body_that_a_form_could_send_is_refused(kind: str) -> None:
    given_kind = {"Content-Type": kind} if kind else {}
    async with serving(Gate()) as (port, done):
        reply = await exchange(port, request("POST /order", "{}", **given_kind))
        assert (reply.status, code(reply)) == (415, "unsupported-media-type")
        assert done == []
        json = {"Content-Type": "Application/JSON; charset=utf-8"}
        assert (await exchange(port, request("POST /order", "{}", **json))).status == 200


@pytest.mark.gen_test
async def test_orders_and_private_pages_ask_for_the_operator_s_token_and_nothing_else_does() -> None:
    wrong: tuple[dict[str, str], ...] = (
        {},
        {"Authorization": SECRET},
        {"Authorization": f"Bearer {SECRET}x"},
        {"Authorization": f"Basic {SECRET}"},
        {"Authorization": "Bearer " + SECRET[:-1]},
        {"Authorization": "Bearer ä"},
    )
    async with serving(Gate(token=TOKEN)) as (port, done):
        for headers in wrong:
            for line in ("POST /order", "PUT /order", "DELETE /order", "GET /private"):
                reply = await exchange(port, request(line, **headers))
                assert (reply.status, code(reply)) == (401, "operator-token")
                assert reply.headers["www-authenticate"] == "Bearer"
                assert SECRET not in reply.body.decode()
        assert done == []
        for path in ("/order", "/livez", "/readyz"):
            assert (await exchange(port, request(f"GET {path}"))).status == 200
        for line in ("POST /order", "GET /private"):
            assert (await exchange(port, request(line, **TOKEN.headers()))).status == 200
        assert done == ["POST"]


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_an_origin_says_it_is_judged(origin: str, host: str) -> None:
    headers = HTTPHeaders()
    headers["Origin"], headers["Host"] = "http://" + "".join(origin.split()), "".join(host.split())
    assert same_origin(headers) in {True, False}


def test_a_token_is_read_from_a_file_and_never_shown(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{SECRET}\n")
    token = operator_token.read_if_any(tmp_path / "token")
    assert token
    assert token.shown_in([f"Bearer {SECRET}"])
    assert not token.shown_in([f"Bearer {SECRET}"] * 2)
    assert SECRET not in repr(token)
    assert operator_token.read_if_any(None) is None
    for text in ("", "short", "with a space in the middle of it", "ü" * 32):
        (tmp_path / "token").write_text(text)
        with pytest.raises(OSError, match="16 to 255 visible ASCII"):
            operator_token.read_if_any(tmp_path / "token")
    with pytest.raises(OSError, match="No such file"):
        operator_token.read_if_any(tmp_path / "missing")


@pytest.mark.parametrize("text", [f"sha256:{'A' * 64}", f"SHA256:{'a' * 64}", f"sha256:{'a' * 63}"])
def test_a_digest_that_is_written_wrongly_is_no_token(text: str) -> None:
    """Whoever reads the file could send it."""
    with pytest.raises(ValueError, match="64 hexadecimal digits in lower case"):
        operator_token.OperatorToken(text)
