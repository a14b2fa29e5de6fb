"""The connections of one HTTP listener: how many there may be, and how long a request's head may take.

Tornado has one timer for a connection that is idle and for one that sends its head. Whoever keeps
connections alive needs a long one, and slow-loris needs a short one, so the head has its own here:
it starts with the first byte of a request.
"""

import asyncio
import dataclasses
import logging
import secrets
from collections.abc import Callable
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerConnectionDelegate
from tornado.iostream import IOStream

from runtime import problem

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Limits:
    """What one listener bears. Its connections fit into the usual 1,024 open files of a process."""

    connections: int = 1000
    idle_s: float = 75.0  # over the 60 s for which proxies keep an idle connection
    header_s: float = 10.0
    body_s: float = 10.0


class LimitedServer(HTTPServer):
    """Turns away who comes when all connections are taken, and closes on a head that takes too long."""

    def initialize(  # type: ignore[override]
        self, request_callback: HTTPServerConnectionDelegate, limits: Limits, **kwargs: Any
    ) -> None:
        """`kwargs` are Tornado's own."""
        super().initialize(
            request_callback,
            idle_connection_timeout=limits.idle_s,
            body_timeout=limits.body_s,
            **kwargs,
        )
        self._limits = limits
        self._open: set[_Head] = set()
        self._full = False

    def handle_stream(self, stream: IOStream, address: Any) -> None:
        """Serve a new connection, if there is room for it."""
        if len(self._open) >= self._limits.connections:
            if not self._full:
                log.warning("all connections are taken", extra={"connections": self._limits.connections})
            self._full = True
            _turn_away(stream)
            return
        self._full = False
        self._open.add(_Head(stream, self._limits.header_s, self._open.discard))
        super().handle_stream(stream, address)


class _Head:
    """Closes one connection when the head of a request takes longer than `within_s`.

    It stands before three methods of the stream: Tornado reads every head, and nothing else, by
    `read_until_regex`; the other two are there for subclasses to override.
    """

    def __init__(self, stream: IOStream, within_s: float, closed: Callable[["_Head"], None]) -> None:
        self._stream = stream
        self._within_s = within_s
        self._closed = closed
        self._expected = False
        self._timer: asyncio.TimerHandle | None = None
        self._read_until_regex = stream.read_until_regex
        self._read_from_fd = stream.read_from_fd
        self._close_fd = stream.close_fd
        stream.read_until_regex = self._expect  # type: ignore[method-assign]
        stream.read_from_fd = self._read  # type: ignore[method-assign, assignment]
        stream.close_fd = self._close  # type: ignore[method-assign]

    def _expect(self, regex: bytes, max_bytes: int | None = None) -> Any:
        self._expected = True
        future: Any = self._read_until_regex(regex, max_bytes)
        future.add_done_callback(lambda _: self._done())
        return future

    def _read(self, buffer: bytearray | memoryview) -> int | None:
        count = self._read_from_fd(buffer)
        if count and self._expected and self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._within_s, self._stream.close)
        return count

    def _done(self) -> None:
        self._expected = False
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _close(self) -> None:
        self._done()
        self._closed(self)
        self._close_fd()


def _turn_away(stream: IOStream) -> None:
    """Answer 503 without reading anything, as far as the socket takes it at once, and close."""
    request_id = secrets.token_hex(8)
    body = problem.document(problem.UNAVAILABLE, request_id, detail="all connections are taken")
    head = f"""\
HTTP/1.1 503 Service Unavailable
Content-Type: application/problem+json
Content-Length: {len(body)}
X-Request-Id: {request_id}
Retry-After: 1
Connection: close

"""
    stream.write(head.replace("\n", "\r\n").encode() + body)
    stream.close()
