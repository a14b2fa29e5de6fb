"""Follows the `/fleet/stream` of one balancer, and reconnects until it is cancelled."""

import asyncio
import logging
import random
import time

from tornado.httpclient import HTTPError, HTTPRequest
from tornado.simple_httpclient import HTTPTimeoutError
from tornado.websocket import WebSocketError, websocket_connect

from admin_ui.grid.balancers import Balancers, name_of
from admin_ui.grid.board import STALE_AFTER_S, Board, OutOfOrder
from admin_ui.grid.outages import Outages, Service
from runtime import strict_json
from runtime.tls.credentials import Credentials
from runtime.tls.identity import Role

log = logging.getLogger(__name__)

RETRY_S = (0.2, 2.0)  # the first pause and the longest; each is jittered
CONNECT_S = 3.0
SILENT_S = STALE_AFTER_S  # after such a silence the stream counts as dead
SILENT_WITH_OTHERS_S = 3.0  # where another balancer can be asked, which is then worth more than patience
# The last three mean that a message was not a frame of a fleet.
LOST = (OSError, HTTPError, WebSocketError, TimeoutError, OutOfOrder, ValueError, LookupError, TypeError)
MOST_BYTES = 4 * 1024 * 1024  # a snapshot of some ten thousand substations


class FleetFeed:
    """Keeps a board up to date with what one balancer reports, and records when that balancer was lost."""

    def __init__(
        self,
        board: Board,
        balancers: Balancers,
        url: str,
        outages: Outages,
        news: asyncio.Event,
        tls: Credentials | None = None,
    ) -> None:
        """`url` is one of the `balancers`; `news` is set after each frame."""
        self._news = news
        self._board = board
        self._balancers = balancers
        self._url = url
        self._name = name_of(url)
        self._outages = outages
        self._tls = tls

    async def follow(self) -> None:
        """Follow until cancelled."""
        pause_s = RETRY_S[0]
        while True:
            began_s = time.monotonic()
            try:
                await self._read()
            except LOST as error:
                self._lose(_why(error))
            long_s = time.monotonic() - began_s > RETRY_S[1]
            pause_s = RETRY_S[0] if long_s else min(pause_s * 2, RETRY_S[1])
            await asyncio.sleep(pause_s * random.uniform(0.5, 1))  # noqa: S311 - no secret

    async def _read(self) -> None:
        tls = self._tls.client(Role.BALANCER) if self._tls else None
        url = self._url.replace("http", "ws", 1) + "/fleet/stream"
        request = HTTPRequest(url, connect_timeout=CONNECT_S, request_timeout=CONNECT_S, ssl_options=tls)
        stream = await websocket_connect(request, max_message_size=MOST_BYTES)
        try:
            self._board.connect(self._url)
            while True:
                silent_s = SILENT_WITH_OTHERS_S if self._balancers.several else SILENT_S
                message = await asyncio.wait_for(stream.read_message(), silent_s)
                if message is None:
                    raise WebSocketError("closed by the balancer")
                self._board.apply(strict_json.decode(message), time.monotonic(), self._url)
                self._hear(time.time())
        finally:
            stream.close()

    def _hear(self, unix_s: float) -> None:
        self._news.set()
        self._balancers.heard(self._url, unix_s)
        self._outages.back(Service.BALANCER, unix_s)
        self._outages.back(Service.BALANCER, unix_s, self._name)

    def _lose(self, why: str) -> None:
        log.warning("the balancer's stream is lost", extra={"url": self._url, "why": why})
        self._board.lose(self._url)
        self._balancers.lost(self._url, why)
        self._news.set()
        heard = [
            each.heard_unix_s for each in self._balancers.by_url.values() if each.heard_unix_s is not None
        ]
        own = self._balancers.by_url.get(self._url)
        if own and own.heard_unix_s is not None and self._balancers.several:
            self._outages.lost(Service.BALANCER, own.heard_unix_s, self._name)
        if heard and not self._balancers.any_up:
            self._outages.lost(Service.BALANCER, max(heard))


def _why(error: Exception) -> str:
    """Return in words why a stream has ended."""
    if isinstance(error, ConnectionRefusedError):
        return "it refuses connections"
    if isinstance(error, TimeoutError | HTTPTimeoutError):
        return "it does not answer"
    return str(error) or type(error).__name__
