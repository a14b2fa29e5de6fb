"""The dashboards are what Grafana can load, and say what they are meant to say."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from monitoring.grafana.figures import stat
from monitoring.grafana.layout import Line, Section, place
from monitoring.grafana.panels import Limits, Query
from monitoring.grafana.queries import DASHBOARDS, file_queries
from monitoring.grafana.written import dashboards, text
from tests.unit.monitoring.held import Json, all_panels, dashboard, panels, variables

ROOT = Path(__file__).parents[3]
# Grafana reads these, and its models, which are made from newer schemas, don't have them.
NOT_IN_THE_MODEL = re.compile(
    r"/annotations/list/\d/(step|titleFormat|textFormat|tagKeys|useValueForTime)"
    r"|/templating/list/\d/definition|/panels/\d+/maxPerRow"
)
PROMETHEUS = {"up", "scrape_duration_seconds"}  # what Prometheus itself adds
FUNCTIONS = re.compile(r"\b[a-z_]+(?=\()")
KINDS = {
    "alertlist",
    "bargauge",
    "gauge",
    "heatmap",
    "row",
    "stat",
    "state-timeline",
    "table",
    "timeseries",
}


def lost(given: Any, known: Any, path: str = "") -> list[str]:
    """The places of `given` that are not the same in `known`."""
    if isinstance(given, dict) and isinstance(known, dict):
        return [
            p
            for key, value in given.items()
            for p in (lost(value, known[key], f"{path}/{key}") if key in known else [f"{path}/{key}"])
        ]
    if isinstance(given, list) and isinstance(known, list) and len(given) == len(known):
        return [
            p for i, (a, b) in enumerate(zip(given, known, strict=True)) for p in lost(a, b, f"{path}/{i}")
        ]
    return [] if given == known else [path]


def through_the_model(held: Json) -> list[str]:
    """What Grafana's own model of a dashboard does not know in it."""
    plugins.register_default_plugins()
    known = json.loads(JSONEncoder().encode(Dashboard.from_json(held)))
    return [path for path in lost(held, known) if not NOT_IN_THE_MODEL.fullmatch(path)]


@pytest.mark.parametrize("name", DASHBOARDS)
def test_what_is_committed_is_what_the_code_writes(name: str) -> None:
    assert dashboard(name) == dashboards()[name], "run `make dashboards`"
    assert (ROOT / "monitoring" / "grafana" / name).read_text() == text(dashboards()[name])


def test_the_check_says_that_nothing_is_out_of_date() -> None:
    command = [sys.executable, "-m", "monitoring.grafana", "--check"]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("name", DASHBOARDS)
def test_grafanas_own_model_knows_every_field(name: str) -> None:
    """The oldest model that is published is of 10.1: a field of a later release is not in it."""
    assert through_the_model(dashboard(name)) == []


def test_a_field_that_grafana_does_not_know_is_noticed() -> None:
    held = dashboard("dashboard.json")
    gauge = next(panel for panel in held["panels"] if panel["type"] == "gauge")
    gauge["options"]["showThresholdLables"] = True
    gauge["fieldConfig"]["defaults"]["unti"] = "watt"
    number = held["panels"].index(gauge)
    places = [f"/panels/{number}/fieldConfig/defaults/unti", f"/panels/{number}/options/showThresholdLables"]
    assert sorted(through_the_model(held)) == places


@pytest.mark.parametrize("name", DASHBOARDS)
def test_it_is_of_the_schema_of_grafana_9_4(name: str) -> None:
    held = dashboard(name)
    assert held["schemaVersion"] == 37
    assert {panel["type"] for panel in held["panels"]} <= KINDS
    assert "id" not in held  # given by the Grafana that loads it


@pytest.mark.parametrize("name", DASHBOARDS)
def test_no_panel_overlaps_another_and_none_leaves_the_grid(name: str) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in dashboard(name)["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        for cell in (
            (x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
        ):
            assert cell not in taken, f"{panel['title']} over {taken.get(cell)}"
            taken[cell] = panel["title"]
    assert len(taken) == 24 * max(y + 1 for _, y in taken), "there is a hole"


def test_a_line_that_is_too_wide_is_refused() -> None:
    one = stat("a", "b", "none", Query("up"), Limits())
    with pytest.raises(ValueError, match="wider than 24"):
        place((Section("s", (Line(4, ((20, one), (5, one))),)),))


@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_number_of_a_panel_and_every_query_of_a_panel_is_its_own(name: str) -> None:
    numbers = [panel["id"] for panel in dashboard(name)["panels"]]
    assert len(set(numbers)) == len(numbers)
    for panel in panels(name):
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters)


def test_every_panel_has_thresholds_that_rise() -> None:
    for _, panel in all_panels():
        steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        assert steps[0]["value"] is None, panel["title"]
        values = [step["value"] for step in steps[1:]]
        assert values == sorted(values), panel["title"]


def test_limits_that_are_passed_from_above_colour_what_is_low() -> None:
    steps = Limits(warn=60, critical=15, falling=True).steps()
    assert [(s["value"], s["color"]) for s in steps] == [(None, "red"), (15, "orange"), (60, "text")]
    steps = Limits(warn=0.9, critical=1).steps()
    assert [(s["value"], s["color"]) for s in steps] == [(None, "text"), (0.9, "orange"), (1, "red")]


@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_variable_that_is_used_is_there(name: str) -> None:
    built_in = {"__rate_interval", "__range", "__interval", "__field", "__data"}
    used = {
        first or second
        for first, second in re.findall(r"\$(?:\{(\w+)[.}]|(\w+))", json.dumps(dashboard(name)))
        if (first or second) != "__all"
    }
    assert used - built_in <= set(variables(name))
    assert {"substation"} <= used if name == "dashboard.json" else {"job", "instance"} <= used


def metrics() -> dict[str, str]:
    """Every metric of the reference, which a test holds to the registries, with its line; and what is recorded."""
    recording = yaml.safe_load((ROOT / "monitoring" / "prometheus" / "rules" / "recording.yml").read_text())
    recorded = {rule["record"]: "`substation`" for group in recording["groups"] for rule in group["rules"]}
    lines = (ROOT / "docs" / "metrics.md").read_text().splitlines()
    return recorded | {
        m[1]: line for line in lines if (m := re.match(r"\| `((?:smartgrid|process)_\w+)` ", line))
    }


def test_every_metric_and_label_of_every_query_exists() -> None:
    known, page = metrics(), (ROOT / "docs" / "metrics.md").read_text()
    assert len(known) > 40
    for query in file_queries():
        found = re.findall(
            r"(?<![\w:])((?:\w+:)?(?:smartgrid|process|scrape)_[\w:]+|up)\b(?:\{([^}]*)\})?", query.expr
        )
        assert found, query.where
        for name, matchers in found:
            base = re.sub("_(bucket|sum|count)$", "", name) if name not in known else name
            assert base in known or name in PROMETHEUS, (query.where, name)
            for label, value in re.findall(r'(\w+)=~?"([^"]*)"', matchers):
                assert label in {"job", "instance", "le"} or f"`{label}`" in known[base], (query.where, label)
                for word in value.split("|") if "$" not in value and label != "handler" else ():
                    assert re.search(rf"\b{word}\b", page), (query.where, word)
