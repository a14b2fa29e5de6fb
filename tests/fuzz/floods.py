"""Floods, each from an address of its own and in a process of its own: `python -m tests.fuzz.floods NAME PORT`."""

import asyncio
import contextlib
import itertools
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

AT_ONCE = 100  # connections of a flood
FLOOD_FROM = ("127.0.0.2", 0)
GET = b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
UPGRADE = (
    b"GET /fleet/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
MASKED_PING = b"\x89\x84abcd\x00\x00\x00\x00"

Flooder = Callable[[int], Awaitable[None]]


async def requests(port: int) -> None:
    """Send requests as fast as they are answered."""
    async with _connection(port) as (reader, writer):
        while True:
            writer.write(GET * 10)
            await writer.drain()
            if not await reader.read(65_536):
                return


async def slow_reader(port: int) -> None:
    """Ask for much, and take nothing."""
    async with _connection(port) as (_, writer):
        while True:
            writer.write(GET * 100)
            await writer.drain()
            await asyncio.sleep(0)


async def slow_writer(port: int) -> None:
    """Send a request a byte at a time, and never the end of it."""
    async with _connection(port) as (_, writer):
        for number in itertools.count():
            writer.write(b"GET / HTTP/1.1\r\nX: " if not number else b"y")
            await writer.drain()
            await asyncio.sleep(0.2)


async def idle(port: int) -> None:
    """Connect, and say nothing."""
    async with _connection(port) as (reader, _):
        await reader.read()


async def sockets(port: int) -> None:
    """Open a WebSocket, send pings without end, and take no frame."""
    async with _connection(port) as (_, writer):
        writer.write(UPGRADE)
        while True:
            writer.write(MASKED_PING * 50)
            await writer.drain()
            await asyncio.sleep(0.01)


async def connections(port: int) -> None:
    """Connect, send a preface of HTTP/2, and go."""
    async with _connection(port) as (_, writer):
        writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        await writer.drain()


FLOODS: dict[str, tuple[str, Flooder]] = {
    "HTTP/1 requests": ("Gateway, for everybody", requests),
    "slow readers": ("Gateway, for everybody", slow_reader),
    "slow writers": ("Gateway, for everybody", slow_writer),
    "idle connections": ("Gateway, for everybody", idle),
    "HTTP/2 prefaces": ("Gateway, for everybody", connections),
    "HTTP/2 prefaces at a stream": ("Balancer, stream", connections),
    "WebSockets that don't read": ("Balancer, HTTP", sockets),
    "idle connections to the console": ("Console, for everybody", idle),
}


async def _again(flooder: Flooder, port: int) -> None:
    while True:
        with contextlib.suppress(OSError):
            await flooder(port)
        await asyncio.sleep(0.001)


@contextlib.asynccontextmanager
async def _connection(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=FLOOD_FROM)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def flood(name: str, port: int) -> None:
    """Flood a port until this process is ended."""
    _, flooder = FLOODS[name]
    await asyncio.gather(*(_again(flooder, port) for _ in range(AT_ONCE)))


if __name__ == "__main__":
    asyncio.run(flood(sys.argv[1], int(sys.argv[2])))
