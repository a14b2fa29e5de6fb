"""A plan is the same bytes for the same seed anywhere, and each preset's is what its line says."""

import dataclasses
import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from loadtest.cli import main
from loadtest.judge.oracle_result import oracle_result
from loadtest.plan.demand import peak_kw
from loadtest.plan.document import DEFAULT_GRID, GridSize, PlanOptions, RunPlan, make
from loadtest.plan.oracle import Drain
from loadtest.plan.presets import PRESETS, Preset

ROOT = Path(__file__).parents[3]
SEEDS = range(1, 21)
# A change of these is a change of what published figures were measured with.
GOLDEN = {
    "rush-hour": "761dd6fbd222286d4505a091d6f237ad6ff8b5a15df5aaac27ce395e243e401e",
    "burst": "d0178519a1d6abb7051e27bf5e95dea83843dcb8a5b760cb13fc501c16535da0",
    "overload": "3eb9a10aa3d08ad3a6afbd089a697723712d8148fff84068eb55934a69bdb930",
    "spike": "559c6dec4189c5b16afce20d335ef568959e9031ce50a9b1360b318528586594",
    "outage": "ecfc6d98900825f0966debbbefd8f6b5d2d7d8fa32535ddd458e319c064b7369",
    "hot-spot": "caebe40d54bd8cb178f58382a7f83b3e6c746e67456b7eb0261a96b639649cef",
    "day": "552887d772a605842f6f45c5f9a07884b4d3b21171980ce9bcf65fa7f4df47be",
}
NO_NETWORK = """
import sys

def hook(event, arguments):
    if event in {"socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto"}:
        raise SystemExit(f"network: {event} {arguments}")

sys.addaudithook(hook)
from loadtest.cli import main
"""
ONE = NO_NETWORK + "sys.exit(main(sys.argv[1:]))"
EVERY_PRESET = (
    NO_NETWORK
    + """
for name in sys.argv[2:]:
    if code := main([name, "--dry-run", "--plan-json", f"{sys.argv[1]}/{name}"]):
        sys.exit(code)
    print("\\f", end="")
"""
)


def plan(name: str, seed: int = 1, fleet: GridSize = DEFAULT_GRID, **other: Any) -> RunPlan:
    preset = PRESETS[name]
    wish = PlanOptions(preset, seed, preset.shape, preset.requests, preset.seconds)
    return make(dataclasses.replace(wish, **other), fleet, random.Random)


def run(*arguments: str, program: str = ONE, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@dataclasses.dataclass(frozen=True)
class DryRun:
    """What the dry run of a preset showed, and the plan that it wrote."""

    shown: str
    written: bytes


@pytest.fixture(scope="module")
def dry_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[DryRun]]:
    """The dry runs of every preset: one in each of three processes, which hash differently."""
    found: dict[str, list[DryRun]] = {name: [] for name in PRESETS}
    for hash_seed in ("0", "1", "12345"):
        folder = tmp_path_factory.mktemp("plans")
        ended = run(str(folder), *PRESETS, program=EVERY_PRESET, PYTHONHASHSEED=hash_seed)
        assert ended.returncode == 0, ended.stderr
        for name, shown in zip(PRESETS, ended.stdout.split("\f"), strict=False):
            found[name].append(DryRun(shown, (folder / name).read_bytes()))
    return found


def mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found)


@pytest.mark.parametrize("name", PRESETS)
def test_the_default_plan_of_a_preset_stays_what_it_is(name: str) -> None:
    assert plan(name).sha256 == GOLDEN[name]


@pytest.mark.parametrize("name", PRESETS)
def test_another_process_writes_the_same_bytes_whatever_its_hash_seed(
    name: str, dry_runs: dict[str, list[DryRun]]
) -> None:
    written = {each.written for each in dry_runs[name]}
    assert written == {(plan(name).document() + "\n").encode()}


def test_the_document_has_the_cars_that_are_hashed_as_they_are_sent() -> None:
    made = plan("outage")
    document = json.loads(made.document())
    cars = document["arrivals"]
    again = json.dumps(cars, sort_keys=True, separators=(",", ":")).encode()
    assert hashlib.sha256(again).hexdigest() == document["sha256"] == made.sha256
    assert [{k: v for k, v in car.items() if k != "at_s"} for car in cars] == [
        car.body() for car in made.arrivals
    ]
    assert document["drain"] == {"substation_id": "substation-1", "at_s": 20.0}


@pytest.mark.parametrize(
    "other", [{"seed": 2}, {"shape": "ramp"}, {"requests": 499}, {"seconds": 61.0}], ids=str
)
def test_what_changes_the_cars_changes_the_hash(other: dict[str, Any]) -> None:
    assert plan("rush-hour", **other).sha256 != plan("rush-hour").sha256


def test_the_defaults_are_those_that_were_agreed() -> None:
    rush_hour = plan("rush-hour")
    assert len(rush_hour.arrivals) == 500
    assert rush_hour.seconds == 60
    burst = plan("burst")
    assert [car.at_s for car in burst.arrivals] == [0.0] * 500


@pytest.mark.parametrize(
    ("fleet", "seeds"),
    [
        (DEFAULT_GRID, SEEDS),
        (GridSize({"a": 700_000.0, "b": 300_000.0}, 120.0), SEEDS),
        # Ten times as many cars: their chances even out within a seed, so a few seeds show what the others would.
        (GridSize(DEFAULT_GRID.capacity_w, 1200.0), SEEDS[:5]),
    ],
    ids=["default", "small", "fast"],
)
def test_an_overload_asks_for_about_130_percent_of_the_fleet_it_meets(
    fleet: GridSize, seeds: Sequence[int]
) -> None:
    shares = [
        peak_kw(plan("overload", seed, fleet).arrivals, fleet.time_scale) / fleet.capacity_kw
        for seed in seeds
    ]
    assert mean(shares) == pytest.approx(1.3, abs=0.02)
    assert all(share == pytest.approx(1.3, abs=0.08) for share in shares)


