"""The whole program against a small grid of its own, over real sockets."""

import asyncio
import dataclasses
import json
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from loadtest.plan.arrivals import rush_hour
from loadtest.plan.presets import PRESETS
from loadtest.send.engine import Engine, SendingOptions
from loadtest.send.retrying import RetryPolicy
from loadtest.send.stop import StopSignal
from tests.loadtest.fake import Exit, FakeGrid, FakeStation, ended, rush, start, two


def test_a_balanced_grid_holds_and_every_request_is_recorded(tmp_path: Path) -> None:
    grid = two()
    result = rush(grid, "--seconds", "3", "--fail-if", "max_mean>2", "--json", str(tmp_path / "result.json"))
    assert result.code == 0, result.out + result.err
    assert "FAILED" not in result.out
    assert result.out.count("passed") == len(PRESETS["rush-hour"].limits) + 2
    report = json.loads((tmp_path / "result.json").read_text())
    assert grid.window_unix_s == report["window_unix_s"], "with a renewal, for averages outside of the run"
    assert len(set(grid.keys)) == len(grid.keys) == 40
    assert all(key.startswith(report["run"]["run_id"]) for key in grid.keys)
    assert [request["index"] for request in report["requests"]] == list(range(40))
    assert {request["status"] for request in report["requests"]} == {201}
    assert all(request["body"]["vehicle_id"] == request["vehicle_id"] for request in report["requests"])
    assert all(
        request["intended_unix_s"] <= request["sent_unix_s"] <= request["answered_unix_s"]
        for request in report["requests"]
    )
    by_name = {station["substation_id"]: station for station in report["result"]["stations"]}
    for station in grid.stations:
        assert by_name[station.name]["answered"] == station.admitted
        assert by_name[station.name]["counted"]["admitted"] == station.admitted
        assert by_name[station.name]["recomputed_peak_kw"] == pytest.approx(station.load_w / 1000)


def test_the_same_seed_asks_for_the_same_under_new_keys() -> None:
    first, second, other = two(), two(), two()
    rush(first, "--seed", "5")
    rush(second, "--seed", "5")
    rush(other, "--seed", "6")

    def asked(grid: FakeGrid) -> list[str]:
        return sorted(json.dumps(body) for body in grid.asked)

    assert asked(first) == asked(second)
    assert asked(first) != asked(other)
    assert not set(first.keys) & set(second.keys)


def refuse(grid: FakeGrid, body: dict[str, Any]) -> web.Response:
    problem = {"type": "/problems/no-capacity", "title": "No capacity", "status": 503}
    return web.json_response(problem, status=503, headers={"Retry-After": "1"})


def leave_open(grid: FakeGrid, body: dict[str, Any]) -> web.Response:
    problem = {"type": "/problems/unknown", "title": "?", "status": 503, "outcome": "unknown"}
    return web.json_response(problem, status=503)


def hang_up(grid: FakeGrid, body: dict[str, Any]) -> web.Response:
    raise web.HTTPInternalServerError(text="not a problem")


def tell_another(grid: FakeGrid, body: dict[str, Any]) -> web.Response:
    return grid.admit({**body, "vehicle_id": "EV-other"})


def pile_up(grid: FakeGrid, body: dict[str, Any]) -> web.Response:
    return grid.admit(body, grid.stations[0])


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (refuse, "40 x 503 /problems/no-capacity"),
        (refuse, "0 admitted, 40 refused, 0 failed"),
        (leave_open, "40 x 503 /problems/unknown, outcome unknown"),
        (leave_open, "0 admitted, 0 refused, 40 failed"),
        (hang_up, "0 admitted, 0 refused, 40 failed"),
        (tell_another, "0 admitted, 0 refused, 40 failed"),
        (pile_up, "40 admitted, 0 refused, 0 failed"),
    ],
)
def test_what_goes_wrong_is_said_and_ends_with_1(
    answer: Callable[[FakeGrid, dict[str, Any]], web.Response], said: str
) -> None:
    grid = two()
    grid.answer = answer
    result = rush(grid, "--retries", "0")
    assert result.code == 1, result.out + result.err
    assert said in result.out
    assert "FAILED" in result.out


