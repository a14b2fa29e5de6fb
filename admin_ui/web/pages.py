"""The pages: Jinja2 templates around what the stream fills in."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from admin_ui.web.access import ConsoleHandler
from admin_ui.web.roles import Login
from runtime.problem import NOT_FOUND, Problem

FOLDER = Path(__file__).parents[1]
OF_PROGRAMS = ("/api/", "/static/")
# By code or status: what a person can do next.
ADVICE: dict[str | int, str] = {
    "cross-origin": "Open the console in a window of its own, and do it there.",
    "no-password": "Go back. Who has a name and a password logs in with them.",
    403: "Go back. Whoever runs the grid gives out roles; the account page says which one is yours.",
    404: "Check the address. What was here may have been removed; the pages above lead to what there is.",
    405: "Go back, and use the buttons of the page.",
    500: "Try again. If it stays, give the request id to whoever runs the grid: the fault is in the console's log under it.",
    503: "Try again in a moment. If it stays, give the request id to whoever runs the grid.",
}
GO_BACK = "Go back, put that right, and try again."
NAVIGATION = (
    ("/", "overview", "Overview"),
    ("/rush-hour", "rush", "Rush hour"),
    ("/decisions", "decisions", "Why here"),
    ("/alarms", "alarms", "Alarms"),
    ("/audit", "audit", "Audit"),
)


def templates(**known: str) -> Environment:
    """Return the environment of the templates; `known` is known to all of them.

    What a template does not get is a fault, not an empty text.
    """
    loader = FileSystemLoader(FOLDER / "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.update(known)
    return environment


class PageHandler(ConsoleHandler):
    """One page; `template` names it."""

    def setup(self, environment: Environment, template: str = "", **more: Any) -> None:  # type: ignore[override]
        """`more` is known to the template."""
        self._environment = environment
        self._template = template
        self._known = more

    def get(self) -> Awaitable[None] | None:
        """Write the page."""
        self.show(self._template)
        return None

    def show(self, template: str, status: int = 200, **known: Any) -> None:
        """Finish with a template."""
        self.set_status(status)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        page = self._environment.get_template(template)
        self.finish(page.render(login=self.login, navigation=NAVIGATION, **self._known, **known))


class NowhereHandler(PageHandler):
    """Answers 404 wherever no route fits: a browser that asks for a page gets one."""

    def prepare(self) -> None:
        """Answer before any method is looked up."""
        wants_page = "text/html" in self.request.headers.get("Accept", "")
        self._page = wants_page and not self.request.path.startswith(OF_PROGRAMS)
        super().prepare()
        if not self._finished:
            self.write_problem(NOT_FOUND)


def problem_page(environment: Environment) -> Callable[[Problem, str, str, Login | None, str], str]:
    """Return what makes the page of a problem: with its detail, request id, login, and where to try again."""

    def made(problem: Problem, detail: str, request_id: str, login: Login | None, again: str) -> str:
        return environment.get_template("problem.html").render(
            login=login,
            navigation=NAVIGATION,
            here="problem",
            status=problem.status,
            title=problem.title,
            detail=detail,
            advice=ADVICE.get(problem.code) or ADVICE.get(problem.status, GO_BACK),
            request_id=request_id,
            again=again,
        )

    return made
