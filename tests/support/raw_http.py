"""Sends raw HTTP that no well-behaved client would send."""

import asyncio
import contextlib
import dataclasses
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclasses.dataclass(frozen=True)
class Reply:
    """One answer; `closed` when the server ended the connection after it."""

    status: int
    headers: dict[str, str]
    body: bytes
    closed: bool

    def json(self) -> Any:
        return json.loads(self.body)


@asynccontextmanager
async def connection(port: int, **options: Any) -> AsyncIterator[Ends]:
    """A connection that is closed afterwards; `options` are those of `asyncio.open_connection`."""
    reader, writer = await asyncio.open_connection(options.pop("host", "127.0.0.1"), port, **options)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def exchange(port: int, *parts: bytes, source: str = "127.0.0.1") -> Reply:
    """Send `parts` on a new connection from the address `source` and read one answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:-2])}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        closed = headers.get("connection") == "close" and await reader.read() == b""
        return Reply(int(head[0].split(" ")[1]), headers, body, closed)
    finally:
        writer.close()
        await writer.wait_closed()
