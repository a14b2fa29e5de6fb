"""The real Prometheus with months of a grid in it: what the balancer's history reads from it."""

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from balancer.forecast.calendar_days import SLOT_MS, WEEK
from balancer.forecast.prometheus import BASE_LOAD, CALENDAR, CARS_LOAD, STALE, TIME_SCALE, prometheus
from balancer.forecast.recorder import QuarterHour
from tests.support.grid import status, until
from tests.support.ports import free_port
from tests.support.prometheus import LACKING
from tests.unit.balancer.forecast.series import usual

pytestmark = pytest.mark.skipif(bool(LACKING), reason=f"not installed: {', '.join(LACKING)}")

SCALE = 120  # a quarter hour of the grid takes 7.5 s
SCRAPED_EVERY_S = 2
SLOT_S = SLOT_MS // 1000 // SCALE
WEEKS = 2
GAP = range(WEEK + 20, WEEK + 60)  # quarter hours in which nothing was scraped: 5 minutes
SILENT = range(WEEK + 100, WEEK + 110)  # in which the meter of the base load was silent
CARS_W = 7000.0


def base_w(slot: int) -> float:
    return 1000 * usual(slot)


def scrapes(end_s: int) -> Iterator[tuple[int, float]]:
    """Unix time and calendar, in seconds, of each scrape; the grid reaches its third Monday at `end_s`."""
    for at in range(end_s - WEEKS * WEEK * SLOT_MS // 1000 // SCALE, end_s + 1, SCRAPED_EVERY_S):
        calendar_s = WEEKS * WEEK * SLOT_MS // 1000 + (at - end_s) * SCALE
        if calendar_s * 1000 // SLOT_MS not in GAP:
            yield at, calendar_s


def openmetrics(end_s: int) -> str:
    """What was scraped of two substations, one of which reports no base load."""
    lines = []
    values: dict[str, Callable[[float], float]] = {
        TIME_SCALE: lambda _: SCALE,
        CALENDAR: lambda calendar_s: calendar_s,
        CARS_LOAD: lambda _: CARS_W,
        BASE_LOAD: lambda calendar_s: base_w(int(calendar_s * 1000) // SLOT_MS),
        STALE: lambda calendar_s: float(int(calendar_s * 1000) // SLOT_MS in SILENT),
    }
    for name, value in values.items():
        lines.append(f"# TYPE {name} gauge")
        for substation in ("s-1", "s-2") if name not in {BASE_LOAD, STALE} else ("s-1",):
            labels = f'{{substation="{substation}",instance="{substation}:8101",job="substation"}}'
            lines += [f"{name}{labels} {value(calendar_s)} {at}" for at, calendar_s in scrapes(end_s)]
    return "\n".join([*lines, "# EOF\n"])


@contextlib.contextmanager
def filled(folder: Path, end_s: int) -> Iterator[str]:
    """A Prometheus that scrapes nothing and has all of it; yields its URL."""
    (folder / "scraped.txt").write_text(openmetrics(end_s))
    (folder / "prometheus.yml").write_text("{}\n")
    scraped = [str(folder / "scraped.txt"), str(folder / "data")]
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", *scraped]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    address = f"127.0.0.1:{free_port()}"
    command = [
        "prometheus",
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address={address}",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        until(lambda: status(f"http://{address}/-/ready") == 200)
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(10)


async def past(url: str, substation_id: str, now_s: float) -> list[QuarterHour]:
    async with prometheus(url) as source:
        return await source.past(substation_id, WEEKS * WEEK * SLOT_MS, now_s)


@pytest.mark.gen_test
async def test_quarter_hours_of_the_grid_are_read_from_prometheus_with_their_gaps(tmp_path: Path) -> None:
    end_s = int(time.time())
    with filled(tmp_path, end_s) as url:
        rows = await past(url, "s-1", end_s)
        without_base = await past(url, "s-2", end_s)
        unknown = await past(url, "s-3", end_s)
    known = [slot for slot in range(WEEKS * WEEK) if slot not in GAP]
    # Prometheus repeats the last sample of before the gap, so its quarter hour is finished by what follows the gap.
    assert [row.slot for row in rows] == known
    told = {row.slot: row.base_load_w for row in rows if row.base_load_w is not None}
    assert set(known) - told.keys() == set(SILENT), "what was assumed while the meter was silent is missing"
    assert max(abs(watts - base_w(slot)) for slot, watts in told.items()) < 1
    assert {(row.cars_load_w, row.arrivals, row.energy_j) for row in rows} == {(CARS_W, None, None)}
    assert [row.slot for row in without_base] == known
    assert {row.base_load_w for row in without_base} == {None}
    assert unknown == []
