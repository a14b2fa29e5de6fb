"""Follows the balancer's `/fleet/stream`, and reconnects for as long as the console runs."""

import asyncio
import logging
import random
import time

from tornado.httpclient import HTTPError, HTTPRequest
from tornado.websocket import WebSocketError, websocket_connect

from admin_ui.grid.board import STALE_AFTER_S, Board, OutOfOrder
from admin_ui.grid.followed_balancer import FollowedBalancer
from admin_ui.grid.outages import Outages, Service
from runtime import strict_json
from runtime.tls.credentials import Credentials
from runtime.tls.identity import Role

log = logging.getLogger(__name__)

RETRY_S = (0.2, 2.0)  # the first pause and the longest; each is jittered
CONNECT_S = 3.0
SILENT_S = STALE_AFTER_S  # after such a silence the stream counts as dead
# The last three mean that a message was not a frame of a fleet.
LOST = (OSError, HTTPError, WebSocketError, TimeoutError, OutOfOrder, ValueError, LookupError, TypeError)
MOST_BYTES = 4 * 1024 * 1024  # a snapshot of some ten thousand substations


class FleetFeed:
    """Keeps a board up to date, and records when the balancer was lost; of several, it then follows the next one."""

    def __init__(
        self,
        board: Board,
        balancer: FollowedBalancer,
        outages: Outages,
        news: asyncio.Event,
        tls: Credentials | None = None,
    ) -> None:
        """`news` is set after each frame."""
        self._news = news
        self._board = board
        self._balancer = balancer
        self._outages = outages
        self._tls = tls
        self._heard_unix_s: float | None = None

    async def follow(self) -> None:
        """Follow until cancelled."""
        pause_s = RETRY_S[0]
        while True:
            began_s = time.monotonic()
            try:
                await self._read()
            except LOST as error:
                log.warning(
                    "the balancer's stream is lost",
                    extra={"url": self._balancer.url, "why": str(error) or type(error).__name__},
                )
            self._board.lose()
            self._balancer.lost()
            if self._heard_unix_s is not None:
                self._outages.lost(Service.BALANCER, self._heard_unix_s)
            long_s = time.monotonic() - began_s > RETRY_S[1]
            pause_s = RETRY_S[0] if long_s else min(pause_s * 2, RETRY_S[1])
            await asyncio.sleep(pause_s * random.uniform(0.5, 1))  # noqa: S311 - no secret

    async def _read(self) -> None:
        tls = self._tls.client(Role.BALANCER) if self._tls else None
        url = self._balancer.url.replace("http", "ws", 1) + "/fleet/stream"
        request = HTTPRequest(url, connect_timeout=CONNECT_S, request_timeout=CONNECT_S, ssl_options=tls)
        stream = await websocket_connect(request, max_message_size=MOST_BYTES)
        try:
            self._board.connect()
            while True:
                message = await asyncio.wait_for(stream.read_message(), SILENT_S)
                if message is None:
                    raise WebSocketError("closed by the balancer")
                self._board.apply(strict_json.decode(message), time.monotonic())
                self._news.set()
                self._heard_unix_s = time.time()
                self._outages.back(Service.BALANCER, self._heard_unix_s)
        finally:
            stream.close()
