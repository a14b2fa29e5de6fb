"""Fetches one page again and again by HTTP/1.1, on a connection that is kept open.

It does nothing else that HTTP has: no redirects, which would let one address speak for another, no cookies, no
compression, no chunks. So it takes a third of the time that a general client takes (docs/adr/0030).
"""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from runtime.background import cancelled
from runtime.response_head import ResponseHead, ResponseUnusable, response_head
from runtime.tls.credentials import Callee, peer_of
from runtime.tls.identity import Identity

MOST_HEAD_BYTES = 8 * 1024
HEAD_END = b"\r\n\r\n"
PORTS = {"http": 80, "https": 443}  # where a URL has none

# Takes a page, or what came instead of it.
Answered = Callable[["bytes | OSError | ResponseUnusable"], None]


class PageClient:
    """The page at `url`, which is `http://host:port/path?query`, of at most `most_bytes`; `https` with `tls`.

    One page is awaited at a time. The caller limits the time, by `give_up`.
    """

    def __init__(self, url: str, most_bytes: int, tls: Callee | None = None) -> None:
        """With `tls`, the server must prove who it is. Raise UnicodeError, a ValueError, when the host of `url` can't be a name."""
        parts = urlsplit(url)
        self._host = (parts.hostname or "").encode("idna").decode("ascii")
        self._port = parts.port or PORTS[parts.scheme]
        self._tls = tls
        self._server: Identity | None = None
        host = f"[{self._host}]" if ":" in self._host else self._host
        self._request = (
            f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {host}:{self._port}\r\n"
            "Accept-Encoding: identity\r\n\r\n"
        ).encode("ascii")
        self._most_bytes = most_bytes
        self._answered: Answered | None = None  # while a page is awaited
        self._connection: Connection | None = None
        self._opening: asyncio.Task[None] | None = None

    def ask(self, answered: Answered) -> None:
        """Ask for the page as it is now; a page that is still awaited is given up.

        `answered` is called once: with the page, with an OSError when the server can't be reached or hangs up, or with
        ResponseUnusable when its response is not taken. It is called by the connection itself, without a task.
        """
        if self._answered:
            self.give_up()
        self._answered = answered
        if self._connection and self._connection.open:
            self._connection.ask(self._request, self._kept_answered)
        else:
            self._open()

    @property
    def server(self) -> Identity | None:
        """Who answers on the present connection, by its certificate; None without TLS."""
        return self._server

    def give_up(self) -> None:
        """Wait no longer for a page, and close its connection."""
        self._answered = None
        if self._opening:
            self._opening.cancel()
        if self._connection:
            self._connection.give_up()

    async def close(self) -> None:
        """Close the connection."""
        opening = self._opening
        self.give_up()
        await cancelled([opening] if opening else [])

    def _open(self) -> None:
        """Open a connection, and ask on it."""
        self._opening = asyncio.create_task(self._opened())

    async def _opened(self) -> None:
        loop, connection = asyncio.get_running_loop(), Connection(self._most_bytes)
        try:
            tls = self._tls.context() if self._tls else None
            await loop.create_connection(lambda: connection, self._host, self._port, ssl=tls)
            self._server = connection.server if self._tls else None
        except asyncio.CancelledError:
            connection.close()  # it may have come just now
            raise
        except OSError as error:
            self._opening = None
            self._answer(error)
            return
        self._opening, self._connection = None, connection
        connection.ask(self._request, self._answer)

    def _kept_answered(self, page: bytes | OSError | ResponseUnusable) -> None:
        """Take the answer on a connection that was kept."""
        if isinstance(page, HungUpIdle) and self._answered:
            self._open()  # it closed the connection before it saw the request: RFC 9112, 9.3.1
        else:
            self._answer(page)

    def _answer(self, page: bytes | OSError | ResponseUnusable) -> None:
        """Tell the caller, unless it waits no longer."""
        answered, self._answered = self._answered, None
        if answered:
            answered(page)


class HungUpIdle(ConnectionError):
    """The server closed a connection on which it had answered before, and answered nothing to this request."""


class Connection(asyncio.Protocol):
    """One connection to a server, which answers one request at a time; `open` while another one can be sent."""

    def __init__(self, most_bytes: int) -> None:
        self.open = False
        self._most_bytes = most_bytes
        self._transport: Any = None
        self._received = bytearray()  # a part of a response
        self._head: ResponseHead | None = None
        self._answered: Answered | None = None
        self._used = False  # whether a response has come

    @property
    def server(self) -> Identity:
        """Who is at the other end, by its certificate; raises NoIdentity."""
        return peer_of(self._transport)

    def ask(self, request: bytes, answered: Answered) -> None:
        """Send a request; `answered` is called once, with the body of its response or with what came instead."""
        self._answered = answered
        self._transport.write(request)

    def give_up(self) -> None:
        """Close the connection at once, and answer nobody."""
        self._answered = None
        self.close()

    def close(self) -> None:
        """Close the connection at once."""
        self.open = False
        if self._transport:
            self._transport.abort()

    def connection_made(self, transport: Any) -> None:
        """Be ready for a request; uvloop's transports are no subclass of asyncio's."""
        self._transport, self.open = transport, True

    def data_received(self, data: bytes) -> None:
        """Take a part of the response; close the connection when nothing was asked, or more comes than was said."""
        if not self._answered:
            self.close()
            return
        try:
            body = self._complete(data)
        except ResponseUnusable as error:
            self.close()
            self._answer(error)
        else:
            if body is not None:
                self._answer(body)

    def connection_lost(self, exc: Exception | None) -> None:
        """Say so to whoever waits for the response."""
        self.open = False
        if self._answered:
            idle = self._used and not self._received and not self._head
            lost = HungUpIdle if idle else ConnectionResetError
            self._answer(lost(f"{exc or 'closed'}, after {len(self._received)} bytes"))

    def _answer(self, body: bytes | OSError | ResponseUnusable) -> None:
        answered, self._answered = self._answered, None
        if answered:
            answered(body)

    def _complete(self, data: bytes) -> bytes | None:
        """Return the body and be ready for the next request, None while bytes lack."""
        if not self._received and not self._head and (body := self._whole(data)) is not None:
            return body
        self._received += data
        if not self._head:
            end = self._received.find(HEAD_END)
            if end > MOST_HEAD_BYTES or (end < 0 and len(self._received) > MOST_HEAD_BYTES):
                raise ResponseUnusable(f"a head over {MOST_HEAD_BYTES} bytes")
            if end < 0:
                return None
            self._head = response_head(bytes(self._received[:end]), self._most_bytes)
            del self._received[: end + len(HEAD_END)]
        more = len(self._received) - self._head.body_bytes
        if more < 0:
            return None
        body = bytes(self._received[: self._head.body_bytes])
        if more or not self._head.keeps_open:
            self.close()
        self._received.clear()
        self._head, self._used = None, True
        return body

    def _whole(self, data: bytes) -> bytes | None:
        """Return the body of a response that came in one piece, as nearly all do; None for any other."""
        end = data.find(HEAD_END)
        if not 0 < end <= MOST_HEAD_BYTES:
            return None
        head, begin = response_head(data[:end], self._most_bytes), end + len(HEAD_END)
        if not head.keeps_open or len(data) != begin + head.body_bytes:
            return None
        self._used = True
        return data[begin:]
