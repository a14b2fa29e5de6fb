"""Herding, when a balancer trusts only its last poll: the same cars under the naive policy and the default."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from tests.proof.scenarios import Row
from tests.support import template
from tests.support.grid import ROOT, Grid

POLICIES = ("least_loaded", "snapshot_least_loaded")
PICTURE = ROOT / "docs" / "images" / "herding.svg"


def herding(
    data: Path, options: tuple[str, ...] = (), picture: Path = PICTURE, **environment: str
) -> list[Row]:
    """Run a rush hour under both policies on a grid with `environment`; draws `picture`."""
    grid = Grid(data / "grid", **environment)
    grid.start()
    try:
        left = ("--json", str(data / "rush.json"), "--runs-dir", str(data / "runs"))
        loadtest(grid, "rush-hour", "--policy", ",".join(POLICIES), *left, *options)
    finally:
        grid.stop()
    files = [data / f"rush-{policy}-1.json" for policy in POLICIES]
    loadtest(grid, "compare", *map(str, files), "--svg", str(picture))
    return [row(json.loads(file.read_text(encoding="utf-8"))) for file in files]


def loadtest(grid: Grid, *arguments: str) -> None:
    """Run it; thresholds that break are part of what is shown."""
    environ = {**os.environ, "GATEWAY_URL": grid.gateway, "BALANCER_URL": grid.balancer}
    command = [sys.executable, "-m", "loadtest", *arguments]
    ended = template.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert ended.returncode in {0, 1}, ended.stderr


def row(document: dict[str, Any]) -> Row:
    """Return the figures of one run."""
    result = document["result"]
    return {
        "policy": document["run"]["policy"],
        "max/mean": round(result["balance_ratio"], 4),
        "fleet peak": f"{result['fleet_peak_utilization']:.1%}",
        "refused": result["refused"],
    }
