"""One run from beginning to end: settle, take the lease, plan, send, give the lease back, conclude."""

import asyncio
import dataclasses
import random
import time
from collections.abc import Callable

import aiohttp

from loadtest.contract import Verdict
from loadtest.judge.conditions import policy_of
from loadtest.judge.result import Measurements
from loadtest.plan import clock
from loadtest.plan.document import DEFAULT_GRID, GridSize, RunPlan, make
from loadtest.record.grid_reader import FleetStatus, GridReader, NotReady
from loadtest.record.readings import FleetSample
from loadtest.record.sampler import PolicyWatch, Sampler
from loadtest.report import runs
from loadtest.report.plan_view import write_plan
from loadtest.run.conclusion import SendingResult, conclude_run
from loadtest.run.lease import Lease
from loadtest.run.measure import RunDisplay, RunSetup, measure
from loadtest.run.options import RunOptions
from loadtest.run.outage import Outage, check_not_drained
from loadtest.run.outcome import REASONS, RunOutcome
from loadtest.run.reservations import look_up_reservations
from loadtest.run.restore import NotRestored
from loadtest.run.session_stopper import SessionStopper
from loadtest.run.settle import settle, wait_for_time_of_day
from loadtest.run.switch import Switch
from loadtest.send.credential import Credential
from loadtest.send.engine import Engine, SendingOptions, requires_key, unless
from loadtest.send.retrying import RetryPolicy

NO_KEY = "the gateway refuses the rush hour's requests: give it an API key, by --api-key-file or API_KEY"


@dataclasses.dataclass(frozen=True, slots=True)
class GridConnection:
    """The clients with which a run talks to the grid; `lease` is its lease of the rush hour."""

    http: aiohttp.ClientSession
    credential: Credential
    grid: GridReader
    lease: Lease


async def run(options: RunOptions, credential: Credential, display: RunDisplay) -> RunOutcome:
    """Run once, print the result and write it into the runs folder; never raises because of the grid.

    `credential` is not among the options, which are written down.
    """
    # No limit of connections: the engine's slots are the limit.
    async with credential.session(options.gateway_url, options.balancer_url, limit=0) as http:
        grid = GridReader(http, options.gateway_url, options.balancer_url)
        lease = Lease(http, options.balancer_url, options.run_id, credential.orders())
        connection = GridConnection(http, credential, grid, lease)
        try:
            fleet = await _ready(options, connection, display)
            if not fleet:
                display.screen.console.print("interrupted before anything was sent")
                return RunOutcome(Verdict.INTERRUPTED, display.stop.why)
            sent = await _send(options, connection, fleet, display)
        except REASONS as error:
            return RunOutcome.of(error)
        finally:
            await lease.give_back()
    outcome = dataclasses.replace(conclude_run(options, sent, display), starts_at=sent.plan.starts_at)
    if lease.lost:
        why = f"the run was stopped because its lease was lost: {lease.lost}"
        return dataclasses.replace(outcome, verdict=Verdict.LEASE_LOST, why=why)
    return outcome


async def _ready(options: RunOptions, connection: GridConnection, display: RunDisplay) -> FleetStatus | None:
    """Return the fleet once it is ready and the lease is taken; None when the run was interrupted before."""

    async def wait() -> FleetStatus:
        await connection.grid.gateway()  # first: a server that is no gateway gets no further request
        await connection.lease.look()
        fleet = await settle(connection.grid, options.settle_s, display.say)
        if await requires_key(connection.http, options.gateway_url, connection.credential):
            raise NotReady(NO_KEY)
        if options.plan.starts_at_h is not None:
            await wait_for_time_of_day(connection.grid, fleet, options.plan.starts_at_h, display.say)
        await connection.lease.take()
        return fleet

    waiting = asyncio.ensure_future(wait())
    try:
        return waiting.result() if await unless(display.stop, waiting) else None
    finally:
        display.screen.clear()


