"""Writes the dashboards as JSON and their reference, says whether they are up to date, prints their layout."""

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from monitoring.grafana import grid_dashboard, services_dashboard
from monitoring.grafana.panels import Json
from monitoring.grafana.states import SHOWN, STATES

FOLDER = Path(__file__).parent
PAGE = FOLDER.parents[1] / "docs" / "reference" / "dashboards.md"
OUT_OF_DATE = 1


def dashboards() -> dict[str, Json]:
    """Return every dashboard by the name of its file."""
    return {"dashboard.json": grid_dashboard.build(), "services.json": services_dashboard.build()}


def text(made: Json) -> str:
    """Return a dashboard as its file holds it: stable, so that a change is a small diff."""
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def page() -> str:
    """Return the reference of every panel."""
    lines = [
        "# Grafana dashboards",
        "",
        "<!-- Written by `make dashboards` from monitoring/grafana/. Edit the code, not this page. -->",
        "",
        "What each panel shows. [How to use them](../how-to/grafana.md). Grey is normal; orange and red are not.",
        "",
        "Below each dashboard, a table says what its panels show in these states of the grid:",
        "",
        *(f"- *{state}*: {what}" for state, what in STATES.items()),
    ]
    for name, made in dashboards().items():
        lines += ["", f"## {made['title']}", "", f"`{name}`, at `/d/{made['uid']}`. {made['description']}"]
        for panel in made["panels"]:
            if panel["type"] == "row":
                lines += ["", f"### {panel['title']}", "", "| panel | unit | shows |", "|---|---|---|"]
            else:
                unit = panel["fieldConfig"]["defaults"]["unit"]
                lines.append(f"| {panel['title']} | `{unit}` | {panel['description']} |")
        lines += ["", *_in_each_state(made)]
    return "\n".join(lines) + "\n"


def _in_each_state(made: Json) -> list[str]:
    """Return the table of what each panel of a dashboard shows in each state."""
    panels = [panel["title"] for panel in made["panels"] if panel["type"] != "row"]
    return [
        f"### {made['title']}, in each state",
        "",
        f"| panel | {' | '.join(STATES)} |",
        "|---" * (len(STATES) + 1) + "|",
        *(f"| {title} | {' | '.join(dataclasses.astuple(SHOWN[title]))} |" for title in panels),
    ]


def files() -> dict[Path, str]:
    """Return the text of everything that is written, by its path."""
    return {FOLDER / name: text(made) for name, made in dashboards().items()} | {PAGE: page()}


def layout(made: Json) -> str:
    """Return a line for each panel: its place in Grafana's grid, its kind and its title."""
    lines = [f"{made['title']} ({made['uid']})", "   x   y   w   h  kind            title"]
    for panel in made["panels"]:
        at = panel["gridPos"]
        place = "".join(f"{at[key]:4d}" for key in "xywh")
        lines.append(f"{place}  {panel['type']:15} {panel['title']}")
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Return the exit code: 1 when `--check` found a file that is not what would be written."""
    parser = argparse.ArgumentParser(prog="python -m monitoring.grafana", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 when a file is out of date")
    parser.add_argument("--layout", action="store_true", help="write nothing; print where each panel is")
    chosen = parser.parse_args(arguments)
    if chosen.layout:
        sys.stdout.write("\n".join(layout(made) for made in dashboards().values()))
        return 0
    stale = []
    for path, wanted in files().items():
        if not chosen.check:
            path.write_text(wanted, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != wanted:
            stale.append(path.name)
    if stale:
        sys.stderr.write(f"out of date: {', '.join(stale)}; run `make dashboards`\n")
    return OUT_OF_DATE if stale else 0
