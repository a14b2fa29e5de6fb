"""The figures of docs/explanation/sizing.md, and the times that the tutorial gives, follow from the plan."""

from deploy.local.addresses import DEFAULT_PORTS
from loadtest.plan.arrivals import ENERGY_MEAN_KWH
from runtime.connections import Limits
from substation.plan import Plan
from tests.unit.docs.pages import DOCS, ROOT

SIZING = (DOCS / "explanation" / "sizing.md").read_text(encoding="utf-8")
KWH = 3_600_000
CAPACITY_KW, SUBSTATIONS, SCALE = 1400, 3, 120


def reserved_over_delivered(plan: Plan) -> float:
    """How much more energy a plan reserves than it delivers."""
    return sum(freed_w * after_ms / 1000 for after_ms, freed_w in plan.releases()) / plan.energy_j


def test_the_share_that_is_reserved_above_what_is_delivered_is_that_of_the_plan() -> None:
    assert f"reserves {reserved_over_delivered(Plan(22 * KWH, 11_000)):.2f} times the energy" in SIZING


def test_the_examples_are_worked_out_right() -> None:
    text = " ".join(SIZING.split())
    at_one = CAPACITY_KW // 11
    assert f"cars of 11 kW that is {SUBSTATIONS * at_one} cars" in text
    assert f"1,400 kW hold {at_one} cars of 11 kW, with {CAPACITY_KW - 11 * at_one} kW left" in text
    an_hour = SUBSTATIONS * CAPACITY_KW / (1.06 * ENERGY_MEAN_KWH)
    assert f"that is {an_hour:.0f} cars an hour" in text
    assert f"{Limits().connections + 272:,} with the defaults" in text


def test_newcomers_are_told_how_long_their_cars_take() -> None:
    seconds = round(Plan(22 * KWH, 11_000).duration_ms / 1000 / SCALE)
    for page in (ROOT / "README.md", DOCS / "faq.md", DOCS / "how-to" / "other-ports-and-capacities.md"):
        assert f"{seconds} seconds" in page.read_text(encoding="utf-8"), page
    tutorial = " ".join((DOCS / "tutorial.md").read_text(encoding="utf-8").split())
    plan = Plan(30 * KWH, 11_000)
    assert f"{round(plan.duration_ms / 60_000)} minutes of grid time" in tutorial
    assert f"{round(plan.duration_ms / 1000 / SCALE)} seconds away" in tutorial


def test_every_port_is_in_the_command_for_other_ports() -> None:
    guide = (DOCS / "how-to" / "other-ports-and-capacities.md").read_text(encoding="utf-8")
    command = guide.partition("```sh\n")[2].partition("```")[0]
    names = {*DEFAULT_PORTS, "SUBSTATION_PORT", "SUBSTATION_STREAM_PORT", "PROMETHEUS_PORT", "DATA_DIR"}
    assert all(f"{name}=" in command for name in names)
