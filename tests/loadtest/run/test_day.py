"""A day is played from the grid's time of day on, and again from the same time in a later run."""

import asyncio
import json
from pathlib import Path
from typing import Any

from loadtest.plan.clock import read
from tests.loadtest.fake import Exit, FakeGrid, FakeStation, ended, start

LARGE_W = 100_000_000  # so that the cars of a run leave it nearly empty for the next
A_DAY_IN_S = 3.0


def grid(grid_time_h: float | None) -> FakeGrid:
    stations = [FakeStation(f"substation-{n}", capacity_w=LARGE_W) for n in (1, 2)]
    return FakeGrid(stations, began_h=grid_time_h, time_scale=24 * 3600 / A_DAY_IN_S)


def documents(folder: Path, *options: str, began_h: float | None) -> tuple[Exit, list[dict[str, Any]]]:
    """Return how a day on a small grid ended, and the documents of its runs."""

    async def scenario() -> Exit:
        async with grid(began_h).serving() as served:
            few = ("--requests", "20", "--seconds", "0.5", "--runs-dir", str(folder))
            return await ended(await start(served, *few, *options, preset="day"))

    result = asyncio.run(scenario())
    found = [json.loads(each.read_text()) for each in sorted(folder.glob("*/result.json"))]
    return result, sorted(found, key=lambda each: float(each["window_unix_s"][0]))


def test_the_runs_of_a_day_begin_at_the_same_time_and_send_the_same_cars(tmp_path: Path) -> None:
    result, found = documents(tmp_path, "--repeat", "2", began_h=15.0)
    first, second = (each["run"] for each in found)
    assert len({first["starts_at"], second["starts_at"]}) == 1, result.out
    assert first["plan_sha256"] == second["plan_sha256"]
    assert f"until it is {first['starts_at']} of the grid's day" in result.out
    apart_s = found[1]["window_unix_s"][0] - found[0]["window_unix_s"][0]
    days = apart_s / A_DAY_IN_S
    assert round(days) >= 1
    assert abs(days - round(days)) < 0.2, "the second begins at the same time of a later day"


def test_a_run_begins_at_the_time_that_it_is_given(tmp_path: Path) -> None:
    _, (document,) = documents(tmp_path, "--starts-at", "17:30", began_h=12.0)
    assert document["run"]["starts_at"] == "17:30"
    at_h = read(document["run"]["grid_time"].split()[-1])
    assert (at_h - 17.4) % 24 < 12, "it waited"  # how far the clock has run since is the machine's business


def test_a_grid_that_does_not_say_its_time_plays_the_day_from_six(tmp_path: Path) -> None:
    _, (document,) = documents(tmp_path, began_h=None)
    assert document["run"]["starts_at"] == "06:00"
    assert document["run"]["grid_time"] is None
