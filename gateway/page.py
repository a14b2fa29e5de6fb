"""The small page at `/` that shows a person how to use the API, and the API's description."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape

from gateway.charge import FIELDS
from gateway.contract import PROBLEMS
from gateway.openapi import description
from runtime.exposition import VERSION
from runtime.handlers import ApiHandler

PAGES = Path(__file__).parent / "pages"
CSP = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"


def front_page() -> str:
    """Return the page; it only changes with the program."""
    environment = Environment(loader=FileSystemLoader(PAGES), autoescape=select_autoescape())
    return environment.get_template("index.html").render(fields=FIELDS, problems=PROBLEMS, version=VERSION)


class FrontPageHandler(ApiHandler):
    """`GET /`."""

    def initialize(self, page: str) -> None:  # type: ignore[override]
        """`page` is the HTML."""
        super().initialize()
        self._page = page

    def get(self) -> None:
        """Write the page."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", CSP)
        self.finish(self._page)


class StyleHandler(ApiHandler):
    """`GET /page.css`."""

    def get(self) -> None:
        """Write the style sheet."""
        self.set_header("Content-Type", "text/css; charset=utf-8")
        self.finish((PAGES / "page.css").read_bytes())


class OpenApiHandler(ApiHandler):
    """`GET /openapi.json`."""

    def initialize(self, **_: Any) -> None:
        """Make the description."""
        super().initialize()
        self._description = description(VERSION)

    def get(self) -> None:
        """Write the description."""
        self.write_json(self._description)
