"""Load tests from the command line against a grid of real processes."""

import subprocess
import sys

from tests.support import template
from tests.support.grid import ROOT, Grid


def command(grid: Grid, preset: str, *arguments: str) -> list[str]:
    """Return the command that sends a preset to a grid."""
    start = [sys.executable, "-m", "loadtest", preset, "--gateway", grid.gateway, "--balancer", grid.balancer]
    return [*start, "--runs-dir", str(grid.data / "other-runs"), *arguments]


def rush_hour(grid: Grid, *arguments: str, preset: str = "rush-hour") -> subprocess.CompletedProcess[str]:
    """Send a preset to a grid; returns how it ended."""
    return template.run(
        command(grid, preset, *arguments), cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
