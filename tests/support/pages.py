"""A client of pages with a server that does what a test says, and a page as something to wait for."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from runtime.page_client import PageClient
from runtime.response_head import ResponseUnusable

HOST = "127.0.0.1"
MOST = 64 * 1024
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class PageServer:
    """A server that does with each connection what `serve` says; counts those that came and those still open."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self.came = 0
        self.open = 0
        self.requests: list[bytes] = []
        self._tasks = set[asyncio.Task[None]]()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        self.came += 1
        self.open += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._serve(reader, writer)
        writer.transport.abort()
        self.open -= 1

    async def asked(self, reader: asyncio.StreamReader) -> None:
        self.requests.append(await reader.readuntil(b"\r\n\r\n"))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def fetching(serve: Serve) -> AsyncIterator[tuple[PageClient, PageServer]]:
    """A client of a server; at the end the client has left no connection open."""
    server = PageServer(serve)
    listener = await asyncio.start_server(server.connected, HOST)
    port = listener.sockets[0].getsockname()[1]
    client = PageClient(f"http://{HOST}:{port}/metrics?name=a", MOST)
    try:
        yield client, server
    finally:
        await client.close()
        await server.close()
        listener.close()


async def page_of(client: PageClient) -> bytes:
    """The page as it is now; a page that is waited for no longer is given up."""
    page: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def answered(found: bytes | OSError | ResponseUnusable) -> None:
        if isinstance(found, Exception):
            page.set_exception(found)
        else:
            page.set_result(found)

    client.ask(answered)
    try:
        return await page
    except asyncio.CancelledError:
        client.give_up()
        raise
