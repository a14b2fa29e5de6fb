"""Measures what Prometheus and Alertmanager see of a rush hour on real processes."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support import template
from tests.support.compared import compared
from tests.support.grid import ROOT, Grid, until
from tests.support.ports import free_port
from tests.support.prometheus import Prometheus, Receiver, alertmanager, rules

SERVICES = 7  # three substations, balancer, gateway, console, Prometheus itself
Row = dict[str, Any]


@contextmanager
def monitored(
    data: Path, time_scale: float, address: str = "", **environment: str
) -> Iterator[tuple[Grid, Prometheus]]:
    """A grid with its Prometheus, which has scraped everything; `address` is an Alertmanager's."""
    port = free_port()
    environment |= {"TIME_SCALE": f"{time_scale:g}", "PROMETHEUS_PORT": str(port), "ALERTMANAGER": address}
    grid = Grid(data, **environment)
    prometheus = Prometheus(f"http://127.0.0.1:{port}")
    grid.start()
    try:
        until(lambda: _scraped(prometheus))
        yield grid, prometheus
    finally:
        grid.stop()


def _scraped(prometheus: Prometheus) -> bool:
    try:
        return len(prometheus.query("up == 1")) == SERVICES
    except OSError:  # it does not listen yet
        return False


def rush_hour(grid: Grid, report: Path, requests: int, seconds: float) -> None:
    """Send a rush hour; fails when anything failed, or a substation was overloaded."""
    command = [
        sys.executable,
        "-m",
        "loadtest",
        "rush-hour",
        "--gateway",
        grid.gateway,
        "--balancer",
        grid.balancer,
    ]
    asked = ["--requests", str(requests), "--seconds", f"{seconds:g}", "--retries", "0"]
    for limit in ("max_mean > 2", f"refused > {requests}", f"first_refused > {requests}"):
        asked += ["--fail-if", limit]
    ended = template.run(
        [*command, *asked, "--json", str(report), "--runs-dir", str(grid.data / "runs")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def report_and_prometheus(data: Path, *, requests: int, seconds: float, time_scale: float) -> list[Row]:
    """Return the rows of a rush hour by its report and by Prometheus."""
    with monitored(data, time_scale) as (grid, prometheus):
        rush_hour(grid, data / "report.json", requests, seconds)
        return compared(data / "report.json", prometheus)


def queries(data: Path, *, requests: int, seconds: float, time_scale: float) -> list[Row]:
    """Return every expression of the rules, with the series and samples that it has over a rush hour."""
    with monitored(data, time_scale) as (grid, prometheus):
        began_unix_s = time.time()
        rush_hour(grid, data / "report.json", requests, seconds)
        found = [(rule, prometheus.range(rule["expr"], began_unix_s, time.time())) for rule in rules()]
    return [
        {
            "rule": rule.get("record") or f"{rule['alert']} ({rule['labels']['severity']})",
            "series": len(series),
            "samples": sum(len(each["values"]) for each in series),
        }
        for rule, series in found
    ]


def alerts(data: Path, *, requests: int, seconds: float, time_scale: float) -> list[Row]:
    """Return the alerts that a receiver got in a rush hour beyond capacity, and then while a substation hung."""
    receiver = Receiver()
    try:
        with (
            alertmanager(data / "alertmanager", receiver) as address,
            monitored(data / "grid", time_scale, address) as (grid, _),
        ):
            until(lambda: receiver.firing("Watchdog"))
            rush_hour(grid, data / "report.json", requests, seconds)
            rows = [{"when": "rush hour"} | row for row in _rows(receiver)]
            until(
                lambda: (
                    ("resolved", "NoHeadroom")
                    in [(state, labels["alertname"]) for state, labels in receiver.notifications]
                )
            )
            before = len(receiver.notifications)
            hung(grid, "substation", lambda: receiver.firing("SubstationDown", seen_by="balancer"))
            hung(grid, "gateway", lambda: receiver.firing("ServiceDown"))
            return rows + [{"when": "one stopped"} | row for row in _rows(receiver, before)]
    finally:
        receiver.close()


def hung(grid: Grid, service: str, *conditions: Any) -> None:
    """Have one process of a service hang until all `conditions` hold."""
    stopped = grid.pids(service)[0]
    os.kill(stopped, signal.SIGSTOP)
    try:
        for condition in conditions:
            until(condition)
    finally:
        os.kill(stopped, signal.SIGCONT)


def _rows(receiver: Receiver, after: int = 0) -> list[Row]:
    """Return the alerts that were reported as firing, each once, in the order of coming."""
    rows = [
        {
            "alert": labels["alertname"],
            "severity": labels["severity"],
            "substation": labels.get("substation", ""),
        }
        for state, labels in receiver.notifications[after:]
        if state == "firing"
    ]
    return [row for place, row in enumerate(rows) if row not in rows[:place]]
