"""Our own HTTP server, through real sockets: where a request ends, who is cut off, and what a client gets of an answer."""

import asyncio
import contextlib
import gc
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tornado.httputil import HTTPServerRequest
from tornado.iostream import StreamClosedError
from tornado.web import Application, stream_request_body

from runtime import http
from runtime.connections import Limits
from runtime.exchange import Exchange
from runtime.gate import ANY, Gate
from runtime.handlers import ApiHandler, NotFoundHandler
from runtime.http_server.connection import Connection
from runtime.http_server.wire import READ_BYTES
from runtime.tls.public import PublicCertificate
from tests.support.certificates import self_signed
from tests.support.raw_http import connection
from tests.unit.runtime.conftest import ON_UVLOOP, OWN

pytestmark = [
    pytest.mark.usefixtures("server"),
    pytest.mark.parametrize("server", [OWN, ON_UVLOOP], indirect=True),
]

SOON_S = 0.05
NEVER_S = 3600.0
PATIENT = Limits(idle_s=NEVER_S, header_s=NEVER_S, body_s=NEVER_S)
HOST = b"Host: localhost\r\n"
CLOSE = HOST + b"Connection: close\r\n"
LARGE = 64 * 1024


class Seen:
    """What the handlers of one listener have seen, and what they wait for."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, bytes]] = []
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        self.gone = asyncio.Event()


class EchoHandler(ApiHandler):
    """Answers what came."""

    def get(self) -> None:
        self.settings["seen"].requests.append((self.request.uri, self.request.body))
        self.write_json({"body": self.request.body.decode("latin-1"), "ip": self.request.remote_ip})

    post = put = get


class HoldHandler(ApiHandler):
    """Answers when the test says so, and says when the client has gone."""

    async def get(self) -> None:
        self.settings["seen"].begun.set()
        await self.settings["seen"].go_on.wait()
        self.write_json({})

    def on_connection_close(self) -> None:
        self.settings["seen"].gone.set()
        self.settings["seen"].go_on.set()


class HoldExchange(Exchange):
    """The same without a handler."""

    handler = "HoldHandler"

    def __init__(self, request: HTTPServerRequest, settings: Mapping[str, Any], seen: Seen) -> None:
        super().__init__(request, settings)
        self._seen = seen

    async def answer(self) -> None:
        self._seen.begun.set()
        try:
            await self._seen.go_on.wait()
            self.write_json({})
        except asyncio.CancelledError:
            self._seen.gone.set()
            raise


class LargeHandler(ApiHandler):
    """Answers more than a client's side of a connection takes."""

    def get(self) -> None:
        self.settings["seen"].requests.append((self.request.uri, b""))
        self.write_json("x" * LARGE * int(self.request.query or 1))


class PartsHandler(ApiHandler):
    """Answers in parts, whose number it does not say before."""

    async def get(self) -> None:
        for part in ("one", "", "two"):
            self.write(part)
            await self.flush()


class EndlessHandler(HoldHandler):
    """Answers without end, as fast as the client reads."""

    async def get(self) -> None:
        with contextlib.suppress(StreamClosedError):
            while True:
                self.write(b"x" * LARGE)
                await self.flush()


class WrongHandler(ApiHandler):
    """Answers against the rules of HTTP."""

    def get(self, how: str) -> None:
        if how == "broken":
            self.set_header("X-Any", "1")
            self._headers["X-Any"] = "1\r\nX-Other: 2"
        else:
            self.set_header("Content-Length", "2" if how == "long" else "9")
        self.finish("12345")


@stream_request_body
class StreamedHandler(ApiHandler):
    """Takes a body in parts."""

    parts = 0

    def data_received(self, chunk: bytes) -> None:
        self.parts += 1

    def post(self) -> None:
        self.write_json({"parts": self.parts})


@asynccontextmanager
async def serving(
    limits: Limits = PATIENT, tls: Callable[[], ssl.SSLContext] | None = None, address: str = "127.0.0.1"
) -> AsyncIterator[tuple[int, Seen]]:
    seen = Seen()
    app = Application(
        [
            ("/echo", EchoHandler),
            ("/hold", HoldHandler),
            ("/large", LargeHandler),
            ("/parts", PartsHandler),
            ("/endless", EndlessHandler),
            ("/wrong/(.*)", WrongHandler),
        ],
        default_handler_class=NotFoundHandler,
        exchanges={("POST", "/hold"): partial(HoldExchange, seen=seen)},
        seen=seen,
    )
    async with http.listen(app, address, 0, limits, tls, gate=Gate(kinds=ANY)) as port:
        yield port, seen


