"""`/sessions` and `/api/sessions`: all open sessions of the grid."""

from jinja2 import Environment
from tornado.web import HTTPError

from admin_ui.sessions.pages import SessionPages
from admin_ui.sessions.query import parse
from admin_ui.web.access import ConsoleHandler
from admin_ui.web.logins import Role
from admin_ui.web.pages import page_route
from admin_ui.web.routes import Route


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


def routes(pages: SessionPages, environment: Environment) -> list[Route]:
    """Return the routes of the list of sessions."""
    return [
        page_route("/sessions", "sessions/sessions.html", environment),
        Route("/api/sessions", OpenSessionsHandler, Role.VIEWER, {"pages": pages}),
    ]
