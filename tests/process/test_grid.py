"""The grid as `make run` starts it: real processes, killed and started again."""

import collections
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.cars import Car, cars, rush
from tests.support.grid import LIMIT_S, ROOT, get, most_at_once, printed_until_ready, status, until
from tests.support.grid import FreshGrid as Grid
from tests.support.reserved import journaled, promised

# A proxy for the outside: who asks it for one of our own services gets no answer.
NOWHERE = "http://127.0.0.1:9"
PROXIES = dict.fromkeys(("http_proxy", "HTTP_PROXY", "https_proxy"), NOWHERE)


def awkward(folder: Path, **settings: str) -> Grid:
    """A grid in a folder whose name no shell and no configuration file likes, behind a proxy that is of no use."""
    return Grid(folder / """100% "data" of $HOME's""", **{"TIME_SCALE": "120", **PROXIES, **settings})


def end(grid: Grid) -> None:
    """End it if it runs."""
    if grid.process and grid.process.poll() is None:
        grid.stop()
    assert grid.pids("") == [], "processes were left"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grid]:
    """One grid for most tests, with room for the cars of all of them; its console listens elsewhere than the rest."""
    made = awkward(tmp_path_factory.mktemp("grid"), CAPACITY_KW="5000", CONSOLE_BIND="127.0.0.2")
    made.console = made.console.replace("127.0.0.1", "127.0.0.2")
    yield made
    end(made)


@pytest.fixture
def grid(shared: Grid) -> Grid:
    """The shared grid, started where the test before has ended it, with whatever cars are there."""
    if shared.process is None or shared.process.poll() is not None:
        shared.start()
    return shared


def of(grid: Grid, asked: list[Car]) -> dict[str, dict[str, Any]]:
    """Return the sessions of these cars by their ids."""
    vehicles = {car.wish["vehicle_id"] for car in asked}
    return {each["session_id"]: each for each in grid.sessions() if each["vehicle_id"] in vehicles}


def one_session_each(grid: Grid, asked: list[Car]) -> None:
    """Every key has exactly one session, the one that its 201 named."""
    by_vehicle = collections.Counter(session["vehicle_id"] for session in grid.sessions())
    known = {session["session_id"] for session in grid.sessions()}
    for car in asked:
        assert car.session, f"{car.key} was never admitted: {car.answers}"
        assert {body["session_id"] for code, body in car.answers if code == 201} == {
            car.session["session_id"]
        }
        assert car.session["session_id"] in known
        assert by_vehicle[car.wish["vehicle_id"]] == 1


def test_a_stopped_session_frees_its_power_and_a_second_stop_returns_it(grid: Grid) -> None:
    grid.empty()
    (car,) = cars(1, "stopped", energy_kwh=60)
    rush(grid.gateway, [car], after=1, strike=lambda: None)
    assert car.session
    session_id = car.session["session_id"]
    answers = [grid.end_session(session_id) for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0]["state"] == "stopped"
    assert get(f"{grid.gateway}/charge/{session_id}") == answers[0]
    until(lambda: all(member["load_kw"] == 0 for member in get(f"{grid.balancer}/fleet")["substations"]))


def test_forty_sessions_are_there_after_a_kill_of_everything(grid: Grid) -> None:
    grid.empty()
    asked = cars(40, "forty", energy_kwh=60, max_power_kw=11)
    rush(grid.gateway, asked, after=40, strike=lambda: None)
    before = of(grid, asked)
    all_before = {session["session_id"] for session in grid.sessions()}
    grid.kill_all()
    grid.start()
    after = of(grid, asked)
    assert {session["session_id"] for session in grid.sessions()} == all_before
    assert len(after) == 40
    assert after.keys() == before.keys()
    assert "40 sessions going on" in grid.printed
    assert {session["state"] for session in after.values()} == {"charging"}
    assert all(after[name]["delivered_j"] > before[name]["delivered_j"] for name in after)
    one_session_each(grid, asked)


def test_the_printed_curl_line_works_as_it_stands(grid: Grid) -> None:
    line = next(line for line in grid.printed.splitlines() if "curl -i" in line)
    answer = subprocess.run(
        line[line.index("curl") :], shell=True, capture_output=True, text=True, check=True
    )
    assert "201 Created" in answer.stdout


def test_a_key_sent_twenty_times_at_once_gives_one_session(grid: Grid) -> None:
    asked = [Car("the-key", {"vehicle_id": "EV-20"}) for _ in range(20)]
    rush(grid.gateway, asked, after=1, strike=lambda: None, settle=False)
    bodies = {json.dumps(body, sort_keys=True) for car in asked for _, body in car.answers}
    assert [code for car in asked for code, _ in car.answers] == [201] * 20
    assert len(bodies) == 1
    assert len(of(grid, asked)) == 1


@pytest.mark.parametrize("service", ["substation", "balancer", "gateway"])
def test_a_kill_in_mid_flight_loses_nothing_and_doubles_nothing(grid: Grid, service: str) -> None:
    asked = cars(300, service, energy_kwh=60, max_power_kw=3.7)
    unanswered = rush(grid.gateway, asked, after=20, strike=lambda: grid.kill(service), each_s=0.001)
    assert unanswered >= 20, "the kill was not in mid-flight"
    grid.wait()
    one_session_each(grid, asked)
    assert grid.sample("smartgrid_substation_overload_watt_seconds_total") == 0


def test_services_end_with_a_killed_supervisor_and_a_new_start_finds_the_ports_free(grid: Grid) -> None:
    grid.kill("deploy.local.supervisor")
    assert grid.process
    grid.process.wait(LIMIT_S)
    assert grid.process.stdout
    grid.process.stdout.close()
    grid.start()
    assert status(f"{grid.gateway}/readyz") == 200


