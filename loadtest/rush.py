"""One rush hour from beginning to end: settle, sample, send, count, conclude."""

import asyncio
import dataclasses
import random
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp

from loadtest import balance, report, tables, verdict
from loadtest.credential import Credential
from loadtest.engine import Engine, Manner, asks_for_a_key, unless
from loadtest.generator import Monitor
from loadtest.grid import SAMPLE_EVERY_S, Grid, NotReady, Sampler
from loadtest.ideal import Ideal, ideal
from loadtest.outage import Outage
from loadtest.plan import DEFAULT_GRID, GridSize, RunPlan, Wish, make
from loadtest.plan_view import write_plan
from loadtest.records import Outcome, Reading, Sample
from loadtest.result import Measured, conclude
from loadtest.retrying import Retrying
from loadtest.screen import Screen, View
from loadtest.settle import settle
from loadtest.thresholds import Limit

NO_KEY = "the gateway does not let the rush hour in: give it an API key, by --api-key-file or API_KEY"
SHOWN_P95_OF = 1_000  # the newest answers that the shown p95 is of
LAST_LOOKS = 20  # at every substation after the run, for its exact counters


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    """What the command line asks for."""

    gateway_url: str
    balancer_url: str
    wish: Wish
    concurrency: int
    retries: int
    limits: tuple[Limit, ...]
    settle_s: float
    json: Path | None
    plan_json: Path | None

    def document(self) -> dict[str, Any]:
        """Return it as it is written down, with the plan's wish among its fields."""
        fields = dataclasses.asdict(self)
        wish = fields.pop("wish")
        limits = [str(limit) for limit in self.limits]
        files = {name: fields[name] and str(fields[name]) for name in ("json", "plan_json")}
        return {**fields, **wish, **files, "limits": limits, "preset": self.wish.preset.name}


@dataclasses.dataclass(frozen=True, slots=True)
class Stage:
    """What a run is made of: its plan, who sends it, who looks on, and what is done to the grid."""

    plan: RunPlan
    before: Sample
    sampler: Sampler
    engine: Engine
    outage: Outage


