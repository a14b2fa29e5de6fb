"""Several gateway processes on one port, as `make run` starts them: each serves, and each is replaced when it dies."""

import http.client
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import template
from tests.support.grid import ROOT, Grid, get, status, text, until

PROCESSES = 2
ENDED = "smartgrid_charge_requests_total"
CONNECTIONS = (
    40  # the kernel spreads them by a hash: that one of two gets none of so many happens once in 10^12
)


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grid]:
    made = Grid(
        tmp_path_factory.mktemp("grid") / "data",
        GRID_SUBSTATIONS="1",
        CAPACITY_KW="5000",
        GATEWAY_PROCESSES=str(PROCESSES),
    )
    made.start()
    yield made
    made.stop()
    assert made.pids("") == [], "processes were left"


def monitors(grid: Grid) -> list[str]:
    first = int(grid.environment["GATEWAY_MONITOR_PORT"])
    return [f"http://127.0.0.1:{first + number}" for number in range(PROCESSES)]


def charge(grid: Grid, vehicle: str) -> Any:
    """Charge a car over a connection of its own; returns the status."""
    connection = http.client.HTTPConnection("127.0.0.1", int(grid.gateway.rpartition(":")[2]), timeout=10)
    wish = json.dumps({"vehicle_id": vehicle, "energy_kwh": 5, "max_power_kw": 11})
    try:
        connection.request("POST", "/charge", wish, {"Content-Type": "application/json"})
        return connection.getresponse().status
    finally:
        connection.close()


def admitted(monitor: str) -> int:
    """Return how many requests a process has admitted."""
    page = text(f"{monitor}/metrics?name[]={ENDED}")
    (line,) = [line for line in page.splitlines() if line.startswith(f'{ENDED}{{outcome="admitted"}}')]
    return int(float(line.rpartition(" ")[2]))


def ended(pid: int) -> bool:
    """Whether a process has ended, and with it its sockets: it is gone, or only its parent has not seen it yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def test_each_process_serves_the_port_and_counts_for_itself(grid: Grid) -> None:
    before = [admitted(each) for each in monitors(grid)]
    assert {charge(grid, f"EV-{number}") for number in range(CONNECTIONS)} == {201}
    served = [admitted(each) - was for each, was in zip(monitors(grid), before, strict=True)]
    assert sum(served) == CONNECTIONS
    assert min(served) > 0
    assert [get(f"{each}/readyz")["status"] for each in monitors(grid)] == ["ready"] * PROCESSES


def test_the_api_is_not_on_the_port_of_metrics_and_health(grid: Grid) -> None:
    assert status(f"{monitors(grid)[0]}/charge") == 404


def test_a_killed_process_leaves_the_other_serving_and_is_started_again(grid: Grid) -> None:
    killed, left = grid.pids("gateway")
    grid.kill("gateway")
    until(lambda: ended(killed))
    answered = {charge(grid, f"EV-after-{number}") for number in range(CONNECTIONS)}
    assert answered == {201}
    until(lambda: len(grid.pids("gateway")) == PROCESSES)
    assert left in grid.pids("gateway")
    until(lambda: [status(f"{each}/readyz") for each in monitors(grid)] == [200] * PROCESSES)


def test_a_gateway_that_does_not_share_finds_the_port_taken(grid: Grid) -> None:
    alone = {**grid.environment, "GATEWAY_MONITOR_PORT": "0"}
    ended = template.run(
        [sys.executable, "-m", "gateway"], cwd=ROOT, env=alone, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert f"can't listen on 127.0.0.1:{grid.environment['GATEWAY_PORT']}" in ended.stderr
