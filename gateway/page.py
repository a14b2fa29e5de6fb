"""The small page at `/` that shows a person how to use the API, and the API's description."""

from pathlib import Path
from typing import Any

from tornado.template import Loader, Template

from gateway.contract import PROBLEMS
from gateway.fields import FIELDS
from gateway.listing import PARAMETERS
from gateway.openapi import description
from runtime.handlers import ApiHandler
from runtime.version import VERSION

PAGES = Path(__file__).parent / "pages"
# Titles and rows of the tables, and what an absent field means when it has no default.
TABLES = (
    ("Fields of a request", FIELDS, "no limit"),
    ("Parameters of a list", PARAMETERS, "the first page"),
)
CSP = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"


def front_page() -> Template:
    """Return the template of the page. It is Tornado's: for one page Jinja would be a tenth of the gateway's start."""
    return Loader(str(PAGES), whitespace="all").load("index.html")


class FrontPageHandler(ApiHandler):
    """`GET /`."""

    def initialize(self, page: Template) -> None:  # type: ignore[override]
        """`page` is the template."""
        super().initialize()
        self._page = page

    def get(self) -> None:
        """Write the page."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", CSP)
        base = f"{self.request.protocol}://{self.request.host}"
        self.finish(self._page.generate(base=base, tables=TABLES, problems=PROBLEMS, version=VERSION))


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
