"""`/history` and `/forecast` of a running balancer, after an import by the command line."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from balancer.forecast.calendar_days import SLOTS, start_of
from balancer.forecast.forecaster import LEARNED_DAYS
from balancer.forecast.series_csv import TIME
from tests.integration.balancer.grid import Grid, Plan, built, until
from tests.support import template
from tests.support.grid import ROOT
from tests.unit.balancer.forecast.series import usual

FIRST_MONDAY = 2400 * 7 * SLOTS
WEEKS = LEARNED_DAYS // 7


def write_file(path: Path, column: str) -> None:
    slots = range(FIRST_MONDAY - WEEKS * 7 * SLOTS, FIRST_MONDAY)
    rows = [f"{start_of(slot).isoformat()},{usual(slot):.3f}" for slot in slots]
    path.write_text("\n".join([f"{TIME},{column}", *rows]))


def import_file(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "balancer.forecast", "import", *map(str, arguments)]
    return template.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


@contextlib.asynccontextmanager
async def balancer_alone(folder: Path) -> AsyncIterator[Grid]:
    async with built(folder, Plan()) as grid:
        await grid.start("balancer")
        yield grid


async def get(grid: Grid, path: str) -> tuple[int, dict[str, Any]]:
    async with grid.session.get(f"{grid.balancer_url}{path}") as response:
        return response.status, await response.json()


def imported(folder: Path) -> Path:
    """A data folder whose balancer has a history of `s-1`, imported by the command line."""
    write_file(folder / "load.csv", "meter_kw")
    data = folder / "data"
    options = ("--column", "meter_kw=s-1", "--data-dir", data, "--holidays", "")
    done = import_file(folder / "load.csv", *options)
    assert done.returncode == 0, done.stderr
    assert f"s-1: {WEEKS * 7 * SLOTS} quarter hours imported" in done.stdout
    return data


@pytest.mark.gen_test
async def test_an_imported_history_is_shown_page_by_page(tmp_path: Path) -> None:
    async with balancer_alone(imported(tmp_path)) as grid:
        found: list[dict[str, Any]] = []
        first: int | None = -WEEKS * 7 * SLOTS
        while first is not None:
            status, page = await get(grid, f"/history?substation_id=s-1&from={first}&to=-2&limit=2000")
            assert status == 200
            found += page["quarter_hours"]
            first = page["next_from"]
    assert [row["slot"] for row in found] == list(range(-WEEKS * 7 * SLOTS, -1))
    assert found[0] == {
        "slot": -WEEKS * 7 * SLOTS,
        "weekday": "Monday",
        "time": "00:00",
        "base_load_w": round(usual(0), 3) * 1000,
        "cars_load_w": None,
        "arrivals": None,
        "energy_j": None,
        "holiday": False,
    }
    assert (found[-1]["weekday"], found[-1]["time"]) == ("Sunday", "23:30")


@pytest.mark.gen_test
async def test_an_imported_history_is_forecast_from(tmp_path: Path) -> None:
    async with balancer_alone(imported(tmp_path)) as grid:

        async def learned() -> bool:
            return bool((await get(grid, "/forecast?substation_id=s-1"))[1]["base_load_w"])

        await until(learned)
        _, forecast = await get(grid, "/forecast?substation_id=s-1")
    steps = forecast["base_load_w"]
    assert [step["slot"] for step in steps] == list(range(SLOTS))
    assert (steps[76]["weekday"], steps[76]["time"]) == ("Monday", "19:00")
    assert all(abs(step["mean"] - 1000 * usual(step["slot"])) < 5000 for step in steps)
    assert all(step["p10"] <= step["mean"] <= step["p90"] for step in steps)
    assert forecast["cars_load_w"] == []


@pytest.mark.gen_test
async def test_no_file_is_imported_while_the_balancer_runs(tmp_path: Path) -> None:
    write_file(tmp_path / "load.csv", "s-1")
    async with balancer_alone(tmp_path):
        done = await asyncio.to_thread(import_file, tmp_path / "load.csv", "--data-dir", tmp_path)
    assert done.returncode == 1
    assert "is another process using it?" in done.stderr


@pytest.mark.gen_test
async def test_what_is_asked_wrongly_is_named(tmp_path: Path) -> None:
    async with balancer_alone(tmp_path) as grid:
        for query, expected in {
            "/history": "substation_id must be given",
            "/forecast": "substation_id must be given",
            "/history?substation_id=s-1&from=yesterday": "from: a whole number",
            "/history?substation_id=s-1&limit=2001": "limit: a whole number from 1 to 2000",
        }.items():
            status, problem = await get(grid, query)
            assert status == 400
            assert expected in problem["detail"]
        status, page = await get(grid, "/history?substation_id=s-9")
        assert (status, page["quarter_hours"], page["next_from"]) == (200, [], None)


def test_a_column_without_a_substation_is_refused(tmp_path: Path) -> None:
    write_file(tmp_path / "load.csv", "meter_kw")
    done = import_file(tmp_path / "load.csv", "--column", "meter_kw", "--data-dir", tmp_path)
    assert done.returncode == 2
    assert "'meter_kw' is not of the form COLUMN=SUBSTATION" in done.stderr
