"""The connections of one HTTP listener: how many, how many of one address, and how long a head may take.

Tornado has one timer for a connection that is idle and for one that sends its head. Clients that keep connections
alive need a long one. An attack that sends a head very slowly (slowloris) needs a short one. So the head has a timer
of its own here, which starts with the first byte of a request. Idle connections have no timers: they are looked for
every second, which costs less than to set and cancel one for each request.

Idle connections never keep a new caller out. When all connections are taken, or all that one address may have, the
one that has been idle longest is closed. If all of them are busy, a few more are accepted: on those only health
probes and `/metrics` are answered.
"""

import asyncio
import collections
import dataclasses
import logging
import secrets
import socket
from collections.abc import Callable, Iterable
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerConnectionDelegate, HTTPServerRequest
from tornado.iostream import IOStream

from runtime import problem
from runtime.accepting import Acceptor

log = logging.getLogger(__name__)

SWEEP_S = 1.0  # how often idle connections are looked for
SHED_AT_ONCE = 8  # connections closed when the process is out of file descriptors


@dataclasses.dataclass(frozen=True)
class Limits:
    """The limits of one listener.

    `per_address` is the limit for one address, 0 for none; `reserve` is how many more than `connections` are
    kept for probes. A connection that has been idle for less than `young_s` is not closed to make room,
    because its request is on its way. If too few files may be open, there are fewer `connections`; if
    `shrinks` is False, the service does not start. With `shares_port`, other processes may listen on the same port if
    they share it too (SO_REUSEPORT): the kernel gives each of them some of the connections, and each has these limits.
    """

    connections: int = 1000
    per_address: int = 800
    reserve: int = 16
    young_s: float = 0.1
    idle_s: float = 75.0  # over the 60 s for which proxies keep an idle connection
    header_s: float = 10.0
    body_s: float = 10.0
    shrinks: bool = True
    shares_port: bool = False


class LimitedServer(HTTPServer):
    """Closes idle connections when all are taken, and connections whose head takes too long."""

    def initialize(  # type: ignore[override]
        self,
        request_callback: HTTPServerConnectionDelegate,
        limits: Limits,
        taken: "OpenConnections",
        **kwargs: Any,
    ) -> None:
        """`taken` will hold the connections; `kwargs` are Tornado's own."""
        super().initialize(
            request_callback,
            **kwargs,
        )
        self.conn_params.header_timeout = None  # see above; runtime/body_limit.py has the limit for bodies
        self._limits = limits
        self._taken = taken
        self._full = False

    def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        """Accept connections; pause when the process is out of file descriptors."""
        for each in sockets:
            self._sockets[each.fileno()] = each
            acceptor = Acceptor(each, self._handle_connection, self._taken.shed)
            self._handlers[each.fileno()] = acceptor.close

    def handle_stream(self, stream: IOStream, address: Any) -> None:
        """Serve a new connection, if there is room for it."""
        room = self._taken.room(str(address[0]))
        if not room and not self._full:
            log.warning("all connections are taken", extra={"connections": self._limits.connections})
        self._full = not room
        if room or self._taken.spare():
            stream.set_nodelay(True)
            stream.set_nodelay = _stays  # type: ignore[method-assign]
            self._taken.add(stream, str(address[0]), probing=not room)
            super().handle_stream(stream, address)
        else:
            _turn_away(stream)


