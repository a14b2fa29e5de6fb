"""docs/glossary.md has every policy, every state of a substation, and every figure that a run prints."""

from balancer.fleet.health import HealthState
from balancer.placing.policies import policies
from loadtest.plan.presets import PRESETS
from loadtest.record.latency import PERCENTILES
from tests.unit.docs.pages import DOCS, rows, sections

PAGE = DOCS / "glossary.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_the_policies_are_those_of_the_balancer() -> None:
    assert list(rows(sections(PAGE)["policies"])) == list(policies())


def test_every_state_of_a_substation_has_an_entry() -> None:
    for state in set(HealthState) - {HealthState.UNSEEN}:
        assert f"| {str(state).capitalize()} |" in sections(PAGE)["the balancer's view"]


def test_every_printed_figure_has_an_entry() -> None:
    section = sections(PAGE)["figures that are printed"]
    table = section.partition("|---")[2]
    named = " ".join(line.split(" | ")[0] for line in table.splitlines())
    assert set(PERCENTILES) - {"max"} <= set(named.replace(",", " ").split())
    for figure in (
        "handled",
        "201 answers",
        "recomputed peak",
        "W·s",
        "max/mean",
        "Jain",
        "range",
        "peak",
        "commits per 100",
        "oracle",
        "service time",
        "response time",
        "late",
        "never sent",
        "generator",
    ):
        assert figure in named, figure


def test_the_rush_hour_is_that_of_the_load_test() -> None:
    preset = PRESETS["rush-hour"]
    assert f"by default {preset.requests} cars within {preset.seconds:g} s" in TEXT
