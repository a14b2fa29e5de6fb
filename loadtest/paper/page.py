"""The report as one HTML file, which needs nothing else: no request, no script, no font."""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from loadtest.paper import facts, plots, traffic
from loadtest.paper.diagram import architecture
from loadtest.paper.document import Document, read
from loadtest.paper.frame import Plot
from loadtest.paper.observations import observe

TEMPLATES = Path(__file__).parent / "templates"
STYLE = "report.css"


def report(told: object) -> str:
    """Return the report of a run's document; raises NotAResult when it is none."""
    return drawn("report.html", **_told(read(told)))


def project_report(told: object) -> str:
    """Return the report of the project, with a run's document as its evidence; raises NotAResult."""
    document = read(told)
    cars = f"{facts.whole(document.run.get('requests'))} cars"
    picture = architecture([each.substation_id for each in document.stations], cars)
    return drawn("project.html", architecture=picture, seen=observe(document), **_told(document))


def _told(document: Document) -> dict[str, Any]:
    return {
        "document": document,
        "headline": facts.headline(document),
        "facts": facts,
        "loads": plots.loads(document),
        "balance": plots_of_balance(document),
        "latency": traffic.latency(document),
        "requests": [traffic.outcomes(document), traffic.arrivals(document)],
    }


def plots_of_balance(document: Document) -> Sequence[Plot]:
    """Return how all substations compare; nothing where there is nothing to compare."""
    return [plots.together(document), plots.balance(document)] if document.stations else []


def drawn(template: str, **told: Any) -> str:
    """Return a template with the style sheet within it, and a policy that allows that sheet alone."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=select_autoescape(default=True), undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    style = (TEMPLATES / STYLE).read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    ours = Markup(style)  # noqa: S704 - a file of this folder
    return environment.get_template(template).render(style=ours, policy=policy, **told)
