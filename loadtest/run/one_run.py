"""One run from beginning to end: settle, take the lease, plan, send, give the lease back, conclude."""

import asyncio
import dataclasses
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from loadtest.judge import verdict
from loadtest.judge.conditions import policy_of
from loadtest.judge.ideal import Ideal, ideal
from loadtest.judge.result import Measurements, Result, conclude
from loadtest.judge.verdict import Threshold
from loadtest.plan.document import DEFAULT_GRID, GridSize, RunPlan, make
from loadtest.record.records import FleetSample
from loadtest.report import document as report
from loadtest.report import runs, tables
from loadtest.report.plan_view import write_plan
from loadtest.report.runs import NotWritten
from loadtest.run.lease import Busy, Lease
from loadtest.run.measure import RunDisplay, Stage, measure
from loadtest.run.order import RunOptions, RunOutcome, Verdict
from loadtest.run.outage import Outage
from loadtest.run.reservations import looked_up
from loadtest.run.settle import settle
from loadtest.run.switch import Switch
from loadtest.run.undo import Undo
from loadtest.send.credential import Credential
from loadtest.send.engine import Engine, SendingOptions, asks_for_a_key, unless
from loadtest.send.grid import FleetStatus, GridReader, NotReady, NotRestored, PolicyWatch, Sampler
from loadtest.send.retrying import RetryPolicy

NO_KEY = "the gateway does not let the rush hour in: give it an API key, by --api-key-file or API_KEY"
VERDICTS = {
    NotReady: Verdict.NOT_READY,
    Busy: Verdict.BUSY,
    NotWritten: Verdict.NOT_WRITTEN,
    NotRestored: Verdict.FAILED,
}
REASONS = (NotReady, Busy, NotWritten, NotRestored)  # why there is no run, or not to its end


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    """What a run talks to, and by which key."""

    http: aiohttp.ClientSession
    credential: Credential
    grid: GridReader
    lease: Lease


@dataclasses.dataclass(frozen=True, slots=True)
class SendingResult:
    """What a run was: its folder, plan and grid, what it measured, and what went wrong beside it.

    `size` is None when the substations did not all tell their capacity and one time scale.
    """

    folder: Path
    plan: RunPlan
    policy: str
    size: GridSize | None
    measured: Measurements
    fault: str = ""


async def run(order: RunOptions, credential: Credential, shown: RunDisplay) -> RunOutcome:
    """Run once, print the result and leave it in the runs folder; never raises for a reason of the grid's.

    `credential` is not part of the order, which is written down.
    """
    connector = aiohttp.TCPConnector(limit=0)  # the engine's slots are the limit
    async with aiohttp.ClientSession(connector=connector) as http:
        grid = GridReader(http, order.gateway_url, order.balancer_url)
        lease = Lease(http, order.balancer_url, order.run_id, credential.orders())
        site = Site(http, credential, grid, lease)
        try:
            fleet = await _ready(order, site, shown)
            if not fleet:
                shown.screen.console.print("interrupted before anything was sent")
                return RunOutcome(Verdict.INTERRUPTED, shown.stop.why)
            sent = await _send(order, site, fleet, shown)
        except REASONS as error:
            return ended_by(error)
        finally:
            await site.lease.give_back()
    ended = _concluded(order, sent, shown)
    if site.lease.lost:
        why = f"the run was stopped, for its lease was lost: {site.lease.lost}"
        return dataclasses.replace(ended, verdict=Verdict.LEASE_LOST, why=why)
    return ended


def ended_by(error: Exception) -> RunOutcome:
    """Return how a run ended by one of REASONS."""
    return RunOutcome(VERDICTS[type(error)], str(error))


async def _ready(order: RunOptions, site: Site, shown: RunDisplay) -> FleetStatus | None:
    """Return the fleet once it is ready and the lease is taken; None when the run was interrupted before."""

    async def wait() -> FleetStatus:
        await site.grid.gateway()  # what is no gateway is asked nothing more
        await site.lease.look()
        fleet = await settle(site.grid, order.settle_s, shown.say)
        if await asks_for_a_key(site.http, order.gateway_url, site.credential):
            raise NotReady(NO_KEY)
        await site.lease.take()
        return fleet

    waiting = asyncio.ensure_future(wait())
    try:
        return waiting.result() if await unless(shown.stop, waiting) else None
    finally:
        shown.screen.said()


