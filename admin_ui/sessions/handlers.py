"""`/sessions` and `/api/sessions`: all open sessions of the grid; `/sessions/export`: the same as a file."""

import dataclasses

from jinja2 import Environment
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError

from admin_ui.sessions import csv_columns, ended_handlers
from admin_ui.sessions.pages import SessionPages
from admin_ui.sessions.query import MOST, PageQuery, parse
from admin_ui.web.access import ConsoleHandler
from admin_ui.web.logins import Role
from admin_ui.web.pages import page_route
from admin_ui.web.routes import Route
from runtime.csv_text import BYTE_ORDER_MARK, line

MOST_EXPORTED = 10_000  # sessions of a file


class OpenSessionsHandler(ConsoleHandler):
    """`GET /api/sessions?sort=&dir=&after=&before=&limit=&state=&search=&substation=`: one page."""

    def setup(self, pages: SessionPages) -> None:  # type: ignore[override]
        """`pages` asks the substations."""
        self._pages = pages

    async def get(self) -> None:
        """Write the page."""
        try:
            query = parse(self.argument)
        except ValueError as error:
            raise HTTPError(400, str(error)) from None
        self.write_json(await self._pages.page(query))


class SessionsExport(ConsoleHandler):
    """`GET /sessions/export?sort=&dir=&state=&search=&substation=`: a CSV file of MOST_EXPORTED sessions at most."""

    def setup(self, pages: SessionPages) -> None:  # type: ignore[override]
        """`pages` asks the substations."""
        self._pages = pages

    async def get(self) -> None:
        """Write the file, page by page; a substation that does not answer is a line that says so."""
        try:
            query = dataclasses.replace(parse(self.argument), after="", before="", limit=MOST)
        except ValueError as error:
            raise HTTPError(400, str(error)) from None
        self.set_header("Content-Disposition", 'attachment; filename="open-sessions.csv"')
        self.set_header("Content-Type", "text/csv; charset=utf-8")
        self.write(BYTE_ORDER_MARK + line(csv_columns.OPEN))
        try:
            await self._pages_of(query)
        except StreamClosedError:
            return  # the client has gone

    async def _pages_of(self, query: PageQuery) -> None:
        faults = dict[str, str]()
        after: str | None = ""
        written = 0
        while after is not None and written < MOST_EXPORTED:
            page = await self._pages.page(dataclasses.replace(query, after=after))
            for session in page["sessions"]:
                self.write(line(csv_columns.open_cells(session)))
            written += len(page["sessions"])
            faults |= {each["substation_id"]: each["why"] for each in page["faults"]}
            after = page["next"]
            await self.flush()
        for name, why in faults.items():
            self.write(line((f"not in this file: {why}", "", name, "unknown")))
        if after is not None:
            self.write(line((f"only the first {MOST_EXPORTED:,} sessions are in this file",)))


def routes(pages: SessionPages, environment: Environment) -> list[Route]:
    """Return the routes of the lists of sessions."""
    return [
        page_route("/sessions", "sessions/sessions.html", environment),
        Route("/sessions/export", SessionsExport, Role.VIEWER, {"pages": pages}),
        Route("/api/sessions", OpenSessionsHandler, Role.VIEWER, {"pages": pages}),
        *ended_handlers.routes(pages, environment),
    ]
