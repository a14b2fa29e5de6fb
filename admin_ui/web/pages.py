"""The pages: Jinja2 templates, which scripts fill with what the stream sends, and the pages of problems."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension

from admin_ui.web.access import ConsoleHandler
from admin_ui.web.base_path import in_template
from admin_ui.web.logins import Login, Role
from admin_ui.web.routes import Route
from runtime.problem import NOT_FOUND, Problem

FOLDER = Path(__file__).parents[1]
FOR_PROGRAMS = ("/api/", "/static/")
# By code or status: what a person can do next.
ADVICE: dict[str | int, str] = {
    "cross-origin": "Open the console in its own window, and try there.",
    "no-password": "Go back. Log in with a name and a password to do this.",
    "sso-refused": "Log in again, or ask your administrator for access.",
    "sso-unanswered": "Go to the login page, and log in from there.",
    "sso-provider": "Try again in a moment, or log in with a name and password of this console. If it fails again, tell your administrator what it says above.",
    403: "Go back. Your account page shows your role; your administrator can change it.",
    404: "Check the address. The page may have been removed; use the navigation above.",
    405: "Go back, and use the buttons of the page.",
    500: "Try again. If it fails again, give the request ID to your administrator: the console's log has the fault under it.",
    503: "Try again in a moment. If it fails again, give the request ID to your administrator.",
}
GO_BACK = "Go back, correct the request, and try again."
NAVIGATION = (
    ("/", "overview", "Overview"),
    ("/sessions", "sessions", "Sessions"),
    ("/rush-hour", "rush", "Rush hour"),
    ("/decisions", "decisions", "Decisions"),
    ("/alarms", "alarms", "Alarms"),
    ("/audit", "audit", "Audit"),
)
FOR_ADMINISTRATORS = (("/people", "people", "People"),)


def navigation(login: Login | None) -> Sequence[tuple[str, str, str]]:
    """Return the address, the name and the title of each page that somebody can go to."""
    administrates = login is not None and login.role >= Role.ADMINISTRATOR
    return NAVIGATION + FOR_ADMINISTRATORS if administrates else NAVIGATION


class LinksBelowBase(Extension):
    """Puts the base path before the links of templates, which are written from the console's root: `href="/audit"`."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002 - Jinja's
        """Return the source of a template with the base path in its links."""
        return in_template(source)


def templates(**known: Any) -> Environment:
    """Return the environment of the templates; every template can use `known`. `assets` must be among them.

    `base` is the path below which browsers see the console, and `sso` the host of the identity provider, both '' for none. A value that a template lacks is a fault, and not an empty text.
    """
    loader = FileSystemLoader(FOLDER / "templates")
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[LinksBelowBase],
    )
    environment.globals.update({"base": "", "sso": ""} | known)
    return environment


class TemplateHandler(ConsoleHandler):
    """The base of what answers with a template."""

    def setup(self, environment: Environment, template: str = "", **more: Any) -> None:  # type: ignore[override]
        """`template` is the page's template; it can use `more`."""
        self._environment = environment
        self._template = template
        self._known = more

    def show(self, template: str, status: int = 200, **known: Any) -> None:
        """Finish with a template, which can use `known`."""
        self.set_status(status)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        page = self._environment.get_template(template)
        self.finish(page.render(login=self.login, navigation=navigation(self.login), **self._known, **known))


class PageHandler(TemplateHandler):
    """A page that is made from a template."""

    def get(self) -> Awaitable[None] | None:
        """Write the page."""
        self.show(self._template)
        return None


class NotFoundHandler(PageHandler):
    """Answers 404 where no route matches; a browser that asks for a page gets a page."""

    def prepare(self) -> None:
        """Answer before Tornado looks up the method."""
        wants_page = "text/html" in self.request.headers.get("Accept", "")
        self._page = wants_page and not self.request.path.startswith(FOR_PROGRAMS)
        super().prepare()
        if not self._finished:
            self.write_problem(NOT_FOUND)


def problem_page(environment: Environment) -> Callable[[Problem, str, str, Login | None, str], str]:
    """Return a function that renders the page of a problem.

    Its arguments are the problem, the detail, the request ID, the login, and the address to try again ('' for none).
    """

    def render(problem: Problem, detail: str, request_id: str, login: Login | None, again: str) -> str:
        return environment.get_template("web/problem.html").render(
            login=login,
            navigation=navigation(login),
            here="problem",
            status=problem.status,
            title=problem.title,
            detail=detail,
            advice=ADVICE.get(problem.code) or ADVICE.get(problem.status, GO_BACK),
            request_id=request_id,
            again=again,
        )

    return render


def page_route(
    pattern: str, template: str, environment: Environment, needs: Role = Role.VIEWER, **known: Any
) -> Route:
    """Return the route of a page for everybody who is logged in and has the role; its template can use `known`."""
    arguments = {"environment": environment, "template": template, "here": Path(template).stem} | known
    return Route(pattern, PageHandler, needs, arguments, page=True)
