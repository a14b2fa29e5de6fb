"""`/stream`: what the console shows, to browsers that are logged in, for as long as they are."""

import asyncio
import time

from admin_ui.access import COOKIE, LOGIN_FIRST
from admin_ui.people import Logins, Role
from runtime.frame_stream import FrameStreamHandler, FrameStreams

LOGGED_OUT = 4401  # WebSocket close code: the browser goes to the login
LOOK_S = 0.5


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
        if not self._finished and not self.logged_in(time.time()):
            self.write_problem(LOGIN_FIRST)

    def logged_in(self, now_unix_s: float) -> bool:
        """Whether its login lasts; an open page uses it, and so keeps it from being idle."""
        login = self._logins.find(self.get_cookie(COOKIE, "") or "", now_unix_s)
        return login is not None and login.role >= self._needs


async def end_with_logins(streams: FrameStreams) -> None:
    """Close the streams of logins that are over, until cancelled."""
    while True:
        for client in list(streams.clients):
            if isinstance(client, BrowserStreamHandler) and not client.logged_in(time.time()):
                client.close(LOGGED_OUT, "log in again")
        await asyncio.sleep(LOOK_S)
