"""What Grafana reads at its start: whatever refers to something else, finds it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitoring.grafana.layout import DATA_SOURCE_UID
from monitoring.grafana.queries import DASHBOARDS, FOLDER
from tests.support.prometheus import rules
from tests.unit.monitoring.held import all_panels, dashboard, provisioned, yaml_files

ROOT = Path(__file__).parents[3]
REFERENCES = {"datasource"}  # what is asked, not what is made


def of(path: Path) -> str:
    return str(path.relative_to(FOLDER / "provisioning"))


@pytest.mark.parametrize("path", yaml_files(), ids=lambda path: path.name)
def test_every_file_is_of_the_first_version_of_its_format(path: Path) -> None:
    assert provisioned(str(path.relative_to(FOLDER / "provisioning")))["apiVersion"] == 1


@pytest.mark.parametrize("path", yaml_files(), ids=lambda path: path.name)
def test_no_value_that_grafana_would_replace_by_an_environment_variable(path: Path) -> None:
    """`$X` is replaced everywhere."""
    lines = path.read_text().splitlines()
    kept = re.compile(r"^ *#")
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
    script = (ROOT / "admin_ui" / "static" / "js" / "lib" / "grafana.js").read_text()
    (path,) = re.findall(r'DASHBOARD = "/d/([\w-]+)"', script)
    assert path == dashboard("dashboard.json")["uid"]


def test_grafana_has_no_alerts_of_its_own_and_sends_nothing() -> None:
    """One overload is one alert, Prometheus's. Grafana logs an error where the folder or what it sends to is not there."""
    files = sorted((FOLDER / "provisioning" / "alerting").iterdir())
    assert files
    assert [provisioned(of(path)) for path in files] == [{"apiVersion": 1}] * len(files)


def test_the_alerts_of_prometheus_are_listed_but_for_signals_to_machines() -> None:
    (source,) = provisioned("datasources/prometheus.yml")["datasources"]
    assert source["jsonData"]["manageAlerts"] is True
    (listed,) = [panel for _, panel in all_panels() if panel["type"] == "alertlist"]
    ((label, pattern),) = re.findall(r'^\{(\w+)=~"([^"]+)"\}$', listed["options"]["alertInstanceLabelFilter"])
    alerts = [rule for rule in rules() if "alert" in rule]
    shown = {rule["alert"] for rule in alerts if re.fullmatch(pattern, rule["labels"][label])}
    assert {rule["alert"] for rule in alerts} - shown == {"Watchdog", "RushHourActive"}
