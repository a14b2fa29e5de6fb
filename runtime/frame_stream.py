"""A live view over a WebSocket: first a snapshot, then the changes, at most four times a second.

One clock ticks for all clients, or follows the news of another stream, which has a clock already. At a tick, each client whose last frame has gone out gets what brings it up to the
state of that moment. So a slow client skips states and never lags behind, and holds back at most one frame. A client
that takes no frame for long is dropped.
"""

import asyncio
import contextlib
import dataclasses
import logging
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry, Counter, Gauge
from tornado.web import HTTPError
from tornado.websocket import (
    WebSocketClosedError,
    WebSocketHandler,
    WebSocketProtocol,
    WebSocketProtocol13,
)

from runtime.changes import Broadcast, Feed, LiveView, Table, rounded
from runtime.handlers import ApiHandler
from runtime.limited_frames import LimitedFrames
from runtime.problem import CROSS_ORIGIN, UNAVAILABLE

log = logging.getLogger(__name__)

TICK_S = 0.25
NEWS_WITHIN = 1.5  # ticks: after so long a silence of the news, the clock ticks by itself
NEWS_GAP = 0.8  # of a tick: news that come sooner than that wait
DROP_S = 20.0  # how long one frame may take; also the interval of pings
MOST_CLIENTS = 200
MESSAGE_BYTES = 16 * 1024
CLOSING_S = 1.0  # when stopping: for clients to close their end
GOING_AWAY, TOO_SLOW, FAILED = 1001, 1008, 1011  # WebSocket close codes
STREAM_ENDS = ("opened", "closed", "slow", "flooding", "full", "cross_origin")
FRAMES = ("snapshot", "changes", "heartbeat")


