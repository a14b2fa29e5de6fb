"""More clients than a listener has connections for: which ones it accepts, closes, or answers with a Retry-After."""

import asyncio
import contextlib
import dataclasses
import logging
import os
import resource
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tornado.web import Application
from tornado.websocket import WebSocketHandler, websocket_connect

from runtime import descriptors, exposition, health, http
from runtime.connections import Limits
from runtime.handlers import ApiHandler, NotFoundHandler
from tests.support.raw_http import Ends, connection, exchange

pytestmark = pytest.mark.usefixtures("server")

NEVER_S = 3600.0
PATIENT = Limits(young_s=0, idle_s=NEVER_S, header_s=NEVER_S, body_s=NEVER_S)
GET = b"GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n"
HOLD = GET.replace(b"/echo", b"/hold")
PROBES = [GET.replace(b"/echo", path) for path in (b"/livez", b"/readyz", b"/metrics")]
ELSEWHERE = "127.0.0.2"
LARGE = 8_000_000  # bytes


class EchoHandler(ApiHandler):
    """Answers at once."""

    def get(self) -> None:
        self.write_json({})


class HoldHandler(ApiHandler):
    """Answers when the test says so."""

    async def get(self) -> None:
        self.settings["held"].release()
        await self.settings["go_on"].wait()
        self.write_json({})


@dataclasses.dataclass
class Listener:
    """One listener of this process."""

    port: int
    go_on: asyncio.Event
    held: asyncio.Semaphore

    async def hold(self, stack: contextlib.AsyncExitStack, count: int) -> list[Ends]:
        """Open connections that are busy until `go_on`."""
        opened = [await stack.enter_async_context(connection(self.port)) for _ in range(count)]
        for _, writer in opened:
            writer.write(HOLD)
        for _ in opened:
            await self.held.acquire()
        return opened


@asynccontextmanager
async def serving(limits: Limits = PATIENT, *more: Any) -> AsyncIterator[Listener]:
    go_on, held = asyncio.Event(), asyncio.Semaphore(0)
    app = Application(
        [
            ("/echo", EchoHandler),
            ("/hold", HoldHandler),
            ("/livez", health.LiveHandler),
            ("/readyz", health.ReadyHandler, {"waiting_for": list}),
            ("/metrics", exposition.MetricsHandler, {"registry": exposition.registry("test")}),
            *more,
        ],
        default_handler_class=NotFoundHandler,
        go_on=go_on,
        held=held,
    )
    async with http.listen(app, "127.0.0.1", 0, limits) as port:
        yield Listener(port, go_on, held)
        go_on.set()


async def status(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes = GET) -> int:
    """Send a request on a connection that stays open, and return the status of its answer."""
    writer.write(sent)
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    await reader.readexactly(int(head.split("content-length: ")[1].split("\r\n")[0]))
    return int(head.split(" ")[1])