async def _send(
    options: RunOptions, connection: GridConnection, fleet: FleetStatus, display: RunDisplay
) -> SendingResult:
    """Send the plan under the wanted policy and with its outage; both are undone before this returns."""
    http, orders = connection.http, connection.credential.orders()
    now = steady_clock()
    sampler = Sampler(connection.grid, fleet.substation_urls, now)
    before = await sampler.take()
    grid_time = await connection.grid.grid_time(fleet.substation_urls)
    size = _size(fleet, before, await connection.grid.time_scale(fleet.substation_urls))
    planned_for = size or dataclasses.replace(DEFAULT_GRID, capacity_w=_capacity_w(before))
    plan = _plan(options, dataclasses.replace(planned_for, time_of_day_h=_begins_h(options, grid_time)))
    sending = SendingOptions(options.concurrency, RetryPolicy(options.retries), connection.credential)
    engine = Engine(http, options.gateway_url, options.run_id, now, sending)
    policy = options.policy or fleet.policy
    sent: SendingResult | None = None
    try:
        await check_not_drained(http, options.balancer_url, plan.drain)
        async with Switch(http, options.balancer_url, fleet.policy, policy, headers=orders):
            folder = runs.make(options.runs, options.run_id)
            display.progress.keep_in(folder)
            policies = PolicyWatch(connection.grid, policy, now)
            setup = RunSetup(plan, now(), before, sampler, engine, connection.lease, policies, options.limits)
            async with Outage(http, options.balancer_url, plan.drain, orders):
                measured = await _measured(options, connection, setup, display)
                measured = dataclasses.replace(measured, time_scale=size.time_scale if size else None)
                sent = SendingResult(
                    folder, plan, policy_of(measured.changes, policy), size, measured, grid_time
                )
    except NotRestored as error:
        if not sent:
            raise
        return dataclasses.replace(sent, fault=str(error))
    return sent


async def _measured(
    options: RunOptions, connection: GridConnection, setup: RunSetup, display: RunDisplay
) -> Measurements:
    """Return what was measured, after what follows the sending: ended sessions, real reservations."""
    measured = await measure(setup, display)
    if options.end_on_stop and measured.interrupted and not display.stop.keeps_sessions:
        measured = await _with_ended_sessions(options, connection, setup, measured, display)
    return await look_up_reservations(connection.http, options.gateway_url, connection.credential, measured)


async def _with_ended_sessions(
    options: RunOptions,
    connection: GridConnection,
    setup: RunSetup,
    measured: Measurements,
    display: RunDisplay,
) -> Measurements:
    """End the sessions of the run once everything is measured. The lease is kept meanwhile."""
    stopper = SessionStopper(connection.http, options.gateway_url, connection.credential, measured.requests)
    keeping = asyncio.create_task(connection.lease.keep(setup.window_unix_s))
    try:
        stopped = await stopper.run(display.stop.again, display.ending)
    finally:
        keeping.cancel()
        display.screen.clear()
    return dataclasses.replace(measured, ended_by_stop=stopped)


def _size(fleet: FleetStatus, before: FleetSample, time_scale: float | None) -> GridSize | None:
    capacity_w = _capacity_w(before)
    known = time_scale and capacity_w.keys() == fleet.substation_urls.keys()
    return GridSize(capacity_w, time_scale) if known and time_scale else None


def _capacity_w(sample: FleetSample) -> dict[str, float]:
    return {each: reading.capacity_w for each, reading in sample.readings.items()}


def _begins_h(options: RunOptions, grid_time: str) -> float:
    """Return the time of day at which a run begins: the wanted one, or that of the grid, or an assumed one."""
    if options.plan.starts_at_h is not None:
        return options.plan.starts_at_h
    now_h = clock.of_label(grid_time)
    return clock.ASSUMED_H if now_h is None else now_h


def _plan(options: RunOptions, size: GridSize) -> RunPlan:
    """Return the plan, written to a file if that is wanted; raises NotReady when it does not fit the grid."""
    try:
        plan = make(options.plan, size, random.Random)
    except ValueError as error:
        raise NotReady(str(error)) from error
    if options.plan_json:
        write_plan(options.plan_json, plan)
    return plan


def steady_clock() -> Callable[[], float]:
    """Return a clock of unix seconds that a change of the wall clock does not disturb."""
    offset_s = time.time() - time.monotonic()
    return lambda: offset_s + time.monotonic()
