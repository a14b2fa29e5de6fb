"""Prometheus beside `make run`: it never stands in the way of the grid, and ends with it."""

import json
import socket
from pathlib import Path

import pytest

from tests.support.grid import FreshGrid as Grid
from tests.support.grid import status, until
from tests.support.ports import free_port
from tests.support.prometheus import LACKING

pytestmark = pytest.mark.skipif(bool(LACKING), reason=f"not installed: {', '.join(LACKING)}")

SMALL = {"GRID_SUBSTATIONS": "1"}  # how Prometheus starts and ends does not depend on their number


def test_a_port_that_is_taken_is_named_and_the_grid_runs_without_prometheus(tmp_path: Path) -> None:
    with socket.socket() as owner:
        owner.bind(("127.0.0.1", 0))
        owner.listen()
        port = owner.getsockname()[1]
        grid = Grid(tmp_path / "data", PROMETHEUS_PORT=str(port), **SMALL)
        grid.start()
        grid.stop()
    assert f"not started: port {port} is taken by process" in grid.printed


def test_prometheus_ends_when_everything_else_was_killed(tmp_path: Path) -> None:
    ready = f"http://127.0.0.1:{(port := free_port())}/-/ready"
    grid = Grid(tmp_path / "data", PROMETHEUS_PORT=str(port), **SMALL)
    grid.start()
    until(lambda: status(ready) == 200)
    grid.kill_all()
    until(lambda: status(ready) == 0)


def test_each_of_several_gateways_is_scraped_at_its_own_port(tmp_path: Path) -> None:
    grid = Grid(tmp_path / "data", PROMETHEUS_PORT=str(free_port()), GATEWAY_PROCESSES="2", **SMALL)
    grid.start()
    targets = json.loads((tmp_path / "data" / "prometheus" / "targets" / "gateway.json").read_text())
    grid.stop()
    first = int(grid.environment["GATEWAY_MONITOR_PORT"])
    assert targets == [{"targets": [f"127.0.0.1:{first}", f"127.0.0.1:{first + 1}"]}]
