"""How evenly one, two and four balancers of one order book fill the grid, as processes: the rush hour near the limit."""

import json
import sys
from pathlib import Path

from tests.proof.scenarios import CAPACITY_W, Row
from tests.support import template
from tests.support.grid import ROOT
from tests.support.postgres import PostgresServer
from tests.support.several_balancers import GATEWAYS, SeveralBalancers, several_balancers

BALANCERS = (1, 2, 4)


def spread(
    data: Path, database: PostgresServer, *, requests: int, seconds: float, time_scale: float
) -> list[Row]:
    """Send the same rush hour to grids with each number of balancers; a gateway spreads it over all of them."""
    rows = []
    for count in BALANCERS:
        database.sql("DROP SCHEMA IF EXISTS order_book CASCADE")
        settings = {"TIME_SCALE": f"{time_scale:g}", "CAPACITY_KW": f"{CAPACITY_W // 1000}"}
        with several_balancers(data / f"{count}", database, count, **settings) as grid:
            figures = _rush_hour(grid, data / f"run-{count}", requests, seconds)
            refused = sum(_refused(grid, each) for each in grid.balancers)
        ideal = figures["oracle"]["balance_ratio"]
        rows.append(
            {
                "balancers": count,
                "max/mean": round(figures["balance_ratio"], 4),
                "oracle": round(ideal, 4),
                "excess to the oracle's": round((figures["balance_ratio"] - 1) / (ideal - 1), 2),
                "peak": f"{figures['fleet_peak_utilization']:.1%}",
                "refused by a substation, of the cars": f"{refused / requests:.1%}",
                "refused by all": figures["refused"],
            }
        )
        print(rows[-1], file=sys.stderr, flush=True)
    return rows


def _rush_hour(grid: SeveralBalancers, folder: Path, requests: int, seconds: float) -> Row:
    found = folder.with_suffix(".json")
    command = [sys.executable, "-m", "loadtest", "rush-hour", "--gateway", grid.url(GATEWAYS[0])]
    command += ["--balancer", grid.url(grid.balancers[0]), "--requests", str(requests)]
    command += ["--seconds", f"{seconds:g}", "--json", str(found), "--runs-dir", str(folder)]
    template.run(command, cwd=ROOT, check=False, capture_output=True)
    result: Row = json.loads(found.read_text(encoding="utf-8"))["result"]
    return result


def _refused(grid: SeveralBalancers, balancer: str) -> int:
    """How often substations refused a balancer for lack of room; a car that is asked for thrice counts up to thrice."""
    page = grid.metrics(balancer, "smartgrid_balancer_decisions_total")
    return sum(int(count) for labels, count in page.items() if 'outcome="refused"' in labels)
