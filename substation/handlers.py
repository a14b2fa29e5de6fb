"""The substation's own HTTP pages: its sessions, for people and for audits."""

from pathlib import Path

from tornado.web import HTTPError

from runtime.backup import BackupFailed
from runtime.handlers import ApiHandler
from substation.contract import MOST_LISTED, ListSessions, SubstationOutcome
from substation.station import Station
from substation.writer import Request


class SessionsHandler(ApiHandler):
    """`GET /sessions?after=&limit=&vehicle_id=`: sessions, ended ones too, in the order of admission."""

    private = True

    def initialize(self, station: Station) -> None:  # type: ignore[override]
        """`station` owns the sessions."""
        super().initialize()
        self._station = station

    async def get(self) -> None:
        """Write one page; `next_after` continues it, null at the end."""
        after = self.whole_argument("after", 0, 0, 2**62)
        limit = self.whole_argument("limit", 100, 1, MOST_LISTED)
        page = ListSessions(after, limit, self.argument("vehicle_id"))
        found = await self._station.ask(Request(page))
        if found.outcome is not SubstationOutcome.FOUND:
            raise HTTPError(503, "the substation is stopping")
        self.write_json(
            {
                "sessions": [s.fields() for s in found.sessions],
                "next_after": found.next_after or None,
            }
        )


class BackupHandler(ApiHandler):
    """`POST /backup`: writes a consistent copy of the running journal beside it."""

    def initialize(self, station: Station, folder: Path, most: int) -> None:  # type: ignore[override]
        """`station` owns the journal; copies go into `folder`, where the newest `most` are kept."""
        super().initialize()
        self._station = station
        self._folder = folder
        self._most = most

    async def post(self) -> None:
        """Write the copy and say where it is."""
        try:
            path = await self._station.backup(self._folder, self._most)
        except BackupFailed as failed:
            raise HTTPError(503, str(failed)) from None
        self.write_json({"path": str(path)}, 201)
