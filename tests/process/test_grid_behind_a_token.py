"""What `make run` prints works in another terminal, also where a token and keys are asked for."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from deploy.local.announce import KEY
from deploy.local.grid import environment
from loadtest.send.target import allow_list, refusal
from tests.support.grid import LIMIT_S, ROOT, Grid

PORTS = {"GATEWAY_PORT": 8000, "BALANCER_PORT": 8001}


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grid]:
    tmp_path = tmp_path_factory.mktemp("grid")
    (tmp_path / "token").write_text(secrets.token_hex(32))
    (tmp_path / "keys").write_text(f"acme {sha256(KEY.encode()).hexdigest()}\n")
    made = Grid(
        tmp_path / "data",
        BIND="0.0.0.0",
        OPERATOR_TOKEN_FILE=str(tmp_path / "token"),
        API_KEYS=str(tmp_path / "keys"),
        CAPACITY_KW="10000",  # a rush hour waits for a nearly empty fleet: the cars of the other test must not count
    )
    made.start()
    yield made
    made.stop()


def printed(grid: Grid, name: str) -> str:
    """Return what is printed beside `name`."""
    (line,) = (line for line in grid.printed.splitlines() if line.startswith(f"  {name}  "))
    return line.removeprefix(f"  {name}").strip()


def elsewhere(command: str) -> subprocess.CompletedProcess[str]:
    """Run a line in another terminal: what the grid was started with is not set there."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        command, shell=True, cwd=ROOT, env=kept, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )


def test_the_printed_lines_work_as_they_stand_once_the_key_is_put_in(grid: Grid) -> None:
    answer = elsewhere(printed(grid, "charge a car"))
    assert "201 Created" in answer.stdout
    rush = printed(grid, "rush hour").replace("make rush-hour", f"{sys.executable} -m loadtest rush-hour")
    run = elsewhere(f"{rush} --requests 10 --seconds 1")
    assert "10 planned, 10 sent, 10 admitted, 0 refused, 0 failed" in run.stdout, run.stdout + run.stderr


def test_a_rush_hour_without_the_token_says_what_to_name(grid: Grid) -> None:
    urls = f"GATEWAY_URL={grid.gateway} BALANCER_URL={grid.balancer} API_KEY={KEY}"
    run = elsewhere(f"{urls} {sys.executable} -m loadtest rush-hour --requests 1 --seconds 1")
    assert run.returncode == 3
    assert "401: it requires the operator's token: name its file with --operator-token-file" in run.stderr


def test_a_grid_on_an_address_of_the_machine_is_a_target_of_its_own_rush_hours(tmp_path: Path) -> None:
    allowed = environment(tmp_path, PORTS, "192.0.2.7")["LOADTEST_TARGETS"]
    for port in PORTS.values():
        assert refusal(f"http://192.0.2.7:{port}", allow_list(allowed)) == ""
    assert environment(tmp_path, PORTS, "0.0.0.0")["LOADTEST_TARGETS"] == ""
