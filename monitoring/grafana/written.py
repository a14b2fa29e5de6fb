"""Writes the dashboards as JSON, says whether those on the disk are up to date, and prints their layout."""

import argparse
import json
import sys
from pathlib import Path

from monitoring.grafana import grid_dashboard, services_dashboard
from monitoring.grafana.panels import Json

FOLDER = Path(__file__).parent
OUT_OF_DATE = 1


def dashboards() -> dict[str, Json]:
    """Return every dashboard by the name of its file."""
    return {"dashboard.json": grid_dashboard.made(), "services.json": services_dashboard.made()}


def text(made: Json) -> str:
    """Return a dashboard as its file holds it: stable, so that a change is a small diff."""
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


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
    stale = []
    for name, made in dashboards().items():
        path = FOLDER / name
        if chosen.layout:
            sys.stdout.write(layout(made) + "\n")
        elif chosen.check:
            stale += [name] if not path.exists() or path.read_text(encoding="utf-8") != text(made) else []
        else:
            path.write_text(text(made), encoding="utf-8")
    if stale:
        sys.stderr.write(f"out of date: {', '.join(stale)}; run `make dashboards`\n")
    return OUT_OF_DATE if stale else 0
