"""Several policies in one command on a real grid: they are compared, and the former policy comes back."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proof.scenarios import send
from tests.support import template
from tests.support.grid import ROOT, Grid, get, status, until

FORMER = "power_of_two"


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grid]:
    # So large that the cars of one run leave the fleet nearly empty for the next, which would wait for that.
    started = Grid(tmp_path_factory.mktemp("grid") / "data", TIME_SCALE="6000", CAPACITY_KW="100000")
    started.start()
    try:
        send(f"{started.balancer}/policy", "PUT", {"policy": FORMER})
        yield started
    finally:
        started.stop()


def policy(grid: Grid) -> str:
    return str(get(f"{grid.balancer}/fleet")["policy"])


def sessions(grid: Grid) -> int:
    return sum(each["sessions"] for each in get(f"{grid.balancer}/fleet")["substations"])


def loadtest(grid: Grid, *arguments: str) -> subprocess.Popen[str]:
    """Start it; a ratio of any size holds, for the short runs here say nothing of it."""
    environ = {
        **os.environ,
        "GATEWAY_URL": grid.gateway,
        "BALANCER_URL": grid.balancer,
        "RUNS_DIR": str(grid.data / "runs"),
    }
    return template.popen(
        [sys.executable, "-m", "loadtest", *arguments],
        cwd=ROOT,
        env=environ,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_policies_are_run_in_turn_compared_and_the_former_one_comes_back(grid: Grid, tmp_path: Path) -> None:
    plan = (
        "--requests",
        "60",
        "--seconds",
        "1.5",
        "--fail-if",
        "max_mean > 1000",
        "--policy",
        "least_loaded,random",
    )
    files = ("--repeat", "2", "--json", str(tmp_path / "rush.json"), "--html", str(tmp_path / "page.html"))
    process = loadtest(grid, "rush-hour", *plan, *files, "--runs-dir", str(tmp_path / "runs"))
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, out + err
    assert policy(grid) == FORMER
    turns = [line for line in out.splitlines() if line.startswith("run ")]
    assert turns == [
        f"run {n} of 4: {each}" for n, each in enumerate(2 * ("least_loaded", "random"), start=1)
    ]
    left = sorted(tmp_path.glob("rush-*.json"))
    told = [json.loads(file.read_text(encoding="utf-8"))["run"]["policy"] for file in left]
    assert told == ["least_loaded", "least_loaded", "random", "random"]
    assert [f"{each}: 2 runs" in out for each in ("least_loaded", "random")] == [True, True]
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "least_loaded" in page
    assert "max/mean utilization" in page

    folders = sorted((tmp_path / "runs").iterdir())
    assert len(folders) == 4
    again = loadtest(grid, "compare", *map(str, folders))
    table, err = again.communicate(timeout=60)
    assert again.returncode == 0, err
    figures = [line for line in table.splitlines() if "2 runs, 4 needed" in line]
    assert len(figures) > 8
    assert all(line in out for line in figures)


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_restores_the_former_policy(grid: Grid, by: signal.Signals) -> None:
    process = loadtest(
        grid, "rush-hour", "--requests", "600", "--seconds", "60", "--policy", "round_robin,random"
    )
    until(lambda: policy(grid) == "round_robin" and sessions(grid) > 0)
    process.send_signal(by)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert policy(grid) == FORMER
    assert "run 2 of 2: random" not in out


def test_the_former_policy_comes_back_though_the_balancer_is_killed_at_the_end(grid: Grid) -> None:
    process = loadtest(grid, "rush-hour", "--requests", "600", "--seconds", "60", "--policy", "random")
    until(lambda: policy(grid) == "random" and sessions(grid) > 0)
    (before,) = grid.pids("balancer")
    os.kill(before, signal.SIGKILL)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    until(lambda: status(f"{grid.balancer}/readyz") == 200)
    assert policy(grid) == FORMER


def test_a_policy_that_there_is_none_of_is_told_before_anything_is_sent(grid: Grid) -> None:
    process = loadtest(grid, "rush-hour", "--policy", "random,best")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "refuses the policy 'best': 422 policies are least_loaded, " in err
    assert "run 1" not in out
    assert policy(grid) == FORMER


def test_a_run_that_fails_restores_the_former_policy(grid: Grid) -> None:
    arguments = ("rush-hour", "--gateway", "http://127.0.0.1:1", "--policy", "random")
    process = loadtest(grid, *arguments)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3, out
    assert "the gateway at http://127.0.0.1:1 can't be reached" in err
    assert "make run" in err
    assert policy(grid) == FORMER
