"""A TCP proxy that loses what a network can lose."""

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Proxy:
    """Stands before `host:port`; what it does to the bytes can be changed at any moment."""

    def __init__(self, host: str, port: int) -> None:
        self.requests = True  # whether bytes pass from the client to the server
        self.replies = True  # ... and back; what does not pass is lost
        self._to = host, port
        self._server: asyncio.Server | None = None
        self._listens_at = "", 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncIterator["Proxy"]:
        self._listens_at = host, port
        await self.open()
        try:
            yield self
        finally:
            await self.shut()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._connected, *self._listens_at)

    async def shut(self) -> None:
        """Refuse connections and cut those that are open."""
        if self._server:
            self._server.close()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def pass_all(self) -> None:
        """Heal: connections that lost bytes are cut, new ones lose none."""
        self.requests = self.replies = True
        self.cut()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._writers.add(writer)
        with contextlib.suppress(OSError):
            inner_reader, inner_writer = await asyncio.open_connection(*self._to)
            self._writers.add(inner_writer)
            await asyncio.gather(
                self._pump(reader, inner_writer, "requests"), self._pump(inner_reader, writer, "replies")
            )
            self._writers.discard(inner_writer)
        writer.transport.abort()
        self._writers.discard(writer)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: str) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                if getattr(self, way):
                    writer.write(data)
        writer.transport.abort()
