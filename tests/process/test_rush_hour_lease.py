"""One rush hour at a time, sent to its own grid only: real grids and real runs, started, killed, restarted."""

import functools
import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import template
from tests.support.grid import ROOT, Grid, get, text, until

LOOSE = ("--fail-if", "max_mean > 3")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grid]:
    yield from started(tmp_path_factory.mktemp("grid") / "data")


@pytest.fixture
def grid(shared: Grid) -> Grid:
    """The one grid of all tests, without cars: a run waits until those of the one before have left."""
    shared.empty()
    return shared


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    """Where the runs of one test are kept."""
    return tmp_path / "runs"


def started(data: Path, **settings: str) -> Iterator[Grid]:
    made = Grid(data, TIME_SCALE="1200", **settings)
    made.start()
    yield made
    made.stop()


def start(
    grid: Grid, runs_dir: Path, *options: str, gateway: str = "", requests: int = 100, seconds: float = 4
) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "loadtest", "rush-hour", "--gateway", gateway or grid.gateway]
    command += ["--balancer", grid.balancer, "--runs-dir", str(runs_dir), *LOOSE]
    command += ["--requests", str(requests), "--seconds", f"{seconds:g}", *options]
    return template.popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(run: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = run.communicate(timeout=120)
    return run.returncode, out, err


def session_ids(grid: Grid) -> set[str]:
    return {session["session_id"] for session in grid.sessions()}


def holder(grid: Grid) -> Any:
    return get(f"{grid.balancer}/rushhour")["run_id"]


def active(grid: Grid) -> float:
    name = "smartgrid_rushhour_active"
    page = text(f"{grid.balancer}/metrics?name[]={name}")
    return float(next(line for line in page.splitlines() if line.startswith(name)).rpartition(" ")[2])


def test_of_two_runs_started_at_the_same_instant_one_sends(grid: Grid, runs_dir: Path) -> None:
    before = session_ids(grid)
    runs = [start(grid, runs_dir) for _ in range(2)]
    results = sorted((ended(run) for run in runs), key=lambda result: result[0])
    assert [code for code, _, _ in results] == [0, 4], results
    assert "another rush hour runs: 2" in results[1][2]
    placed = session_ids(grid) - before
    assert len(placed) == 100
    assert holder(grid) is None
    (folder,) = runs_dir.iterdir()
    document = json.loads((folder / "result.json").read_text())
    assert placed == {request["body"]["session_id"] for request in document["requests"]}
    assert document["run"]["time_scale"] == 1200


def test_prometheus_sees_the_window_of_a_run_and_the_fleet_names_it(grid: Grid, runs_dir: Path) -> None:
    assert active(grid) == 0
    run = start(grid, runs_dir, "--progress", "jsonl", requests=200)
    assert run.stdout
    told = (json.loads(line) for line in run.stdout)
    run_id = next(told)["run_id"]
    next(line for line in told if line["kind"] == "progress")
    assert active(grid) == 1
    assert get(f"{grid.balancer}/fleet")["rushhour"] == run_id == holder(grid)
    *_, last = told
    assert last["verdict"] == "held"
    assert active(grid) == 0
    assert get(f"{grid.balancer}/fleet")["rushhour"] is None
    assert ended(run)[0] == 0


def test_the_lease_of_a_killed_run_ends_by_itself(grid: Grid, runs_dir: Path) -> None:
    run = start(grid, runs_dir, requests=2000, seconds=60)
    until(lambda: active(grid) == 1)
    run.kill()
    assert ended(run)[0] == -9
    assert ended(start(grid, runs_dir))[0] == 4
    until(lambda: active(grid) == 0)
    assert holder(grid) is None
    assert ended(start(grid, runs_dir, "--settle-s", "60"))[0] == 0


def test_a_run_goes_on_over_a_restart_of_the_balancer(grid: Grid, runs_dir: Path) -> None:
    run = start(grid, runs_dir, "--progress", "jsonl", requests=50, seconds=8)
    assert run.stdout
    told = (json.loads(line) for line in run.stdout)
    run_id = next(told)["run_id"]
    next(line for line in told if line["kind"] == "progress" and line["sent"])
    grid.kill("balancer")
    grid.wait()
    assert holder(grid) == run_id
    *_, last = told
    ended(run)
    assert last["verdict"] in {"held", "broken"}  # what was under way may have failed
    assert (last["kind"], last["why"]) == ("ended", "")
    assert json.loads(Path(last["paths"]["result.json"]).read_text())["result"]["sent"] == 50


def test_a_gateway_of_another_grid_is_refused_before_anything_is_sent(
    grid: Grid, runs_dir: Path, tmp_path: Path
) -> None:
    before = session_ids(grid)
    for other in started(
        tmp_path / "other", GRID_SUBSTATIONS="1"
    ):  # that it is another one does not depend on its size
        other.substations = other.substations[:1]
        code, _, err = ended(start(grid, runs_dir, gateway=other.gateway))
        assert code == 3
        assert "belongs to another grid" in err
        assert session_ids(grid) == before
        assert not other.sessions()
        assert not runs_dir.exists()


class Page(http.server.SimpleHTTPRequestHandler):
    """Some other web server, that says 200 to everything."""

    def __init__(self, seen: list[str], *rest: Any) -> None:
        self._seen = seen
        super().__init__(*rest)

    def do_GET(self) -> None:
        self._seen.append(f"{self.command} {self.path}")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status": "ready"}')

    do_POST = do_PUT = do_GET

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def test_another_web_server_on_this_machine_is_refused_before_anything_is_sent(
    grid: Grid, runs_dir: Path
) -> None:
    seen: list[str] = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Page, seen))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        code, _, err = ended(start(grid, runs_dir, gateway=f"http://127.0.0.1:{server.server_address[1]}"))
    finally:
        server.shutdown()
        server.server_close()
    assert code == 3
    assert "is no gateway of a grid: nothing is sent there" in err
    assert seen == ["GET /readyz"]
    assert holder(grid) is None
