"""A real gateway that stands still for a known time: what an open and a closed load test see of it."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from loadtest.judge.balance import percentile
from loadtest.record.generator_health import SATURATED
from tests.support import template
from tests.support.grid import ROOT, Grid, text, until

STALL_S = 6.0
SECONDS = 12
REQUESTS = 240
SLACK_S = 3.5  # more than an answer takes on a busy machine, and much less than the stall
PERCENTS = {"p50": 50.0, "p90": 90.0, "p95": 95.0, "p99": 99.0, "max": 100.0}

Stall = tuple[float, float]
Count = tuple[float, float]  # a moment, in unix seconds, and how many were answered until then


def stall(grid: Grid) -> Stall:
    """Stop the gateway for a while; returns between which moments it stood still, in unix seconds."""
    (gateway,) = grid.pids("gateway")
    os.kill(gateway, signal.SIGSTOP)
    began_s = time.time()
    time.sleep(STALL_S)
    ended_s = time.time()
    os.kill(gateway, signal.SIGCONT)
    return began_s, ended_s


def admitted(grid: Grid) -> float:
    return grid.sample("smartgrid_substation_sessions_total")


def answers(grid: Grid) -> float:
    """Return how many requests to charge the gateway has answered."""
    page = text(f"{grid.gateway}/metrics?name[]=smartgrid_charge_requests_total")
    return sum(float(line.rpartition(" ")[2]) for line in page.splitlines() if not line.startswith("#"))


def open_model(grid: Grid, file: Path, slots: int = 500) -> tuple[dict[str, Any], Stall, list[Count]]:
    """A rush hour of the real program, with a stall in its middle; also returns how the gateway caught up after it."""
    where = ["--gateway", grid.gateway, "--balancer", grid.balancer]
    plan = ["--requests", f"{REQUESTS}", "--seconds", f"{SECONDS}", "--concurrency", f"{slots}"]
    judged = ["--json", str(file), "--fail-if", "p90_ms>2000"]
    before, answered_before = admitted(grid), answers(grid)
    process = template.popen(
        [sys.executable, "-m", "loadtest", "rush-hour", *where, *plan, *judged],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        until(lambda: admitted(grid) - before > REQUESTS / 6)
        stood_still = stall(grid)
        counts = []
        while process.poll() is None:
            counts.append((time.time(), answers(grid) - answered_before))
            time.sleep(0.1)
        said, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 1, said
    return json.loads(file.read_text(encoding="utf-8")), stood_still, counts


def expected_s(
    intended_unix_s: Sequence[float], stood_still: Stall, slack_s: float
) -> tuple[list[float], list[float]]:
    """Return the least and the most that each request may take, from the plan and the stall alone.

    Nobody is answered before the stall ends. One that was sent shortly before may have been caught.
    """
    began_s, ended_s = stood_still
    least = [ended_s - at if began_s <= at < ended_s else 0.0 for at in intended_unix_s]
    most = [
        ended_s - at + slack_s if began_s - slack_s <= at < ended_s else slack_s for at in intended_unix_s
    ]
    return least, most


def caught_up_s(document: dict[str, Any], stood_still: Stall, counts: Sequence[Count]) -> float:
    """Return how long after the stall all were answered that came before its end, by the gateway's own count."""
    ended_s = stood_still[1]
    waited = sum(request["intended_unix_s"] < ended_s for request in document["requests"])
    return next((at_s for at_s, count in counts if count >= waited), counts[-1][0]) - ended_s


def answered(request: urllib.request.Request) -> int:
    """Send a request; returns the status of its answer."""
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def closed_loop_ms(grid: Grid, moments_s: Sequence[float]) -> tuple[list[float], Stall]:
    """Send the same plan as a closed client does: the next one when the last was answered, timed from its sending."""
    seen: list[Stall] = []
    took_ms: list[float] = []
    start_s = time.monotonic()
    stalling = threading.Timer(SECONDS / 4, lambda: seen.append(stall(grid)))
    stalling.start()
    for number, at_s in enumerate(moments_s):
        time.sleep(max(start_s + at_s - time.monotonic(), 0))
        body = json.dumps({"vehicle_id": f"closed-{number}", "energy_kwh": 3}).encode()
        request = urllib.request.Request(f"{grid.gateway}/charge", body, {"Content-Type": "application/json"})
        sent_s = time.monotonic()
        # 503: its stream was given up while the gateway stood still
        assert answered(request) in {201, 503}
        took_ms.append((time.monotonic() - sent_s) * 1000)
    stalling.join()
    return took_ms, seen[0]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grid]:
    grid = Grid(tmp_path_factory.mktemp("grid") / "data", TIME_SCALE="1200")
    grid.start()
    yield grid
    grid.stop()


@pytest.fixture
def grid(shared: Grid) -> Grid:
    """One grid for both tests, without cars: its gateway goes on after each stall."""
    shared.empty()
    return shared


def held_by_the_plan(document: dict[str, Any], stood_still: Stall, counts: Sequence[Count]) -> None:
    """Assert that every percentile of the response time is what the plan and the stall make it."""
    slack_s = SLACK_S + caught_up_s(document, stood_still, counts)
    intended_unix_s = [request["intended_unix_s"] for request in document["requests"]]
    least, most = expected_s(intended_unix_s, stood_still, slack_s)
    assert sum(each > 0 for each in least) / REQUESTS > 0.2  # a third of the time, of 240 uniform moments
    told_ms = document["result"]["response_ms"]
    for name, percent in PERCENTS.items():
        assert percentile(least, percent) * 999 <= told_ms[name] <= percentile(most, percent) * 1001, name
    broken = {each["name"]: each for each in document["thresholds"] if not each["held"]}
    assert "p90_ms" in broken
    generator = document["result"]["generator"]
    assert generator["late_p99_ms"] < SLACK_S * 1000  # it did not stand still itself
    assert bool(broken["p90_ms"]["note"]) == (generator["verdict"] == SATURATED)


def test_an_open_model_shows_a_stall_to_its_full_extent_and_a_closed_one_hides_it(
    grid: Grid, tmp_path: Path
) -> None:
    document, stood_still, counts = open_model(grid, tmp_path / "result.json")
    held_by_the_plan(document, stood_still, counts)
    start_s = document["window_unix_s"][0]
    moments_s = [request["intended_unix_s"] - start_s for request in document["requests"]]
    closed_ms, closed_stall = closed_loop_ms(grid, moments_s)
    assert len(closed_ms) == REQUESTS
    assert closed_stall[1] - closed_stall[0] >= STALL_S
    assert max(closed_ms) > (STALL_S - SLACK_S) * 1000  # it was hit too, by one request
    assert sum(each > SLACK_S * 1000 for each in closed_ms) <= REQUESTS / 100
    assert percentile(closed_ms, 99) < SLACK_S * 1000 < document["result"]["response_ms"]["p90"]


def test_few_slots_make_the_service_time_lie_and_not_the_response_time(grid: Grid, tmp_path: Path) -> None:
    """While four requests hang, the others wait for a slot: the stall is in none of their service times."""
    document, stood_still, counts = open_model(grid, tmp_path / "result.json", slots=4)
    held_by_the_plan(document, stood_still, counts)
    figures = document["result"]
    assert figures["service_ms"]["p95"] < SLACK_S * 1000 < figures["response_ms"]["p90"]
    assert figures["late"] > REQUESTS / 10
    assert (
        figures["generator"]["late_p99_ms"] < SLACK_S * 1000 < figures["late_ms"]["p95"]
    )  # no slot, but awake
