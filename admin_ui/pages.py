"""The pages: Jinja2 templates around what the stream fills in."""

from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from admin_ui.access import ConsoleHandler

FOLDER = Path(__file__).parent
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


class Page(ConsoleHandler):
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
