"""Sends raw HTTP that no well-behaved client would send."""

import asyncio
import dataclasses
import json
from typing import Any


@dataclasses.dataclass(frozen=True)
class Reply:
    """One answer; `closed` when the server ended the connection after it."""

    status: int
    headers: dict[str, str]
    body: bytes
    closed: bool

    def json(self) -> Any:
        return json.loads(self.body)


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
