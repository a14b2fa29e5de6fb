"""Clients of /fleet/stream that do not read: each affects itself only."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator

import pytest

from balancer.contract import FLEET
from runtime.frame_stream import FrameStreamHandler
from tests.integration.balancer.fleet_stream import (
    Frame,
    StreamOnly,
    read,
    served,
)
from tests.integration.balancer.grid import HOST, until


@contextlib.asynccontextmanager
async def stalled(stream: StreamOnly) -> AsyncIterator[tuple[asyncio.StreamReader, FrameStreamHandler]]:
    """A client that has connected and reads nothing."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, (HOST, stream.port))
    before = set(stream.streams.clients)
    reader, writer = await asyncio.open_connection(sock=sock, limit=4096)
    writer.write(
        b"GET /fleet/stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )

    async def arrived() -> FrameStreamHandler | None:
        return next(iter(set(stream.streams.clients) - before), None)

    try:
        yield reader, await until(arrived)
    finally:
        writer.transport.abort()


def unsent_bytes(client: FrameStreamHandler) -> int:
    """How much the server holds back for a client."""
    assert client.ws_connection
    assert client.ws_connection.stream
    return len(client.ws_connection.stream._write_buffer)


async def raw_frame(reader: asyncio.StreamReader) -> Frame:
    """Read one frame as RFC 6455 lays it out: no mask, a length of 7, 16 or 64 bits."""
    size = (await reader.readexactly(2))[1]
    if size > 125:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8))
    return dict(json.loads(await reader.readexactly(size)))


def load_of(frame: Frame) -> int:
    return int(frame.get("fleet", frame)[FLEET.rows][0]["load_kw"])


async def stuck(idle: FrameStreamHandler) -> None:
    """Wait until nothing more goes out to a client."""

    async def unmoved() -> bool:
        before = unsent_bytes(idle)
        await asyncio.sleep(0.2)
        return 0 < before == unsent_bytes(idle)

    await until(unmoved)


@pytest.mark.gen_test
async def test_a_reader_that_stalls_holds_back_one_frame_and_delays_nobody() -> None:
    """A hundred frames of 600 kB: whatever were kept of them would be seen."""
    async with served(size=2000) as stream, stalled(stream) as (_, idle):
        await stuck(idle)
        held = unsent_bytes(idle)
        async with stream.client() as client:
            frames = [await read(client) for _ in range(100)]
        assert [frame["seq"] for frame in frames] == list(range(1, 101))
        loads = [load_of(frame) for frame in frames]
        assert loads == sorted(set(loads))
        assert unsent_bytes(idle) == held <= len(json.dumps(stream.shown())) + 100


@pytest.mark.gen_test
async def test_a_reader_that_wakes_up_gets_the_newest_state_after_what_was_on_its_way() -> None:
    async with served(size=2000) as stream, stalled(stream) as (reader, idle):
        await stuck(idle)
        async with stream.client() as client:
            for _ in range(50):
                await read(client)
        stream.shown.moving = False
        await reader.readuntil(b"\r\n\r\n")
        loads = [0]
        while loads[-1] < stream.shown.number:
            frame = await raw_frame(reader)
            assert frame["seq"] == len(loads)
            loads.append(load_of(frame))
        assert loads[-1] - loads[-2] > 20  # what came in between it was never sent


@pytest.mark.gen_test
async def test_a_client_that_takes_no_frame_for_long_is_dropped() -> None:
    async with served(size=2000, drop_s=0.3) as stream, stalled(stream) as (_, idle):

        async def dropped() -> bool:
            return stream.count("connections_total", outcome="slow") == 1

        await until(dropped)
        async with stream.client() as client:
            assert (await read(client))["seq"] == 1

        async def gone() -> bool:
            return idle not in stream.streams.clients

        await until(gone)
