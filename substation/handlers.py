"""The substation's own HTTP pages: its sessions, for people and for audits, its base load, and backups."""

import time
from pathlib import Path

from tornado.web import HTTPError

from runtime.backup import BackupFailed
from runtime.handlers import ApiHandler
from substation.base_load.calendar import GridCalendar
from substation.base_load.meter import Meter
from substation.base_load.reading import reading
from substation.contract import MOST_LISTED, ListSessions, SubstationOutcome
from substation.settings import W_PER_KW
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


class BaseLoadHandler(ApiHandler):
    """`GET /base-load`: the base load now; `PUT /base-load`: a reading of the meter."""

    def initialize(self, station: Station, calendar: GridCalendar) -> None:  # type: ignore[override]
        """`station` has the base load, `calendar` the time of day."""
        super().initialize()
        self._station = station
        self._calendar = calendar

    def get(self) -> None:
        """Write the base load that counts now."""
        source, now_ms = self._station.base_load, self._station.grid_ms()
        self.write_json(
            {
                "source": source.name,
                "base_load_kw": source.watts_at(now_ms) / W_PER_KW,
                "stale": (basis := source.basis_at(now_ms)).assumed,
                "basis": basis,
                "grid_time": self._calendar.label(now_ms),
            }
        )

    def put(self) -> None:
        """Take a reading, and write what counts now; one that is not newer than the last changes nothing."""
        meter = self._station.base_load
        if not isinstance(meter, Meter):
            raise HTTPError(400, f"readings are taken with BASE_LOAD=meter; the source here is {meter.name}")
        now_unix_ms = int(time.time() * 1000)
        try:
            watts, at_unix_ms = reading(self.json_object(), now_unix_ms)
        except ValueError as error:
            raise HTTPError(400, str(error)) from None
        age_ms = round((now_unix_ms - at_unix_ms) * self._station.time_scale)
        meter.take(watts, self._station.grid_ms() - age_ms)
        self.get()


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
