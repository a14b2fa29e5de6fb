"""Rules, alerts and their configuration, without a running grid; the tools of Prometheus judge them."""

import json
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from admin_ui.alarms import runbooks
from admin_ui.web.pages import templates
from deploy.certificates.folder import Wanted, fill
from tests.support.grid import ROOT
from tests.support.prometheus import ALERTMANAGER, LACKING, RULES, rules
from tests.unit.docs.pages import DOCS, rows

ASSETS = ROOT / "monitoring" / "prometheus"
TESTS = sorted((ASSETS / "tests").glob("*.yml"))
EVERY = rules()
ALERTS = [rule for rule in EVERY if "alert" in rule]
NAMES = sorted({rule["alert"] for rule in ALERTS})
RECORDED = {rule["record"] for rule in EVERY if "record" in rule}
REQUIRED = {
    "SubstationOverload",
    "OverloadPredicted",
    "SubstationDown",
    "ReportsStale",
    "BaseLoadStale",
    "SessionsPaused",
    "ForecastsPoor",
    "LoadImbalance",
    "RefusalRateHigh",
    "NoHeadroom",
    "AdmissionLatencyBurn",
    "AdmissionSuccessBurn",
    "CertificateExpiring",
    "EstimateError",
    "JournalSlow",
    "RuleEvaluationFailing",
    "ServiceDown",
    "BalancerLost",
    "BookUnreachable",
    "BookReplicaBehind",
    "BookReplicaLost",
    "BookNotPruned",
    "Watchdog",
    "RushHourActive",
}
CONSOLE = "127.0.0.1:8080"  # where `make run` and the composition have it
ENDINGS = ("", "_bucket", "_sum", "_count")
tools = pytest.mark.skipif(bool(LACKING), reason=f"not installed: {', '.join(LACKING)}")


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def needed(alert: str) -> set[str]:
    """Return the names of an alert's rules and of every rule that they build on."""
    found, added = set[str](), {alert}
    while added:
        found |= added
        words = {
            word for rule in EVERY if name_of(rule) in added for word in re.findall(r"[\w:]+", rule["expr"])
        }
        added = {name_of(rule) for rule in EVERY} & words - found
    return found


def name_of(rule: dict[str, Any]) -> str:
    return str(rule.get("record") or rule["alert"])


def with_needed_rules(path: Path, folder: Path) -> Path:
    """Write the test of an alert into a folder, with the rules that the alert needs, and no other.

    promtool evaluates every rule at every step: for hours of 15 s, that is 30 s of a processor. A rule that an alert
    does not name can't change it, and that the files hold together is what `promtool check rules` sees.
    """
    test, wanted = yaml.safe_load(path.read_text(encoding="utf-8")), needed(path.stem)
    for number, name in enumerate(test["rule_files"]):
        file = yaml.safe_load((path.parent / name).read_text(encoding="utf-8"))
        for group in file["groups"]:
            group["rules"] = [rule for rule in group["rules"] if name_of(rule) in wanted]
        (folder / f"{number}.yml").write_text(json.dumps(file))  # JSON is YAML
        test["rule_files"][number] = f"{number}.yml"
    made = folder / path.name
    made.write_text(json.dumps(test))
    return made


def test_the_alerts_are_those_that_were_agreed_on() -> None:
    assert set(NAMES) == REQUIRED == {path.stem for path in TESTS}


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: f"{rule['alert']}-{rule['labels']['severity']}")
def test_an_alert_says_what_it_is_and_where_to_go(rule: dict[str, Any]) -> None:
    told = rule["annotations"]
    assert set(told) == {"summary", "description", "runbook_url", "dashboard_url"}
    assert all(told.values())
    assert rule["labels"]["severity"] in {"critical", "warning", "none"}
    assert told["dashboard_url"].startswith("/d/smartgrid")
    url = urlsplit(told["runbook_url"])
    assert (url.scheme, url.netloc, url.path) == ("http", CONSOLE, f"/runbooks/{rule['alert']}")
    assert (DOCS / "runbooks" / f"{rule['alert']}.md").is_file()


def test_a_runbook_is_a_link_that_grafana_can_make_from_the_rule_alone() -> None:
    """It shows the annotation of the rule, in which no label and no variable is filled in."""
    assert [rule["alert"] for rule in ALERTS if "{{" in rule["annotations"]["runbook_url"]] == []
    matching = [
        route
        for route in runbooks.routes(templates())
        if re.fullmatch(route.pattern, "/runbooks/OverloadPredicted")
    ]
    assert len(matching) == 1, "the console serves them there"


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"Watchdog"}))
def test_an_alert_is_shown_firing_in_each_severity_and_not_firing(name: str) -> None:
    tests = yaml.safe_load((ASSETS / "tests" / f"{name}.yml").read_text(encoding="utf-8"))["tests"]
    checks = [check for test in tests for check in test["alert_rule_test"]]
    assert {check["alertname"] for check in checks} == {name}
    fired = {str(each["exp_labels"]["severity"]) for check in checks for each in check["exp_alerts"]}
    assert fired == {rule["labels"]["severity"] for rule in ALERTS if rule["alert"] == name}
    assert any(not check["exp_alerts"] for check in checks)


