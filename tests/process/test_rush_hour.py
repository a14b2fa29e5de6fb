"""A short rush hour from the command line against a grid of real processes."""

import json
import subprocess
import sys
from pathlib import Path

from tests.support.grid import ROOT, Grid


def rush_hour(grid: Grid, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "loadtest",
        "rush-hour",
        "--gateway",
        grid.gateway,
        "--balancer",
        grid.balancer,
        "--runs-dir",
        str(grid.data / "runs"),
    ]
    return subprocess.run(
        [*command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )


def test_a_short_rush_hour_holds_its_thresholds_and_writes_what_it_measured(tmp_path: Path) -> None:
    grid = Grid(tmp_path / "data", TIME_SCALE="1200")
    grid.start()
    try:
        ended = rush_hour(
            grid,
            "--requests",
            "200",
            "--seconds",
            "6",
            "--max-ratio",
            "1.3",
            "--json",
            str(tmp_path / "result.json"),
        )
    finally:
        grid.stop()
    assert ended.returncode == 0, ended.stdout + ended.stderr
    result = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    admitted = {request["body"]["session_id"] for request in result["requests"] if request["status"] == 201}
    journals = {row["session_id"] for rows in grid.journals().values() for row in rows}
    assert len(admitted) == 200
    assert admitted == journals


def test_a_demand_above_capacity_breaks_the_refusal_threshold_and_overloads_nothing(tmp_path: Path) -> None:
    grid = Grid(tmp_path / "data", TIME_SCALE="120", CAPACITY_KW="200")
    grid.start()
    try:
        ended = rush_hour(grid, "--requests", "150", "--seconds", "4", "--max-ratio", "1.3")
    finally:
        grid.stop()
    assert ended.returncode == 1, ended.stdout + ended.stderr
    broken = [line for line in ended.stdout.splitlines() if "BROKEN" in line]
    assert len(broken) == 1
    assert "refused requests" in broken[0]
