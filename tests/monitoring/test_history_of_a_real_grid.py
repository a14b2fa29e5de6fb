"""A balancer that has lost its history reads it from the Prometheus that watched its grid, all of real processes."""

import contextlib
from pathlib import Path
from typing import Any

import pytest

from balancer.forecast.calendar_days import SLOTS
from balancer.forecast.history import FILE
from tests.support.grid import Grid, get, until
from tests.support.ports import free_port
from tests.support.prometheus import LACKING

pytestmark = pytest.mark.skipif("prometheus" in LACKING, reason="prometheus is not installed")

SCALE = "450"  # a quarter hour takes 2 s, and Prometheus scrapes every second
ENOUGH = 6  # quarter hours
BASE_W = 200_000.0


def base_loads(grid: Grid, name: str = "substation-1") -> dict[int, float]:
    """The base loads of the recorded quarter hours in watts."""
    answer: dict[str, Any] = get(f"{grid.balancer}/history?substation_id={name}&limit=2000")
    rows = answer["quarter_hours"]
    return {each["slot"]: each["base_load_w"] for each in rows if each["base_load_w"] is not None}


def after(slot: int, found: dict[int, float]) -> dict[int, float]:
    """The later ones of some quarter hours."""
    return {each: load_w for each, load_w in found.items() if each > slot}


def scraped(port: int) -> bool:
    """Whether a Prometheus has scraped the three substations."""
    query = "smartgrid_substation_base_load_watts"
    with contextlib.suppress(OSError):  # while it starts
        return len(get(f"http://127.0.0.1:{port}/api/v1/query?query={query}")["data"]["result"]) == 3
    return False


def test_history_and_forecast_go_on_after_the_history_was_lost(tmp_path: Path) -> None:
    port = free_port()
    profile = tmp_path / "steady.csv"
    profile.write_text(f"time,kw\n2026-01-05T00:00,{BASE_W / 1000}\n2026-01-05T00:15,{BASE_W / 1000}\n")
    grid = Grid(
        tmp_path / "data",
        TIME_SCALE=SCALE,
        BASE_LOAD=str(profile),
        PROMETHEUS_PORT=str(port),
        HISTORY=f"http://127.0.0.1:{port}",
    )
    grid.start()
    try:
        until(lambda: scraped(port))
        begun = max(base_loads(grid), default=0)  # Prometheus knows those after it
        until(lambda: len(after(begun, base_loads(grid))) > ENOUGH)
        recorded = after(begun, base_loads(grid))
    finally:
        grid.stop()
    kept = list(grid.data.glob(f"{FILE}*"))
    assert kept
    for path in kept:
        path.unlink()
    grid.start()
    try:
        until(lambda: len(base_loads(grid).keys() & recorded.keys()) >= ENOUGH)
        filled = base_loads(grid)
        forecast = get(f"{grid.balancer}/forecast?substation_id=substation-1")["base_load_w"]
    finally:
        grid.stop()
    assert set(filled.values()) == set(recorded.values()) == {BASE_W}
    assert len(forecast) == SLOTS
    assert forecast[0]["slot"] > max(recorded)
    assert {each["mean"] for each in forecast} == {BASE_W}