def test_admission_above_capacity_is_found_in_the_clients_own_records() -> None:
    grid = FakeGrid([FakeStation("substation-1", capacity_w=100_000)])
    result = rush(grid)
    assert result.code == 1
    (line,) = [line for line in result.out.splitlines() if line.startswith(" recomputed_kw")]
    assert "FAILED" in line
    assert result.out.count("FAILED") == 1


def test_an_interrupted_run_stops_sending_and_still_shows_what_it_measured() -> None:
    grid = two()

    async def scenario() -> Exit:
        async with grid.serving():
            process = await start(grid, "--requests", "2000", "--seconds", "60")
            await asyncio.wait_for(grid.arrived.wait(), 60)
            process.send_signal(signal.SIGINT)
            return await ended(process)

    grid.delay_s = 0.2
    result = asyncio.run(scenario())
    assert result.code == 130, result.out + result.err
    assert "INTERRUPTED" in result.out
    verdicts = [
        line.rstrip()
        for line in result.out.partition(" threshold ")[2].splitlines()[2:]
        if "report" not in line
    ]
    assert len(verdicts) > 5
    assert [line for line in verdicts if line and not line.endswith("not judged")] == []
    assert f"{len(grid.keys)} sent, {len(grid.keys)} admitted, 0 refused, 0 failed" in result.out
    assert 0 < len(grid.keys) < 2000


def test_what_waits_for_a_free_slot_is_not_sent_after_a_stop() -> None:
    grid = two()

    async def scenario() -> Engine:
        stop, grid.hold = StopSignal(), asyncio.Event()
        plan = [dataclasses.replace(car, at_s=0.0) for car in rush_hour(1, 3, 1, random.Random(1))]
        async with grid.serving(), aiohttp.ClientSession() as http:
            engine = Engine(http, grid.url, "run", time.time, SendingOptions(1, RetryPolicy(0)))
            running = asyncio.create_task(engine.run(plan, time.time(), stop))
            await grid.arrived.wait()
            stop.set()
            while not engine._stopped:
                await asyncio.sleep(0)
            grid.hold.set()
            await running
        return engine

    engine = asyncio.run(scenario())
    assert engine.sent == len(grid.keys) == len(engine.requests) == 1


def test_a_grid_that_is_not_there_ends_with_3() -> None:
    grid = FakeGrid(url="http://127.0.0.1:1")
    result = asyncio.run(_alone(grid))
    assert result.code == 3
    assert "the gateway at http://127.0.0.1:1 can't be reached" in result.err
    assert "make run" in result.err


async def _alone(grid: FakeGrid) -> Exit:
    return await ended(await start(grid))


@pytest.mark.parametrize(
    ("stations", "said"),
    [
        ([], "the balancer knows no substations"),
        ([FakeStation("substation-1", load_w=20_000)], "substation-1 keeps at least 20 kW for longer"),
    ],
)
def test_what_holds_it_up_for_good_ends_with_3_at_once(stations: list[FakeStation], said: str) -> None:
    grid = FakeGrid(stations)
    result = rush(grid, "--settle-s", "3600")
    assert result.code == 3
    assert said in result.err
    assert not grid.keys


def test_a_fleet_that_gets_empty_in_time_is_waited_for() -> None:
    grid = FakeGrid([FakeStation("substation-1", load_w=20_000, kept=False)])

    async def scenario() -> Exit:
        async with grid.serving():
            process = await start(grid)
            assert process.stdout
            line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
            assert "substation-1 at 2.0%" in line
            assert not grid.keys
            grid.stations[0].load_w = 19_999
            return await ended(process)

    result = asyncio.run(scenario())
    assert result.code == 0, result.out + result.err
    assert len(grid.keys) == 40


def test_a_fleet_that_does_not_get_empty_in_time_ends_with_3() -> None:
    grid = FakeGrid([FakeStation("substation-1", load_w=20_000, kept=False)])
    result = rush(grid, "--settle-s", "0")
    assert result.code == 3
    assert "not ready within 0 s: substation-1 at 2.0%" in result.err
