"""The runbooks of docs/runbooks, as pages of the console."""

import functools
import re
from pathlib import Path

from jinja2 import Environment
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from admin_ui.web.logins import Role
from admin_ui.web.pages import FOLDER, PageHandler
from admin_ui.web.routes import Route
from runtime.problem import NOT_FOUND

RUNBOOKS = FOLDER.parent / "docs" / "runbooks"
NEIGHBOUR = re.compile(r"([A-Za-z]+)\.md")
OUTSIDE = ("http://", "https://")


class RunbookHandler(PageHandler):
    """`GET /runbooks` and `GET /runbooks/{rule}`."""

    def get(self, name: str = "README") -> None:
        """Write a runbook; 404 for a name without one."""
        file = RUNBOOKS / f"{name}.md"
        if not file.is_file():
            self.write_problem(NOT_FOUND, detail=f"there is no runbook {name}")
            return
        text = file.read_text(encoding="utf-8")
        self.show(
            self._template, title=text.partition("\n")[0].removeprefix("# "), text=html(text, self.base)
        )


def html(text: str, base: str = "") -> Markup:
    """Return the markup of a Markdown page; HTML in it is shown as text. Links to other pages get the path `base`."""
    renderer = _renderer()
    tokens = renderer.parse(text)
    heading = ""
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            heading = tokens[at + 1].content
        if token.type == "table_open":
            token.attrSet("aria-label", heading)
        _relink(token.children or [], base)
    return Markup(renderer.renderer.render(tokens, renderer.options, {}))  # noqa: S704 - the renderer escapes


@functools.cache
def _renderer() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")


def _relink(tokens: list[Token], base: str) -> None:
    """Point links between runbooks to their pages in the console; replace other relative links by the name of the file."""
    for at, token in enumerate(tokens):
        target = str(token.attrGet("href") or "")
        if token.type != "link_open" or target.startswith((*OUTSIDE, "#")):
            continue
        if neighbour := NEIGHBOUR.fullmatch(target):
            page = "/runbooks" if neighbour[1] == "README" else f"/runbooks/{neighbour[1]}"
            token.attrSet("href", base + page)
            continue
        end = next(each for each in tokens[at:] if each.type == "link_close")
        path = (RUNBOOKS / Path(target.partition("#")[0])).resolve().relative_to(FOLDER.parent)
        token.type, token.tag, token.attrs = "text", "", {}
        end.type, end.tag, end.content = "text", "", f" (in {path})"
        token.nesting = end.nesting = 0


def routes(environment: Environment) -> list[Route]:
    """Return the routes of the runbooks."""
    arguments = {"environment": environment, "template": "alarms/runbook.html", "here": "runbooks"}
    return [
        Route(path, RunbookHandler, Role.VIEWER, arguments, page=True)
        for path in ("/runbooks", "/runbooks/([A-Za-z]{1,40})")
    ]
