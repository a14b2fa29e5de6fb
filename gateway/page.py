"""The small page at `/` that shows a person how to use the API, and the API's description."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, Template, select_autoescape

from gateway.contract import PROBLEMS
from gateway.fields import FIELDS
from gateway.listing import PARAMETERS
from gateway.openapi import description
from runtime.exposition import VERSION
from runtime.handlers import ApiHandler

PAGES = Path(__file__).parent / "pages"
CSP = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"


def front_page() -> Template:
    """Return the template of the page."""
    return Environment(loader=FileSystemLoader(PAGES), autoescape=select_autoescape()).get_template(
        "index.html"
    )


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
        self.finish(
            self._page.render(
                base=base, fields=FIELDS, parameters=PARAMETERS, problems=PROBLEMS, version=VERSION
            )
        )


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
