"""The reports as HTML files that need nothing else: no request, no script, no font."""

import base64
import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from loadtest.paper import (
    conclusion,
    emptying,
    facts,
    formats,
    headline,
    latency,
    meanings,
    other_load,
    plots,
    policies,
    rerun,
    substation_load,
    traffic,
)
from loadtest.paper.diagram import architecture
from loadtest.paper.document import Document, read
from loadtest.paper.evidence import read_evidence
from loadtest.paper.frame import Plot
from loadtest.paper.observations import observe

TEMPLATES = Path(__file__).parent / "templates"
STYLE = "report.css"


def report(raw: object) -> str:
    """Return the report of a run, of whose document `raw` is the JSON; raises NotAResult when it is none."""
    document = read(raw)
    return _render(
        "report.html", loads=substation_load.loads(document), balance=_balance(document), **_context(document)
    )


def project_report(raw: object) -> str:
    """Return the report of the project; raises NotAResult.

    `raw` is what `make report` measured (`evidence`), or the document of a run alone.
    """
    evidence = read_evidence(raw)
    document = evidence.document
    cars = f"{formats.whole(document.run.get('requests'))} cars"
    picture = architecture([each.substation_id for each in document.substations], cars)
    return _render(
        "project.html",
        **_context(document)
        | {
            "architecture": picture,
            "evidence": evidence,
            "observations": observe(document),
            "conclusion": conclusion,
            "emptying": emptying,
            "policies": policies,
            "balance": _balance(document),
            "command": rerun.command(document, named_grid=False),
        },
    )


def _context(document: Document) -> dict[str, Any]:
    return {
        "document": document,
        "headline": headline.headline(document),
        "name": headline.name(document),
        "command": rerun.command(document),
        "thresholds": [meanings.explain(each) for each in document.thresholds],
        "facts": facts,
        "base_load": other_load.base_load(document),
        "formats": formats,
        "latency": latency.latency(document),
        "requests": [traffic.outcomes(document), traffic.arrivals(document)],
    }


def _balance(document: Document) -> Sequence[Plot]:
    """Return how all substations compare; nothing when there are none."""
    return [plots.together(document), plots.balance(document)] if document.substations else []


def _render(template: str, **context: Any) -> str:
    """Return a template with the style sheet in it, and a policy that allows that sheet alone."""
    style = (TEMPLATES / STYLE).read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    safe = Markup(style)  # noqa: S704 - a file of this folder
    return _environment().get_template(template).render(style=safe, policy=policy, **context)


@functools.cache
def _environment() -> Environment:
    """Return the environment, which keeps the compiled templates."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
