"""`python -m tests.proof [name ...]`: runs the scenarios and prints their tables."""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.proof.arrivals import KINDS
from tests.proof.herding import herding
from tests.proof.lost_processes import every_process, lost_processes
from tests.proof.monitored import alerts, queries, report_and_prometheus
from tests.proof.replicas import replicas
from tests.proof.scenarios import Row, derating, drain, overload, policies
from tests.proof.spread import spread
from tests.support.postgres import server

RATE = 200  # keys a second that `balancers` wants; fewer where the environment says so
PEAK = 0.93  # of the fleet's capacity, by the default rush hour of 500 cars


def main(names: list[str]) -> None:
    """Run the named scenarios, or all."""
    console = Console(width=140)
    scenarios: dict[str, Callable[[Path], list[Row]]] = {
        "policies": lambda data: policies(data, requests=500, seconds=60, time_scale=120),
        "herding": lambda data: herding(data, POLL_S="5"),
        "overload": lambda data: [
            overload(data / kind, requests=round(500 * 1.3 / PEAK), seconds=60, time_scale=120, kind=kind)
            for kind in KINDS
        ],
        "derating": lambda data: [derating(data, requests=400, seconds=60, time_scale=120)],
        "drain": lambda data: [drain(data, requests=300, seconds=60, time_scale=240)],
        "prometheus": lambda data: report_and_prometheus(data, requests=500, seconds=60, time_scale=120),
        "queries": lambda data: queries(data, requests=500, seconds=60, time_scale=120),
        "alerts": lambda data: alerts(data, requests=round(500 * 1.3 / PEAK), seconds=60, time_scale=120),
        "balancers": _balancers,
        "spread": _spread,
        "replicas": lambda data: [replicas(data, requests=400, seconds=45, time_scale=240)],
    }
    for name in names or list(scenarios):
        with tempfile.TemporaryDirectory() as data, console.status(f"{name} ..."):
            rows = scenarios[name](Path(data))
        console.print(table(name, rows))


def _balancers(data: Path) -> list[Row]:
    """Kill and freeze each process of a grid with three balancers, and its database, under RATE keys a second."""
    rate = float(os.environ.get("RATE", RATE))
    with server(data, "fsync=off") as database:
        return lost_processes(data / "grid", database, every_process(), rate=rate, calm_s=2)


def _spread(data: Path) -> list[Row]:
    """Fill a grid to its limit by one, two and four balancers."""
    with server(data, "fsync=off") as database:
        return spread(data / "grid", database, requests=round(500 * 0.95 / PEAK), seconds=60, time_scale=120)


def table(name: str, rows: list[Row]) -> Table:
    """Return one row as a list of figures, several as columns."""
    made = Table(title=name, title_justify="left")
    if len(rows) == 1:
        made.add_column("figure")
        made.add_column("value", justify="right")
        for figure, value in rows[0].items():
            made.add_row(figure, str(value))
        return made
    columns = list(dict.fromkeys(column for row in rows for column in row))
    for column in columns:
        made.add_column(column)
    for row in rows:
        made.add_row(*(str(row.get(column, "")) for column in columns))
    return made


if __name__ == "__main__":
    main(sys.argv[1:])
