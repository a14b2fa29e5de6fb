"""A day of real processes, under two policies and two rules of admission: `python -m tests.study.real_day`.

Four grids run side by side, each with `loadtest day`: the same cars and the same base loads, which are high, so that there
is something to decide. Each has a history of four weeks, so that forecasts are good from the start. Prints a table.
"""

import argparse
import concurrent.futures
import csv
import itertools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from substation.base_load.sources import SAMPLES
from tests.support.grid import ROOT, Grid

POLICIES = ("least_loaded", "predictive")
ADMISSIONS = ("now", "forecast")
HEADINGS = (
    "policy",
    "admission",
    "fullest substation",
    "overload, minutes",
    "pauses",
    "paused, minutes",
    "refused at last",
    "refused at first",
    "delivered",
)
GRID_DAY_S = 24 * 3600


def main() -> None:
    """Run the four grids and print their table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--time-scale", type=float, default=720.0, help="grid seconds in a second")
    parser.add_argument("--base-load-kw", type=float, default=800.0, help="peak of each base load")
    parser.add_argument("--seed", type=int, default=1, help="of the arrivals")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor() as threads:
        cases = list(itertools.product(POLICIES, ADMISSIONS))
        grids: list[Grid] = []
        try:
            for number, (_, admission) in enumerate(cases):  # one after the other: each looks for free ports
                grids.append(_started(Path(folder) / str(number), options, admission))
            found = list(threads.map(lambda grid, case: _day(grid, case[0], options), grids, cases))
        finally:
            for grid in grids:
                grid.stop()
    print(f"| {' | '.join(HEADINGS)} |")
    print("|---" * len(HEADINGS) + "|")
    for case, result in zip(cases, found, strict=True):
        print(f"| {' | '.join(_row(case, result))} |")


def _started(data: Path, options: argparse.Namespace, admission: str) -> Grid:
    """Start a grid that knows the base loads of four weeks."""
    peak_kw = str(options.base_load_kw)
    grid = Grid(
        data,
        TIME_SCALE=str(options.time_scale),
        BASE_LOAD="sample",
        BASE_LOAD_KW=peak_kw,
        CAPACITY_KW="1600",
        ADMIT=admission,
    )
    _import(data, grid.environment, peak_kw)
    grid.start()
    return grid


def _row(case: tuple[str, str], result: dict[str, Any]) -> list[str]:
    """Return a row of the table."""
    base_load = result["base_load"]
    return [
        *[f"`{name}`" for name in case],
        f"{max(each['sampled']['utilization_peak'] for each in result['stations']):.1%}",
        f"{base_load['overload_minutes']:.1f}",
        f"{base_load['pauses']}",
        f"{base_load['pause_minutes']:.0f}",
        f"{result['refused']}",
        f"{result['first_refused']}",
        f"{result['energy_kwh']:,.0f} kWh",
    ]


def _import(data: Path, environment: dict[str, str], peak_kw: str) -> None:
    """Give the balancer of a grid the four weeks that its substations will play, as its history."""
    (data / "balancer").mkdir(parents=True)
    path = data / "history.csv"
    columns = [list(csv.reader(sample.read_text("utf-8").splitlines())) for sample in SAMPLES]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["time", *[f"substation-{number}" for number in range(1, len(SAMPLES) + 1)]])
        for rows in zip(*[rows[1:] for rows in columns], strict=True):
            writer.writerow([rows[0][0], *[row[1] for row in rows]])
    command = [sys.executable, "-m", "balancer.forecast", "import", str(path), "--peak-kw", peak_kw]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=sys.stderr)


def _day(grid: Grid, policy: str, options: argparse.Namespace) -> dict[str, Any]:
    """Send the cars of a day; returns the result."""
    path = grid.data / "result.json"
    command = [
        sys.executable,
        "-m",
        "loadtest",
        "day",
        "--gateway",
        grid.gateway,
        "--balancer",
        grid.balancer,
    ]
    command += [
        "--policy",
        policy,
        "--seconds",
        str(GRID_DAY_S / options.time_scale),
        "--seed",
        str(options.seed),
    ]
    command += ["--json", str(path), "--progress", "jsonl"]
    environment = {**os.environ, **grid.environment}
    subprocess.run(
        command, cwd=ROOT, env=environment, check=False, stdout=subprocess.DEVNULL
    )  # it may break a limit
    report: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return dict(report["result"])


if __name__ == "__main__":
    main()
