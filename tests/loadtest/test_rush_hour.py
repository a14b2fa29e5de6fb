"""The whole program against a small grid of its own, over real sockets."""

import asyncio
import contextlib
import dataclasses
import datetime as dt
import json
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from loadtest.arrivals import rush_hour
from loadtest.engine import Engine

ROOT = Path(__file__).parents[2]
CAPACITY_W = 1_000_000
HOUR_S = 3_600


@dataclasses.dataclass
class FakeStation:
    """A substation as its metrics show it."""

    name: str
    capacity_w: int = CAPACITY_W
    load_w: int = 0
    admitted: int = 0
    kept: bool = True  # whether its load stays for longer than anybody waits

    def page(self) -> str:
        label = f'substation="{self.name}"'
        freed_w = 0 if self.kept else self.load_w
        return "\n".join(
            [
                f"smartgrid_substation_load_watts{{{label}}} {self.load_w}",
                f"smartgrid_substation_capacity_watts{{{label}}} {self.capacity_w}",
                f"smartgrid_substation_sessions_active{{{label}}} {self.admitted}",
                f"smartgrid_substation_report_epoch{{{label}}} 1",
                "# TYPE smartgrid_substation_sessions counter",
                f'smartgrid_substation_sessions_total{{{label},outcome="admitted"}} {self.admitted}',
                f'smartgrid_substation_sessions_total{{{label},outcome="refused"}} 0',
                f'smartgrid_substation_overload_watt_seconds_total{{{label},cause="admission"}} 0',
                f'smartgrid_substation_overload_watt_seconds_total{{{label},cause="derating"}} 0',
                f"smartgrid_substation_energy_joules_total{{{label}}} 0",
                f"smartgrid_substation_commit_seconds_count{{{label}}} {self.admitted}",
                f'smartgrid_substation_releases_watts{{{label},within="+Inf"}} {freed_w}',
                "",
            ]
        )


