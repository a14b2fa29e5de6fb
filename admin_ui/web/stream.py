"""`/stream`: sends what the console shows to the browsers that are logged in, for as long as their login lasts."""

import time
from asyncio import Future
from typing import Any

from tornado.websocket import WebSocketClosedError

from admin_ui.web.logins import Logins, Role
from admin_ui.web.problems import LOGIN_FIRST, PAST_THE_PROXY
from admin_ui.web.proxies import among
from admin_ui.web.routes import Route
from runtime.frame_stream import FrameStreamHandler, FrameStreams

LOGIN_ENDED = 4401  # a WebSocket close code of our own: after HTTP's 401


class BrowserStreamHandler(FrameStreamHandler):
    """`GET /stream`. It ends when the login ends, with the next frame, which comes within a heartbeat."""

    def initialize(self, streams: FrameStreams, logins: Logins, needs: Role) -> None:  # type: ignore[override]
        """`streams` feeds the clients."""
        super().initialize(streams)
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

    def write_message(self, message: bytes | str | dict[str, Any], binary: bool = False) -> "Future[None]":  # noqa: FBT001, FBT002 - Tornado's
        """Send a message while the login lasts; afterwards close the stream and raise WebSocketClosedError."""
        if not self._allowed():
            self.close(LOGIN_ENDED, "the login has ended")
            raise WebSocketClosedError
        return super().write_message(message, binary)

    def _allowed(self) -> bool:
        """Whether the login lasts and its role is enough. An open page uses its login, which so never becomes idle."""
        login = self._logins.find(self.get_cookie(self.settings["login_cookie"], "") or "", time.time())
        return login is not None and login.role >= self._needs


def stream_route(streams: FrameStreams) -> Route:
    """Return the route of the stream."""
    return Route("/stream", BrowserStreamHandler, Role.VIEWER, {"streams": streams})