class StreamMetrics:
    """The metrics of a stream; their names begin with `prefix`."""

    def __init__(self, registry: CollectorRegistry, prefix: str) -> None:
        self._clients = Gauge(f"{prefix}_stream_clients", "Clients of the stream", registry=registry)
        self._connections = Counter(
            f"{prefix}_stream_connections",
            "Connections to the stream. `slow` took no frame, `flooding` sent too many, and both are `closed` as well; "
            "`full`, `cross_origin`: refused",
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


@dataclasses.dataclass(slots=True)
class _Fed:
    """What a client got, and the frame that is on its way to it, if any."""

    feed: Feed = dataclasses.field(default_factory=Feed)
    writing: "asyncio.Future[None] | None" = None
    since_s: float = 0.0  # when that frame was written
    ended: bool = False  # it gets no more, and its connection is closing


class FrameStreams:
    """The clients of one stream; `view` returns the present state, `table` names its parts.

    `news` is set when most of the state has changed at once; then clients are told at once, and not at the next tick.
    """

    def __init__(
        self,
        view: Callable[[], LiveView],
        table: Table,
        metrics: StreamMetrics,
        tick_s: float = TICK_S,
        drop_s: float = DROP_S,
        news: asyncio.Event | None = None,
    ) -> None:
        self.metrics = metrics
        self.clients: dict[FrameStreamHandler, _Fed] = {}
        self.closing = asyncio.Event()
        self.view = view
        self._table = table
        self._tick_s = tick_s
        self._drop_s = drop_s
        self._news = news
        self._broadcast: Broadcast | None = None
        self._seen_s = 0.0
        self._clock: asyncio.Task[None] | None = None

    @property
    def full(self) -> bool:
        """Whether no further client is accepted."""
        return self.closing.is_set() or len(self.clients) >= MOST_CLIENTS

    def opened(self, client: "FrameStreamHandler") -> None:
        """Send a client its snapshot, and feed it from now on."""
        self.clients[client] = _Fed()
        self.metrics.connection("opened")
        self.metrics.clients(len(self.clients))
        self._serve([client])
        if not self._clock:
            self._clock = asyncio.create_task(self._tick())

    def closed(self, client: "FrameStreamHandler") -> None:
        """Stop feeding a client that has gone; without clients the clock stops."""
        if self.clients.pop(client, None):
            self.metrics.connection("closed")
            self.metrics.clients(len(self.clients))
        if not self.clients:
            self._stop()

    async def close(self) -> None:
        """Close all connections, and accept no more."""
        self.closing.set()
        self._stop()
        for client, fed in list(self.clients.items()):
            fed.ended = True
            client.close(GOING_AWAY, "the service stops")
        until_s = time.monotonic() + CLOSING_S
        while self.clients and time.monotonic() < until_s:  # noqa: ASYNC110 - bounded, and once
            await asyncio.sleep(TICK_S / 10)

    def _stop(self) -> None:
        """Stop the clock, and forget the state, which would be old when the next client comes."""
        if self._clock:
            self._clock.cancel()
        self._clock = self._broadcast = None

    async def _tick(self) -> None:
        while True:
            if self._news:
                await _news_or_tick(self._news, self._tick_s)
                self._seen_s = 0.0  # what was shown before is not of now
            else:
                await asyncio.sleep(self._tick_s)
            self._serve(list(self.clients))

    def _serve(self, clients: "list[FrameStreamHandler]") -> None:
        """Send each of these clients its next frame, unless its last one is still on its way."""
        now_s = time.monotonic()
        for client in clients:
            fed = self.clients.get(client)
            if not fed or fed.ended:
                continue
            try:
                self._feed(client, fed, now_s)
            except WebSocketClosedError:
                fed.ended = True
            except Exception:
                log.exception("a frame could not be sent to a client")
                self._end(client, fed, FAILED)

    def _feed(self, client: "FrameStreamHandler", fed: _Fed, now_s: float) -> None:
        if fed.writing:
            if now_s - fed.since_s > self._drop_s:
                self.metrics.connection("slow")
                self._end(client, fed, TOO_SLOW, "no frame was taken for too long")
        elif frame := fed.feed.next(self._present(now_s), now_s):
            fed.since_s = now_s
            fed.writing = client.write_message(frame.json)
            fed.writing.add_done_callback(lambda done: self._taken(client, fed, frame.kind, done))

    def _taken(
        self, client: "FrameStreamHandler", fed: _Fed, kind: str, done: "asyncio.Future[None]"
    ) -> None:
        """Note that a frame went out, or why it could not."""
        fed.writing = None
        fault = None if done.cancelled() else done.exception()
        if done.cancelled() or isinstance(fault, WebSocketClosedError):
            fed.ended = True
        elif fault:
            log.error("a frame could not be sent to a client", exc_info=fault)
            self._end(client, fed, FAILED)
        elif not fed.ended:
            self.metrics.framed(kind)

    def _end(self, client: "FrameStreamHandler", fed: _Fed, code: int, reason: str | None = None) -> None:
        fed.ended = True
        client.close(code, reason)

    def _present(self, now_s: float) -> Broadcast:
        """Return the state that all clients of one tick get, and those that connect soon after it."""
        if not self._broadcast:
            self._broadcast, self._seen_s = Broadcast(self._table, self._shown()), now_s
        elif now_s - self._seen_s >= self._tick_s / 2:
            self._broadcast.show(self._shown())
            self._seen_s = now_s
        return self._broadcast

    def _shown(self) -> LiveView:
        return rounded(self.view(), self._table)


async def _news_or_tick(news: asyncio.Event, tick_s: float) -> None:
    """Wait for news, but not shorter than is good for slow clients, nor longer than the clock would."""
    await asyncio.sleep(tick_s * NEWS_GAP)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(news.wait(), tick_s * (NEWS_WITHIN - NEWS_GAP))
    news.clear()


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

    def get_websocket_protocol(self) -> WebSocketProtocol | None:
        """Return what reads the frames of the client: it limits them. None for another version than RFC 6455's."""
        usual = super().get_websocket_protocol()
        if not isinstance(usual, WebSocketProtocol13):
            return usual
        return LimitedFrames(self, usual.params, self._flooded, self._streams.closing)

    def _flooded(self) -> None:
        """Stop feeding this client, which sends too many frames; its place is free while its connection ends."""
        self._streams.metrics.connection("flooding")
        self._streams.closed(self)

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
