"""A rush hour as its report tells it, beside what Prometheus saw of it."""

import json
import time
from pathlib import Path
from typing import Any

from tests.support.grid import until
from tests.support.prometheus import Prometheus

LOAD = "smartgrid_substation_load_watts"
ADMITTED = 'smartgrid_substation_sessions_total{outcome="admitted"}'
SCRAPES_S = 3.0  # after the last answer, until a scrape has seen it


def compared(report: Path, prometheus: Prometheus) -> list[dict[str, Any]]:
    """Return one row for each substation: average and peak load in the window, and handled requests.

    Call it soon after the run, while every substation is there: the last column is how exact it can be.
    """
    document = json.loads(report.read_text(encoding="utf-8"))
    start, end = document["window_unix_s"]
    until(lambda: time.time() > end + SCRAPES_S)
    span = f"[{round((end - start) * 1000)}ms]"
    average = prometheus.by_substation(f"avg_over_time({LOAD}{span})", end)
    peak = prometheus.by_substation(f"max_over_time({LOAD}{span})", end)
    scrapes = prometheus.by_substation(f"count_over_time({LOAD}{span})", end)
    handled_after = prometheus.by_substation(ADMITTED, end + SCRAPES_S)
    handled_before = prometheus.by_substation(ADMITTED, start - 0.5)
    rows = []
    for station in document["result"]["stations"]:
        name, sampled = station["substation_id"], station["sampled"]
        rows.append(
            {
                "substation": name,
                "average kW, report": round(sampled["load_average_kw"], 1),
                "average kW, Prometheus": round(average[name] / 1000, 1),
                "peak kW, report": round(sampled["load_peak_kw"], 1),
                "peak kW, Prometheus": round(peak[name] / 1000, 1),
                "handled, report": station["counted"]["admitted"],
                "handled, Prometheus": round(handled_after[name] - handled_before[name]),
                "scrapes": round(scrapes[name]),
                "most change in a scrape, kW": round(resolution_kw(document, name), 1),
            }
        )
    return rows


def resolution_kw(document: dict[str, Any], name: str) -> float:
    """Return the most that a load changed within two seconds of the window: no scrape knows better."""
    start, end = document["window_unix_s"]
    loads = [
        (s["at_unix_s"], s["load_kw"][name])
        for s in document["samples"]
        if start <= s["at_unix_s"] <= end and name in s["load_kw"]
    ]
    return float(max(abs(b - a) for at, a in loads for later, b in loads if 0 <= later - at <= 2.0))
