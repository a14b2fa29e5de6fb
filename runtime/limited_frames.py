"""Reads the frames of a WebSocket client, and no more of them than a client of a stream has reason to send.

Tornado answers each ping as soon as it comes. Clients that ping without end would keep the event loop busy, and requests of
others would wait for seconds.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable

from tornado.websocket import WebSocketHandler, WebSocketProtocol13, _WebSocketParams

from runtime.frame_allowance import A_SECOND, FrameAllowance

TOO_MANY = 1008  # a WebSocket close code: a rule of the server was violated
WHY = f"too many frames: {A_SECOND:g} a second are accepted, pings and pongs included"
# Between the close frame and the end of the connection. Nothing is read meanwhile: a client that connects again at once
# would cost more than one that waits.
UNREAD_S = 5.0


class LimitedFrames(WebSocketProtocol13):
    """A connection that is closed when its client sends too many frames."""

    def __init__(
        self,
        handler: WebSocketHandler,
        params: _WebSocketParams,
        exceeded: Callable[[], None],
        closing: asyncio.Event,
    ) -> None:
        """`exceeded` is called when the client has sent too many; `closing` is set when the service stops."""
        super().__init__(handler, mask_outgoing=False, params=params)
        self._exceeded = exceeded
        self._closing = closing
        self._allowance = FrameAllowance(time.monotonic())

    async def _receive_frame(self) -> None:
        """Read and handle the next frame; instead of one too many, end the connection."""
        await super()._receive_frame()
        if self._allowance.take(time.monotonic()) or self.client_terminated:
            await asyncio.sleep(0)  # others have their turn before the next frame that has come
            return
        self._exceeded()
        self.close(TOO_MANY, WHY)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), UNREAD_S)
        self._abort()
