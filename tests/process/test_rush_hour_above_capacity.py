"""A short rush hour from the command line that requests more than there is, against a grid of real processes."""

import dataclasses
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtest.plan.document import GridSize, PlanOptions, make
from loadtest.plan.presets import PRESETS
from tests.support.grid import Grid
from tests.support.rush_hours import rush_hour

SMALL_KW = 250.0  # of each substation of the shared grid


@pytest.fixture(scope="module")
def shared_small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grid]:
    grid = Grid(tmp_path_factory.mktemp("small") / "data", TIME_SCALE="1200", CAPACITY_KW=f"{SMALL_KW:g}")
    grid.start()
    yield grid
    grid.stop()


@pytest.fixture
def small(shared_small: Grid) -> Grid:
    """A grid that refuses, without cars."""
    shared_small.empty()
    return shared_small


def test_a_demand_above_capacity_breaks_the_refusal_threshold_and_overloads_nothing(tmp_path: Path) -> None:
    grid = Grid(tmp_path / "data", TIME_SCALE="120", CAPACITY_KW="200")
    grid.start()
    try:
        short = ("--requests", "150", "--seconds", "4", "--fail-if", "max_mean > 1.3")
        ended = rush_hour(grid, *short, "--fail-if", "first_refused > 150")
    finally:
        grid.stop()
    assert ended.returncode == 1, ended.stdout + ended.stderr
    broken = [line for line in ended.stdout.splitlines() if "FAILED" in line]
    assert len(broken) == 1
    assert broken[0].split()[0] == "refused"


def test_an_overload_finds_out_how_much_is_too_much_and_every_refusal_says_when_to_come_back(
    small: Grid,
    tmp_path: Path,
) -> None:
    short = ("--seconds", "6", "--fail-if", "max_mean > 1.3")
    ended = rush_hour(small, *short, "--json", str(tmp_path / "result.json"), preset="overload")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    document = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    result = document["result"]
    fleet = GridSize({f"substation-{n}": SMALL_KW * 1000 for n in (1, 2, 3)}, 1200.0)
    preset = dataclasses.replace(PRESETS["overload"], seconds=6.0)
    wish = PlanOptions(preset, 1, preset.shape, preset.requests, preset.seconds)
    asked = document["run"]
    assert (asked["preset"], asked["shape"], asked["seed"], asked["time_scale"]) == (
        "overload",
        "uniform",
        1,
        1200,
    )
    assert asked["requests"] == len(document["requests"])
    assert asked["plan_sha256"] == make(wish, fleet, random.Random).sha256
    assert result["first_refused"] > 0
    assert result["refused_without_retry_after"] == 0
    assert result["oracle"]["refused"] > 0
    assert 0.9 < result["imbalance_vs_oracle"] < 1.3


def test_a_hot_spot_refuses_there_while_the_others_take_what_may_go_to_them(
    small: Grid, tmp_path: Path
) -> None:
    short = ("--requests", "120", "--seconds", "5", "--fail-if", "imbalance_vs_oracle > 1.5")
    ended = rush_hour(small, *short, "--json", str(tmp_path / "result.json"), preset="hot-spot")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    document = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    stations = {each["substation_id"]: each for each in document["result"]["stations"]}
    assert stations["substation-1"]["answered"] > stations["substation-2"]["answered"]
    assert (
        document["result"]["first_refused"] > 0
    )  # by the substation, or by the balancer for those who were told
    assert (
        stations["substation-2"]["counted"]["refused"] == stations["substation-3"]["counted"]["refused"] == 0
    )
    assert document["result"]["balance_ratio"] > 1.3