def test_a_grid_s_data_are_its_own_and_its_console_is_found_where_it_listens(grid: Grid) -> None:
    console = grid.console
    assert "//127.0.0.2:" in console
    assert f"{console}/enter?token=" in grid.printed
    link = subprocess.run(
        [sys.executable, "-m", "admin_ui.people", "link"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={name: value for name, value in grid.environment.items() if not name.startswith("CONSOLE_")},
    )
    assert link.stdout.startswith(f"{console}/enter?token=")
    files = {file: file.read_bytes() for file in grid.data.glob("supervisord.*")}
    other = Grid(grid.data, GATEWAY_PORT="1", BALANCER_PORT="2")  # were they looked at, they would be taken
    second = subprocess.run(
        [sys.executable, "-m", "deploy.local.grid"],
        cwd=ROOT,
        env=other.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (second.returncode, f"(process {grid.process and grid.process.pid})" in second.stderr) == (
        1,
        True,
    )
    assert {file: file.read_bytes() for file in files} == files
    assert status(f"{grid.gateway}/readyz") == 200


def test_every_setting_that_can_t_be_used_is_named_at_once(tmp_path: Path) -> None:
    wrong = {"GATEWAY_PORT": "x", "GRID_SUBSTATIONS": "0", "BIND": "nonsense", "CONSOLE_BIND": "192.0.2.1"}
    ended = subprocess.run(
        [sys.executable, "-m", "deploy.local.grid"],
        cwd=ROOT,
        env=Grid(tmp_path / "data", **wrong).environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert all(f"{name}=" in ended.stderr for name in wrong)
    assert not (tmp_path / "data").exists()


def test_two_listeners_with_one_port_are_named(tmp_path: Path) -> None:
    twice = Grid(tmp_path / "data", GATEWAY_PROCESSES="2", GATEWAY_MONITOR_PORT="7998", BALANCER_PORT="7999")
    ended = subprocess.run(
        [sys.executable, "-m", "deploy.local.grid"],
        cwd=ROOT,
        env=twice.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "BALANCER_PORT and GATEWAY_MONITOR_PORT.2 are one port: 7999" in ended.stderr


def test_a_taken_port_is_named_with_its_owner(tmp_path: Path) -> None:
    grid = Grid(tmp_path / "data")
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", int(grid.environment["BALANCER_PORT"])))
        other.listen()
        command = [sys.executable, "-m", "deploy.local.grid"]
        ended = subprocess.run(
            command, cwd=ROOT, env=grid.environment, capture_output=True, text=True, check=False
        )
    assert ended.returncode == 1
    assert f"Port {grid.environment['BALANCER_PORT']} is taken by process {os.getpid()} (" in ended.stderr


def test_a_grid_that_is_not_ready_in_time_is_ended(tmp_path: Path) -> None:
    grid = Grid(tmp_path / "data")
    with pytest.raises(AssertionError, match="the grid is not ready after 0 s"):
        grid.start(limit_s=0)
    until(lambda: grid.pids("") == [])


def test_a_grid_that_is_not_ready_in_time_fails_with_what_it_printed() -> None:
    reads, writes = os.pipe()
    os.write(writes, b"Waiting for http://127.0.0.1:8000\n")  # and then nothing
    with os.fdopen(reads) as output, pytest.raises(AssertionError, match="printed:\nWaiting for http"):
        printed_until_ready(output, 0)
    os.close(writes)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Grid]:
    """A grid of 900 kW."""
    made = awkward(tmp_path, CAPACITY_KW="300", TIME_SCALE="600")
    made.start()
    yield made
    end(made)


def test_a_demand_far_above_capacity_never_exceeds_it_by_the_clients_and_by_the_journals(small: Grid) -> None:
    grid = small
    asked = cars(250, "EV", energy_kwh=5.5, max_power_kw=11)  # 2,750 kW for 900 kW; 3 s each
    rush(grid.gateway, asked, after=len(asked), strike=lambda: None, settle=False)
    again = [car for car in asked if not car.session]
    assert again, "nothing was refused"
    assert {code for car in asked for code, _ in car.answers} == {201, 503}
    rush(grid.gateway, again, after=len(again) // 2, strike=lambda: None)
    one_session_each(grid, asked)
    admitted = grid.sample("smartgrid_substation_sessions_total")
    commits = grid.sample("smartgrid_substation_commit_seconds_count")
    assert commits < admitted, "commits were not grouped"
    assert grid.sample("smartgrid_substation_overload_watt_seconds_total") == 0
    grid.stop()
    for rows in grid.journals().values():
        assert most_at_once([part for row in rows for part in journaled(row)]) <= 300_000
    by_substation = collections.defaultdict(list)
    for rows in grid.journals().values():
        for row in rows:
            by_substation[row["session_id"].rpartition(".")[0]].append(row["vehicle_id"])
    bodies = [car.session for car in asked if car.session]
    assert len(bodies) == len(asked)
    for name in by_substation:
        known = [body for body in bodies if body["substation_id"] == name]
        assert most_at_once([part for body in known for part in promised(body)]) <= 300_000
    for car in asked:
        assert car.session
        assert car.wish["vehicle_id"] in by_substation[car.session["substation_id"]]


def test_a_terminated_process_comes_back_by_itself(grid: Grid) -> None:
    (before,) = grid.pids("gateway")
    os.kill(before, signal.SIGTERM)
    until(lambda: grid.pids("gateway") not in ([], [before]))
    grid.wait()


def test_ctrl_c_ends_everything(grid: Grid) -> None:
    assert grid.pids("") != []
    assert grid.stop() == 0
    assert grid.pids("") == []
