"""`/stream`: sends what the console shows to the browsers that are logged in, for as long as their login lasts.

A browser says which dialog of an order it has open, so that others see it.
"""

import time
from asyncio import Future
from typing import Any

from tornado.websocket import WebSocketClosedError

from admin_ui.web.logins import Login, Logins, Role
from admin_ui.web.presence import MessageRefused, Presence
from admin_ui.web.problems import LOGIN_FIRST, PAST_THE_PROXY
from admin_ui.web.proxies import among
from admin_ui.web.routes import Route
from runtime.frame_stream import FrameStreamHandler, FrameStreams
from runtime.json_body import MalformedJson, read_object

LOGIN_ENDED = 4401  # a WebSocket close code of our own: after HTTP's 401
REASON_BYTES = 120  # of a close frame, which has room for 123
INVALID = 1007  # a WebSocket close code: data of a message that can't be used


class BrowserStreamHandler(FrameStreamHandler):
    """`GET /stream`. It ends when the login ends, with the next frame, which comes within a heartbeat."""

    def initialize(  # type: ignore[override]
        self, streams: FrameStreams, presence: Presence, logins: Logins, needs: Role
    ) -> None:
        """`streams` feeds the clients, `presence` remembers who they are."""
        super().initialize(streams)
        self._presence = presence
        self._logins = logins
        self._needs = needs

    def prepare(self) -> None:
        """Refuse requests that bypass the proxies, and those without a login."""
        super().prepare()
        proxies = self.settings.get("proxies", ())
        if proxies and not self._finished and not among(str(self.request.remote_ip), proxies):
            self.write_problem(PAST_THE_PROXY)
        if not self._finished and not self._allowed():
            self.write_problem(LOGIN_FIRST)

    def open(self) -> None:
        """Remember who has opened a page, and start to feed it."""
        if login := self._login():
            self._presence.opened(self, login, time.time())
        super().open()

    def on_message(self, message: str | bytes) -> None:
        """Remember the dialog that the page has open; close the stream of a page that sends anything else."""
        try:
            self._presence.says(
                self, read_object(message.encode() if isinstance(message, str) else message), time.time()
            )
        except (MalformedJson, MessageRefused) as error:
            self.close(INVALID, str(error)[:REASON_BYTES])

    def on_close(self) -> None:
        """Forget the page."""
        self._presence.closed(self)
        super().on_close()

    def write_message(self, message: bytes | str | dict[str, Any], binary: bool = False) -> "Future[None]":  # noqa: FBT001, FBT002 - Tornado's
        """Send a message while the login lasts; afterwards close the stream and raise WebSocketClosedError."""
        if not self._allowed():
            self.close(LOGIN_ENDED, "the login has ended")
            raise WebSocketClosedError
        return super().write_message(message, binary)

    def _allowed(self) -> bool:
        """Whether the login lasts and its role is enough. An open page uses its login, which so never becomes idle."""
        login = self._login()
        return login is not None and login.role >= self._needs

    def _login(self) -> Login | None:
        return self._logins.find(self.get_cookie(self.settings["login_cookie"], "") or "", time.time())


def stream_route(streams: FrameStreams, presence: Presence) -> Route:
    """Return the route of the stream; `presence` remembers who has a page open."""
    return Route("/stream", BrowserStreamHandler, Role.VIEWER, {"streams": streams, "presence": presence})