class OpenConnections:
    """The open connections of a listener."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._heads: dict[IOStream, Head] = {}
        self._by_address: collections.Counter[str] = collections.Counter()
        self._probing: set[IOStream] = set()
        self._sweep: asyncio.TimerHandle | None = None

    def room(self, address: str) -> bool:
        """Whether there is room for one more connection of an address; closes an idle one if needed."""
        most = self._limits.per_address or self._limits.connections
        if self._by_address[address] >= most and not self._close_oldest(lambda head: head.address == address):
            return False
        return self._plain < self._limits.connections or self._close_oldest(lambda _: True)

    def spare(self) -> bool:
        """Whether there is room for one more connection in the reserve; closes an idle one if needed."""
        return len(self._probing) < self._limits.reserve or self._close_oldest(lambda _: True, probing=True)

    def shed(self) -> None:
        """Close some idle connections, those first that have been idle longest."""
        for _ in range(SHED_AT_ONCE):
            if not self._close_oldest(lambda _: True):
                return

    def add(self, stream: IOStream, address: str, *, probing: bool) -> None:
        """Count a connection until it closes; `probing`: it belongs to the reserve."""
        head = Head(stream, address, self._limits.header_s, self._closed)
        self._heads[stream] = head
        self._sweep = self._sweep or asyncio.get_running_loop().call_later(self._sweep_s, self._close_idle)
        if probing:
            self._probing.add(stream)
            head.must_begin()
        else:
            self._by_address[address] += 1

    def crowded(self, request: HTTPServerRequest) -> bool:
        """Whether a request came on a connection of the reserve, and there is still no room elsewhere.

        If there is room now, the connection leaves the reserve.
        """
        stream = getattr(request.connection, "stream", None)
        if not isinstance(stream, IOStream) or stream not in self._probing:
            return False
        address = self._heads[stream].address
        most = self._limits.per_address or self._limits.connections
        if self._plain >= self._limits.connections or self._by_address[address] >= most:
            return True
        self._probing.discard(stream)
        self._by_address[address] += 1
        return False

    @property
    def _sweep_s(self) -> float:
        return min(SWEEP_S, self._limits.idle_s / 4)

    def _close_idle(self) -> None:
        """Close the connections that have been idle for too long, and look again later if there are others."""
        loop = asyncio.get_running_loop()
        latest_s = loop.time() - self._limits.idle_s
        for head in [head for head in self._heads.values() if head.waiting and head.since_s <= latest_s]:
            head.close()
        self._sweep = loop.call_later(self._sweep_s, self._close_idle) if self._heads else None

    @property
    def _plain(self) -> int:
        return len(self._heads) - len(self._probing)

    def _close_oldest(self, fits: Callable[["Head"], bool], *, probing: bool = False) -> bool:
        """Close the connection that fits and has been idle longest; returns whether there was one."""
        latest_s = asyncio.get_running_loop().time() - self._limits.young_s
        waiting = [
            head
            for stream, head in self._heads.items()
            if (stream in self._probing) is probing
            and head.waiting
            and head.since_s <= latest_s
            and fits(head)
        ]
        if waiting:
            min(waiting, key=lambda head: head.since_s).close()
        return bool(waiting)

    def _closed(self, head: "Head") -> None:
        if self._heads.pop(head.stream, None) is None:
            return
        if head.stream in self._probing:
            self._probing.discard(head.stream)
            return
        self._by_address[head.address] -= 1
        if not self._by_address[head.address]:
            del self._by_address[head.address]


class Head:
    """Closes one connection when the head of a request takes longer than `within_s`.

    It stands before three methods of the stream: Tornado reads every head, and nothing else, by
    `read_until_regex`; the other two are there for subclasses to override.
    """

    def __init__(
        self, stream: IOStream, address: str, within_s: float, closed: Callable[["Head"], None]
    ) -> None:
        self.stream = stream
        self.address = address
        self.waiting = True  # for a complete head
        self._loop = asyncio.get_running_loop()
        self.since_s = self._loop.time()
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

    def must_begin(self) -> None:
        """Start the time limit for a head now, before its first byte."""
        self._timer = self._loop.call_later(self._within_s, self.close)

    def close(self) -> None:
        """Close the connection."""
        self.stream.close()

    def _expect(self, regex: bytes, max_bytes: int | None = None) -> Any:
        self._expected = True
        if not self.waiting:
            self.waiting, self.since_s = True, self._loop.time()
        future: Any = self._read_until_regex(regex, max_bytes)
        future.add_done_callback(lambda _: self._done())
        return future

    def _read(self, buffer: bytearray | memoryview) -> int | None:
        count = self._read_from_fd(buffer)
        if count and self._expected and self._timer is None:
            self._timer = self._loop.call_later(self._within_s, self.close)
        return count

    def _done(self) -> None:
        self._expected = self.waiting = False
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _close(self) -> None:
        self._done()
        self._closed(self)
        self._close_fd()


def _stays(value: bool) -> None:  # noqa: FBT001 - Tornado's signature
    """Leave TCP_NODELAY on: Tornado would turn it on and off again for each answer, at two calls to the system."""


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
