"""Every alarm has a runbook, every runbook an alarm, and what runbooks name is there."""

import re

import pytest

from admin_ui.alarms.rules import RULES
from tests.unit.docs.pages import DOCS, rows

FOLDER = DOCS / "runbooks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.md") if path.stem != "README")
INDEX = (FOLDER / "README.md").read_text(encoding="utf-8")
RAISED = r"^\| \[(\w+)\]\(\1\.md\) \| (critical|warning) \|"
ON_METRICS = r"^\| \[(\w+)\]\(\1\.md\) \| [^|]+ \|$"
SUFFIXES = ("", "_bucket", "_sum", "_count")


def text(name: str) -> str:
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def test_the_index_names_the_console_s_rules_with_their_severity() -> None:
    told = dict(re.findall(RAISED, INDEX, flags=re.MULTILINE))
    assert told == {name: str(rule.severity) for name, rule in RULES.items()}


def test_every_rule_and_alert_has_a_runbook_and_every_runbook_is_in_the_index() -> None:
    alerts = set(re.findall(ON_METRICS, INDEX, flags=re.MULTILINE))
    assert alerts | RULES.keys() == set(NAMES)
    assert not alerts & RULES.keys()


@pytest.mark.parametrize("name", NAMES)
def test_a_runbook_says_what_it_means_how_to_check_and_what_to_do(name: str) -> None:
    assert text(name).startswith(f"# {name}\n")
    assert re.findall(r"^## (.+)$", text(name), flags=re.MULTILINE) == [
        "What it means",
        "How to check",
        "What to do",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_the_metrics_of_a_runbook_exist(name: str) -> None:
    known = rows((DOCS / "metrics.md").read_text(encoding="utf-8"))
    for metric in re.findall(r"smartgrid_\w+", text(name)):
        assert any(metric.removesuffix(suffix) in known for suffix in SUFFIXES), metric
