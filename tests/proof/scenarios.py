"""What a grid must show: each scenario runs on real processes and returns its figures as rows of a table."""

import asyncio
import json
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any, Self

from balancer.forecast.calendar_days import WEEK, start_of
from balancer.forecast.series_csv import TIME
from tests.proof.arrivals import arrive
from tests.proof.fairness import GRACE_S, waits
from tests.support import template
from tests.support.grid import ROOT, Grid, get, most_at_once, until
from tests.support.reserved import journaled

Row = dict[str, Any]
CAPACITY_W = 1_400_000
POLICIES = ("least_loaded", "predictive", "power_of_two", "round_robin", "random", "snapshot_least_loaded")


def send(url: str, method: str = "POST", body: object = None) -> Any:
    """Send JSON, return JSON."""
    request = urllib.request.Request(
        url,
        json.dumps(body).encode() if body is not None else b"",
        {"Content-Type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


class Watch:
    """Samples every substation's utilization from the balancer's `/fleet` while the context lasts."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.samples: list[dict[str, float]] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(0.25):
            fleet = get(f"{self._grid.balancer}/fleet")["substations"]
            self.samples.append({each["substation_id"]: each["utilization"] for each in fleet})


def policies(data: Path, *, requests: int, seconds: float, time_scale: float) -> list[Row]:
    """Run the same rush hour under every policy: balance, fairness, range and refusals."""
    rows = []
    for policy in POLICIES:
        grid = Grid(data / policy, TIME_SCALE=f"{time_scale:g}")
        if policy == "predictive":
            _import_past(grid)
        grid.start()
        try:
            if policy == "predictive":
                until(lambda grid=grid: not get(f"{grid.balancer}/fleet")["forecast_doubt"])
            send(f"{grid.balancer}/policy", "PUT", {"policy": policy})
            command = [sys.executable, "-m", "loadtest", "rush-hour", "--gateway", grid.gateway]
            with tempfile.NamedTemporaryFile(suffix=".json") as file:
                wanted = ["--requests", str(requests), "--seconds", f"{seconds:g}", "--json", file.name]
                wanted += ["--runs-dir", str(data / policy / "runs")]
                template.run(
                    [*command, "--balancer", grid.balancer, *wanted],
                    cwd=ROOT,
                    check=False,
                    capture_output=True,
                )
                result = json.loads(Path(file.name).read_text(encoding="utf-8"))
        finally:
            grid.stop()
        rows.append({"policy": policy} | _balance(result["result"]))
    return rows


def _import_past(grid: Grid) -> None:
    """Give the balancer a week without a base load, as its grid has none: without any past it would place by load."""
    names = [f"substation-{number}" for number in (1, 2, 3)]
    (grid.data / "balancer").mkdir(parents=True)
    lines = [f"{start_of(slot).isoformat()},0,0,0" for slot in range(WEEK)]
    (grid.data / "past.csv").write_text("\n".join([",".join([TIME, *names]), *lines]), encoding="utf-8")
    command = [sys.executable, "-m", "balancer.forecast", "import", str(grid.data / "past.csv")]
    template.run(command, cwd=ROOT, env=grid.environment, check=True, capture_output=True)


def _balance(figures: dict[str, Any]) -> Row:
    return {
        "max/mean": round(figures["balance_ratio"], 4),
        "Jain": round(figures["jain"], 5),
        "range of utilization, mean": f"{figures['range']:.1%}",
        "range, max": f"{figures['range_highest']:.1%}",
        "refused": figures["refused"],
        "refused at first": figures["first_refused"],
    }


def overload(data: Path, *, requests: int, seconds: float, time_scale: float, kind: str = "mixed") -> Row:
    """Request more power than there is; a refused car comes back once, after its Retry-After."""
    grid = Grid(data, TIME_SCALE=f"{time_scale:g}")
    grid.start()
    try:
        cars = asyncio.run(arrive(grid.gateway, requests, seconds, back=True, kind=kind))
        counted = grid.sample("smartgrid_substation_overload_watt_seconds_total")
    finally:
        grid.stop()
    refused = [car for car in cars if car.answers[0][0] != 201]
    found = waits(cars, {f"substation-{n}": CAPACITY_W for n in (1, 2, 3)}, time_scale)
    return {
        "sessions": kind,
        "asked": len(cars),
        "admitted at once": len(cars) - len(refused),
        "refused": len(refused),
        "refused by a 503 with Retry-After": sum(
            car.answers[0][0] == 503 and car.answers[0][2] is not None for car in refused
        ),
        "came back at that time and got in": sum(car.session is not None for car in refused),
        "Retry-After, s: mean": round(statistics.mean([wait.retry_after_s for wait in found] or [0.0]), 1),
        "Retry-After, s: most": max((wait.retry_after_s for wait in found), default=0.0),
        "first come, first served, s: mean": round(
            statistics.mean([wait.fair_s for wait in found] or [0.0]), 1
        ),
        "first come, first served, s: most": round(max((wait.fair_s for wait in found), default=0.0), 1),
        f"most Retry-After, less {GRACE_S:g} s, for a fair second": round(
            max((wait.ratio for wait in found), default=0.0), 2
        ),
        "overload counted, W.s": counted,
        "highest load by the journals": f"{_highest_w(grid) / CAPACITY_W:.2%}",
    }


def _highest_w(grid: Grid) -> int:
    return max(
        most_at_once([part for row in rows for part in journaled(row)]) for rows in grid.journals().values()
    )


def derating(data: Path, *, requests: int, seconds: float, time_scale: float) -> Row:
    """Halve one substation's limit in mid-run: nobody is cut off, nothing is admitted above it."""
    grid = Grid(data, TIME_SCALE=f"{time_scale:g}")
    grid.start()
    moment: list[float] = []

    def halve() -> None:
        send(f"{grid.balancer}/fleet/substation-1/capacity", body={"capacity_kw": CAPACITY_W / 2000})
        moment.append(time.time())

    try:
        cars = asyncio.run(arrive(grid.gateway, requests, seconds, meanwhile=((seconds / 2, halve),)))
        stopped = [s for s in grid.sessions() if s["state"] not in {"charging", "completed"}]
        page = {line.split(" ")[0]: float(line.split(" ")[1]) for line in _overload_page(grid)}
        fleet = get(f"{grid.balancer}/fleet")["substations"]
    finally:
        grid.stop()
    there = [s for s in grid.journals()["substation-1"] if s["started_unix_ms"] / 1000 > moment[0]]
    return {
        "admitted": sum(car.session is not None for car in cars),
        "limit of substation-1 now, kW": fleet[0]["capacity_kw"],
        "sessions cut off": len(stopped),
        "admitted there after the derating": len(there),
        "overload by derating, W.s": round(sum(v for k, v in page.items() if "derating" in k)),
        "overload by admission, W.s": sum(v for k, v in page.items() if "admission" in k),
    }


def _overload_page(grid: Grid) -> list[str]:
    lines = []
    for base in grid.substations:
        with urllib.request.urlopen(
            f"{base}/metrics?name[]=smartgrid_substation_overload_watt_seconds_total"
        ) as page:
            lines += [line for line in page.read().decode().splitlines() if not line.startswith("#")]
    return lines


def drain(data: Path, *, requests: int, seconds: float, time_scale: float) -> Row:
    """Drain one substation early in a run: it empties while the others fill evenly."""
    grid = Grid(data, TIME_SCALE=f"{time_scale:g}")
    grid.start()
    at_s = seconds / 4
    try:
        with Watch(grid) as watch:
            cars = asyncio.run(
                arrive(
                    grid.gateway,
                    requests,
                    seconds,
                    meanwhile=((at_s, lambda: send(f"{grid.balancer}/fleet/substation-2/drain")),),
                )
            )
    finally:
        grid.stop()
    late = watch.samples[int(len(watch.samples) * 0.6) :]
    others = [[u for name, u in sample.items() if name != "substation-2"] for sample in late]
    return {
        "admitted": sum(car.session is not None for car in cars),
        "substation-2 at the drain": f"{watch.samples[int(len(watch.samples) / 4)]['substation-2']:.1%}",
        "substation-2 at the end": f"{watch.samples[-1]['substation-2']:.1%}",
        "the others at the end": " and ".join(f"{u:.1%}" for u in others[-1]),
        "max/mean of the others after it": round(
            statistics.mean(max(u) / statistics.mean(u) for u in others), 4
        ),
    }
