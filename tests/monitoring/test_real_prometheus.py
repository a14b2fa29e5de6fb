"""The real Prometheus and Alertmanager beside the real grid: a rush hour of 180 %, then services that hang."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.proof.monitored import hung, monitored, rush_hour
from tests.support.compared import compared
from tests.support.grid import Grid, get, until
from tests.support.prometheus import LACKING, Prometheus, Receiver, alertmanager, rules

pytestmark = pytest.mark.skipif(bool(LACKING), reason=f"not installed: {', '.join(LACKING)}")

SECONDS = 20
SCALE = 120  # the default: in 20 s hardly a car leaves, so the fleet stays full
CAPACITY_KW = "700"  # half of the default, which half the cars fill in the same time
CARS = 350  # 180 % of what the fleet has room for, as they all charge at once
JOBS = {"substation": 3, "balancer": 1, "gateway": 1, "admin_ui": 1, "prometheus": 1}
# Alerts whose condition comes about in this run.
SEEN = {
    "OverloadPredicted",
    "NoHeadroom",
    "RefusalRateHigh",
    "RushHourActive",
    "Watchdog",
    "SubstationDown",
    "ServiceDown",
    "ReportsStale",
}


@dataclass
class Ran:
    """What is left of the run: Prometheus, what the receiver got until the substation hung, and when."""

    prometheus: Prometheus
    receiver: Receiver
    in_rush_hour: list[tuple[str, dict[str, str]]]
    rows: list[dict[str, Any]]  # report and Prometheus
    began_unix_s: float
    ended_unix_s: float


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """The whole story, once."""
    folder, receiver = tmp_path_factory.mktemp("monitored"), Receiver()
    try:
        with (
            alertmanager(folder / "alertmanager", receiver) as address,
            monitored(folder / "data", SCALE, address, CAPACITY_KW=CAPACITY_KW) as (grid, prometheus),
        ):
            yield story(grid, prometheus, receiver, folder / "report.json")
    finally:
        receiver.close()


def story(grid: Grid, prometheus: Prometheus, receiver: Receiver, report: Path) -> Ran:
    until(lambda: receiver.firing("Watchdog"))
    began_unix_s = time.time()
    rush_hour(grid, report, CARS, SECONDS)
    until(lambda: receiver.firing("OverloadPredicted", severity="critical") and receiver.firing("NoHeadroom"))
    in_rush_hour = list(receiver.notifications)
    rows = compared(report, prometheus)
    with ThreadPoolExecutor() as both_at_once:
        hanging = (
            both_at_once.submit(
                hung,
                grid,
                "substation",
                lambda: all(
                    receiver.firing("SubstationDown", seen_by=who) for who in ("balancer", "prometheus")
                ),
                lambda: prometheus.query('ALERTS{alertname="ReportsStale", alertstate="firing"}'),
            ),
            both_at_once.submit(hung, grid, "gateway", lambda: receiver.firing("ServiceDown", job="gateway")),
        )
    for each in hanging:
        each.result()
    until(lambda: {"SubstationDown", "ServiceDown"} <= resolved(receiver))
    return Ran(prometheus, receiver, in_rush_hour, rows, began_unix_s, time.time())


def resolved(receiver: Receiver) -> set[str]:
    return {labels["alertname"] for state, labels in receiver.notifications if state == "resolved"}


def test_every_service_is_scraped_under_its_job(ran: Ran) -> None:
    found = {
        each["metric"]["job"]: int(each["value"][1]) for each in ran.prometheus.query("count by (job) (up)")
    }
    assert found == JOBS
    assert not ran.prometheus.query('scrape_samples_scraped{job!="prometheus"} < 20')


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("record") or rule["alert"])
def test_an_expression_is_evaluated_without_a_fault_and_gives_data(ran: Ran, rule: dict[str, Any]) -> None:
    found = ran.prometheus.range(rule["expr"], ran.began_unix_s, ran.ended_unix_s)
    by_forecast = rule.get("labels", {}).get("cause") == "forecast"  # a run is too short for one
    if (rule.get("alert") in SEEN and not by_forecast) or "record" in rule:
        assert found, "no data"
    if "record" in rule:
        assert ran.prometheus.range(rule["record"], ran.began_unix_s, ran.ended_unix_s)


def test_prometheus_itself_finds_no_fault_in_its_rules(ran: Ran) -> None:
    groups = get(f"{ran.prometheus.url}/api/v1/rules")["data"]["groups"]
    states = [
        (rule["name"], rule["health"], rule.get("lastError")) for group in groups for rule in group["rules"]
    ]
    assert len(states) == len(rules())
    assert not [state for state in states if state[1] != "ok"]
    assert not ran.prometheus.query("prometheus_rule_evaluation_failures_total > 0")


def test_a_rush_hour_of_180_percent_is_told_as_critical_and_its_warnings_are_kept_back(ran: Ran) -> None:
    found = {
        (labels["alertname"], labels["severity"]) for state, labels in ran.in_rush_hour if state == "firing"
    }
    assert {("OverloadPredicted", "critical"), ("NoHeadroom", "critical"), ("Watchdog", "none")} <= found
    assert not [name for name, severity in found if severity == "warning"]
    assert ran.prometheus.range(
        'ALERTS{severity="warning", alertstate="firing"}', ran.began_unix_s, ran.ended_unix_s
    ), "there was none to keep back"
    assert not [name for name, _ in found if name == "RushHourActive"]


def test_no_substation_was_above_its_limit(ran: Ran) -> None:
    assert not [
        labels for _, labels in ran.receiver.notifications if labels["alertname"] == "SubstationOverload"
    ]
    peaks = ran.prometheus.range("substation:smartgrid_utilization:ratio", ran.began_unix_s, ran.ended_unix_s)
    assert 0.97 < max(float(value) for each in peaks for _, value in each["values"]) <= 1


def test_a_substation_that_hangs_is_told_of_by_its_id(ran: Ran) -> None:
    found = [labels for _, labels in ran.receiver.notifications if labels["alertname"] == "SubstationDown"]
    assert {labels["substation"] for labels in found if "substation" in labels} == {"substation-1"}
    assert {labels["severity"] for labels in found} == {"critical"}
    assert not [labels for _, labels in ran.receiver.notifications if labels["alertname"] == "ReportsStale"]


def test_a_gateway_that_hangs_is_told_of_and_no_other_service(ran: Ran) -> None:
    found = [labels for _, labels in ran.receiver.notifications if labels["alertname"] == "ServiceDown"]
    assert {(labels["job"], labels["severity"]) for labels in found} == {("gateway", "critical")}


def test_report_and_prometheus_agree_within_the_resolution_of_scrapes(ran: Ran) -> None:
    assert len(ran.rows) == 3
    for row in ran.rows:
        within = row["most change in a scrape, kW"]
        assert row["handled, Prometheus"] == row["handled, report"], row
        for what in ("average", "peak"):
            assert abs(row[f"{what} kW, Prometheus"] - row[f"{what} kW, report"]) <= within, row
