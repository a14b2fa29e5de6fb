"""The substation's own HTTP pages: its sessions, for people and for audits."""

from tornado.web import HTTPError

from runtime.handlers import ApiHandler
from runtime.settings import integer
from substation.station import Station
from substation.writer import Page, Request, Sessions

MOST = 1000


class SessionsHandler(ApiHandler):
    """`GET /sessions?after=<number>&limit=<1..1000>`: all sessions in the order of admission."""

    def initialize(self, station: Station) -> None:  # type: ignore[override]
        """`station` owns the sessions."""
        super().initialize()
        self._station = station

    async def get(self) -> None:
        """Write one page; `next_after` continues it, null at the end."""
        page = Page(self._whole("after", 0, 0, 2**62), self._whole("limit", 100, 1, MOST))
        found = await self._station.ask(Request(page))
        if not isinstance(found, Sessions):
            raise HTTPError(503, "the substation is stopping")
        self.write_json(
            {
                "sessions": [s.fields() for s in found.sessions],
                "next_after": found.next_after,
            }
        )

    def _whole(self, name: str, default: int, least: int, most: int) -> int:
        text = self.get_query_argument(name, str(default))
        try:
            return integer(least, most)(text)
        except ValueError as error:
            raise HTTPError(400, f"{name}: {error}") from None
