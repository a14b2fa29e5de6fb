"""The report as one HTML file, which needs nothing else: no request, no script, no font."""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from loadtest.paper import facts, plots, traffic
from loadtest.paper.document import Document, read
from loadtest.paper.frame import Plot

TEMPLATES = Path(__file__).parent / "templates"


def report(told: object) -> str:
    """Return the report of a run's document; raises NotAResult when it is none."""
    document = read(told)
    return drawn(
        "report.html", "report.css", document=document, headline=facts.headline(document), facts=facts,
        loads=plots.loads(document), balance=plots_of_balance(document), latency=traffic.latency(document),
        requests=[traffic.outcomes(document), traffic.arrivals(document)],
    )  # fmt: skip


def plots_of_balance(document: Document) -> Sequence[Plot]:
    """Return how all substations compare; nothing where there is nothing to compare."""
    return [plots.together(document), plots.balance(document)] if document.stations else []


def drawn(template: str, sheet: str, **told: Any) -> str:
    """Return a template with its style sheet within it, and a policy that allows that sheet alone."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=select_autoescape(default=True), undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    style = (TEMPLATES / sheet).read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    ours = Markup(style)  # noqa: S704 - a file of this folder
    return environment.get_template(template).render(style=ours, policy=policy, **told)
