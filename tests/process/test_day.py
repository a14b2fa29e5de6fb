"""An evening of the preset `day` on a grid of real processes, with and without a base load."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.grid import Grid
from tests.support.rush_hours import rush_hour

CAPACITY_KW = 300
LOW_KW, HIGH_KW = 50.0, 230.0  # the base load before and after half past six
PROFILE = "time,kw\n" + "".join(
    f"2026-01-05T{minute // 60:02}:{minute % 60:02},{LOW_KW if minute < 18.5 * 60 else HIGH_KW}\n"
    for minute in range(0, 24 * 60, 15)
)
# From 17:00 to 20:00. How long an overload lasts depends on the machine here, so that limit is wide.
EVENING = (
    "--starts-at",
    "17:00",
    "--seconds",
    "9",
    "--requests",
    "75",
    "--fail-if",
    "longest_overload_s > 60",
)


@pytest.fixture(params=["profile", "off"])
def grid(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Grid]:
    (tmp_path / "profile.csv").write_text(PROFILE, encoding="utf-8")
    base_load = str(tmp_path / "profile.csv") if request.param == "profile" else "off"
    started = Grid(
        tmp_path / "data",
        TIME_SCALE="1200",
        CAPACITY_KW=str(CAPACITY_KW),
        BASE_LOAD=base_load,
        BASE_LOAD_KW=str(HIGH_KW),
        DAY_STARTS_AT="12:00",
    )
    started.start()
    yield started
    started.stop()


def test_an_evening_is_played_by_the_clock_and_its_report_says_what_the_base_load_did(
    grid: Grid, tmp_path: Path
) -> None:
    files = ("--json", str(tmp_path / "day.json"), "--runs-dir", str(tmp_path / "runs"))
    ended = rush_hour(grid, *EVENING, *files, preset="day")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    document = json.loads((tmp_path / "day.json").read_text(encoding="utf-8"))
    (folder,) = (tmp_path / "runs").iterdir()
    page = (folder / "report.html").read_text(encoding="utf-8")
    run, found = document["run"], document["result"]["base_load"]
    assert (run["policy"], run["starts_at"]) == ("least_loaded", "17:00")
    assert run["grid_time"].startswith("Monday 1")
    assert ">18:00</text>" in page, "the axis has times of day"
    assert found["overload_ws"]["admission"] == 0
    if grid.environment["BASE_LOAD"] == "off":
        assert found["peak_kw"] == found["pauses"] == found["overload_ws"]["base_load"] == 0
        assert "base load: off" in ended.stdout
        assert 'class="band-base"' not in page
    else:
        assert found["peak_kw"] == pytest.approx(3 * HIGH_KW)
        assert LOW_KW * 3 < found["average_kw"] < HIGH_KW * 3
        assert found["pauses"] > 0
        assert found["pause_minutes"] > 0
        assert found["overload_ws"]["base_load"] > 0
        assert page.count('class="band-base"') >= 3
        assert highest_utilization(document) == pytest.approx(
            max(each["sampled"]["utilization_peak"] for each in document["result"]["stations"])
        )


def highest_utilization(document: dict[str, Any]) -> float:
    """Return the highest sum of cars and base load over the limit, from the samples in the window."""
    from_unix_s, until_unix_s = document["window_unix_s"]
    return max(
        float((sample["load_kw"][each] + sample["base_load_kw"][each]) / sample["capacity_kw"][each])
        for sample in document["samples"]
        if from_unix_s <= sample["at_unix_s"] <= until_unix_s
        for each in sample["load_kw"]
    )
