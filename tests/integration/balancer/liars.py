"""Addresses that answer what a test says, and what such an answer does to others."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from tests.integration.balancer.grid import HOST, Grid
from tests.integration.gateway.api import api_of

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b"

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def answering(answer: Answer, host: str = HOST) -> AsyncIterator[str]:
    """Serve what `answer` writes to every client; yields the base URL."""
    tasks = set[asyncio.Task[None]]()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answer(writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # given up, or the end of the test
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(connected, host)
    try:
        yield f"http://{host}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def saying(page: bytes) -> Answer:
    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(WHOLE % (len(page), page))
        await writer.drain()

    return say


async def hung(writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def true_page(grid: Grid, name: str) -> str:
    async with grid.session.get(f"{grid.substation_url(name)}/metrics") as response:
        return await response.text()


async def places(grid: Grid, count: int = 4) -> set[str]:
    api = await api_of(grid)
    return {(await api.placed(max_power_kw=1))["substation_id"] for _ in range(count)}


async def shown_as(grid: Grid, name: str, state: str) -> bool:
    return await grid.state(name) == state
