"""What a listener bears from clients that are slow, many, or large: through real sockets."""

import asyncio
import contextlib
import gzip
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tornado.web import Application
from tornado.websocket import WebSocketHandler, websocket_connect

from runtime import http
from runtime.connections import Limits
from runtime.gate import ANY, Gate
from runtime.handlers import ApiHandler, NotFoundHandler
from runtime.http_server.connection import HEADER_BYTES
from tests.support.raw_http import connection, exchange

pytestmark = pytest.mark.usefixtures("server")

SOON_S = 0.05
LATER_S = 2.0  # a limit that nothing but waiting reaches, on a busy machine either
NEVER_S = 3600.0
PATIENT = Limits(idle_s=NEVER_S, header_s=NEVER_S, body_s=NEVER_S)
GET = b"GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n"
HOLD, RELEASE = GET.replace(b"/echo", b"/echo?hold"), GET.replace(b"/echo", b"/echo?release")


class EchoHandler(ApiHandler):
    """Answers what came; `?hold` waits for a `?release`."""

    async def get(self) -> None:
        go_on: asyncio.Event = self.settings["go_on"]
        if self.request.query == "release":
            go_on.set()
        if self.request.query == "hold":
            await go_on.wait()
        self.write_json({"path": self.request.uri})

    def post(self) -> None:
        self.write_json({"bytes": len(self.request.body)})


class SocketHandler(WebSocketHandler):
    """Answers how long a message is."""

    async def on_message(self, message: str | bytes) -> None:
        await self.write_message(str(len(message)))


@asynccontextmanager
async def serving(limits: Limits = PATIENT, *more: Any) -> AsyncIterator[int]:
    app = Application(
        [("/echo", EchoHandler), *more],
        default_handler_class=NotFoundHandler,
        go_on=asyncio.Event(),
    )
    async with http.listen(app, "127.0.0.1", 0, limits, gate=Gate(kinds=ANY)) as port:
        yield port


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes = GET) -> bytes:
    """Send a request on a connection that stays open, and return the body of the answer."""
    writer.write(sent)
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    return await reader.readexactly(int(head.split("content-length: ")[1].split("\r\n")[0]))


@pytest.mark.gen_test
async def test_a_head_that_does_not_come_to_its_end_is_cut_off() -> None:
    async with serving(Limits(header_s=SOON_S, idle_s=NEVER_S, body_s=NEVER_S)) as port:
        for begun in (b"G", GET[:-2]):
            async with connection(port) as (reader, writer):
                writer.write(begun)
                assert await reader.read() == b""


@pytest.mark.gen_test
async def test_a_head_that_trickles_in_is_cut_off_too() -> None:
    async with (
        serving(Limits(header_s=SOON_S, idle_s=NEVER_S, body_s=NEVER_S)) as port,
        connection(port) as (reader, writer),
    ):
        with contextlib.suppress(ConnectionError):
            while not (reader.at_eof() or reader.exception()):
                writer.write(b"G")
                await asyncio.sleep(SOON_S / 10)
        assert reader.at_eof() or reader.exception()


@pytest.mark.gen_test
async def test_a_connection_may_idle_for_longer_than_a_head_may_take() -> None:
    async with (
        serving(Limits(header_s=LATER_S, idle_s=NEVER_S, body_s=NEVER_S)) as port,
        connection(port) as (reader, writer),
    ):
        for idle_s in (LATER_S * 1.2, 0):
            writer.write(GET[:7])  # a head in parts has one limit, which ends with it
            await writer.drain()
            await asyncio.sleep(SOON_S / 10)
            assert await answer(reader, writer, GET[7:]) == b'{"path": "/echo"}'
            await asyncio.sleep(idle_s)


