"""The middle of a run: everything that goes on at once while requests are sent."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Coroutine, Mapping
from typing import Any

from loadtest.judge.conditions import changes
from loadtest.judge.result import Measurements
from loadtest.plan.document import RunPlan
from loadtest.record.records import FleetSample, Reading
from loadtest.record.stopped_sessions import StoppedSessions
from loadtest.run.lease import Lease
from loadtest.run.outage import Outage
from loadtest.send.engine import Engine, unless
from loadtest.send.generator import Monitor
from loadtest.send.grid import SAMPLE_EVERY_S, PolicyWatch, Sampler
from loadtest.send.stop import StopSignal
from loadtest.show.progress import ENDING, SETTLING, Progress, ending
from loadtest.show.screen import Screen
from loadtest.show.view import Watch

LAST_LOOKS = 20  # at every substation after the run, for its exact counters


@dataclasses.dataclass(frozen=True, slots=True)
class RunDisplay:
    """Where a run is shown, and what ends it early."""

    screen: Screen
    progress: Progress
    stop: StopSignal

    def say(self, text: str) -> None:
        """Tell what goes on before anything is sent."""
        self.screen.say(text)
        self.progress.tell(SETTLING, text=text)

    def ending(self, undone: StoppedSessions) -> None:
        """Tell how far a stop is with the run's sessions."""
        self.screen.say(undone.said())
        self.progress.tell(ENDING, **ending(undone))


@dataclasses.dataclass(frozen=True, slots=True)
class Stage:
    """What a run is made of: its plan, the first sample, who sends, looks on, keeps the lease and drains."""

    plan: RunPlan
    before: FleetSample
    sampler: Sampler
    engine: Engine
    lease: Lease
    outage: Outage
    policies: PolicyWatch


async def measure(stage: Stage, shown: RunDisplay) -> Measurements:
    """Send the plan, and see what becomes of it; `shown.stop` ends the sending."""
    plan, sampler, engine, stop = stage.plan, stage.sampler, stage.engine, shown.stop
    now, monitor = engine.now, Monitor()
    start_unix_s = now()
    stage.outage.begin(start_unix_s, now)
    stage.lease.window_unix_s = (start_unix_s, start_unix_s + plan.seconds)
    watch = Watch(len(plan.arrivals), plan.seconds, engine, sampler, lambda: now() - start_unix_s)
    async with _beside(
        monitor.run(),
        sampler.run(),
        stage.policies.run(),
        _keep(stage.lease, stop),
        shown.screen.follow(watch.view),
        shown.progress.follow(watch.view),
    ):
        await engine.run(plan.arrivals, start_unix_s, stop)
        await unless(stop, asyncio.sleep(start_unix_s + plan.seconds - now()))  # the window is sampled whole
    until_unix_s = min(start_unix_s + plan.seconds, now())
    after = await _last_readings(sampler)
    await stage.policies.look()
    return Measurements(
        planned=len(plan.arrivals),
        sent=engine.sent,
        interrupted=stop.is_set(),
        from_unix_s=start_unix_s,
        until_unix_s=until_unix_s,
        requests=engine.requests,
        substation_ids=sampler.substation_ids,
        samples=sampler.samples,
        missed_readings=sampler.missed,
        before=stage.before.readings,
        after=after,
        no_slot=engine.no_slot,
        generator=monitor.health(engine.woke_late_ms),
        changes=changes(sampler.samples, stage.policies.seen, plan.drain, start_unix_s),
    )


@contextlib.asynccontextmanager
async def _beside(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `work` while the context lasts, then cancel it; raises the first exception that one of them raised."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for fault in ended:
        if isinstance(fault, Exception):
            raise fault


async def _keep(lease: Lease, stop: StopSignal) -> None:
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
