"""`/sessions/ended`: the ended sessions of a time range; `/sessions/ended/export`: the same as a file."""

import dataclasses
import datetime as dt
import time
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError

from admin_ui.sessions import csv_columns
from admin_ui.sessions.ended import EndedQuery, parse_ended
from admin_ui.sessions.pages import SessionPages
from admin_ui.sessions.query import MOST
from admin_ui.web import time_range
from admin_ui.web.access import ConsoleHandler
from admin_ui.web.logins import Role
from admin_ui.web.pages import PageHandler
from admin_ui.web.routes import Route
from runtime.csv_text import BYTE_ORDER_MARK, line

MOST_EXPORTED = 100_000  # sessions of a file
FILTERS = ("q", "substation", "from", "to")


class EndedSessionsPage(PageHandler):
    """`GET /sessions/ended?q=&substation=&from=&to=&after=`: the newest first."""

    def setup(self, environment: Environment, pages: SessionPages, **more: Any) -> None:  # type: ignore[override]
        """`pages` asks the substations."""
        super().setup(environment, **more)
        self._pages = pages

    async def get(self) -> None:
        """Write one page of the list."""
        query = _query(self)
        wanted = {name: self.argument(name).strip() for name in FILTERS}
        kept = {name: value for name, value in wanted.items() if value}
        page = await self._pages.ended(query)
        ranged = {name: value for name, value in kept.items() if name not in {"from", "to"}}
        self.show(
            "sessions/ended.html",
            sessions=[_shown(each) for each in page["sessions"]],
            delivered_kwh=sum(each["delivered_kwh"] for each in page["sessions"]),
            faults=page["faults"],
            substations=self._pages.substations,
            wanted=wanted | {name: time_range.shown(wanted[name]) for name in ("from", "to")},
            quick={
                name: urlencode(ranged | {"from": begin})
                for name, begin in time_range.quick(time.time()).items()
            },
            query=urlencode(kept),
            older=urlencode(kept | {"after": page["next"]}) if page["next"] else "",
            searched=_utc(page["searched"]) if page["searched"] is not None else "",
            paged=bool(query.after),
        )


class EndedExport(ConsoleHandler):
    """`GET /sessions/ended/export?q=&substation=&from=&to=`: a CSV file of MOST_EXPORTED sessions at most."""

    def setup(self, pages: SessionPages) -> None:  # type: ignore[override]
        """`pages` asks the substations."""
        self._pages = pages

    async def get(self) -> None:
        """Write the file, page by page; a substation that does not answer is a line that says so."""
        query = dataclasses.replace(_query(self), after="", limit=MOST)
        self.set_header("Content-Disposition", 'attachment; filename="ended-sessions.csv"')
        self.set_header("Content-Type", "text/csv; charset=utf-8")
        self.write(BYTE_ORDER_MARK + line(csv_columns.ENDED))
        try:
            await self._pages_of(query)
        except StreamClosedError:
            return  # the client has gone

    async def _pages_of(self, query: EndedQuery) -> None:
        faults = dict[str, str]()
        after: str | None = ""
        written = 0
        while after is not None and written < MOST_EXPORTED:
            page = await self._pages.ended(dataclasses.replace(query, after=after))
            for session in page["sessions"]:
                self.write(line(csv_columns.ended_cells(session)))
            written += len(page["sessions"])
            faults |= {each["substation_id"]: each["why"] for each in page["faults"]}
            after = page["next"]
            await self.flush()
        for name, why in faults.items():
            self.write(line((f"not all in this file: {why}", "", name, "unknown")))
        if after is not None:
            self.write(line((f"only the newest {written:,} sessions are in this file",)))


def _query(handler: ConsoleHandler) -> EndedQuery:
    """Return the query of a request; raises HTTPError with what is accepted."""
    try:
        return parse_ended(handler.argument)
    except ValueError as error:
        raise HTTPError(400, str(error)) from None


def _shown(session: dict[str, Any]) -> dict[str, Any]:
    times = {"started": session["started_unix_ms"], "ended": session["ended_unix_ms"]}
    return session | {name: _utc(unix_ms) for name, unix_ms in times.items()}


def _utc(unix_ms: int) -> str:
    return dt.datetime.fromtimestamp(unix_ms / 1000, dt.UTC).strftime("%Y-%m-%d %H:%M:%S")


def routes(pages: SessionPages, environment: Environment) -> list[Route]:
    """Return the routes of the ended sessions."""
    arguments = {"environment": environment, "pages": pages, "here": "sessions"}
    return [
        Route("/sessions/ended", EndedSessionsPage, Role.VIEWER, arguments, page=True),
        Route("/sessions/ended/export", EndedExport, Role.VIEWER, {"pages": pages}),
    ]