@pytest.mark.parametrize("rule", EVERY, ids=lambda rule: rule.get("record") or rule["alert"])
def test_an_expression_names_only_metrics_that_exist(rule: dict[str, Any]) -> None:
    known = rows((DOCS / "metrics.md").read_text(encoding="utf-8"))
    for name in re.findall(r"(?<![:\w])smartgrid_\w+(?![:\w])", rule["expr"]):
        assert any(name.removesuffix(ending) in known for ending in ENDINGS), name
    for name in re.findall(r"\w+:smartgrid_\w+:\w+", rule["expr"]):
        assert name in RECORDED


def test_a_rush_hour_keeps_warnings_back_and_nothing_else() -> None:
    made = yaml.safe_load(ALERTMANAGER.read_text(encoding="utf-8"))
    (by_rush_hour,) = [
        r for r in made["inhibit_rules"] if r["source_matchers"] == ["alertname = RushHourActive"]
    ]
    assert by_rush_hour["target_matchers"] == ["severity = warning"]
    assert all("severity = critical" not in rule["target_matchers"] for rule in made["inhibit_rules"])


def test_containers_and_make_run_are_scraped_alike() -> None:
    here, there = (
        yaml.safe_load((ASSETS / name).read_text(encoding="utf-8"))
        for name in ("local.yml", "prometheus.yml")
    )
    assert here["global"] == there["global"]
    assert here["global"]["scrape_interval"] == "1s"
    assert here["global"]["scrape_timeout"] == "900ms"
    assert here["rule_files"] == there["rule_files"]
    jobs = [[job["job_name"] for job in made["scrape_configs"]] for made in (here, there)]
    assert jobs[0] == jobs[1] == ["substation", "balancer", "gateway", "admin_ui", "prometheus"]
    for job in there["scrape_configs"][:-1]:
        (found,) = job["dns_sd_configs"]
        assert found["type"] == "A"
        assert found["names"] == [job["job_name"]]


@tools
def test_promtool_accepts_configurations_and_rules(tmp_path: Path) -> None:
    (tmp_path / "prometheus.yml").symlink_to(ASSETS / "local.yml")  # as make run does
    (tmp_path / "rules").symlink_to(RULES)
    fill(tmp_path / "certificates", Wanted(["substation-1"]), datetime.now(UTC))
    (tmp_path / "tls").symlink_to(tmp_path / "certificates" / "prometheus")
    (tmp_path / "tls.yml").symlink_to(ASSETS / "local-tls.yml")
    in_containers = tmp_path / "containers.yml"
    in_containers.write_text((ASSETS / "prometheus.yml").read_text().replace("/tls/", f"{tmp_path}/tls/"))
    for config in (in_containers, tmp_path / "prometheus.yml", tmp_path / "tls.yml"):
        checked = run("promtool", "check", "config", str(config))
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert "2 rule files found" in checked.stdout
    checked = run("promtool", "check", "rules", *map(str, sorted(RULES.glob("*.yml"))))
    assert checked.returncode == 0, checked.stdout + checked.stderr


@tools
@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_promtool_sees_the_alert_fire_and_not_fire(tmp_path: Path, path: Path) -> None:
    tested = run("promtool", "test", "rules", str(with_needed_rules(path, tmp_path)))
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert "SUCCESS" in tested.stdout


@tools
def test_amtool_accepts_the_configuration_and_routes_by_severity() -> None:
    checked = run("amtool", "check-config", str(ALERTMANAGER))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    for labels, receiver in {
        "alertname=Watchdog severity=none": "dead-mans-switch",
        "alertname=RushHourActive severity=none": "nobody",
        "alertname=SubstationDown severity=critical": "somebody",
        "alertname=JournalSlow severity=warning": "somebody",
    }.items():
        routed = run("amtool", "config", "routes", "test", f"--config.file={ALERTMANAGER}", *labels.split())
        assert routed.stdout.strip() == receiver, labels


def test_the_reference_names_every_rule_and_alert_with_its_severities() -> None:
    text = (DOCS / "reference" / "monitoring.md").read_text(encoding="utf-8")
    assert {name for name in rows(text) if name.partition(":")[2]} == RECORDED
    told = re.findall(r"^\| `(\w+)` \| (\w+) \| [^|]+ \| ([\w ]+) \|$", text, flags=re.MULTILINE)
    assert told == [(r["alert"], r["labels"]["severity"], r.get("for", "at once")) for r in ALERTS]
