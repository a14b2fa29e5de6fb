"""A live view over a WebSocket: first a snapshot, then the changes, at most four times a second.

At most one frame of each client waits to be sent. The next one is built when that one has gone out, from the state
at that time, so a slow client skips states and never lags behind. A client that takes no frame for long is dropped.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry, Counter, Gauge
from tornado.web import HTTPError
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from runtime import strict_json
from runtime.changes import Feed, LiveView, Table, rounded
from runtime.handlers import ApiHandler
from runtime.problem import CROSS_ORIGIN, UNAVAILABLE

log = logging.getLogger(__name__)

TICK_S = 0.25
DROP_S = 20.0  # how long one frame may take; also the interval of pings
MOST_CLIENTS = 200
MESSAGE_BYTES = 16 * 1024
CLOSING_S = 1.0  # when stopping: for clients to close their end
GOING_AWAY, TOO_SLOW, FAILED = 1001, 1008, 1011  # WebSocket close codes
STREAM_ENDS = ("opened", "closed", "slow", "full", "cross_origin")
FRAMES = ("snapshot", "changes", "heartbeat")


class StreamMetrics:
    """The metrics of a stream; their names begin with `prefix`."""

    def __init__(self, registry: CollectorRegistry, prefix: str) -> None:
        self._clients = Gauge(f"{prefix}_stream_clients", "Clients of the stream", registry=registry)
        self._connections = Counter(
            f"{prefix}_stream_connections",
            "Connections to the stream. `slow` took no frame, and is `closed` as well; `full`, `cross_origin`: refused",
            ["outcome"],
            registry=registry,
        )
        self._frames = Counter(
            f"{prefix}_stream_frames",
            "Frames that clients of the stream took",
            ["kind"],
            registry=registry,
        )
        for outcome in STREAM_ENDS:
            self._connections.labels(outcome)
        for kind in FRAMES:
            self._frames.labels(kind)

    def clients(self, count: int) -> None:
        """Record how many clients there are."""
        self._clients.set(count)

    def connection(self, outcome: str) -> None:
        """Count a connection that was opened, refused or ended."""
        self._connections.labels(outcome).inc()

    def framed(self, kind: str) -> None:
        """Count a frame."""
        self._frames.labels(kind).inc()


class FrameStreams:
    """The clients of one stream; `view` returns the present state, `table` names its parts."""

    def __init__(
        self,
        view: Callable[[], LiveView],
        table: Table,
        metrics: StreamMetrics,
        tick_s: float = TICK_S,
        drop_s: float = DROP_S,
    ) -> None:
        self.metrics = metrics
        self.clients: dict[FrameStreamHandler, asyncio.Task[None]] = {}
        self.closing = False
        self.view = view
        self._table = table
        self._tick_s = tick_s
        self._drop_s = drop_s
        self._seen: tuple[float, LiveView] | None = None

    @property
    def full(self) -> bool:
        """Whether no further client is accepted."""
        return self.closing or len(self.clients) >= MOST_CLIENTS

    def opened(self, client: "FrameStreamHandler") -> None:
        """Start to feed a client."""
        self.clients[client] = asyncio.create_task(self._feed(client))
        self.metrics.connection("opened")
        self.metrics.clients(len(self.clients))

    def closed(self, client: "FrameStreamHandler") -> None:
        """Stop feeding a client that has gone."""
        if task := self.clients.pop(client, None):
            task.cancel()
            self.metrics.connection("closed")
            self.metrics.clients(len(self.clients))

    async def close(self) -> None:
        """Close all connections, and accept no more."""
        self.closing = True
        tasks = list(self.clients.values())
        for client, task in list(self.clients.items()):
            task.cancel()
            client.close(GOING_AWAY, "the service stops")
        await asyncio.gather(*tasks, return_exceptions=True)
        until_s = time.monotonic() + CLOSING_S
        while self.clients and time.monotonic() < until_s:  # noqa: ASYNC110 - bounded, and once
            await asyncio.sleep(TICK_S / 10)

    async def _feed(self, client: "FrameStreamHandler") -> None:
        feed = Feed(self._table)
        try:
            while True:
                now_s = time.monotonic()
                if frame := feed.next(self._now(now_s), now_s):
                    if not await self._taken(client.write_message(strict_json.encode(frame))):
                        self.metrics.connection("slow")
                        client.close(TOO_SLOW, "no frame was taken for too long")
                        return
                    self.metrics.framed(frame["kind"])
                await asyncio.sleep(self._tick_s)
        except WebSocketClosedError:
            pass
        except Exception:
            log.exception("a frame could not be sent to a client")
            client.close(FAILED)

    async def _taken(self, writing: "asyncio.Future[None]") -> bool:
        """Wait for a frame to go out; returns whether it did in time.

        A write under way is not cancelled, because Tornado would report that as a fault.
        """
        writing.add_done_callback(
            lambda done: done.cancelled() or done.exception()
        )  # else asyncio logs that the exception was never retrieved
        await asyncio.wait([writing], timeout=self._drop_s)
        return writing.done() and writing.result() is None

    def _now(self, now_s: float) -> LiveView:
        """Return the state that all clients of one tick get."""
        if not self._seen or now_s - self._seen[0] >= self._tick_s / 2:
            self._seen = now_s, rounded(self.view(), self._table)
        return self._seen[1]


class FrameStreamHandler(WebSocketHandler, ApiHandler):
    """The address of a stream."""

    ping_interval = DROP_S
    ping_timeout = DROP_S
    max_message_size = MESSAGE_BYTES

    def initialize(self, streams: FrameStreams) -> None:  # type: ignore[override]
        """`streams` holds the clients."""
        ApiHandler.initialize(self)
        self._streams = streams

    def prepare(self) -> None:
        """Refuse pages of other origins, and clients beyond the limit; back ends send no Origin.

        A client is not a request that a stopping service still answers: it is not counted as one.
        """
        if self.request.method not in {"GET", "HEAD"}:
            return
        if not self._same_origin():
            self._streams.metrics.connection("cross_origin")
            self.write_problem(CROSS_ORIGIN)
        elif self.request.method == "HEAD" or self.request.headers.get("Upgrade", "").lower() != "websocket":
            raise HTTPError(400, "this address speaks WebSocket only")
        elif self._streams.full:
            self._streams.metrics.connection("full")
            self.write_problem(UNAVAILABLE, detail="there are too many clients, or the service stops")

    def open(self) -> None:
        """Start to feed the client."""
        self._streams.opened(self)

    def on_message(self, message: str | bytes) -> None:
        """Ignore messages: the stream goes one way."""

    def on_close(self) -> None:
        """Stop feeding the client."""
        self._streams.closed(self)

    def _same_origin(self) -> bool:
        origin = self.request.headers.get("Origin")
        if origin is None:
            return True
        try:
            return urlsplit(origin).netloc.lower() == self.request.headers.get("Host", "").lower()
        except ValueError:
            return False