@dataclasses.dataclass
class FakeGrid:
    """A gateway, a balancer and its substations behind one address."""

    stations: list[FakeStation] = dataclasses.field(default_factory=list)
    keys: list[str] = dataclasses.field(default_factory=list)
    asked: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    answer: Callable[["FakeGrid", dict[str, Any]], web.Response] = lambda grid, body: grid.admit(body)
    delay_s: float = 0.0
    hold: asyncio.Event | None = None  # answers wait for it
    book_id: str = "book"
    gateway_book_id: str = "book"
    holder: str | None = None  # of the rush hour
    leases: list[str] = dataclasses.field(default_factory=list)  # what became of it, one call after the other
    url: str = ""
    arrived: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)

    def admit(self, body: dict[str, Any], station: FakeStation | None = None) -> web.Response:
        station = station or min(self.stations, key=lambda each: each.load_w)
        station.load_w += round(body["max_power_kw"] * 1000)
        station.admitted += 1
        now = dt.datetime.now(dt.UTC)
        session = {
            "session_id": f"{station.name}.{station.admitted}",
            "substation_id": station.name,
            "vehicle_id": body["vehicle_id"],
            "power_kw": body["max_power_kw"],
            "energy_kwh": body["energy_kwh"],
            "stay_minutes": body["stay_minutes"],
            "started_at": now.isoformat(timespec="milliseconds"),
            "expected_end": (now + dt.timedelta(seconds=HOUR_S)).isoformat(timespec="milliseconds"),
        }
        return web.json_response(session, status=201)

    async def _charge(self, request: web.Request) -> web.Response:
        self.keys.append(request.headers["Idempotency-Key"])
        body = await request.json()
        self.asked.append(body)
        self.arrived.set()
        await asyncio.sleep(self.delay_s)
        if self.hold:
            await self.hold.wait()
        return self.answer(self, body)

    async def _fleet(self, _: web.Request) -> web.Response:
        substations = [{"substation_id": s.name, "url": f"{self.url}/{s.name}"} for s in self.stations]
        fleet = {"book_id": self.book_id, "policy": "least_loaded", "substations": substations, "unseen": []}
        return web.json_response(fleet)

    async def _ready(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ready", "waiting_for": [], "book_id": self.gateway_book_id})

    async def _rushhour(self, request: web.Request) -> web.Response:
        run_id = request.match_info.get("run_id")
        if request.method == "PUT":
            run_id = (await request.json())["run_id"]
            self.holder = self.holder or run_id
        held = self.holder not in {None, run_id}
        if request.method == "DELETE" and not held:
            self.holder = None
        if request.method != "GET":
            self.leases.append(f"{request.method} {409 if held else 200}")
        body = {"run_id": self.holder, "expires_in_s": 5 if self.holder else None}
        return web.json_response(body, status=409 if held and request.method != "GET" else 200)

    async def _metrics(self, request: web.Request) -> web.Response:
        station = next(s for s in self.stations if s.name == request.match_info["name"])
        return web.Response(text=station.page())

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator["FakeGrid"]:
        app = web.Application()
        app.add_routes(
            [
                web.post("/charge", self._charge),
                web.get("/readyz", self._ready),
                web.get("/fleet", self._fleet),
                web.get("/rushhour", self._rushhour),
                web.put("/rushhour", self._rushhour),
                web.delete("/rushhour/{run_id}", self._rushhour),
                web.get("/{name}/metrics", self._metrics),
            ]
        )
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self
        finally:
            await runner.cleanup()


@dataclasses.dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


async def start(grid: FakeGrid, *options: str) -> asyncio.subprocess.Process:
    arguments = ("--gateway", grid.url, "--balancer", grid.url, "--requests", "40", "--seconds", "1")
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtest", "rush-hour", *arguments, *options,
        cwd=ROOT, env={**os.environ, "PYTHONPATH": ""},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def ended(process: asyncio.subprocess.Process) -> Ended:
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return Ended(process.returncode or 0, out.decode(), err.decode())


def rush(grid: FakeGrid, *options: str) -> Ended:
    async def scenario() -> Ended:
        async with grid.serving():
            return await ended(await start(grid, *options))

    return asyncio.run(scenario())


def two() -> FakeGrid:
    return FakeGrid([FakeStation("substation-1"), FakeStation("substation-2")])


def test_a_balanced_grid_holds_and_every_request_is_recorded(tmp_path: Path) -> None:
    grid = two()
    result = rush(grid, "--seconds", "2", "--max-ratio", "2", "--json", str(tmp_path / "result.json"))
    assert result.code == 0, result.out + result.err
    assert "BROKEN" not in result.out
    assert result.out.count("held") == 7
    report = json.loads((tmp_path / "result.json").read_text())
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
    result = rush(grid)
    assert result.code == 1, result.out + result.err
    assert said in result.out
    assert "BROKEN" in result.out


def test_admission_above_capacity_is_found_in_the_clients_own_records() -> None:
    grid = FakeGrid([FakeStation("substation-1", capacity_w=100_000)])
    result = rush(grid)
    assert result.code == 1
    (line,) = [line for line in result.out.splitlines() if "overload recomputed" in line]
    assert "BROKEN" in line
    assert result.out.count("BROKEN") == 1


def test_an_interrupted_run_stops_sending_and_still_shows_what_it_measured() -> None:
    grid = two()

    async def scenario() -> Ended:
        async with grid.serving():
            process = await start(grid, "--requests", "2000", "--seconds", "60")
            await asyncio.wait_for(grid.arrived.wait(), 60)
            process.send_signal(signal.SIGINT)
            return await ended(process)

    grid.delay_s = 0.2
    result = asyncio.run(scenario())
    assert result.code == 130, result.out + result.err
    assert "INTERRUPTED" in result.out
    assert f"{len(grid.keys)} sent, {len(grid.keys)} admitted, 0 refused, 0 failed" in result.out
    assert 0 < len(grid.keys) < 2000


def test_what_waits_for_a_free_slot_is_not_sent_after_a_stop() -> None:
    grid = two()

    async def scenario() -> Engine:
        stop, grid.hold = asyncio.Event(), asyncio.Event()
        plan = [dataclasses.replace(car, at_s=0.0) for car in rush_hour(1, 3, 1, random.Random(1))]
        async with grid.serving(), aiohttp.ClientSession() as http:
            engine = Engine(http, grid.url, "run", 1, time.time)
            running = asyncio.create_task(engine.run(plan, time.time(), stop))
            await grid.arrived.wait()
            stop.set()
            while not engine._stopped:  # noqa: ASYNC110 - the engine tells nobody
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


async def _alone(grid: FakeGrid) -> Ended:
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

    async def scenario() -> Ended:
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