async def whole(port: int, *parts: bytes) -> bytes:
    """Send `parts`, and return all that comes until the connection is closed."""
    async with connection(port) as (reader, writer):
        for part in parts:
            writer.write(part)
        return await reader.read()


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.001)


def connections(*, closed: bool = False) -> list[Connection]:
    """Return the connections that are there, and with `closed`, those too that write their last answer."""
    gc.collect()
    found = [each for each in gc.get_objects() if isinstance(each, Connection)]
    return [each for each in found if closed or not each.closed]


SMUGGLING = {
    "a length beside chunks": CLOSE + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks beside a length": CLOSE + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": HOST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "the same length twice": HOST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "two lengths in one field": HOST + b"Content-Length: 3, 3\r\n\r\nabc",
    "a length with a sign": HOST + b"Content-Length: +3\r\n\r\nabc",
    "a negative length": HOST + b"Content-Length: -3\r\n\r\nabc",
    "a length in hex": HOST + b"Content-Length: 0x3\r\n\r\nabc",
    "a length with a line": HOST + b"Content-Length: 1_0\r\n\r\n0123456789",
    "no length": HOST + b"Content-Length:\r\n\r\n",
    "a length of 20 digits": HOST + b"Content-Length: 00000000000000000003\r\n\r\nabc",
    "another coding": HOST + b"Transfer-Encoding: gzip\r\n\r\n",
    "chunked before another coding": HOST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "chunked twice": HOST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked with more in it": HOST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a space before a colon": HOST + b"Content-Length : 3\r\n\r\nabc",
    "a space before a name": HOST + b" Content-Length: 3\r\n\r\nabc",
    "a folded line": HOST + b"X-Any: 1\r\n 2\r\n\r\n",
    "a line feed alone": HOST + b"X-Any: 1\nContent-Length: 3\r\n\r\nabc",
    "a head of line feeds alone": b"Host: localhost\n\n",
    "a carriage return alone": HOST + b"X-Any: 1\rContent-Length: 3\r\n\r\nabc",
    "a NUL in a value": HOST + b"X-Any: 1\x002\r\n\r\n",
    "a NUL in a name": HOST + b"X\x00Any: 1\r\n\r\n",
    "a line without a colon": HOST + b"nonsense\r\n\r\n",
    "a name without letters": HOST + b": 1\r\n\r\n",
    "no host": b"\r\n",
    "two hosts": HOST + HOST + b"\r\n",
    "a host that is none": b"Host: a b\r\n\r\n",
    "a chunk without a size": HOST + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "a chunk with a negative size": HOST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
    "a chunk with a space before its size": HOST
    + b"Transfer-Encoding: chunked\r\n\r\n 3\r\nabc\r\n0\r\n\r\n",
    "a chunk with a huge size": HOST + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n",
    "a chunk that is longer than it says": HOST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
    "a chunk that another end follows": HOST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcXX0\r\n\r\n",
    "a chunk whose line ends too early": HOST + b"Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
}
FIRST_LINES = [
    b"GET  /echo HTTP/1.1",
    b"GET /echo  HTTP/1.1",
    b" GET /echo HTTP/1.1",
    b"GET /echo HTTP/1.1 ",
    b"GET\t/echo\tHTTP/1.1",
    b"GET /echo",
    b"GET /e cho HTTP/1.1",
    b"GET /e\x00cho HTTP/1.1",
    b"GET /echo HTTP/2.0",
    b"GET /echo HTTP/1.10",
    b"GET /echo http/1.1",
    b"GET /echo HTTP/1",
    b"G(T /echo HTTP/1.1",
    b"\x16\x03\x01\x02\x00\r\n\r\n",
]


