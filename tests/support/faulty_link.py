"""A TCP proxy whose link misbehaves on command: latency, drip, reset, black hole, one way.

It passes on bytes and knows no protocol. So TLS would pass too, but addresses of its own are in no certificate: it
stands between services that speak plainly.
"""

import asyncio
import contextlib
import dataclasses
import socket
import struct
from typing import Self

AT_ONCE = 65_536  # bytes
TICK_S = 0.02  # between two pieces of a drip
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: a close sends RST


@dataclasses.dataclass(frozen=True)
class Trouble:
    """How a link misbehaves. `up` is from who connects to who listens; what is held back arrives later, as by TCP.

    `latency_s` is each way, `drip` in bytes a second each way, and `cut_after` resets each connection after so many
    bytes up or down: in the middle of a message. With `refuse`, new connections are reset too.
    """

    latency_s: float = 0.0
    drip: int = 0
    hold_up: bool = False
    hold_down: bool = False
    cut_after: int | None = None
    refuse: bool = False


NONE = Trouble()


class FaultyLink:
    """Listens at an address and passes on to another one, while the context lasts."""

    def __init__(self, listen: tuple[str, int], target: tuple[str, int]) -> None:
        self.listen = listen
        self._target = target
        self._trouble = NONE
        self._changed = asyncio.Event()
        self._transports: set[asyncio.WriteTransport] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, *self.listen)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def connections(self) -> int:
        """How many connections pass through."""
        return len(self._tasks)

    def begin(self, trouble: Trouble) -> None:
        """Misbehave from now on."""
        self._trouble = trouble
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        if trouble.cut_after == 0:
            self.reset()

    def end(self) -> None:
        """Pass on everything again, and what was held back."""
        self.begin(NONE)

    def reset(self) -> None:
        """Reset every connection, as if the other side did."""
        for transport in tuple(self._transports):
            _reset(transport)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError):
                await self._carry(reader, writer)
                writer.close()
        finally:
            if not writer.is_closing():
                _reset(writer.transport)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._trouble.refuse:
            raise ConnectionRefusedError
        await self._open(up=True)
        answers, there = await asyncio.open_connection(*self._target)
        both = {writer.transport, there.transport}
        self._transports |= both
        directions = [
            asyncio.ensure_future(self._pass(reader, there, up=True)),
            asyncio.ensure_future(self._pass(answers, writer, up=False)),
        ]
        try:
            await asyncio.gather(*directions)
            there.close()
        finally:
            for each in directions:
                each.cancel()
            await asyncio.gather(*directions, return_exceptions=True)
            self._transports -= both
            if not there.is_closing():
                _reset(there.transport)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool) -> None:
        while data := await reader.read(AT_ONCE):
            if (after := self._trouble.cut_after) is not None:
                writer.write(data[:after])
                raise ConnectionResetError
            if self._trouble.latency_s:
                await self._wait(self._trouble.latency_s)
            await self._open(up=up)
            while data and (drip := self._trouble.drip):
                size = max(1, round(drip * TICK_S))
                writer.write(data[:size])
                await writer.drain()
                data = data[size:]
                await self._wait(TICK_S)
            writer.write(data)
            await writer.drain()
        with contextlib.suppress(OSError):
            if writer.can_write_eof():
                writer.write_eof()

    async def _open(self, *, up: bool) -> None:
        """Wait until this direction is open."""
        while self._trouble.hold_up if up else self._trouble.hold_down:
            await self._changed.wait()

    async def _wait(self, seconds: float) -> None:
        """Wait, or until the trouble changes."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds)


def _reset(transport: asyncio.WriteTransport) -> None:
    if not transport.is_closing():
        with contextlib.suppress(OSError):
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    transport.abort()
