"""HTTP listeners under mutual TLS, with each server that reads HTTP: who is answered, and what hostile clients reach."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from tornado.httpclient import HTTPRequest
from tornado.web import Application
from tornado.websocket import websocket_connect

from runtime import http
from runtime.connections import Limits
from runtime.gate import Gate
from runtime.handlers import ApiHandler, NotFoundHandler
from runtime.operator_token import OperatorToken
from runtime.page_client import PageClient
from runtime.tls.credentials import Callee
from runtime.tls.guard import Guard
from runtime.tls.http_client import connector
from runtime.tls.identity import Role
from runtime.tls.public import PublicCertificate
from tests.support.authority import TestAuthority
from tests.support.certificates import self_signed
from tests.support.pages import page_of
from tests.support.raw_http import connection

TOKEN = OperatorToken("t" * 32)
QUICK = Limits(header_s=0.3)


class PageHandler(ApiHandler):
    def get(self) -> None:
        self.write_json({"page": self.request.protocol})

    def post(self) -> None:
        self.write_json({"done": True})


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> TestAuthority:
    return TestAuthority(tmp_path_factory.mktemp("grid"))


@asynccontextmanager
async def listening(authority: TestAuthority, limits: Limits | None = None) -> AsyncIterator[int]:
    """A balancer's pages."""
    gate = Gate(token=TOKEN, guard=Guard(authority.files(Role.BALANCER).credentials(Role.BALANCER)))
    app = Application([("/.*", PageHandler)], default_handler_class=NotFoundHandler)
    async with http.listen(app, "127.0.0.1", 0, limits, gate=gate) as port:
        yield port


async def answer(
    authority: TestAuthority, port: int, who: Role, call: str, headers: dict[str, str] | None = None
) -> tuple[int, str]:
    """Send one request as `who`; returns the status and the kind of the problem."""
    base = f"https://127.0.0.1:{port}"
    method, path = call.split()
    to_grid = connector(authority.files(who).credentials(who), {base: Role.BALANCER})
    async with (
        aiohttp.ClientSession(connector=to_grid) as client,
        client.request(method, base + path, headers=headers) as reply,
    ):
        body = await reply.json(content_type=None)
        return reply.status, str(body.get("type", "")).rpartition(":")[2]


@pytest.mark.gen_test
async def test_a_request_needs_the_role_and_an_order_the_token_too(
    authority: TestAuthority, server: str
) -> None:
    async with listening(authority) as port:
        for who, call, headers, expected in (
            (Role.CONSOLE, "GET /fleet", {}, (200, "")),
            (Role.GATEWAY, "GET /fleet", {}, (403, "other-role")),
            (Role.PROMETHEUS, "GET /metrics", {}, (200, "")),
            (Role.CONSOLE, "POST /policy", {}, (401, "operator-token")),
            (Role.CONSOLE, "POST /policy", TOKEN.headers(), (200, "")),
            (Role.GATEWAY, "POST /policy", TOKEN.headers(), (403, "other-role")),
            (Role.BALANCER, "POST /backup", {}, (200, "")),  # whoever has its own key
        ):
            assert await answer(authority, port, who, call, headers) == expected, (who, call)


@pytest.mark.gen_test
async def test_a_client_without_tls_or_within_its_handshake_is_cut_off_and_others_are_answered(
    authority: TestAuthority, server: str
) -> None:
    async with listening(authority, QUICK) as port, contextlib.AsyncExitStack() as stack:
        readers = []
        for begun in (b"", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", bytes(5000)):
            reader, writer = await stack.enter_async_context(connection(port))
            writer.write(begun)
            readers.append(reader)
        assert (await answer(authority, port, Role.CONSOLE, "GET /fleet"))[0] == 200
        for reader in readers:
            assert b"HTTP" not in await all_of(reader)


@pytest.mark.gen_test
async def test_a_client_that_says_nothing_after_its_handshake_is_cut_off(
    authority: TestAuthority, server: str
) -> None:
    context = authority.files(Role.CONSOLE).credentials(Role.CONSOLE).client(Role.BALANCER)
    async with (
        listening(authority, Limits(header_s=0.3, idle_s=0.6)) as port,
        connection(port, ssl=context) as (reader, _),
    ):
        assert await all_of(reader) == b""


async def all_of(reader: asyncio.StreamReader) -> bytes:
    """Return what a server sends until it closes the connection."""
    found = b""
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while part := await reader.read(1000):
            found += part
    return found


@pytest.mark.gen_test
async def test_a_client_gives_nothing_to_a_server_with_another_role(authority: TestAuthority) -> None:
    """Neither the operator token: not by aiohttp, not by a WebSocket, not by the client of a poll."""
    credentials = authority.files(Role.CONSOLE).credentials(Role.CONSOLE)
    async with listening(authority) as port:
        base = f"127.0.0.1:{port}"
        to_grid = connector(credentials, {f"https://{base}": Role.GATEWAY})
        async with aiohttp.ClientSession(connector=to_grid) as client:
            with pytest.raises(
                aiohttp.ClientConnectorError, match="balancer, by its certificate, and not a gateway"
            ):
                await client.post(f"https://{base}/policy", headers=TOKEN.headers())
        request = HTTPRequest(f"wss://{base}/fleet/stream", ssl_options=credentials.client(Role.GATEWAY))
        with pytest.raises((OSError, ssl.SSLError)):
            await websocket_connect(request)
        page = PageClient(f"https://{base}/metrics", 1000, Callee(credentials, Role.SUBSTATION))
        with pytest.raises(OSError, match="balancer, by its certificate, and not a substation"):
            await page_of(page)


@pytest.mark.gen_test
async def test_a_poll_knows_who_has_answered(authority: TestAuthority) -> None:
    credentials = authority.files(Role.CONSOLE).credentials(Role.CONSOLE)
    async with listening(authority) as port:
        page = PageClient(f"https://127.0.0.1:{port}/metrics", 1000, Callee(credentials, Role.BALANCER))
        assert page.server is None
        for _ in range(2):  # the second time on the connection that was kept
            assert await page_of(page) == b'{"page": "https"}'
            assert str(page.server) == "balancer"
        await page.close()


@pytest.mark.gen_test
async def test_the_public_api_is_known_by_its_host_name(authority: TestAuthority, tmp_path: Path) -> None:
    app = Application([("/.*", PageHandler)])
    public = PublicCertificate(*self_signed(tmp_path, "gateway.example"))
    files = authority.files(Role.CONSOLE)
    credentials = files.credentials(Role.CONSOLE)
    async with http.listen(app, "127.0.0.1", 0, tls=public.context) as port:
        base = f"https://127.0.0.1:{port}"
        async with aiohttp.ClientSession(connector=connector(credentials, {base: None})) as client:
            with pytest.raises(aiohttp.ClientConnectorCertificateError, match="verify failed"):
                await client.get(base)
    issued = authority.issued([], "public")  # by the grid's authority, for 127.0.0.1
    async with http.listen(
        app, "127.0.0.1", 0, tls=PublicCertificate(issued.certificate, issued.key).context
    ) as port:
        base = f"https://127.0.0.1:{port}"
        async with (
            aiohttp.ClientSession(connector=connector(credentials, {base: None})) as client,
            client.get(base) as reply,
        ):
            assert await reply.json() == {"page": "https"}
