"""A small grid of its own behind one address, and the program against it, over real sockets."""

import asyncio
import contextlib
import dataclasses
import datetime as dt
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from loadtest.plan.clock import write
from tests.support import template

ROOT = Path(__file__).parents[2]
CAPACITY_W = 1_000_000
HOUR_S = 3_600


@dataclasses.dataclass
class FakeStation:
    """A substation, as its metrics show it."""

    name: str
    capacity_w: int = CAPACITY_W
    load_w: int = 0
    admitted: int = 0
    ended: int = 0
    draining: bool = False
    stopped: int = 0
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
                f'smartgrid_substation_sessions_total{{{label},outcome="stopped"}} {self.stopped}',
                f"smartgrid_substation_draining{{{label}}} {int(self.draining)}",
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
    lets_in: str = ""  # the Authorization that it asks for
    asked: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    answer: Callable[["FakeGrid", dict[str, Any]], web.Response] = lambda grid, body: grid.admit(body)
    delay_s: float = 0.0
    hold: asyncio.Event | None = None  # answers wait for it
    book_id: str = "book"
    gateway_book_id: str = "book"
    holder: str | None = None  # of the rush hour
    leases: list[str] = dataclasses.field(default_factory=list)  # the outcome of each call, in order
    window_unix_s: list[float] | None = None  # as the run sent it
    deleted: list[str] = dataclasses.field(default_factory=list)  # sessions, in the order they were asked for
    ending: Callable[["FakeGrid", str], web.Response] = lambda grid, session_id: grid.end(session_id)
    hold_ending: bool = False  # nobody who ends a session is answered before the grid closes
    closing: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    url: str = ""
    policy: str = "least_loaded"
    sessions: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    tells_sessions: bool = True  # whether it answers who asks for one
    began_h: float | None = None  # the time of day of the grid when it was made; it says none without it
    time_scale: float | None = None
    made_s: float = dataclasses.field(default_factory=time.monotonic)
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
        self.sessions[session["session_id"]] = session | {"state": "charging"}
        return web.json_response(session, status=201)

    def stop(self, session_id: str) -> None:
        """Somebody else, an operator or the car's owner, stops a session: its power is free at once."""
        session = self.sessions[session_id]
        station = next(each for each in self.stations if each.name == session["substation_id"])
        station.load_w -= round(session["power_kw"] * 1000)
        station.stopped += 1
        ended_at = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
        session |= {"state": "stopped", "ended_at": ended_at}

    async def _session(self, request: web.Request) -> web.Response:
        session = self.sessions[request.match_info["session_id"]]
        if not self.tells_sessions:
            return web.json_response({"type": "/problems/owner-unreachable"}, status=503)
        ends = session.get("ended_at", session["expected_end"])
        reserved = [
            {"from": session["started_at"], "power_kw": session["power_kw"]},
            {"from": ends, "power_kw": 0},
        ]
        return web.json_response(session | {"reserved": reserved})

    async def _charge(self, request: web.Request) -> web.Response:
        if not self._may(request):
            return web.json_response({"type": "/problems/unauthorized"}, status=401)
        self.keys.append(request.headers["Idempotency-Key"])
        body = await request.json()
        self.asked.append(body)
        self.arrived.set()
        await asyncio.sleep(self.delay_s)
        if self.hold:
            await self.hold.wait()
        return self.answer(self, body)

    def end(self, session_id: str, state: str = "stopped") -> web.Response:
        name = session_id.partition(".")[0]
        station = next(each for each in self.stations if each.name == name)
        station.ended += 1
        return web.json_response({"session_id": session_id, "state": state})

    async def _end(self, request: web.Request) -> web.Response:
        if not self._may(request):
            return web.json_response({"type": "/problems/unauthorized"}, status=401)
        self.deleted.append(request.match_info["session_id"])
        if self.hold_ending:
            await self.closing.wait()
        return self.ending(self, self.deleted[-1])

    def _may(self, request: web.Request) -> bool:
        return not self.lets_in or request.headers.get("Authorization") == self.lets_in

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response({"sessions": []}, status=200 if self._may(request) else 401)

    async def _fleet(self, _: web.Request) -> web.Response:
        substations = [{"substation_id": s.name, "url": f"{self.url}/{s.name}"} for s in self.stations]
        fleet = {"book_id": self.book_id, "policy": self.policy, "substations": substations, "unseen": []}
        return web.json_response(fleet)

    async def _ready(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ready", "waiting_for": [], "book_id": self.gateway_book_id})

    async def _rushhour(self, request: web.Request) -> web.Response:
        run_id = request.match_info.get("run_id")
        if request.method == "PUT":
            body = await request.json()
            run_id, self.window_unix_s = body["run_id"], body.get("window_unix_s", self.window_unix_s)
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
        scale = f"smartgrid_time_scale {self.time_scale}\n" if self.time_scale else ""
        return web.Response(text=station.page() + scale)

    async def _base_load(self, _: web.Request) -> web.Response:
        if self.began_h is None or self.time_scale is None:
            return web.json_response({"type": "/problems/not-found"}, status=404)
        passed_h = (time.monotonic() - self.made_s) * self.time_scale / 3600
        return web.json_response({"grid_time": f"Monday {write(self.began_h + passed_h)}"})

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator["FakeGrid"]:
        app = web.Application()
        app.add_routes(
            [
                web.post("/charge", self._charge),
                web.get("/charge", self._list),
                web.delete("/charge/{session_id}", self._end),
                web.get("/charge/{session_id}", self._session),
                web.get("/readyz", self._ready),
                web.get("/fleet", self._fleet),
                web.get("/rushhour", self._rushhour),
                web.put("/rushhour", self._rushhour),
                web.delete("/rushhour/{run_id}", self._rushhour),
                web.get("/{name}/metrics", self._metrics),
                web.get("/{name}/base-load", self._base_load),
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
            self.closing.set()  # else the server waits a minute for the answers that are held back
            await runner.cleanup()


@dataclasses.dataclass(frozen=True)
class Exit:
    code: int
    out: str
    err: str


async def start(
    grid: FakeGrid, *options: str, preset: str = "rush-hour", **environ: str
) -> asyncio.subprocess.Process:
    arguments = ("--gateway", grid.url, "--balancer", grid.url, "--requests", "40", "--seconds", "1")
    return await template.create_subprocess_exec(
        sys.executable,
        "-m",
        "loadtest",
        preset,
        *arguments,
        *options,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "", **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def ended(process: asyncio.subprocess.Process) -> Exit:
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return Exit(process.returncode or 0, out.decode(), err.decode())


def rush(grid: FakeGrid, *options: str, **environ: str) -> Exit:
    async def scenario() -> Exit:
        async with grid.serving():
            return await ended(await start(grid, *options, **environ))

    return asyncio.run(scenario())


def two() -> FakeGrid:
    return FakeGrid([FakeStation("substation-1"), FakeStation("substation-2")])
