"""A short rush hour from the command line against a grid of real processes."""

import dataclasses
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import template
from tests.support.grid import ROOT, Grid, get, until
from tests.support.rush_hours import command, rush_hour


@dataclasses.dataclass(frozen=True)
class Keyed:
    """A grid that asks for an API key."""

    grid: Grid
    key: str
    key_file: Path


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    folder = tmp_path_factory.mktemp("grid")
    made = template.run(
        [sys.executable, "-m", "gateway.keys", "new", "rush"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    (folder / "keys").write_text(made.stdout)
    (folder / "key").write_text(made.stderr.rpartition(" ")[2])
    grid = Grid(folder / "data", TIME_SCALE="1200", API_KEYS=str(folder / "keys"))
    del grid.environment["RUNS_DIR"]
    grid.start()
    yield Keyed(grid, (folder / "key").read_text().strip(), folder / "key")
    grid.stop()


@pytest.fixture
def keyed(shared: Keyed) -> Keyed:
    """A grid with room for everybody, without cars: a run waits until those of the one before have left."""
    shared.grid.empty(shared.key)
    return shared


def draining(grid: Grid) -> set[str]:
    return {
        each["substation_id"] for each in get(f"{grid.balancer}/fleet")["substations"] if each["draining"]
    }


def journaled(grid: Grid) -> set[str]:
    """Return the ids of all sessions in the journals."""
    return {row["session_id"] for rows in grid.journal_copies().values() for row in rows}


def test_a_short_rush_hour_holds_its_thresholds_and_writes_what_it_measured(
    keyed: Keyed, tmp_path: Path
) -> None:
    """In the environment of `make run`, which says where the grid is, and on a terminal that knows only ASCII."""
    grid = keyed.grid
    before = journaled(grid)
    options = ("--requests", "200", "--seconds", "6", "--fail-if", "max_mean > 1.3")
    files = ("--json", str(tmp_path / "result.json"), "--api-key-file", str(keyed.key_file))
    ended = template.run(
        [sys.executable, "-m", "loadtest", "rush-hour", *options, *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=grid.environment | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.isascii()
    result = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    admitted = {request["body"]["session_id"] for request in result["requests"] if request["status"] == 201}
    assert len(admitted) == 200
    assert admitted == journaled(grid) - before
    (folder,) = (grid.data / "runs").iterdir()
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert f"report: {folder / 'report.html'}" in ended.stdout
    assert "PASSED" in page
    assert [page.count(f'<th scope="row">substation-{n}</th>') for n in (1, 2, 3)] == [1, 1, 1]
    assert len((folder / "requests.csv").read_text(encoding="utf-8").splitlines()) == 201


def test_a_grid_that_asks_for_keys_is_driven_with_one_and_not_without(keyed: Keyed) -> None:
    grid = keyed.grid
    before = journaled(grid)
    short = ("--requests", "60", "--seconds", "3", "--fail-if", "max_mean > 2")
    without = rush_hour(grid, *short)
    ended = rush_hour(grid, *short, "--api-key-file", str(keyed.key_file))
    assert without.returncode == 3, without.stdout + without.stderr
    assert "API key" in without.stderr
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert len(journaled(grid) - before) == 60


def test_an_outage_drains_one_substation_and_restores_it_after_the_run(keyed: Keyed, tmp_path: Path) -> None:
    short = ("--requests", "150", "--seconds", "6", "--fail-if", "imbalance_vs_oracle > 1.3")
    files = ("--json", str(tmp_path / "result.json"), "--api-key-file", str(keyed.key_file))
    ended = rush_hour(keyed.grid, *short, *files, preset="outage")
    left = draining(keyed.grid)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert left == set()
    document = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    drained_s = document["window_unix_s"][0] + 2 + 0.5  # a third of the window, and time for the order
    there = {
        request["body"]["substation_id"]
        for request in document["requests"]
        if request["sent_unix_s"] > drained_s
    }
    assert there == {"substation-2", "substation-3"}


def test_an_outage_that_is_interrupted_restores_the_substation(keyed: Keyed) -> None:
    grid = keyed.grid
    # The outage takes from the 8th to the 24th second: long enough to be seen on a busy machine.
    wanted = ("--requests", "120", "--seconds", "24", "--substation", "substation-2")
    with template.popen(
        command(grid, "outage", *wanted, "--api-key-file", str(keyed.key_file)),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        until(lambda: draining(grid) == {"substation-2"})
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    left = draining(grid)
    assert process.returncode == 130, out
    assert left == set()
