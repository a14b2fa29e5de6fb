"""`/stream`: what the console shows, to browsers that are logged in."""

import time

from admin_ui.access import COOKIE, LOGIN_FIRST
from admin_ui.people import Logins, Role
from runtime.frame_stream import FrameStreamHandler, FrameStreams


class BrowserStreamHandler(FrameStreamHandler):
    """`GET /stream`; ends when the login does."""

    def initialize(self, streams: FrameStreams, logins: Logins, needs: Role) -> None:  # type: ignore[override]
        """`streams` holds the clients."""
        super().initialize(streams)
        self._logins = logins
        self._needs = needs

    def prepare(self) -> None:
        """Let in who is logged in."""
        super().prepare()
        if self._finished:
            return
        login = self._logins.find(self.get_cookie(COOKIE, "") or "", time.time())
        if not login or login.role < self._needs:
            self.write_problem(LOGIN_FIRST)