@pytest.mark.gen_test
async def test_a_request_whose_end_is_in_doubt_is_refused_once_and_what_follows_is_not_read() -> None:
    follows = b"GET /echo?smuggled HTTP/1.1\r\n" + HOST + b"\r\n"
    async with serving() as (port, seen):
        for shape, sent in SMUGGLING.items():
            answer = await whole(port, b"POST /echo HTTP/1.1\r\n" + sent, follows)
            head, _, body = answer.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n"), shape
            assert b"\r\nConnection: close" in head
            assert b'"urn:smartgrid:problem:malformed"' in body
            assert answer.count(b"HTTP/1.1 ") == 1
            assert seen.requests == []


@pytest.mark.gen_test
async def test_a_first_line_that_is_none_is_refused() -> None:
    async with serving() as (port, seen):
        for line in FIRST_LINES:
            answer = await whole(port, line + b"\r\n" + HOST + b"\r\n")
            assert answer.startswith(b"HTTP/1.1 400 "), line
            assert answer.count(b"HTTP/1.1 400 ") == 1
            assert seen.requests == []


@pytest.mark.gen_test
async def test_a_head_of_bare_line_feeds_is_refused_before_anything_follows() -> None:
    async with serving() as (port, _):
        assert (await whole(port, b"GET /echo HTTP/1.1\nHost: localhost\n\n")).startswith(b"HTTP/1.1 400 ")


@pytest.mark.gen_test
async def test_what_was_asked_before_a_malformed_request_is_answered_first() -> None:
    async with serving() as (port, _):
        answers = await whole(port, b"GET /echo HTTP/1.1\r\n" + HOST + b"\r\n", b"nonsense\r\n\r\n")
        assert answers.startswith(b"HTTP/1.1 200 ")
        assert answers.count(b"HTTP/1.1 400 ") == 1


@pytest.mark.gen_test
async def test_an_empty_line_before_a_request_is_left_out() -> None:
    async with serving() as (port, _):
        sent = b"POST /echo HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\n\r\n1"
        answers = await whole(port, sent + b"\r\n", b"GET /echo HTTP/1.1\r\n" + CLOSE + b"\r\n")
        assert answers.count(b"HTTP/1.1 200 ") == 2


@pytest.mark.gen_test
async def test_what_a_client_sends_before_its_answer_is_read_up_to_a_limit_and_answered_in_order() -> None:
    async with serving() as (port, seen), connection(port) as (reader, writer):
        count = 6 * READ_BYTES // 60
        requests = [b"GET /echo?%d HTTP/1.1\r\n%b\r\n" % (number, HOST) for number in range(count)]
        writer.write(b"POST /hold HTTP/1.1\r\n" + HOST + b"\r\n" + b"".join(requests))
        writer.write(b"GET /hold HTTP/1.1\r\n" + CLOSE + b"\r\n")
        await until(lambda: any(len(each.buffer) >= READ_BYTES for each in connections()))
        (held,) = connections()
        for _ in range(100):
            await asyncio.sleep(0)
            assert len(held.buffer) < 2 * READ_BYTES
        seen.go_on.set()
        answers = await reader.read()
        assert answers.count(b"HTTP/1.1 200 ") == count + 2
        assert [uri for uri, _ in seen.requests] == [f"/echo?{number}" for number in range(count)]


@pytest.mark.gen_test
async def test_for_a_client_that_does_not_read_its_answers_no_more_are_made() -> None:
    count = 500
    async with serving() as (port, seen), connection(port, limit=1024) as (reader, writer):
        writer.write(
            b"GET /large HTTP/1.1\r\n%b\r\n" % HOST * count + b"GET /echo HTTP/1.1\r\n%b\r\n" % CLOSE
        )
        await until(lambda: any(not each.writable for each in connections()))
        made = 0
        while made < len(seen.requests):  # until the system takes no more
            made = len(seen.requests)
            for _ in range(100):
                await asyncio.sleep(0)
        assert made < count
        answers = await reader.read()  # once it reads, it gets them all
        assert answers.count(b"HTTP/1.1 200 ") == count + 1


@pytest.mark.gen_test
async def test_a_client_that_never_reads_its_answers_is_cut_off() -> None:
    limits = Limits(idle_s=SOON_S, header_s=NEVER_S, body_s=NEVER_S)
    async with serving(limits) as (port, seen), connection(port, limit=1024) as (_, writer):
        writer.write(b"GET /large HTTP/1.1\r\n%b\r\n" % HOST * 500)
        await until(lambda: seen.requests and not connections())
        assert len(seen.requests) < 500


