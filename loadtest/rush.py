"""One rush hour from beginning to end: settle, take the lease, sample, send, give it back, conclude."""

import asyncio
import dataclasses
import enum
import json
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp

from loadtest import report, runs, tables, verdict
from loadtest.arrivals import rush_hour
from loadtest.engine import Engine, unless
from loadtest.grid import SAMPLE_EVERY_S, FleetSeen, Grid, NotReady, Sampler
from loadtest.lease import Busy, Lease
from loadtest.progress import SETTLING, Progress
from loadtest.records import Reading
from loadtest.result import Measured, conclude
from loadtest.runs import NotWritten
from loadtest.screen import Screen
from loadtest.settle import settle
from loadtest.stop import Stop
from loadtest.view import Watch

LAST_LOOKS = 20  # at every substation after the run, for its exact counters


class Verdict(enum.StrEnum):
    """How a run ended."""

    HELD = "held"
    BROKEN = "broken"
    INTERRUPTED = "interrupted"
    NOT_READY = "not ready"  # nothing was sent
    BUSY = "busy"  # another run holds the rush hour; nothing was sent
    LEASE_LOST = "lease lost"
    NOT_WRITTEN = "not written"
    FAILED = "failed"  # a fault of this program


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    """What the command line asks for."""

    run_id: str
    preset: str
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
    runs: Path


@dataclasses.dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended, in words where it did not run to its end, and its folder if anything was sent."""

    verdict: Verdict
    why: str = ""
    folder: Path | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Shown:
    """Where a run is shown, and what ends it early."""

    screen: Screen
    progress: Progress
    stop: Stop

    def say(self, text: str) -> None:
        """Tell what goes on before anything is sent."""
        self.screen.say(text)
        self.progress.tell(SETTLING, text=text)


async def run(order: Order, shown: Shown) -> Ended:
    """Run one rush hour, print its result and leave it in the runs folder; never raises for a reason of the grid's."""
    connector = aiohttp.TCPConnector(limit=0)  # the engine's slots are the limit
    async with aiohttp.ClientSession(connector=connector) as http:
        grid = Grid(http, order.gateway_url, order.balancer_url)
        lease = Lease(http, order.balancer_url, order.run_id)
        try:
            fleet = await _ready(order, grid, lease, shown)
            if not fleet:
                shown.screen.console.print("interrupted before anything was sent")
                return Ended(Verdict.INTERRUPTED, shown.stop.why)
            folder = runs.make(order.runs, order.run_id)
            shown.progress.keep_in(folder)
            of_grid = {"policy": fleet.policy, "time_scale": await grid.time_scale(fleet.stations)}
            now = steady_clock()
            engine = Engine(http, order.gateway_url, order.run_id, order.concurrency, now)
            measured = await _measure(order, Sampler(grid, fleet.stations, now), engine, lease, shown)
        except NotReady as error:
            return Ended(Verdict.NOT_READY, str(error))
        except Busy as error:
            return Ended(Verdict.BUSY, str(error))
        except NotWritten as error:
            return Ended(Verdict.NOT_WRITTEN, str(error))
        finally:
            await lease.give_back()
    ended = _concluded(order, of_grid, measured, folder, shown)
    if lease.lost:
        return Ended(Verdict.LEASE_LOST, f"the run was stopped, for its lease was lost: {lease.lost}", folder)
    return ended


async def _ready(order: Order, grid: Grid, lease: Lease, shown: Shown) -> FleetSeen | None:
    """Return the fleet once it is ready and the lease is taken; None when the run was interrupted before."""

    async def wait() -> FleetSeen:
        await grid.gateway()  # what is no gateway is asked nothing more
        await lease.look()
        fleet = await settle(grid, order.settle_s, shown.say)
        await lease.take()
        return fleet

    waiting = asyncio.ensure_future(wait())
    try:
        return waiting.result() if await unless(shown.stop, waiting) else None
    finally:
        shown.screen.said()


async def _measure(order: Order, sampler: Sampler, engine: Engine, lease: Lease, shown: Shown) -> Measured:
    plan = rush_hour(order.seed, order.requests, order.seconds, random.Random(order.seed))  # noqa: S311 - a plan
    now, stop = engine.now, shown.stop
    before = await sampler.take()
    start_unix_s = now()
    watch = Watch(len(plan), order.seconds, engine, sampler, lambda: now() - start_unix_s)
    beside = [
        asyncio.create_task(beside)
        for beside in (
            sampler.run(),
            _keep(lease, stop),
            shown.screen.follow(watch.view),
            shown.progress.follow(watch.view),
        )
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


async def _keep(lease: Lease, stop: Stop) -> None:
    await lease.keep()
    stop.because("the lease was lost")


async def _last_readings(sampler: Sampler) -> Mapping[str, Reading]:
    """Return readings of after the run; looks again for a substation that did not answer."""
    for _ in range(LAST_LOOKS):
        sample = await sampler.take()
        if len(sample.readings) == len(sampler.substation_ids):
            break
        await asyncio.sleep(SAMPLE_EVERY_S)
    return sample.readings


def _concluded(
    order: Order, of_grid: Mapping[str, Any], measured: Measured, folder: Path, shown: Shown
) -> Ended:
    """Print the result, and write it."""
    result = conclude(measured)
    thresholds = verdict.judge(result, order.max_ratio, order.max_refused)
    tables.show(shown.screen.console, result, thresholds)
    asked = {**dataclasses.asdict(order), **of_grid}
    for path in ("json", "runs"):  # of this machine
        del asked[path]
    text = json.dumps(report.document(asked, measured, result, thresholds), indent=1)
    try:
        runs.write(folder / runs.RESULT, text)
        if order.json:
            runs.copy(order.json, text)
    except NotWritten as error:
        return Ended(Verdict.NOT_WRITTEN, str(error), folder)
    runs.prune(order.runs)
    shown.screen.console.print(
        f"result: {folder / runs.RESULT}", soft_wrap=True, markup=False, highlight=False
    )
    if result.interrupted:
        return Ended(Verdict.INTERRUPTED, shown.stop.why, folder)
    held = all(threshold.held for threshold in thresholds)
    return Ended(Verdict.HELD if held else Verdict.BROKEN, "", folder)


def steady_clock() -> Callable[[], float]:
    """Return a clock of unix seconds that a change of the wall clock does not disturb."""
    offset_s = time.time() - time.monotonic()
    return lambda: offset_s + time.monotonic()
