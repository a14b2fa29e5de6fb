"""Every query that Grafana would send, answered by a real Prometheus that watched a real rush hour."""

import dataclasses
import json
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from monitoring.grafana.queries import FileQuery, Prometheus, QueryError, file_queries, interpolated, report
from tests.proof.monitored import rush_hour
from tests.support.grid import Grid, get, until
from tests.support.ports import free_port
from tests.support.prometheus import LACKING

pytestmark = pytest.mark.skipif("prometheus" in LACKING, reason="prometheus is not installed")

QUERIES = list(file_queries())
SECONDS = 12
SCRAPED = 7  # three substations, balancer, gateway, console, Prometheus itself


@dataclasses.dataclass(frozen=True)
class WatchedRun:
    """What was watched, and what the run itself says."""

    prometheus: Prometheus
    result: dict[str, Any]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WatchedRun]:
    """A grid that a rush hour fills; then one substation's limit is lowered, one is drained, one is killed."""
    folder, port = tmp_path_factory.mktemp("watched"), free_port()
    url = f"http://127.0.0.1:{port}"
    grid = Grid(folder / "data", CAPACITY_KW="350", PROMETHEUS_PORT=str(port))
    grid.start()
    try:
        until(lambda: Prometheus(url, time.time() - 5, time.time()).rows(named("Scraped")) == SCRAPED)
        began = time.time()
        rush_hour(grid, folder / "result.json", requests=150, seconds=SECONDS)
        order(f"{grid.balancer}/fleet/substation-1/capacity", {"capacity_kw": 10})
        until(lambda: Prometheus(url, began, time.time()).rows(named("Utilization of each B")))
        order(f"{grid.balancer}/fleet/substation-2/drain")
        grid.kill("substation")
        grid.wait()
        until(lambda: Prometheus(url, began, time.time()).rows(named("Restart")))
        prometheus = Prometheus(url, began, time.time())
        yield WatchedRun(prometheus, json.loads((folder / "result.json").read_text()))
    finally:
        grid.stop()


def order(url: str, body: dict[str, int] | None = None) -> None:
    request = urllib.request.Request(
        url, json.dumps(body or {}).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


def named(part: str) -> FileQuery:
    return next(query for query in QUERIES if part in query.where)


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.where)
def test_a_query_returns_data(watched: WatchedRun, query: FileQuery) -> None:
    assert watched.prometheus.rows(query) > 0


def test_a_query_about_one_substation_shows_no_other(watched: WatchedRun) -> None:
    utilization = named("Utilization of each")
    assert watched.prometheus.rows(utilization) == 3
    assert watched.prometheus.rows(utilization, {"substation": "substation-1"}) == 1
    assert watched.prometheus.rows(utilization, {"substation": "(substation-1|substation-3)"}) == 2


def test_a_query_that_prometheus_refuses_is_told(watched: WatchedRun) -> None:
    with pytest.raises(QueryError, match="parse error"):
        watched.prometheus.rows(FileQuery("here", "panel", "sum(up"))


def test_the_report_has_a_line_for_each_query(watched: WatchedRun) -> None:
    text, good = report(watched.prometheus)
    assert good, text
    assert len(text.splitlines()) == len(QUERIES) + 1


def values(watched: WatchedRun, part: str) -> dict[str, float]:
    """What a panel's query returns at the end, by substation."""
    prometheus = watched.prometheus
    expr = interpolated(named(part).expr, round(prometheus.end - prometheus.start), {})
    found = get(f"{prometheus.base}/api/v1/query?query={urllib.parse.quote(expr)}&time={prometheus.end}")
    return {row["metric"]["substation"]: float(row["value"][1]) for row in found["data"]["result"]}


def test_the_test_window_agrees_with_the_report_of_the_run(watched: WatchedRun) -> None:
    """The report counts exactly, and samples four times a second. Within half of what a load rises in a second."""
    stations = {station["substation_id"]: station for station in watched.result["result"]["stations"]}
    average, peak, limit, use, _, handled = (
        values(watched, f"average and peak load {letter}") for letter in "ABCDEF"
    )
    counted = {name: s["counted"]["admitted"] for name, s in stations.items()}
    assert handled == counted
    assert values(watched, "Handled in the range") == counted, "though a substation has begun to count anew"
    assert limit == dict.fromkeys(stations, 350_000)
    for name, station in stations.items():
        sampled = station["sampled"]
        assert average[name] == pytest.approx(1000 * sampled["load_average_kw"], abs=0.5 * 350_000 / SECONDS)
        assert use[name] == pytest.approx(average[name] / 350_000), "of the same scrapes"
        assert peak[name] == pytest.approx(1000 * sampled["load_peak_kw"], rel=0.1)


def test_a_variable_that_nobody_knows_is_named() -> None:
    with pytest.raises(ValueError, match=re.escape("$nobody")):
        interpolated("up{job=~'$nobody'}", 60, {})
