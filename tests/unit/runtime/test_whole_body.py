"""The body of an answer that comes in pieces, from a real server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import aiohttp
import pytest

from runtime.whole_body import BodyTooLong, whole_body

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"


@contextlib.asynccontextmanager
async def answer_in_pieces() -> AsyncIterator[aiohttp.ClientResponse]:
    """An answer of which half has come, and the rest comes as soon as somebody waits."""
    looked_at = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD + b"12345")
        await looked_at.wait()
        writer.write(b"67890")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, aiohttp.ClientSession() as client, client.get(f"http://127.0.0.1:{port}/") as answer:
        looked_at.set()
        yield answer


@pytest.mark.gen_test
async def test_a_body_is_read_to_its_end() -> None:
    async with answer_in_pieces() as answer:
        assert await whole_body(answer, 10) == b"1234567890"


@pytest.mark.gen_test
async def test_a_body_that_is_too_long_is_refused() -> None:
    async with answer_in_pieces() as answer:
        with pytest.raises(BodyTooLong, match="longer than 9 bytes"):
            await whole_body(answer, 9)