def test_a_number_of_cars_that_is_given_is_kept_in_an_overload() -> None:
    assert len(plan("overload", requests=30).arrivals) == 30


def test_a_spike_and_an_outage_fit_into_what_is_there() -> None:
    spike = [peak_kw(plan("spike", seed).arrivals, 120) / DEFAULT_GRID.capacity_kw for seed in SEEDS]
    outage = [peak_kw(plan("outage", seed).arrivals, 120) / DEFAULT_GRID.capacity_kw for seed in SEEDS]
    assert mean(spike) == pytest.approx(0.91, abs=0.02)
    assert max(spike) < 1
    assert mean(outage) == pytest.approx(0.62, abs=0.02)
    assert max(outage) < 2 / 3  # what two of three substations have


def test_an_outage_drains_the_first_substation_or_the_one_that_is_named() -> None:
    assert plan("outage").drain == Drain("substation-1", 20.0)
    assert plan("outage", substation_id="substation-3", seconds=6.0).drain == Drain("substation-3", 2.0)
    assert plan("rush-hour").drain is None


def test_most_cars_of_a_hot_spot_can_use_one_substation_only_and_ask_for_more_than_it_has() -> None:
    made = plan("hot-spot", substation_id="substation-2")
    confined = [car for car in made.arrivals if car.only]
    assert {car.only for car in confined} == {"substation-2"}
    assert len(confined) / len(made.arrivals) == pytest.approx(0.75, abs=0.05)
    assert confined[0].body()["substations"] == ["substation-2"]
    hot = [
        peak_kw([car for car in plan("hot-spot", seed).arrivals if car.only], 120) / 1_400 for seed in SEEDS
    ]
    assert mean(hot) == pytest.approx(1.25, abs=0.04)
    moments_s = [quarter / 4 for quarter in range(240)]
    oracle = oracle_result(plan("hot-spot"), DEFAULT_GRID, moments_s, 60.0)
    assert oracle.refused > 0
    assert oracle.balance_ratio
    assert oracle.balance_ratio > 1.5  # nobody can balance it


def test_a_hot_spot_has_the_same_cars_as_the_same_seed_without_it() -> None:
    free = [dataclasses.replace(car, only=None) for car in plan("hot-spot").arrivals]
    assert free == list(plan("rush-hour", requests=300).arrivals)


def test_a_substation_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match="there is no substation-9"):
        plan("outage", substation_id="substation-9")


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_a_dry_run_shows_the_plan_and_uses_no_network(
    preset: Preset, dry_runs: dict[str, list[DryRun]]
) -> None:
    shown = dry_runs[preset.name][0].shown
    made = plan(preset.name)
    assert made.sha256 in shown
    assert preset.about in shown
    assert "█" in shown
    assert f"{peak_kw(made.arrivals, 120):,.0f}" in shown
    assert made.arrivals[0].vehicle_id in shown
    assert ("is drained after 20 s" in shown) == (preset.name == "outage")
    assert ("can use substation-1 only" in shown) == (preset.name == "hot-spot")


def test_a_dry_run_would_notice_the_network() -> None:
    assert "network: socket" in run("rush-hour").stderr


def test_a_dry_run_takes_the_grid_that_it_is_told_and_writes_the_plan_to_json_too(tmp_path: Path) -> None:
    grid = ("--time-scale", "1200", "--capacity-kw", "700,300")
    ended = run("overload", "--dry-run", *grid, "--json", str(tmp_path / "plan.json"))
    fleet = GridSize({"substation-1": 700_000.0, "substation-2": 300_000.0}, 1200.0)
    assert (tmp_path / "plan.json").read_text(encoding="utf-8") == plan(
        "overload", 1, fleet
    ).document() + "\n"
    assert "2 substations with 1,000" in ended.stdout
    missing = run("outage", "--dry-run", "--substation", "substation-9")
    assert missing.returncode == 2
    assert "there is no substation-9" in missing.stderr


def test_a_dry_run_assumes_the_grid_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("CAPACITY_KW", "500")
    monkeypatch.setenv("TIME_SCALE", "60")
    assert main(["overload", "--dry-run", "--json", str(tmp_path / "plan.json")]) == 0
    fleet = GridSize({f"substation-{number}": 500_000.0 for number in (1, 2, 3)}, 60.0)
    assert (tmp_path / "plan.json").read_text(encoding="utf-8") == plan(
        "overload", 1, fleet
    ).document() + "\n"
    assert "3 substations with 1,500" in capsys.readouterr().out
    monkeypatch.setenv("CAPACITY_KW", "many")
    with pytest.raises(SystemExit, match="2"):
        main(["overload", "--dry-run"])
    assert "argument --capacity-kw" in capsys.readouterr().err


def test_every_preset_is_in_the_list_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    listed = run("--list")
    assert listed.returncode == 0
    for preset in PRESETS.values():
        assert f"{preset.name:<12}{preset.about}\n" in listed.stdout
        with pytest.raises(SystemExit):
            main([preset.name, "--help"])
        assert preset.about in " ".join(capsys.readouterr().out.split())
