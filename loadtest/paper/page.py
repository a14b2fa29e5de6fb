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
    frame,
    headline,
    latency,
    meanings,
    other_load,
    plots,
    policies,
    rerun,
    substation_load,
    svg,
    traffic,
)
from loadtest.paper.diagram import architecture
from loadtest.paper.document import Document, read
from loadtest.paper.evidence import read_evidence
from loadtest.paper.frame import Plot
from loadtest.paper.observations import observe

TEMPLATES = Path(__file__).parent / "templates"
STYLE = "report.css"
TITLE_HEIGHT = 28  # above each plot of a picture


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


def loads_picture(raw: object) -> str:
    """Return the load of each substation, side by side, as an SVG file that brings its own style; raises NotAResult."""
    plots = substation_load.loads(read(raw))
    width, height = frame.WIDTH * max(len(plots), 1), TITLE_HEIGHT + frame.HEIGHT
    parts = [svg.bar(0.0, 0.0, (width, height), "ground")]
    for number, plot in enumerate(plots):
        left = frame.WIDTH * number
        parts += [
            svg.label(left + 8.0, TITLE_HEIGHT - 8.0, plot.title, "name"),
            svg.tag("svg", plot.svg, x=left, y=TITLE_HEIGHT, width=frame.WIDTH, height=frame.HEIGHT),
        ]
    style = Markup("<style>{}</style>").format(_style())
    about = " ".join(f"{each.title}: {each.about}" for each in plots)
    return svg.picture(
        "loads", "Load of each substation against its limit", about, (width, height), [style, *parts]
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
    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    return _environment().get_template(template).render(style=style, policy=policy, **context)


def _style() -> Markup:
    return Markup((TEMPLATES / STYLE).read_text(encoding="utf-8"))  # noqa: S704 - a file of this folder


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
