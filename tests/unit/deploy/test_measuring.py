"""What the project report measures besides the rush hour: the fleet until it is empty, the machine, the policies."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deploy.local import fleet_recorder, machine
from deploy.local.fleet_recorder import FleetRecorder, read_fleet, read_policies
from deploy.local.own_grid import GridStartError, own_grid


class Fleet(ThreadingHTTPServer):
    """A balancer and two substations in one: each substation has the load `load_w`."""

    load_w = 30_000.0
    lacking = ""  # a metric that is not there

    def page(self, path: str) -> str:
        if path.startswith("/fleet"):
            url = f"http://127.0.0.1:{self.server_port}"
            members = [{"substation_id": name, "url": url} for name in "ab"]
            return json.dumps({"substations": members, "policies": ["least_loaded", "random"]})
        values = {"load": self.load_w, "draw": self.load_w / 2, "capacity": 100_000.0}
        return "".join(
            f'smartgrid_substation_{name}_watts{{substation="a"}} {watts}\n'
            for name, watts in values.items()
            if name != self.lacking
        )


class Handler(BaseHTTPRequestHandler):
    server: Fleet

    def do_GET(self) -> None:
        body = self.server.page(self.path).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with Fleet(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def url(fleet: Fleet) -> str:
    return f"http://127.0.0.1:{fleet.server_port}"


def test_a_reading_is_the_sum_of_all_substations_in_kw(fleet: Fleet) -> None:
    reading = read_fleet(url(fleet))
    assert reading
    del reading["at_unix_s"]
    assert reading == {"load_kw": 60.0, "draw_kw": 30.0, "capacity_kw": 200.0}
    assert read_policies(url(fleet)) == ["least_loaded", "random"]


def test_a_fleet_that_can_not_be_read_as_a_whole_is_no_reading(fleet: Fleet) -> None:
    fleet.lacking = "draw"
    assert read_fleet(url(fleet)) is None
    assert read_fleet("http://127.0.0.1:1") is None


def test_the_recorder_reads_until_the_fleet_is_empty(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet_recorder, "READ_EVERY_S", 0.02)
    with FleetRecorder(url(fleet)) as recorder:
        while not recorder.readings:
            time.sleep(0.01)
        assert not recorder.wait_until_empty(0.1)
        fleet.load_w = 100.0
        assert recorder.wait_until_empty(10)
    loads = [each["load_kw"] for each in recorder.readings]
    assert (loads[0], loads[-1]) == (60.0, 0.2)
    times = [each["at_unix_s"] for each in recorder.readings]
    assert times == sorted(times)


def test_a_reading_from_before_the_cars_came_does_not_end_the_wait(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet_recorder, "READ_EVERY_S", 0.02)
    recorder = FleetRecorder(url(fleet))  # not entered: no new reading comes
    recorder.readings.append(
        {"at_unix_s": time.time() - 1, "load_kw": 0.0, "draw_kw": 0.0, "capacity_kw": 200.0}
    )
    assert not recorder.wait_until_empty(0.1)


def test_the_machine_and_the_commit_are_named() -> None:
    facts = machine.describe()
    assert list(facts)[:3] == ["date", "commit", "processor"]
    assert all(facts.values())
    assert int(facts["cores"]) >= 1


def test_a_fact_that_can_not_be_found_out_is_unknown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "ROOT", tmp_path / "absent")
    assert machine.describe()["commit"] == "unknown"


def test_a_grid_that_can_not_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with contextlib.ExitStack() as stack, pytest.raises(GridStartError, match="did not start"):
        stack.enter_context(own_grid(tmp_path / "file"))