@pytest.mark.gen_test
async def test_a_body_may_take_longer_than_a_head() -> None:
    async with (
        serving(Limits(header_s=SOON_S, idle_s=NEVER_S, body_s=NEVER_S)) as port,
        connection(port) as (reader, writer),
    ):
        writer.write(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n1")
        await asyncio.sleep(SOON_S)
        writer.write(b"2")
        await asyncio.sleep(3 * SOON_S)
        assert await answer(reader, writer, b"3") == b'{"bytes": 3}'


@pytest.mark.gen_test
async def test_an_answer_may_take_longer_than_the_head_and_the_idling() -> None:
    limits = Limits(header_s=LATER_S, idle_s=LATER_S, body_s=LATER_S)
    async with serving(limits) as port, connection(port) as (reader, writer):
        writer.write(HOLD)
        await asyncio.sleep(1.5 * LATER_S)
        assert (await exchange(port, RELEASE)).status == 200
        assert b"hold" in await answer(reader, writer, b"")


@pytest.mark.gen_test
async def test_a_connection_that_idles_for_too_long_is_closed() -> None:
    limits = Limits(header_s=NEVER_S, idle_s=LATER_S, body_s=NEVER_S)
    async with serving(limits) as port, connection(port) as (unused, _), connection(port) as (reader, writer):
        await answer(reader, writer)
        assert await unused.read() == b""
        assert await reader.read() == b""


@pytest.mark.gen_test
async def test_a_body_that_does_not_come_to_its_end_is_cut_off() -> None:
    async with serving(Limits(header_s=NEVER_S, idle_s=NEVER_S, body_s=SOON_S)) as port:
        for framing in (b"Content-Length: 10", b"Transfer-Encoding: chunked"):
            async with connection(port) as (reader, writer):
                writer.write(b"POST /echo HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n1" % framing)
                assert await reader.read() == b""


@pytest.mark.gen_test
async def test_a_head_of_over_8_kib_is_not_read() -> None:
    def padded(size: int) -> bytes:
        head = b"GET /echo HTTP/1.1\r\nHost: localhost\r\nX-Pad: \r\n\r\n"
        return head.replace(b"Pad: ", b"Pad: " + b"x" * (size - len(head)))

    async with serving() as port:
        assert (await exchange(port, padded(HEADER_BYTES))).status == 200
        async with connection(port) as (reader, writer):
            writer.write(padded(HEADER_BYTES + 1))
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""


@pytest.mark.gen_test
async def test_requests_in_a_row_on_one_connection_are_answered_in_order_while_others_are_served() -> None:
    async with serving() as port, connection(port) as (reader, writer):
        requests = [GET.replace(b"/echo", b"/echo?n=%d" % n) for n in range(300)]
        writer.write(HOLD + b"".join(requests))
        assert (await exchange(port, RELEASE)).status == 200
        assert b"hold" in await answer(reader, writer, b"")
        bodies = [await answer(reader, writer, b"") for _ in requests]
        assert bodies == [b'{"path": "/echo?n=%d"}' % n for n in range(300)]


@pytest.mark.gen_test
async def test_many_slow_clients_do_not_keep_others_from_being_served() -> None:
    limits = Limits(connections=150, header_s=SOON_S, idle_s=NEVER_S, body_s=SOON_S)
    async with serving(limits) as port, contextlib.AsyncExitStack() as stack:
        slow = [await stack.enter_async_context(connection(port)) for _ in range(100)]
        for number, (_, writer) in enumerate(slow):
            writer.write(
                b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n"
                if number % 2
                else b"GET"
            )
        assert (await exchange(port, GET)).status == 200
        assert [await reader.read() for reader, _ in slow] == [b""] * 100
        assert (await exchange(port, GET)).status == 200


@pytest.mark.parametrize("path", ["/echo", "/elsewhere"])
@pytest.mark.parametrize("coding", ["gzip", "GZIP", "deflate", "br", "identity, gzip"])
@pytest.mark.gen_test
async def test_a_compressed_body_is_not_inflated_but_refused(path: str, coding: str) -> None:
    body = gzip.compress(b"x" * 1_000_000)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n"
    async with serving() as port:
        reply = await exchange(port, head.encode() + body)
    assert reply.status == 415
    assert reply.json()["type"] == "urn:smartgrid:problem:unsupported-media-type"
    assert reply.headers["accept-encoding"] == "identity"


@pytest.mark.gen_test
async def test_a_body_that_says_it_is_not_compressed_is_taken() -> None:
    async with serving() as port:
        sent = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: identity\r\nContent-Length: 1\r\n\r\n1"
        assert (await exchange(port, sent)).json() == {"bytes": 1}


@pytest.mark.gen_test
async def test_a_message_on_a_websocket_is_at_most_16_kib(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(PATIENT, ("/ws", SocketHandler)) as port:
        with caplog.at_level(logging.CRITICAL, "tornado.general"):
            socket = await websocket_connect(f"ws://127.0.0.1:{port}/ws")
            await socket.write_message(b"x" * http.WEBSOCKET_BYTES)
            assert await socket.read_message() == str(http.WEBSOCKET_BYTES)
            await socket.write_message(b"x" * (http.WEBSOCKET_BYTES + 1))
            assert await socket.read_message() is None
            assert socket.close_code == 1009
            socket.close()
