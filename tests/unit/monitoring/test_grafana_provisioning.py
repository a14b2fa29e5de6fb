"""What Grafana reads at its start: whatever refers to something else, finds it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitoring.grafana.layout import DATA_SOURCE_UID
from monitoring.grafana.queries import DASHBOARDS, FOLDER
from tests.unit.monitoring.held import Json, dashboard, provisioned, rules, yaml_files

ROOT = Path(__file__).parents[3]
EXPRESSION = "__expr__"
REFERENCES = {"datasource", "data"}  # what is asked, not what is made


def of(path: Path) -> str:
    return str(path.relative_to(FOLDER / "provisioning"))


@pytest.mark.parametrize("path", yaml_files(), ids=lambda path: path.name)
def test_every_file_is_of_the_first_version_of_its_format(path: Path) -> None:
    assert provisioned(str(path.relative_to(FOLDER / "provisioning")))["apiVersion"] == 1


@pytest.mark.parametrize("path", yaml_files(), ids=lambda path: path.name)
def test_no_value_that_grafana_would_replace_by_an_environment_variable(path: Path) -> None:
    """`$X` is replaced everywhere but in annotations and in what a data source or an expression is asked."""
    lines = path.read_text().splitlines()
    kept = re.compile(r"^ +(summary|expression): |^ *#")
    assert [line for line in lines if "$" in line and not kept.match(line)] == []


def test_the_data_source_is_found_by_its_uid_and_scrapes_every_second() -> None:
    (source,) = provisioned("datasources/prometheus.yml")["datasources"]
    assert source["uid"] == DATA_SOURCE_UID
    assert source["jsonData"]["timeInterval"] == "1s"
    assert source["editable"] is False


def test_the_dashboards_are_of_a_folder_that_holds_nothing_else_that_grafana_would_read() -> None:
    (provider,) = provisioned("dashboards/smartgrid.yml")["providers"]
    assert provider["options"]["path"] == "/etc/grafana/smartgrid"
    assert sorted(path.name for path in FOLDER.rglob("*.json")) == ["dashboard.json", "services.json"]


def uids(held: Any, place: str) -> Iterator[tuple[str, str]]:
    """Every uid that something is given in a file, with its place; not what only refers to one."""
    if isinstance(held, list):
        for each in held:
            yield from uids(each, place)
    if isinstance(held, dict):
        for key, value in held.items():
            if key in {"uid", "folderUid"}:
                yield str(value), f"{place}: {key}"
            elif key not in REFERENCES:
                yield from uids(value, f"{place}: {key}")


def test_no_two_things_have_the_same_uid_whatever_file_gives_it() -> None:
    """Folders and dashboards share one namespace: a dashboard with the uid of its folder is refused, every 30 s."""
    given = [each for path in yaml_files() for each in uids(provisioned(of(path)), of(path))]
    given += [(dashboard(name)["uid"], name) for name in DASHBOARDS]
    assert len(given) >= len(DASHBOARDS) + 1, "the data source has one too"
    by_uid: dict[str, list[str]] = {}
    for uid, place in given:
        by_uid.setdefault(uid, []).append(place)
    assert {uid: places for uid, places in by_uid.items() if len(places) > 1} == {}


def test_the_links_of_the_console_lead_to_the_dashboard() -> None:
    script = (ROOT / "admin_ui" / "static" / "js" / "grafana.js").read_text()
    (path,) = re.findall(r'DASHBOARD = "/d/([\w-]+)"', script)
    assert path == dashboard("dashboard.json")["uid"]


def steps(rule: Json) -> dict[str, Json]:
    return {step["refId"]: step for step in rule["data"]}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["uid"])
def test_the_condition_of_a_rule_is_one_of_its_steps_and_compares(rule: Json) -> None:
    """Grafana takes a wrong one without a word, and shows only later that the rule fails."""
    condition = steps(rule)[rule["condition"]]
    assert condition["datasourceUid"] == EXPRESSION
    assert re.fullmatch(r"\$[A-Z] [<>] [\d.]+", condition["model"]["expression"])


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["uid"])
def test_every_step_of_a_rule_finds_its_source_and_what_it_works_on(rule: Json) -> None:
    known: set[str] = set()
    for step in rule["data"]:
        model = step["model"]
        assert step["refId"] == model["refId"]
        assert step["datasourceUid"] == model["datasource"]["uid"]
        if step["datasourceUid"] == EXPRESSION:
            assert set(re.findall(r"\b[A-Z]\b", model["expression"])) <= known
        else:
            assert step["datasourceUid"] == DATA_SOURCE_UID
        known.add(step["refId"])
    assert len(known) == len(rule["data"])


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["uid"])
def test_a_rule_without_data_is_no_alarm(rule: Json) -> None:
    assert (rule["noDataState"], rule["execErrState"]) == ("OK", "Error")


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["uid"])
def test_a_rule_leads_to_its_panel_and_says_what_is_the_matter(rule: Json) -> None:
    notes = rule["annotations"]
    held = dashboard("dashboard.json")
    assert rule["dashboardUid"] == notes["__dashboardUid__"] == held["uid"]
    assert str(rule["panelId"]) == notes["__panelId__"]
    assert rule["panelId"] in {panel["id"] for panel in held["panels"] if panel["type"] != "row"}
    assert notes["summary"]
    assert notes["description"]
    assert rule["labels"]["severity"] in {"warning", "critical"}


def test_rules_and_their_names_are_unique() -> None:
    for key in ("uid", "title"):
        assert len({rule[key] for rule in rules()}) == len(rules())


def test_a_rule_is_not_looked_at_more_often_than_grafana_can() -> None:
    """Its scheduler ticks every ten seconds."""
    groups = provisioned("alerting/overload.yml")["groups"]
    assert [int(group["interval"].removesuffix("s")) % 10 for group in groups] == [0]
    assert [int(rule["for"].removesuffix("s")) % 10 for rule in rules()] == [0] * len(rules())


def test_the_policy_sends_to_a_contact_point_that_is_there() -> None:
    points = {point["name"] for point in provisioned("alerting/contact-points.yml")["contactPoints"]}
    assert {policy["receiver"] for policy in provisioned("alerting/policies.yml")["policies"]} <= points
