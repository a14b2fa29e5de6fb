"""The middle of a run: everything that happens at once while the requests are sent."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from typing import Any

from loadtest.events import SettlingEvent
from loadtest.judge.conditions import ChangeWatch, changes
from loadtest.judge.live import LiveJudge
from loadtest.judge.result import Measurements
from loadtest.judge.thresholds import Limit
from loadtest.plan.document import RunPlan
from loadtest.record.generator_health import GeneratorMonitor
from loadtest.record.readings import FleetSample, Reading
from loadtest.record.sampler import SAMPLE_EVERY_S, PolicyWatch, Sampler
from loadtest.record.stopped_sessions import StoppedSessions
from loadtest.run.lease import Lease
from loadtest.run.observer import JudgingObserver, RunObserver
from loadtest.send.engine import Engine, unless
from loadtest.send.stop import StopSignal
from loadtest.show.progress import Progress, ending_event
from loadtest.show.screen import Screen

LAST_LOOKS = 20  # at every substation after the run, for its exact counters


@dataclasses.dataclass(frozen=True, slots=True)
class RunDisplay:
    """Shows a run: on the screen, and as lines of progress. `stop` ends it early."""

    screen: Screen
    progress: Progress
    stop: StopSignal

    def say(self, text: str) -> None:
        """Show what the run waits for before it sends."""
        self.screen.say(text)
        self.progress.write(SettlingEvent(text))

    def ending(self, stopped: StoppedSessions) -> None:
        """Show how far a stop is with the sessions of the run."""
        self.screen.say(stopped.in_words())
        self.progress.write(ending_event(stopped))


@dataclasses.dataclass(frozen=True, slots=True)
class RunSetup:
    """The parts of a run, and the moment at which its plan begins.

    `before` is the sample of the grid from before the run, `limits` are those of its thresholds.
    """

    plan: RunPlan
    start_unix_s: float
    before: FleetSample
    sampler: Sampler
    engine: Engine
    lease: Lease
    policies: PolicyWatch
    limits: Sequence[Limit] = ()

    @property
    def window_unix_s(self) -> tuple[float, float]:
        """When the cars arrive."""
        return self.start_unix_s, self.start_unix_s + self.plan.seconds


async def measure(setup: RunSetup, display: RunDisplay) -> Measurements:
    """Send the plan and return what was measured; `display.stop` ends the sending."""
    plan, sampler, engine, stop = setup.plan, setup.sampler, setup.engine, display.stop
    now, monitor = engine.now, GeneratorMonitor()
    start_unix_s, end_unix_s = setup.window_unix_s
    changed = ChangeWatch(plan.drain, start_unix_s)
    judge = LiveJudge(setup.limits, len(plan.arrivals), setup.before, start_unix_s)
    observer = RunObserver(len(plan.arrivals), plan.seconds, engine, sampler, lambda: now() - start_unix_s)
    judging = JudgingObserver(judge, changed, engine, sampler, setup.policies, start_unix_s)
    async with _beside(
        monitor.run(),
        sampler.run(),
        setup.policies.run(),
        _keep(setup, stop),
        display.screen.follow(observer.snapshot),
        display.progress.follow(observer.snapshot),
        display.progress.judge(judging.event),
    ):
        await engine.run(plan.arrivals, start_unix_s, stop)
        await unless(stop, asyncio.sleep(end_unix_s - now()))  # the whole window is sampled
    until_unix_s = min(end_unix_s, now())
    after = await _last_readings(sampler)
    await setup.policies.look()
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
        before=setup.before.readings,
        after=after,
        no_slot=engine.no_slot,
        generator=monitor.health(engine.woke_late_ms),
        changes=changes(sampler.samples, setup.policies.changes, plan.drain, start_unix_s),
    )


@contextlib.asynccontextmanager
async def _beside(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `work` while the context lasts, then cancel it; raises the first exception of any of them."""
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


async def _keep(setup: RunSetup, stop: StopSignal) -> None:
    await setup.lease.keep(setup.window_unix_s)
    stop.because("the lease was lost")


async def _last_readings(sampler: Sampler) -> Mapping[str, Reading]:
    """Return the readings after the run; looks again when a substation does not answer."""
    for _ in range(LAST_LOOKS):
        sample = await sampler.take()
        if len(sample.readings) == len(sampler.substation_ids):
            break
        await asyncio.sleep(SAMPLE_EVERY_S)
    return sample.readings
