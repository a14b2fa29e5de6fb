"""Fetches one page again and again by HTTP/1.1, on a connection that is kept open.

It does nothing else that HTTP has: no redirects, which would let one address speak for another, no cookies, no
compression, no chunks. So it takes a third of the time that a general client takes (docs/adr/0030).
"""

import asyncio
from typing import Any
from urllib.parse import urlsplit

from runtime.response_head import ResponseHead, ResponseUnusable, response_head
from runtime.tls.credentials import Callee, peer_of
from runtime.tls.identity import Identity

MOST_HEAD_BYTES = 8 * 1024
HEAD_END = b"\r\n\r\n"
HTTP_PORT = 80


class PageClient:
    """The page at `url`, which is `http://host:port/path?query`, of at most `most_bytes`; `https` with `tls`.

    The caller limits the time: a `get` that is cancelled closes its connection.
    """

    def __init__(self, url: str, most_bytes: int, tls: Callee | None = None) -> None:
        """With `tls`, the server must prove who it is. Raise UnicodeError, a ValueError, when the host of `url` can't be a name."""
        parts = urlsplit(url)
        self._host = (parts.hostname or "").encode("idna").decode("ascii")
        self._port = parts.port or HTTP_PORT
        self._tls = tls
        self._server: Identity | None = None
        host = f"[{self._host}]" if ":" in self._host else self._host
        self._request = (
            f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {host}:{self._port}\r\n"
            "Accept-Encoding: identity\r\n\r\n"
        ).encode("ascii")
        self._most_bytes = most_bytes
        self._kept: Connection | None = None
        self._closed = False

    async def get(self) -> bytes:
        """Return the page as it is now.

        Raises OSError when the server can't be reached or hangs up, ResponseUnusable when its response is not taken.
        """
        connection, self._kept = self._kept, None
        if connection and connection.open:
            try:
                return await self._exchange(connection)
            except HungUpIdle:  # it closed the connection before it saw the request: RFC 9112, 9.3.1
                pass
        return await self._exchange(await self._opened())

    @property
    def server(self) -> Identity | None:
        """Who answered last, by its certificate; None without TLS."""
        return self._server

    def close(self) -> None:
        """Close the kept connection, and keep none from now on."""
        self._closed = True
        if self._kept:
            self._kept.close()

    async def _opened(self) -> "Connection":
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: Connection(self._most_bytes),
            self._host,
            self._port,
            ssl=self._tls.context() if self._tls else None,
        )
        return connection

    async def _exchange(self, connection: "Connection") -> bytes:
        """Return the page that a connection brings, and keep the connection if it can be used again."""
        try:
            page = await connection.ask(self._request)
            self._server = connection.server if self._tls else None
        except BaseException:
            connection.close()
            raise
        if self._closed or self._kept or not connection.open:
            connection.close()
        else:
            self._kept = connection
        return page


class HungUpIdle(ConnectionError):
    """The server closed a connection on which it had answered before, and answered nothing to this request."""


class Connection(asyncio.Protocol):
    """One connection to a server, which answers one request at a time; `open` while another one can be sent."""

    def __init__(self, most_bytes: int) -> None:
        self.open = False
        self._most_bytes = most_bytes
        self._transport: Any = None
        self._received = bytearray()
        self._head: ResponseHead | None = None
        self._body: asyncio.Future[bytes] | None = None
        self._used = False  # whether a response has come

    @property
    def server(self) -> Identity:
        """Who is at the other end, by its certificate; raises NoIdentity."""
        return peer_of(self._transport)

    def ask(self, request: bytes) -> "asyncio.Future[bytes]":
        """Send a request; the future has the body of its response."""
        self._body = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._body

    def close(self) -> None:
        """Close the connection at once."""
        self.open = False
        self._transport.abort()

    def connection_made(self, transport: Any) -> None:
        """Be ready for a request; uvloop's transports are no subclass of asyncio's."""
        self._transport, self.open = transport, True

    def data_received(self, data: bytes) -> None:
        """Take a part of the response; close the connection when nothing was asked, or more comes than was said."""
        if not self._body or self._body.done():
            self.close()
            return
        self._received += data
        try:
            body = self._complete()
        except ResponseUnusable as error:
            self.close()
            self._body.set_exception(error)
        else:
            if body is not None:
                self._body.set_result(body)

    def connection_lost(self, exc: Exception | None) -> None:
        """Say so to whoever waits for the response."""
        self.open = False
        if self._body and not self._body.done():
            idle = self._used and not self._received and not self._head
            lost = HungUpIdle if idle else ConnectionResetError
            self._body.set_exception(lost(f"{exc or 'closed'}, after {len(self._received)} bytes"))

    def _complete(self) -> bytes | None:
        """Return the body and be ready for the next request, None while bytes lack."""
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
