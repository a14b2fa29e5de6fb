"""The bytes of one connection: what has come, in a bounded buffer, and what is written, no faster than it is read."""

import asyncio
from typing import cast

from tornado.iostream import StreamClosedError

READ_BYTES = 16 * 1024  # read at once, and kept before no more is read


class Wire(asyncio.BufferedProtocol):
    """One connection, on `transport`; a subclass takes from `buffer` what has come.

    `into` is the memory that is read into: what is read is copied out at once, so connections may share it. A client
    that does not read what is written is cut off after `patience_s`.
    """

    def __init__(self, into: memoryview, patience_s: float) -> None:
        self.buffer = bytearray()
        self.closed = False
        self._into = into
        self._patience_s = patience_s
        self._loop = asyncio.get_running_loop()
        self.transport: asyncio.Transport | None = None
        self._paused = False
        self._timer: asyncio.TimerHandle | None = None
        self._writable = self._loop.create_future()  # done when more may be written
        self._writable.set_result(None)

    def process(self) -> None:
        """Take from the buffer; called when there is more in it, or more may be written."""
        raise NotImplementedError

    def on_closed(self) -> None:
        """Do what is due when the connection is closed; may be called more than once."""
        raise NotImplementedError

    @property
    def writable(self) -> bool:
        """Whether the client keeps up with what is written."""
        return self._writable.done()

    def write(self, data: bytes) -> "asyncio.Future[None]":
        """Write; the future is done when more may be written."""
        if self.closed or not self.transport:
            lost = self._loop.create_future()
            lost.set_exception(StreamClosedError())
            lost.exception()  # it need not be looked at
            return lost
        self.transport.write(data)
        return self._writable

    def start_timer(self, within_s: float) -> None:
        """Close after so many seconds, unless `cancel_timer` is called before; a timer that runs goes on."""
        if not self._timer:
            self._timer = self._loop.call_later(within_s, self.close)

    def cancel_timer(self) -> None:
        """Stop the timer."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def close(self) -> None:
        """Close at once; what was not sent is lost."""
        self.closed = True
        self.cancel_timer()
        if self.transport:
            self.transport.abort()
        self.on_closed()

    def close_gracefully(self) -> None:
        """Close when the system has taken everything that was written."""
        self.closed = True
        self.cancel_timer()
        if self.transport:
            written = not self.transport.get_write_buffer_size()
            self.transport.close()
            if written:
                self.on_closed()
            else:
                self.start_timer(self._patience_s)

    def advance(self) -> None:
        """Take what has come, and read on if there is room for more."""
        if self.closed or not self.transport:
            return
        self.process()
        full = len(self.buffer) >= READ_BYTES
        if full is not self._paused and not self.closed:
            self._paused = full
            (self.transport.pause_reading if full else self.transport.resume_reading)()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's are none by their type
        self.transport.set_write_buffer_limits(0)  # write at once, so that what is over makes room at once
        if self.closed:
            self.transport.abort()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        """See asyncio."""
        return self._into

    def buffer_updated(self, nbytes: int) -> None:
        """See asyncio."""
        self.buffer += self._into[:nbytes]
        self.advance()

    def pause_writing(self) -> None:
        """See asyncio."""
        self._writable = self._loop.create_future()
        self.start_timer(self._patience_s)

    def resume_writing(self) -> None:
        """See asyncio."""
        self._writable.set_result(None)
        if not self.closed:
            self.cancel_timer()
            self._loop.call_soon(self.advance)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """See asyncio."""
        self.closed = True
        self.cancel_timer()
        if not self._writable.done():
            self._writable.set_exception(StreamClosedError())
            self._writable.exception()
        self.on_closed()
