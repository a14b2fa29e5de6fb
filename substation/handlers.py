"""The substation's own HTTP pages: its sessions, for people and for audits, its base load, and backups."""

import time
from pathlib import Path

from tornado.web import HTTPError

from runtime.backup import BackupFailed
from runtime.handlers import ApiHandler
from substation import ended_listing
from substation.base_load.calendar import GridCalendar
from substation.base_load.meter import Meter
from substation.base_load.reading import reading
from substation.contract import LAST_UNIX_MS, MOST_LISTED, ListSessions, SessionState, SubstationOutcome
from substation.ended_listing import EndedQuery, place_after, place_of_time
from substation.ended_pages import EndedPages, Stopping
from substation.open_listing import MOST_IN_A_PAGE, MOST_SEARCHED, OpenQuery, SortBy, key_of
from substation.open_pages import OpenPages
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


class OpenSessionsHandler(ApiHandler):
    """`GET /sessions/open?sort=&dir=&after=&limit=&state=&search=`: the open sessions, in one of four orders."""

    private = True

    def initialize(self, pages: OpenPages) -> None:  # type: ignore[override]
        """`pages` finds the sessions."""
        super().initialize()
        self._pages = pages

    async def get(self) -> None:
        """Write one page; `next` continues it as `after`, null at the end."""
        sort_by = SortBy(self._one_of("sort", [each.value for each in SortBy]))
        after = self.argument("after")
        try:
            key = key_of(sort_by, after) if after else None
        except ValueError as error:
            raise HTTPError(400, f"after {error}") from None
        search = self.argument("search")
        if len(search) > MOST_SEARCHED:
            raise HTTPError(400, f"search: an id has at most {MOST_SEARCHED} characters")
        query = OpenQuery(
            sort_by,
            self._one_of("dir", ["up", "down"]) == "down",
            key,
            self.whole_argument("limit", 50, 1, MOST_IN_A_PAGE),
            self._one_of("state", ["", SessionState.CHARGING, SessionState.PAUSED]),
            search,
        )
        self.write_json(await self._pages.find(query))

    def _one_of(self, name: str, choices: list[str]) -> str:
        """Return a parameter that has a few values, the first of which stands for none; raises HTTPError 400."""
        value = self.argument(name) or choices[0]
        if value not in choices:
            raise HTTPError(400, f"{name} must be one of {', '.join(filter(None, choices))}")
        return value


class EndedSessionsHandler(ApiHandler):
    """`GET /sessions/ended?from=&to=&after=&limit=&search=`: sessions that have ended, the newest first."""

    private = True

    def initialize(self, pages: EndedPages) -> None:  # type: ignore[override]
        """`pages` finds the sessions."""
        super().initialize()
        self._pages = pages

    async def get(self) -> None:
        """Write one page; `next` continues it as `after`, null at the end. `from` and `to` are of the start."""
        after, search = self.argument("after"), self.argument("search")
        try:
            before = place_after(after, self._pages.substation_id) if after else ended_listing.NO_PLACE
        except ValueError as error:
            raise HTTPError(400, f"after {error}") from None
        if len(search) > MOST_SEARCHED:
            raise HTTPError(400, f"search: an id has at most {MOST_SEARCHED} characters")
        query = EndedQuery(
            place_of_time(self.whole_argument("from", 0, 0, LAST_UNIX_MS)),
            min(
                before,
                place_of_time(self.whole_argument("to", LAST_UNIX_MS, 0, LAST_UNIX_MS)),
            ),
            self.whole_argument("limit", 50, 1, ended_listing.MOST_IN_A_PAGE),
            search,
        )
        try:
            self.write_json(await self._pages.find(query))
        except Stopping:
            raise HTTPError(503, "the substation is stopping, or its journal can't be read") from None


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
