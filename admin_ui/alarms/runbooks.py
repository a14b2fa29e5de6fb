"""The runbooks of docs/runbooks, as pages of the console."""

import functools
import re
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from admin_ui.web.pages import FOLDER, PageHandler
from admin_ui.web.roles import Role
from admin_ui.web.routes import Route
from runtime.problem import NOT_FOUND

RUNBOOKS = FOLDER.parent / "docs" / "runbooks"
NEIGHBOUR = re.compile(r"([A-Za-z]+)\.md")
OUTSIDE = ("http://", "https://")


class RunbookHandler(PageHandler):
    """`GET /runbooks` and `GET /runbooks/{rule}`."""

    def get(self, name: str = "README") -> None:
        """Write one; a name without a page is not found."""
        file = RUNBOOKS / f"{name}.md"
        if not file.is_file():
            self.write_problem(NOT_FOUND, detail=f"there is no runbook {name}")
            return
        text = file.read_text(encoding="utf-8")
        self.show(self._template, title=text.partition("\n")[0].removeprefix("# "), text=html(text))


def html(text: str) -> Markup:
    """Return a page's Markdown as markup; HTML in it is shown as it is written."""
    made = _renderer()
    tokens = made.parse(text)
    for token in tokens:
        _relink(token.children or [])
    return Markup(made.renderer.render(tokens, made.options, {}))  # noqa: S704 - the renderer escapes


@functools.cache
def _renderer() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")


def _relink(tokens: list[Token]) -> None:
    """Let links to neighbours lead to their pages here; name the file where a link leads out of them."""
    for at, token in enumerate(tokens):
        target = str(token.attrGet("href") or "")
        if token.type != "link_open" or target.startswith((*OUTSIDE, "#")):
            continue
        if neighbour := NEIGHBOUR.fullmatch(target):
            token.attrSet("href", "/runbooks" if neighbour[1] == "README" else f"/runbooks/{neighbour[1]}")
            continue
        end = next(each for each in tokens[at:] if each.type == "link_close")
        path = (RUNBOOKS / Path(target.partition("#")[0])).resolve().relative_to(FOLDER.parent)
        token.type, token.tag, token.attrs = "text", "", {}
        end.type, end.tag, end.content = "text", "", f" (in {path})"
        token.nesting = end.nesting = 0


def routes(known: dict[str, Any]) -> list[Route]:
    """Return the addresses of these; `known` is what every page is given."""
    given = known | {"template": "runbook.html", "here": "runbooks"}
    return [
        Route(path, RunbookHandler, Role.VIEWER, given, page=True)
        for path in ("/runbooks", "/runbooks/([A-Za-z]{1,40})")
    ]
