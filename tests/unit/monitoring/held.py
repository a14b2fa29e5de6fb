"""What Grafana is given, as it stands in the files."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from monitoring.grafana.queries import DASHBOARDS, FOLDER

Json = dict[str, Any]


def dashboard(name: str) -> Json:
    held: Json = json.loads((FOLDER / name).read_text())
    return held


def panels(name: str) -> list[Json]:
    """All panels but the rows."""
    return [panel for panel in dashboard(name)["panels"] if panel["type"] != "row"]


def all_panels() -> Iterator[tuple[str, Json]]:
    for name in DASHBOARDS:
        for panel in panels(name):
            yield name, panel


def all_targets() -> Iterator[tuple[str, Json, Json]]:
    for name, panel in all_panels():
        for target in panel["targets"]:
            yield name, panel, target


def variables(name: str) -> dict[str, Json]:
    return {variable["name"]: variable for variable in dashboard(name)["templating"]["list"]}


def provisioned(path: str) -> Json:
    held: Json = yaml.safe_load((FOLDER / "provisioning" / path).read_text())
    return held


def yaml_files() -> list[Path]:
    return sorted((FOLDER / "provisioning").rglob("*.yml"))
