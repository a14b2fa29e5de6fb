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
from loadtest.arrivals import rush_hour
from loadtest.engine import Engine, unless
from loadtest.grid import SAMPLE_EVERY_S, Grid, Sampler
from loadtest.records import Outcome, Reading
from loadtest.result import Measured, conclude
from loadtest.screen import Screen, View
from loadtest.settle import settle

SHOWN_P95_OF = 1_000  # the newest answers that the shown p95 is of
LAST_LOOKS = 20  # at every substation after the run, for its exact counters


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    """What the command line asks for."""

    gateway_url: str
    balancer_url: str
    requests: int
    seconds: float
    seed: int
    concurrency: int
    max_ratio: float
    max_refused: int
    settle_s: float
    json: Path | None
    report: Path | None


@dataclasses.dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: whether it was interrupted, whether every threshold held, and what it left."""

    interrupted: bool
    held: bool
    document: Mapping[str, Any] | None = None  # None when nothing was sent


async def run(order: Order, screen: Screen, stop: asyncio.Event) -> Ended:
    """Run one rush hour and print its result; `stop` interrupts it.

    Raises NotReady when the grid can't be used, NotWritten when the JSON file can't be written.
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
        policy = await grid.policy()
        sampler = Sampler(grid, settling.result(), now)
        engine = Engine(http, order.gateway_url, run_id, order.concurrency, now)
        measured = await _measure(order, sampler, engine, screen, stop)
    result = conclude(measured)
    thresholds = verdict.judge(result, order.max_ratio, order.max_refused)
    tables.show(screen.console, result, thresholds)
    told = report.document({**_asked(order, run_id), "policy": policy}, measured, result, thresholds)
    _leave(order, told, screen)
    return Ended(result.interrupted, all(threshold.held for threshold in thresholds), told)


def _asked(order: Order, run_id: str) -> dict[str, Any]:
    files = {"json": str(order.json or ""), "report": str(order.report or "")}
    return {**dataclasses.asdict(order), **files, "run_id": run_id}


def _leave(order: Order, told: dict[str, Any], screen: Screen) -> None:
    if order.json:
        report.write(order.json, told)
    if order.report:
        at = report.write_all(order.report, told)
        screen.console.print(f"report: {at}", soft_wrap=True, markup=False, highlight=False)


async def _measure(
    order: Order, sampler: Sampler, engine: Engine, screen: Screen, stop: asyncio.Event
) -> Measured:
    plan = rush_hour(order.seed, order.requests, order.seconds, random.Random(order.seed))  # noqa: S311 - a plan
    now = engine.now
    before = await sampler.take()
    start_unix_s = now()
    beside = [
        asyncio.create_task(sampler.run()),
        asyncio.create_task(screen.follow(lambda: _view(order, sampler, engine, now() - start_unix_s))),
    ]
    try:
        await engine.run(plan, start_unix_s, stop)
        await unless(stop, asyncio.sleep(start_unix_s + order.seconds - now()))  # the window is sampled whole
    finally:
        for task in beside:
            task.cancel()
        ended = await asyncio.gather(*beside, return_exceptions=True)
    for fault in ended:
        if isinstance(fault, Exception):
            raise fault
    until_unix_s = min(start_unix_s + order.seconds, now())
    after = await _last_readings(sampler)
    return Measured(
        planned=len(plan), sent=engine.sent, interrupted=stop.is_set(),
        from_unix_s=start_unix_s, until_unix_s=until_unix_s,
        requests=engine.requests, substation_ids=sampler.substation_ids, samples=sampler.samples,
        missed_readings=sampler.missed, before=before.readings, after=after,
    )  # fmt: skip


async def _last_readings(sampler: Sampler) -> Mapping[str, Reading]:
    """Return readings of after the run; looks again for a substation that did not answer."""
    for _ in range(LAST_LOOKS):
        sample = await sampler.take()
        if len(sample.readings) == len(sampler.substation_ids):
            break
        await asyncio.sleep(SAMPLE_EVERY_S)
    return sample.readings


def _view(order: Order, sampler: Sampler, engine: Engine, elapsed_s: float) -> View:
    newest_ms = [request.response_ms for request in engine.requests[-SHOWN_P95_OF:]]
    return View(
        elapsed_s=elapsed_s,
        seconds=order.seconds,
        planned=order.requests,
        sent=engine.sent,
        admitted=engine.outcomes[Outcome.ADMITTED],
        refused=engine.outcomes[Outcome.REFUSED],
        failed=engine.outcomes[Outcome.FAILED],
        p95_ms=balance.percentile(newest_ms, 95) if newest_ms else None,
        readings=sampler.samples[-1].readings,
    )


def steady_clock() -> Callable[[], float]:
    """Return a clock of unix seconds that a change of the wall clock does not disturb."""
    offset_s = time.time() - time.monotonic()
    return lambda: offset_s + time.monotonic()
