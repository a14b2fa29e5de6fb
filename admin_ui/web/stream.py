"""`/stream`: what the console shows, to browsers that are logged in, for as long as they are."""

import time
from asyncio import Future
from typing import Any

from tornado.websocket import WebSocketClosedError

from admin_ui.web.access import LOGIN_FIRST, PAST_THE_PROXY
from admin_ui.web.proxies import among
from admin_ui.web.roles import Logins, Role
from runtime.frame_stream import FrameStreamHandler, FrameStreams

LOGIN_ENDED = 4401  # a WebSocket close code of our own: after HTTP's 401


class BrowserStreamHandler(FrameStreamHandler):
    """`GET /stream`; ends when the login does: with the next frame, which comes within a heartbeat."""

    def initialize(self, streams: FrameStreams, logins: Logins, needs: Role) -> None:  # type: ignore[override]
        """`streams` holds the clients."""
        super().initialize(streams)
        self._logins = logins
        self._needs = needs

    def prepare(self) -> None:
        """Let in who is logged in."""
        super().prepare()
        proxies = self.settings.get("proxies", ())
        if proxies and not self._finished and not among(str(self.request.remote_ip), proxies):
            self.write_problem(PAST_THE_PROXY)
        if not self._finished and not self._may():
            self.write_problem(LOGIN_FIRST)

    def write_message(self, message: bytes | str | dict[str, Any], binary: bool = False) -> "Future[None]":  # noqa: FBT001, FBT002 - Tornado's
        """Send to whom may still see it; raises WebSocketClosedError."""
        if not self._may():
            self.close(LOGIN_ENDED, "the login has ended")
            raise WebSocketClosedError
        return super().write_message(message, binary)

    def _may(self) -> bool:
        """Whether its login lasts; an open page uses it, and so keeps it from being idle."""
        login = self._logins.find(self.get_cookie(self.settings["login_cookie"], "") or "", time.time())
        return login is not None and login.role >= self._needs