@pytest.mark.gen_test
async def test_an_answer_without_end_that_is_not_read_is_cut_off() -> None:
    limits = Limits(idle_s=SOON_S, header_s=NEVER_S, body_s=NEVER_S)
    async with serving(limits) as (port, seen), connection(port, limit=1024) as (_, writer):
        writer.write(b"GET /endless HTTP/1.1\r\n%b\r\n" % HOST)
        await seen.gone.wait()


@pytest.mark.gen_test
async def test_a_client_that_never_reads_its_last_answer_is_cut_off_too() -> None:
    limits = Limits(idle_s=SOON_S, header_s=NEVER_S, body_s=NEVER_S)
    async with serving(limits) as (port, seen), connection(port, limit=1024) as (_, writer):
        writer.write(b"GET /large?256 HTTP/1.1\r\n%b\r\n" % CLOSE)
        await until(lambda: seen.requests and not connections(closed=True))


@pytest.mark.gen_test
async def test_a_listener_that_stops_does_not_wait_for_a_tls_handshake(tmp_path: Path) -> None:
    limits = Limits(header_s=NEVER_S)
    async with contextlib.AsyncExitStack() as stack:
        async with serving(limits, tls=PublicCertificate(*self_signed(tmp_path, "localhost")).context) as (
            port,
            _,
        ):
            reader, _ = await stack.enter_async_context(connection(port))
            await until(connections)
        assert await reader.read() == b""


@pytest.mark.gen_test
async def test_a_client_that_waits_for_it_is_told_to_send_its_body() -> None:
    head = b"POST /echo HTTP/1.1\r\n" + CLOSE + b"Expect: 100-Continue\r\nContent-Length: 3\r\n\r\n"
    async with serving() as (port, _):
        async with connection(port) as (reader, writer):
            writer.write(head)
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"a")
            await writer.drain()
            writer.write(b"bc")
            assert b'"abc"' in await reader.read()
        assert b" 100 " not in await whole(port, head + b"abc")  # it did not wait
        async with connection(port) as (reader, writer):
            writer.write(head.replace(b"1.1\r", b"1.0\r") + b"a")
            await until(lambda: any(not each.waiting for each in connections()))
            writer.write(b"bc")
            assert (await reader.read()).startswith(b"HTTP/1.1 200 ")


@pytest.mark.gen_test
async def test_a_client_that_waits_to_send_too_much_is_told_so_instead() -> None:
    async with serving() as (port, _):
        head = b"POST /echo HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n"
        answer = await whole(port, head)
        assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("version", "field", "stays"),
    [
        (b"1.1", b"X-Any: 1", True),
        (b"1.1", b"Connection: keep-alive", True),
        (b"1.1", b"Connection: close", False),
        (b"1.1", b"Connection: TE, Close", False),
        (b"1.0", b"X-Any: 1", False),
        (b"1.0", b"Connection: Keep-Alive", True),
        (b"1.0", b"Connection: keep-alive, close", False),
    ],
)
@pytest.mark.gen_test
async def test_a_connection_stays_open_when_the_client_and_its_version_say_so(
    version: bytes, field: bytes, *, stays: bool
) -> None:
    async with serving() as (port, _), connection(port) as (reader, writer):
        writer.write(b"GET /echo HTTP/%b\r\nHost: localhost\r\n%b\r\n\r\n" % (version, field))
        head = await reader.readuntil(b"\r\n\r\n")
        assert (b"\r\nConnection: close\r\n" in head) is not stays
        assert (b"\r\nConnection: keep-alive\r\n" in head) is (stays and version == b"1.0")
        if stays:
            writer.write(b"GET /echo HTTP/1.1\r\n" + CLOSE + b"\r\n")
        assert (await reader.read()).count(b"HTTP/1.1 200 ") == stays


@pytest.mark.parametrize("method", [b"GET", b"POST"])
@pytest.mark.gen_test
async def test_what_answers_learns_that_the_client_has_gone(method: bytes) -> None:
    async with serving() as (port, seen):
        async with connection(port) as (_, writer):
            writer.write(method + b" /hold HTTP/1.1\r\n" + HOST + b"\r\n")
            await seen.begun.wait()
        await seen.gone.wait()
        await until(lambda: not connections())


