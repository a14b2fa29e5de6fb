"""The published rules of Grafana's dashboard-linter, held by our own checks.

https://github.com/grafana/dashboard-linter/blob/main/docs/index.md names them; each test is named
after one. `target-promql-rule` is held by a real Prometheus (tests/monitoring/test_dashboard_queries.py).
What a rule excludes has its reason here.
"""

import re

import pytest
from grafana_foundation_sdk.models import units

from monitoring.grafana.layout import DATA_SOURCE_UID
from monitoring.grafana.queries import DASHBOARDS, LABEL_VALUES
from tests.unit.monitoring.held import all_panels, all_targets, dashboard, panels, variables

UNITS = {value for name, value in vars(units).items() if isinstance(value, str) and name[0] != "_"}
NO_JOB = "dashboard.json"  # its series have `substation`, which stays when the process or its address changes
WITHOUT_TARGETS = {"Alerts"}  # a list of alerts asks no data source
# The counters that are meant as they are, and why.
COUNTERS = {
    "Admission overload": "a total that must be 0, and is shown once it is not",
    "Test window: average and peak load": "differences count exactly; increase() extrapolates",
    "Handled in the range": "as in the test window",
}
RATES = {"rate", "irate", "increase"}


@pytest.mark.parametrize("name", DASHBOARDS)
def test_template_datasource_rule(name: str) -> None:
    source = variables(name)["datasource"]
    assert (source["type"], source["query"], source["label"]) == ("datasource", "prometheus", "Data source")
    assert source["current"]["value"] == DATA_SOURCE_UID


def test_template_job_rule_and_template_instance_rule() -> None:
    for name in set(DASHBOARDS) - {NO_JOB}:
        for label in ("job", "instance"):
            variable = variables(name)[label]
            assert variable["type"] == "query"
            assert variable["datasource"]["uid"] == "${datasource}"
            assert (variable["multi"], variable["includeAll"], variable["allValue"]) == (True, True, ".+")


@pytest.mark.parametrize("name", DASHBOARDS)
def test_template_label_promql_rule(name: str) -> None:
    queries = [v["query"]["query"] for v in variables(name).values() if v["type"] == "query"]
    assert queries
    assert [query for query in queries if not LABEL_VALUES.fullmatch(query)] == []


@pytest.mark.parametrize("name", DASHBOARDS)
def test_template_on_time_change_reload_rule(name: str) -> None:
    on_time_change = 2
    assert {v["refresh"] for v in variables(name).values() if v["type"] == "query"} == {on_time_change}


@pytest.mark.parametrize("name", DASHBOARDS)
def test_uneditable_dashboard_rule(name: str) -> None:
    """It is written by code: what a browser changed would be lost."""
    assert dashboard(name)["editable"] is False


def test_panel_datasource_rule() -> None:
    assert {panel["datasource"]["uid"] for _, panel in all_panels()} == {"${datasource}"}
    assert {target["datasource"]["uid"] for *_, target in all_targets()} == {"${datasource}"}


def test_panel_title_description_rule() -> None:
    for _, panel in all_panels():
        assert panel["title"]
        assert len(panel["description"]) > 20, panel["title"]


def test_panel_units_rule() -> None:
    assert {"watt", "percentunit", "s"} <= UNITS
    wrong = {p["title"]: p["fieldConfig"]["defaults"]["unit"] for _, p in all_panels()}
    assert {title: unit for title, unit in wrong.items() if unit not in UNITS} == {}


def test_panel_no_targets_rule() -> None:
    assert {panel["title"] for _, panel in all_panels() if not panel["targets"]} == WITHOUT_TARGETS


def ranges(expr: str) -> list[tuple[str, str]]:
    """The function and the range of each range selector that a function is called with at once."""
    return re.findall(r"(\w+)\((?:[\w:]+(?:\{[^}]*\})?)\[([^\]]+)\]", expr)


def test_target_rate_interval_rule() -> None:
    """`increase` may span the range that is shown: that is a total, not a rate."""
    found = [(f, r) for *_, target in all_targets() for f, r in ranges(target["expr"]) if f in RATES]
    assert len(found) > 20
    assert {r for f, r in found if f in {"rate", "irate"}} == {"$__rate_interval"}
    assert {r for f, r in found if f == "increase"} <= {"$__rate_interval", "$__range"}


def selectors(expr: str) -> list[str]:
    return re.findall(r"\{([^}]*)\}", expr)


def test_target_job_rule_and_target_instance_rule() -> None:
    for name in set(DASHBOARDS) - {NO_JOB}:
        for panel in panels(name):
            for target in panel["targets"]:
                found = selectors(target["expr"])
                assert found, panel["title"]
                for selector in found:
                    assert 'job=~"$job"' in selector, panel["title"]
                    assert 'instance=~"$instance"' in selector, panel["title"]


def test_every_query_about_substations_follows_the_choice_of_substations() -> None:
    """In place of the job and the instance."""
    for panel in panels(NO_JOB):
        for target in panel["targets"]:
            for metric, selector in re.findall(
                r"(smartgrid_substation_\w+|substation:[\w:]+)(\{[^}]*\})?", target["expr"]
            ):
                assert 'substation=~"$substation"' in selector, (panel["title"], metric)


def test_target_counter_agg_rule() -> None:
    for _, panel, target in all_targets():
        for before, metric in re.findall(r"(\w*)\(?\b((?:smartgrid|process)\w+_total)\b", target["expr"]):
            assert before in RATES or panel["title"] in COUNTERS, (panel["title"], metric)


def test_every_exception_is_still_needed() -> None:
    titles = {panel["title"] for _, panel in all_panels()}
    assert set(COUNTERS) <= titles
    assert titles >= WITHOUT_TARGETS