@dataclasses.dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: whether it was interrupted, and whether every threshold held."""

    interrupted: bool
    held: bool


async def run(order: Order, credential: Credential, screen: Screen, stop: asyncio.Event) -> Ended:
    """Run one rush hour and print its result; `stop` interrupts it.

    Raises NotReady when the grid can't be used, NotWritten when a file can't be written, NotRestored when a
    substation that it drained stays drained.
    """
    connector = aiohttp.TCPConnector(limit=0)  # the engine's slots are the limit
    async with aiohttp.ClientSession(connector=connector) as http:
        grid = Grid(http, order.gateway_url, order.balancer_url)
        settling = asyncio.ensure_future(settle(grid, order.settle_s, screen.say))
        try:
            if not await unless(stop, settling):
                screen.console.print("interrupted before anything was sent")
                return Ended(interrupted=True, held=False)
        finally:
            screen.said()
        run_id = f"rush-{uuid.uuid4().hex[:12]}"
        now = steady_clock()
        stations = settling.result()
        sampler = Sampler(grid, stations, now)
        before = await sampler.take()
        capacity_w = {each: reading.capacity_w for each, reading in before.readings.items()}
        time_scale = await grid.time_scale(stations)
        fleet = GridSize(capacity_w, time_scale or DEFAULT_GRID.time_scale)
        plan = _planned(order, fleet)
        engine = Engine(http, order.gateway_url, run_id, now, await _manner(http, order, credential))
        async with Outage(http, order.balancer_url, plan.drain) as outage:
            measured = await _measure(Stage(plan, before, sampler, engine, outage), screen, stop)
    known = time_scale and capacity_w.keys() == stations.keys()
    result = conclude(measured, _oracle(measured, plan, fleet) if known else None)
    thresholds = verdict.judge(result, order.limits)
    tables.show(screen.console, result, thresholds)
    if order.json:
        asked = {
            **order.document(), "run_id": run_id, "requests": len(plan.arrivals),
            "plan_sha256": plan.sha256, "time_scale": time_scale,
        }  # fmt: skip
        report.write(order.json, asked, measured, result, thresholds)
    return Ended(result.interrupted, all(threshold.held for threshold in thresholds))


async def _manner(http: aiohttp.ClientSession, order: Order, credential: Credential) -> Manner:
    """Return how the engine sends; raises NotReady when the gateway does not let it in."""
    if await asks_for_a_key(http, order.gateway_url, credential):
        raise NotReady(NO_KEY)
    return Manner(order.concurrency, Retrying(order.retries), credential)


def _planned(order: Order, fleet: GridSize) -> RunPlan:
    """Return the plan, written to a file if that is wanted; raises NotReady for one that does not fit."""
    try:
        plan = make(order.wish, fleet, random.Random)
    except ValueError as error:
        raise NotReady(str(error)) from error
    if order.plan_json:
        write_plan(order.plan_json, plan)
    return plan


def _oracle(measured: Measured, plan: RunPlan, fleet: GridSize) -> Ideal:
    """Return what the oracle makes of the plan, seen at the moments of the whole samples."""
    start_unix_s = measured.from_unix_s
    moments_s = [sample.at_unix_s - start_unix_s for sample in measured.whole()]
    return ideal(plan, fleet, moments_s, measured.until_unix_s - start_unix_s)


async def _measure(stage: Stage, screen: Screen, stop: asyncio.Event) -> Measured:
    plan, sampler, engine = stage.plan, stage.sampler, stage.engine
    now, monitor = engine.now, Monitor()
    start_unix_s = now()
    stage.outage.begin(start_unix_s, now)
    beside = [
        asyncio.create_task(monitor.run()),
        asyncio.create_task(sampler.run()),
        asyncio.create_task(screen.follow(lambda: _view(stage, now() - start_unix_s))),
    ]
    try:
        await engine.run(plan.arrivals, start_unix_s, stop)
        await unless(stop, asyncio.sleep(start_unix_s + plan.seconds - now()))  # the window is sampled whole
    finally:
        for task in beside:
            task.cancel()
        ended = await asyncio.gather(*beside, return_exceptions=True)
    for fault in ended:
        if isinstance(fault, Exception):
            raise fault
    health = monitor.health(engine.woke_late_ms)
    until_unix_s = min(start_unix_s + plan.seconds, now())
    after = await _last_readings(sampler)
    return Measured(
        planned=len(plan.arrivals), sent=engine.sent, interrupted=stop.is_set(),
        from_unix_s=start_unix_s, until_unix_s=until_unix_s,
        requests=engine.requests, substation_ids=sampler.substation_ids, samples=sampler.samples,
        missed_readings=sampler.missed, before=stage.before.readings, after=after,
        no_slot=engine.no_slot, generator=health,
    )  # fmt: skip


async def _last_readings(sampler: Sampler) -> Mapping[str, Reading]:
    """Return readings of after the run; looks again for a substation that did not answer."""
    for _ in range(LAST_LOOKS):
        sample = await sampler.take()
        if len(sample.readings) == len(sampler.substation_ids):
            break
        await asyncio.sleep(SAMPLE_EVERY_S)
    return sample.readings


def _view(stage: Stage, elapsed_s: float) -> View:
    engine = stage.engine
    newest_ms = [request.response_ms for request in engine.requests[-SHOWN_P95_OF:]]
    return View(
        elapsed_s=elapsed_s,
        seconds=stage.plan.seconds,
        planned=len(stage.plan.arrivals),
        sent=engine.sent,
        admitted=engine.outcomes[Outcome.ADMITTED],
        refused=engine.outcomes[Outcome.REFUSED],
        failed=engine.outcomes[Outcome.FAILED],
        p95_ms=balance.percentile(newest_ms, 95) if newest_ms else None,
        readings=stage.sampler.samples[-1].readings,
    )


def steady_clock() -> Callable[[], float]:
    """Return a clock of unix seconds that a change of the wall clock does not disturb."""
    offset_s = time.time() - time.monotonic()
    return lambda: offset_s + time.monotonic()
