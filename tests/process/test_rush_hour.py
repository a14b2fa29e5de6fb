"""A short rush hour from the command line against a grid of real processes."""

import dataclasses
import json
import random
import signal
import subprocess
import sys
from pathlib import Path

from loadtest.plan.document import GridSize, PlanOptions, make
from loadtest.plan.presets import PRESETS
from tests.support.grid import ROOT, Grid, get, until


def command(grid: Grid, preset: str, *arguments: str) -> list[str]:
    start = [sys.executable, "-m", "loadtest", preset, "--gateway", grid.gateway, "--balancer", grid.balancer]
    return [*start, "--runs-dir", str(grid.data / "runs"), *arguments]


def rush_hour(grid: Grid, *arguments: str, preset: str = "rush-hour") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(grid, preset, *arguments), cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )


def draining(grid: Grid) -> set[str]:
    return {
        each["substation_id"] for each in get(f"{grid.balancer}/fleet")["substations"] if each["draining"]
    }


def test_a_short_rush_hour_holds_its_thresholds_and_writes_what_it_measured(tmp_path: Path) -> None:
    """In the environment of `make run`, which says where the grid is, and on a terminal that knows only ASCII."""
    grid = Grid(tmp_path / "data", TIME_SCALE="1200")
    del grid.environment["RUNS_DIR"]
    options = ("--requests", "200", "--seconds", "6", "--fail-if", "max_mean > 1.3")
    grid.start()
    try:
        ended = subprocess.run(
            [
                sys.executable,
                "-m",
                "loadtest",
                "rush-hour",
                *options,
                "--json",
                str(tmp_path / "result.json"),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            env=grid.environment | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        )
    finally:
        grid.stop()
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.isascii()
    result = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    admitted = {request["body"]["session_id"] for request in result["requests"] if request["status"] == 201}
    journals = {row["session_id"] for rows in grid.journals().values() for row in rows}
    assert len(admitted) == 200
    assert admitted == journals
    (folder,) = (grid.data / "runs").iterdir()
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert f"report: {folder / 'report.html'}" in ended.stdout
    assert "HELD" in page
    assert [page.count(f'<th scope="row">substation-{n}</th>') for n in (1, 2, 3)] == [1, 1, 1]
    assert len((folder / "requests.csv").read_text(encoding="utf-8").splitlines()) == 201


def test_a_demand_above_capacity_breaks_the_refusal_threshold_and_overloads_nothing(tmp_path: Path) -> None:
    grid = Grid(tmp_path / "data", TIME_SCALE="120", CAPACITY_KW="200")
    grid.start()
    try:
        ended = rush_hour(
            grid,
            "--requests",
            "150",
            "--seconds",
            "4",
            "--fail-if",
            "max_mean > 1.3",
            "--fail-if",
            "first_refused > 150",
        )
    finally:
        grid.stop()
    assert ended.returncode == 1, ended.stdout + ended.stderr
    broken = [line for line in ended.stdout.splitlines() if "BROKEN" in line]
    assert len(broken) == 1
    assert broken[0].split()[0] == "refused"


def test_a_grid_that_asks_for_keys_is_driven_with_one_and_not_without(tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-m", "gateway.keys", "new", "rush"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    (tmp_path / "keys").write_text(made.stdout)
    (tmp_path / "key").write_text(made.stderr.rpartition(" ")[2])
    short = ("--requests", "60", "--seconds", "3", "--fail-if", "max_mean > 2")
    grid = Grid(tmp_path / "data", TIME_SCALE="1200", API_KEYS=str(tmp_path / "keys"))
    grid.start()
    try:
        without = rush_hour(grid, *short)
        ended = rush_hour(grid, *short, "--api-key-file", str(tmp_path / "key"))
    finally:
        grid.stop()
    assert without.returncode == 3, without.stdout + without.stderr
    assert "API key" in without.stderr
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert sum(len(rows) for rows in grid.journals().values()) == 60


def test_an_overload_finds_out_how_much_is_too_much_and_every_refusal_says_when_to_come_back(
    tmp_path: Path,
) -> None:
    grid = Grid(tmp_path / "data", TIME_SCALE="1200", CAPACITY_KW="200")
    grid.start()
    try:
        ended = rush_hour(
            grid,
            "--seconds",
            "6",
            "--fail-if",
            "max_mean > 1.3",
            "--json",
            str(tmp_path / "result.json"),
            preset="overload",
        )
    finally:
        grid.stop()
    assert ended.returncode == 0, ended.stdout + ended.stderr
    document = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    result, fleet = document["result"], GridSize({f"substation-{n}": 200_000.0 for n in (1, 2, 3)}, 1200.0)
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
    assert result["refused_untold"] == 0
    assert result["oracle"]["refused"] > 0
    assert 0.9 < result["imbalance_vs_oracle"] < 1.3


def test_an_outage_drains_one_substation_and_restores_it_after_the_run(tmp_path: Path) -> None:
    grid = Grid(tmp_path / "data", TIME_SCALE="1200")
    grid.start()
    try:
        short = ("--requests", "150", "--seconds", "6", "--fail-if", "imbalance_vs_oracle > 1.3")
        ended = rush_hour(grid, *short, "--json", str(tmp_path / "result.json"), preset="outage")
        left = draining(grid)
    finally:
        grid.stop()
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert left == set()
    document = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    drained_s = document["window_unix_s"][0] + 2 + 0.5  # a third of the window, and time for the order
    there = {
        request["body"]["substation_id"]
        for request in document["requests"]
        if request["sent_unix_s"] > drained_s
    }
    assert there == {"substation-2", "substation-3"}


def test_an_outage_that_is_interrupted_restores_the_substation(tmp_path: Path) -> None:
    grid = Grid(tmp_path / "data")
    grid.start()
    try:
        with subprocess.Popen(
            command(grid, "outage", "--requests", "300", "--seconds", "60", "--substation", "substation-2"),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            until(lambda: draining(grid) == {"substation-2"})
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=60)
        left = draining(grid)
    finally:
        grid.stop()
    assert process.returncode == 130, out
    assert left == set()


def test_a_hot_spot_refuses_there_while_the_others_take_what_may_go_to_them(tmp_path: Path) -> None:
    grid = Grid(tmp_path / "data", TIME_SCALE="1200", CAPACITY_KW="250")
    grid.start()
    try:
        short = ("--requests", "120", "--seconds", "5", "--fail-if", "imbalance_vs_oracle > 1.5")
        ended = rush_hour(grid, *short, "--json", str(tmp_path / "result.json"), preset="hot-spot")
    finally:
        grid.stop()
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