@pytest.mark.gen_test
async def test_of_a_client_that_goes_within_its_body_nothing_is_answered() -> None:
    async with serving() as (port, seen):
        async with connection(port) as (_, writer):
            writer.write(b"POST /echo HTTP/1.1\r\n" + HOST + b"Content-Length: 9\r\n\r\n123")
            await until(lambda: any(not each.waiting for each in connections()))
        await until(lambda: not connections())
        assert seen.requests == []


@pytest.mark.gen_test
async def test_a_listener_that_stops_answers_what_has_begun_and_closes_its_connections() -> None:
    listener = contextlib.AsyncExitStack()
    port, seen = await listener.enter_async_context(serving())
    async with connection(port) as (idle, _), connection(port) as (reader, writer):
        writer.write(b"GET /hold HTTP/1.1\r\n%b\r\nGET /echo HTTP/1.1\r\n%b\r\n" % (HOST, HOST))
        await seen.begun.wait()
        stopping = asyncio.create_task(listener.aclose())
        assert await idle.read() == b""
        with pytest.raises(OSError):  # noqa: PT011 - how it is refused differs
            await asyncio.open_connection("127.0.0.1", port)
        seen.go_on.set()
        answer = await reader.read()
        await stopping
    assert answer.count(b"HTTP/1.1 200 ") == 1  # what was not begun is not done
    assert b"\r\nConnection: close\r\n" in answer
    assert seen.requests == []


@pytest.mark.gen_test
async def test_an_answer_in_parts_comes_in_chunks_or_ends_with_the_connection() -> None:
    async with serving() as (port, _):
        modern = await whole(port, b"GET /parts HTTP/1.1\r\n" + CLOSE + b"\r\n")
        assert b"\r\nTransfer-Encoding: chunked\r\n" in modern
        assert modern.endswith(b"\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
        old = await whole(port, b"GET /parts HTTP/1.0\r\n" + HOST + b"Connection: keep-alive\r\n\r\n")
        assert b"Transfer-Encoding" not in old
        assert old.endswith(b"\r\n\r\nonetwo")
        bodiless = await whole(port, b"HEAD /parts HTTP/1.1\r\n" + CLOSE + b"\r\n")
        assert bodiless.endswith(b"\r\n\r\n")
        assert bodiless.count(b"\r\n\r\n") == 1


@pytest.mark.parametrize("how", ["long", "short", "broken"])
@pytest.mark.gen_test
async def test_an_answer_against_the_rules_ends_the_connection(
    how: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "ANSWER_WITHIN_S", SOON_S)  # what can't be answered is waited for
    async with serving() as (port, seen):
        sent = b"GET /wrong/%b HTTP/1.1\r\n%b\r\n" % (how.encode(), HOST)
        answer = await whole(port, sent, b"GET /echo HTTP/1.1\r\n" + HOST + b"\r\n")
        assert b"X-Other" not in answer
        assert seen.requests == []
    assert [record.getMessage() for record in caplog.records if record.name == "runtime.handlers"]


@pytest.mark.gen_test
async def test_a_handler_that_takes_its_body_in_parts_is_served_by_tornado() -> None:
    app = Application([("/streamed", StreamedHandler)])
    async with http.listen(app, "127.0.0.1", 0, gate=Gate(kinds=ANY)) as port:
        head = b"POST /streamed HTTP/1.1\r\n%bContent-Length: 2\r\n\r\n" % CLOSE
        assert b'{"parts": ' in await whole(port, head, b"12")


@pytest.mark.gen_test
async def test_it_speaks_tls(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path, "localhost")
    client = ssl.create_default_context(cafile=str(certificate))
    async with serving(tls=PublicCertificate(certificate, key).context) as (port, _):
        async with connection(port, ssl=client, server_hostname="localhost") as (reader, writer):
            writer.write(b"GET /echo HTTP/1.1\r\n" + CLOSE + b"\r\n")
            assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        assert b"HTTP" not in await whole(port, b"GET /echo HTTP/1.1\r\n" + HOST + b"\r\n")
        await until(lambda: not connections())


@pytest.mark.gen_test
async def test_it_listens_on_an_address_of_ip_6() -> None:
    async with serving(address="::1") as (port, _), connection(port, host="::1") as (reader, writer):
        writer.write(b"GET /echo HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n")
        assert b'"ip": "::1"' in await reader.read()
