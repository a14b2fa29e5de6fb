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
import http
import logging
import secrets
import socket
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerConnectionDelegate, HTTPServerRequest
from tornado.iostream import IOStream

from runtime import problem
from runtime.accepting import Acceptor

log = logging.getLogger(__name__)

SWEEP_S = 1.0  # how often idle connections are looked for
ALL_TAKEN = "all connections are taken"
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
        super().initialize(request_callback, **kwargs)
        self.conn_params.header_timeout = None  # see above; runtime/body_limit.py has the limit for bodies
        self._limits = limits
        self._taken = taken

    def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        """Accept connections; pause when the process is out of file descriptors."""
        for each in sockets:
            self._sockets[each.fileno()] = each
            acceptor = Acceptor(each, self._handle_connection, self._taken.shed)
            self._handlers[each.fileno()] = acceptor.close

    def handle_stream(self, stream: IOStream, address: Any) -> None:
        """Serve a new connection, if there is room for it."""
        head = Head(stream, str(address[0]), self._limits.header_s, self._taken.remove)
        if self._taken.admit(stream, head):
            if self.ssl_options is not None:
                head.must_begin()  # the handshake is part of that time
            stream.set_nodelay(True)
            stream.set_nodelay = _stays  # type: ignore[method-assign]
            super().handle_stream(stream, address)
        else:
            stream.write(last_answer(problem.UNAVAILABLE, ALL_TAKEN))
            stream.close()


class Counted(Protocol):
    """What is known of an open connection; `waiting`: for a complete head, since `since_s` by the loop's clock."""

    address: str
    waiting: bool
    since_s: float

    def must_begin(self) -> None:
        """Start the time limit for a head now, before its first byte."""

    def close(self) -> None:
        """Close the connection at once."""


class OpenConnections:
    """The open connections of a listener, by what the requests on them have as `connection.stream`."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open: dict[object, Counted] = {}
        self._by_address: collections.Counter[str] = collections.Counter()
        self._probing: set[object] = set()
        self._full = False
        self._sweep: asyncio.TimerHandle | None = None

    def admit(self, stream: object, connection: Counted) -> bool:
        """Count a new connection until it is gone, if there is room for it, or in the reserve."""
        room = self._room(connection.address)
        if not room and not self._full:
            log.warning(ALL_TAKEN, extra={"connections": self._limits.connections})
        self._full = not room
        if not room and not self._spare():
            return False
        self._open[stream] = connection
        self._sweep = self._sweep or asyncio.get_running_loop().call_later(self._sweep_s, self._close_idle)
        if room:
            self._by_address[connection.address] += 1
        else:
            self._probing.add(stream)
            connection.must_begin()
        return True

    def remove(self, stream: object) -> None:
        """Count a connection no more; one that is not counted is left alone."""
        connection = self._open.pop(stream, None)
        if connection is None:
            return
        if stream in self._probing:
            self._probing.discard(stream)
            return
        self._by_address[connection.address] -= 1
        if not self._by_address[connection.address]:
            del self._by_address[connection.address]

    def shed(self) -> None:
        """Close some idle connections, those first that have been idle longest."""
        for _ in range(SHED_AT_ONCE):
            if not self._close_oldest(lambda _: True):
                return

    def crowded(self, request: HTTPServerRequest) -> bool:
        """Whether a request came on a connection of the reserve, and there is still no room elsewhere.

        If there is room now, the connection leaves the reserve.
        """
        stream = getattr(request.connection, "stream", None)
        if stream not in self._probing:
            return False
        address = self._open[stream].address
        most = self._limits.per_address or self._limits.connections
        if self._plain >= self._limits.connections or self._by_address[address] >= most:
            return True
        self._probing.discard(stream)
        self._by_address[address] += 1
        return False

    def __iter__(self) -> Iterator[Counted]:
        """Iterate over a copy."""
        return iter(list(self._open.values()))

    def _room(self, address: str) -> bool:
        """Whether there is room for one more connection of an address; closes an idle one if needed."""
        most = self._limits.per_address or self._limits.connections
        if self._by_address[address] >= most and not self._close_oldest(lambda each: each.address == address):
            return False
        return self._plain < self._limits.connections or self._close_oldest(lambda _: True)

    def _spare(self) -> bool:
        """Whether there is room for one more connection in the reserve; closes an idle one if needed."""
        return len(self._probing) < self._limits.reserve or self._close_oldest(lambda _: True, probing=True)

    @property
    def _sweep_s(self) -> float:
        return min(SWEEP_S, self._limits.idle_s / 4)

    def _close_idle(self) -> None:
        """Close the connections that have been idle for too long, and look again later if there are others."""
        loop = asyncio.get_running_loop()
        latest_s = loop.time() - self._limits.idle_s
        for each in self:
            if each.waiting and each.since_s <= latest_s:
                each.close()
        self._sweep = loop.call_later(self._sweep_s, self._close_idle) if self._open else None

    @property
    def _plain(self) -> int:
        return len(self._open) - len(self._probing)

    def _close_oldest(self, fits: Callable[[Counted], bool], *, probing: bool = False) -> bool:
        """Close the connection that fits and has been idle longest; returns whether there was one."""
        latest_s = asyncio.get_running_loop().time() - self._limits.young_s
        waiting = [
            each
            for stream, each in self._open.items()
            if (stream in self._probing) is probing
            and each.waiting
            and each.since_s <= latest_s
            and fits(each)
        ]
        if waiting:
            min(waiting, key=lambda each: each.since_s).close()
        return bool(waiting)


class Head:
    """Closes one connection when the head of a request takes longer than `within_s`.

    It stands before three methods of the stream: Tornado reads every head, and nothing else, by
    `read_until_regex`; the other two are there for subclasses to override.
    """

    def __init__(
        self, stream: IOStream, address: str, within_s: float, gone: Callable[[IOStream], None]
    ) -> None:
        self.stream = stream
        self.address = address
        self.waiting = True  # for a complete head
        self._loop = asyncio.get_running_loop()
        self.since_s = self._loop.time()
        self._within_s = within_s
        self._gone = gone
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
        self._gone(self.stream)
        self._close_fd()


def _stays(value: bool) -> None:  # noqa: FBT001 - Tornado's signature
    """Leave TCP_NODELAY on: Tornado would turn it on and off again for each answer, at two calls to the system."""


def last_answer(refused: problem.Problem, detail: str) -> bytes:
    """Return an answer after which the connection is closed, to a client whose request was not read."""
    request_id = secrets.token_hex(8)
    body = problem.document(refused, request_id, detail=detail)
    again = "\nRetry-After: 1" if refused is problem.UNAVAILABLE else ""
    head = f"""\
HTTP/1.1 {refused.status} {http.HTTPStatus(refused.status).phrase}
Content-Type: application/problem+json
Content-Length: {len(body)}
X-Request-Id: {request_id}{again}
Connection: close

"""
    return head.replace("\n", "\r\n").encode() + body