@pytest.mark.gen_test
async def test_who_comes_when_all_connections_are_busy_is_told_so_and_the_others_are_served(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving(Limits(connections=2, young_s=0)) as listener, contextlib.AsyncExitStack() as stack:
        held = await listener.hold(stack, 2)
        for _ in range(3):
            refused = await exchange(listener.port, GET)
            assert (refused.status, refused.closed) == (503, True)
            assert refused.headers["retry-after"] == "1"
            assert refused.json()["type"] == "urn:smartgrid:problem:unavailable"
            assert refused.json()["request_id"] == refused.headers["x-request-id"]
        listener.go_on.set()
        assert [await status(*ends, sent=b"") for ends in held] == [200, 200]
        assert (await exchange(listener.port, GET)).status == 200
    assert [r.message for r in caplog.records if r.name == "runtime.connections"] == [
        "all connections are taken"
    ]


@pytest.mark.gen_test
async def test_probes_and_metrics_are_answered_while_all_connections_are_busy() -> None:
    limits = dataclasses.replace(PATIENT, connections=1, reserve=1)
    async with serving(limits) as listener, contextlib.AsyncExitStack() as stack:
        await listener.hold(stack, 1)
        for probe in PROBES:
            assert (await exchange(listener.port, probe)).status == 200
        silent = await stack.enter_async_context(connection(listener.port))
        assert (await exchange(listener.port, PROBES[0])).status == 200  # nor can the reserve be held
        assert await silent[0].read() == b""


@pytest.mark.gen_test
async def test_connections_that_do_nothing_shut_nobody_out() -> None:
    async with serving(Limits(connections=20, young_s=0)) as listener, contextlib.AsyncExitStack() as stack:
        idle = [await stack.enter_async_context(connection(listener.port)) for _ in range(40)]
        used = await stack.enter_async_context(connection(listener.port))
        for _ in range(30):
            assert await status(*used) == 200  # who uses its connection keeps it
            assert (await exchange(listener.port, GET)).status == 200
            await stack.enter_async_context(connection(listener.port))
        assert [await reader.read() for reader, _ in idle] == [b""] * 40


@pytest.mark.gen_test
async def test_one_address_can_t_take_the_connections_of_all() -> None:
    limits = dataclasses.replace(PATIENT, connections=3, per_address=2, reserve=0)
    async with serving(limits) as listener, contextlib.AsyncExitStack() as stack:
        await listener.hold(stack, 2)
        assert (await exchange(listener.port, b"")).status == 503
        assert (await exchange(listener.port, GET, source=ELSEWHERE)).status == 200


@pytest.mark.gen_test
async def test_an_address_at_its_limit_loses_its_own_idle_connection_and_nobody_else_s() -> None:
    limits = dataclasses.replace(PATIENT, connections=3, per_address=2)
    async with serving(limits) as listener, contextlib.AsyncExitStack() as stack:
        other = await asyncio.open_connection("127.0.0.1", listener.port, local_addr=(ELSEWHERE, 0))
        assert await status(*other) == 200
        mine = [await stack.enter_async_context(connection(listener.port)) for _ in range(3)]
        assert await mine[0][0].read() == b""
        assert [await status(*ends) for ends in (*mine[1:], other)] == [200] * 3
        other[1].close()


@pytest.mark.gen_test
async def test_a_connection_whose_request_is_on_its_way_makes_no_room() -> None:
    limits = dataclasses.replace(PATIENT, connections=1, young_s=NEVER_S)
    async with serving(limits) as listener, connection(listener.port) as new:
        assert (await exchange(listener.port, GET)).status == 503
        assert await status(*new) == 200


@pytest.mark.gen_test
async def test_a_connection_that_is_over_makes_room_for_another_however_it_ended() -> None:
    soon = dataclasses.replace(PATIENT, connections=1, header_s=0.05)
    async with serving(soon) as listener:
        for _ in range(3):
            async with connection(listener.port) as ends:  # the client hangs up
                assert await status(*ends) == 200
            await room(listener.port)
            async with connection(listener.port) as (reader, writer):  # the server does
                writer.write(b"G")
                assert await reader.read() == b""
            await room(listener.port)


@pytest.mark.gen_test
async def test_a_websocket_counts_as_a_connection_until_it_ends() -> None:
    async with serving(Limits(connections=1), ("/ws", WebSocketHandler)) as listener:
        opened = await websocket_connect(f"ws://127.0.0.1:{listener.port}/ws")
        assert (await exchange(listener.port, GET)).status == 503
        opened.close()
        await room(listener.port)


async def room(port: int) -> None:
    while (await exchange(port, GET.replace(b"Host", b"Connection: close\r\nHost"))).status != 200:
        pass


@pytest.mark.gen_test
async def test_without_a_file_for_a_connection_idle_ones_are_closed_and_accepting_pauses(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving() as listener, contextlib.AsyncExitStack() as stack:
        idle = await stack.enter_async_context(connection(listener.port))
        assert await status(*idle) == 200
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with contextlib.closing(socket.create_connection(("127.0.0.1", listener.port))) as waiting:
            waiting.setblocking(False)
            resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free(), hard))
            try:
                assert await idle[0].read() == b""  # it has made room
                idle[1].close()
                await asyncio.get_running_loop().sock_sendall(waiting, GET)
                answer = await asyncio.get_running_loop().sock_recv(waiting, 100)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert answer.startswith(b"HTTP/1.1 200")
    said = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert [r.message for r in said] == ["no connection can be accepted: Too many open files"]


def lowest_free() -> int:
    """The number that the next file of this process would get."""
    probe = os.dup(0)
    os.close(probe)
    return probe


def test_connections_are_as_many_as_files_may_be_open() -> None:
    wanted = Limits()
    assert descriptors.within(wanted, 1_000_000) is wanted
    fewer = descriptors.within(wanted, 1024)
    assert fewer.connections + fewer.reserve + descriptors.OTHERS == 1024
    assert fewer.connections > 200 + 3 * 4  # what two hundred viewers and three substations take


@pytest.mark.parametrize(("limits", "files"), [(Limits(), 256), (Limits(shrinks=False), 1024)])
def test_too_few_files_for_the_connections_are_said_at_the_start(limits: Limits, files: int) -> None:
    with pytest.raises(OSError, match=rf"1000 connections .* may have {files}.*ulimit -n"):
        descriptors.within(limits, files)


@pytest.mark.gen_test
async def test_a_listener_raises_the_limit_of_open_files_to_what_it_needs() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (900, hard))
    try:
        async with serving():
            raised, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
            assert raised == min(hard, PATIENT.connections + PATIENT.reserve + descriptors.OTHERS)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class LargeHandler(ApiHandler):
    """Answers with more than a socket holds."""

    def get(self) -> None:
        self.finish(b"x" * LARGE)


@pytest.mark.gen_test
async def test_an_answer_that_is_still_being_taken_is_not_cut_off_for_another_client() -> None:
    limits = dataclasses.replace(PATIENT, connections=1, per_address=0, reserve=2)
    async with (
        serving(limits, ("/large", LargeHandler)) as listener,
        connection(listener.port) as (reader, writer),
    ):
        writer.write(GET.replace(b"/echo", b"/large"))
        head = await reader.readuntil(b"\r\n\r\n")
        async with connection(listener.port) as (other, asked):
            asked.write(PROBES[0])
            assert (await other.readline()).startswith(b"HTTP/1.1 200")
        assert b"200" in head
        assert len(await reader.readexactly(LARGE)) == LARGE
