"""Clients of a stream that send frames without end: they are told to stop, and delay nobody."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator

import pytest

from runtime.frame_allowance import BURST
from tests.integration.balancer.fleet_stream import StreamOnly, read, served
from tests.integration.balancer.grid import HOST, until

UPGRADE = (
    b"GET /fleet/stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
# Masked, as a client's frames must be: a ping, a message, the first part of one, an answer to a ping.
FRAMES = {"pings": b"\x89", "messages": b"\x81", "pongs": b"\x8a"}
EMPTY = b"\x80abcd"
CLOSE = 8


@contextlib.asynccontextmanager
async def raw(stream: StreamOnly) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client that writes its frames itself."""
    reader, writer = await asyncio.open_connection(HOST, stream.port)
    writer.write(UPGRADE)
    await reader.readuntil(b"\r\n\r\n")
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def close_frame(reader: asyncio.StreamReader) -> tuple[int, str]:
    """Read up to the close frame; returns its code and its reason."""
    while True:
        first, size = await reader.readexactly(2)
        if size > 125:
            size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8))
        data = await reader.readexactly(size)
        if first & 15 == CLOSE:
            return struct.unpack(">H", data[:2])[0], data[2:].decode()


@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.gen_test
async def test_a_client_that_sends_too_many_frames_is_told_so_and_closed(kind: str) -> None:
    async with served() as stream, raw(stream) as (reader, writer):
        writer.write((FRAMES[kind] + EMPTY) * 10 * BURST)
        assert await close_frame(reader) == (
            1008,
            "too many frames: 10 a second are accepted, pings and pongs included",
        )
        assert stream.count("connections_total", outcome="flooding") == 1
        assert stream.count("clients") == 0  # its place is free
        await stream.streams.close()  # a service that stops does not wait for it
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""


@pytest.mark.gen_test
async def test_parts_of_a_message_count_as_frames() -> None:
    async with served() as stream, raw(stream) as (reader, writer):
        writer.write(b"\x01" + EMPTY + (b"\x00" + EMPTY) * 10 * BURST)
        code, _ = await close_frame(reader)
        assert code == 1008


@pytest.mark.gen_test
async def test_a_client_that_pings_now_and_then_stays() -> None:
    async with served() as stream, stream.client() as client:
        for _ in range(BURST // 2):
            client.ping(b"?")
        for _ in range(50):
            await read(client)
        assert stream.count("connections_total", outcome="flooding") == 0
        assert stream.count("clients") == 1


@pytest.mark.gen_test
async def test_others_get_their_frames_while_clients_flood() -> None:
    async with contextlib.AsyncExitStack() as stack:
        stream = await stack.enter_async_context(served())
        good = await stack.enter_async_context(stream.client())
        for _ in range(20):
            _, writer = await stack.enter_async_context(raw(stream))
            writer.write((FRAMES["pings"] + EMPTY) * 5000)

        async def all_stopped() -> bool:
            await read(good)
            return stream.count("connections_total", outcome="flooding") >= 20

        await until(all_stopped)
        await read(good)
        assert stream.count("clients") == 1