async def _send(order: RunOptions, site: Site, fleet: FleetStatus, shown: RunDisplay) -> SendingResult:
    now = steady_clock()
    sampler = Sampler(site.grid, fleet.stations, now)
    before = await sampler.take()
    size = _size(fleet, before, await site.grid.time_scale(fleet.stations))
    plan = _planned(order, size or dataclasses.replace(DEFAULT_GRID, capacity_w=_capacity_w(before)))
    orders = site.credential.orders()
    manner = SendingOptions(order.concurrency, RetryPolicy(order.retries), site.credential)
    engine = Engine(site.http, order.gateway_url, order.run_id, now, manner)
    sent: SendingResult | None = None
    try:
        policy = order.policy or fleet.policy
        async with (
            Switch(site.http, order.balancer_url, fleet.policy, policy, headers=orders),
            Outage(site.http, order.balancer_url, plan.drain, orders) as outage,
        ):
            folder = runs.make(order.runs, order.run_id)
            shown.progress.keep_in(folder)
            policies = PolicyWatch(site.grid, policy, now)
            stage = Stage(plan, before, sampler, engine, site.lease, outage, policies)
            measured = await measure(stage, shown)
            if order.end_on_stop and measured.interrupted and not shown.stop.keeps_sessions:
                measured = await _undone(order, site, measured, shown)
            measured = await looked_up(site.http, order.gateway_url, site.credential, measured)
            sent = SendingResult(folder, plan, policy_of(measured.changes, policy), size, measured)
    except NotRestored as error:
        if not sent:
            raise
        return dataclasses.replace(sent, fault=str(error))
    return sent


async def _undone(order: RunOptions, site: Site, measured: Measurements, shown: RunDisplay) -> Measurements:
    """End the sessions that the run had got; all was measured before. The lease is kept meanwhile."""
    undo = Undo(site.http, order.gateway_url, site.credential, measured.requests)
    keeping = asyncio.create_task(site.lease.keep())
    try:
        ended = await undo.run(shown.stop.again, shown.ending)
    finally:
        keeping.cancel()
        shown.screen.said()
    return dataclasses.replace(measured, ended_by_stop=ended)


def _size(fleet: FleetStatus, before: FleetSample, time_scale: float | None) -> GridSize | None:
    capacity_w = _capacity_w(before)
    known = time_scale and capacity_w.keys() == fleet.stations.keys()
    return GridSize(capacity_w, time_scale) if known and time_scale else None


def _capacity_w(sample: FleetSample) -> dict[str, float]:
    return {each: reading.capacity_w for each, reading in sample.readings.items()}


def _planned(order: RunOptions, size: GridSize) -> RunPlan:
    """Return the plan, written to a file if that is wanted; raises NotReady for one that does not fit."""
    try:
        plan = make(order.wish, size, random.Random)
    except ValueError as error:
        raise NotReady(str(error)) from error
    if order.plan_json:
        write_plan(order.plan_json, plan)
    return plan


def _concluded(order: RunOptions, sent: SendingResult, shown: RunDisplay) -> RunOutcome:
    """Write the result, then print it, so that a failure to print loses nothing."""
    result = conclude(sent.measured, _oracle(sent))
    thresholds = verdict.judge(result, order.limits)
    asked = order.document() | {
        "requests": len(sent.plan.arrivals),
        "plan_sha256": sent.plan.sha256,
        "policy": sent.policy,
        "time_scale": sent.size.time_scale if sent.size else None,
    }
    told = report.document(asked, sent.measured, result, thresholds)
    unwritten = _written(order, sent.folder, told)
    tables.show(shown.screen.console, result, thresholds)
    if unwritten:
        return RunOutcome(Verdict.NOT_WRITTEN, unwritten, sent.folder)
    at = sent.folder / report.REPORT
    shown.screen.console.print(f"report: {at}", soft_wrap=True, markup=False, highlight=False)
    if sent.fault:
        return RunOutcome(Verdict.FAILED, sent.fault, sent.folder)
    if result.interrupted:
        return RunOutcome(Verdict.INTERRUPTED, shown.stop.why, sent.folder)
    return _judged(result, thresholds, sent.folder)


def _judged(result: Result, thresholds: Sequence[Threshold], folder: Path) -> RunOutcome:
    """Return the verdict of a run that was not interrupted."""
    if all(threshold.held for threshold in thresholds):
        return RunOutcome(Verdict.HELD, "", folder)
    if any(threshold.broken for threshold in thresholds):
        return RunOutcome(Verdict.BROKEN, "", folder)
    what = "; ".join(each.said() for each in result.disturbed)
    return RunOutcome(Verdict.CHANGED, f"somebody changed the grid during the run: {what}", folder)


def _written(order: RunOptions, folder: Path, told: dict[str, Any]) -> str:
    """Write a result into its folder and further files; returns why that failed, '' if it did not."""
    try:
        report.leave(folder, told)
        if order.json:
            runs.copy(order.json, report.as_json(told))
    except NotWritten as error:
        return str(error)
    runs.prune(order.runs)
    return ""


def _oracle(sent: SendingResult) -> Ideal | None:
    """Return what the oracle makes of the plan, seen at the moments of the whole samples."""
    if not sent.size:
        return None
    measured, start_unix_s = sent.measured, sent.measured.from_unix_s
    moments_s = [sample.at_unix_s - start_unix_s for sample in measured.whole()]
    return ideal(sent.plan, sent.size, moments_s, measured.until_unix_s - start_unix_s)


def steady_clock() -> Callable[[], float]:
    """Return a clock of unix seconds that a change of the wall clock does not disturb."""
    offset_s = time.time() - time.monotonic()
    return lambda: offset_s + time.monotonic()
