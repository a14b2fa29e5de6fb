"""Wires what a balancer does, apart from its listeners: order book, view of the fleet, poller, links, placement, orders."""

import asyncio
import contextlib
import dataclasses
import functools
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from prometheus_client import CollectorRegistry

from balancer.book.decommissioned import DecommissionedJournals
from balancer.book.protocol import BookUnavailable, KeptBook
from balancer.fleet.discovery import Discovery, Sources
from balancer.fleet.poller import Poller
from balancer.fleet.readiness import lacking
from balancer.fleet.roster import Roster
from balancer.fleet.view import View
from balancer.metrics import BalancerMetrics
from balancer.operating.operator_settings import OperatorSettings
from balancer.operating.reach import tell_reach
from balancer.operating.rebinding import Rebinding
from balancer.operating.sessions import Sessions
from balancer.operating.substation_orders import SubstationOrders
from balancer.placing.asking import Asker
from balancer.placing.decisions import Decisions
from balancer.placing.placement import Placement
from balancer.placing.policies import PolicySwitch
from balancer.placing.predictive.choice import ForecastChoice
from balancer.placing.seating.seats import Seats
from balancer.placing.seating.waiting_room import WaitingRoom
from balancer.placing.vehicles import OneSession, VehicleAsker
from balancer.placing.withdrawals import Withdrawals
from balancer.settings import Settings
from balancer.stream import BalancerService
from balancer.substation_stream import Links
from runtime.background import kept_going
from runtime.machine import Machine
from runtime.name_lookup import Resolve
from runtime.tls.credentials import Credentials

log = logging.getLogger(__name__)

PRUNE_EVERY_S = 10.0
PRUNE_PAUSE_S = 0.02  # between two pieces with much to drop: over 20,000 claims a second
MUCH_TO_DROP = 50  # of the 1,000 of a piece; fewer are not worth a commit 50 times a second
PROBE_EVERY_S = 1.0


@dataclasses.dataclass(frozen=True)
class Parts:
    """The parts of a balancer that all its other parts use."""

    machine: Machine
    registry: CollectorRegistry
    metrics: BalancerMetrics
    book: KeptBook
    decommissioned: DecommissionedJournals
    view: View
    links: Links
    forecast_choice: ForecastChoice
    tls: Credentials | None


@dataclasses.dataclass(frozen=True)
class Wired:
    """A balancer that runs, and lacks only what others reach it by."""

    seats: Seats
    poller: Poller
    operator: OperatorSettings
    orders: SubstationOrders
    asker: Asker
    placement: Placement
    withdrawals: Withdrawals
    service: BalancerService


def parts(
    stack: AsyncExitStack,
    poll_s: float,
    registry: CollectorRegistry,
    book: KeptBook,
    machine: Machine,
    access: tuple[str, Credentials | None] = ("", None),
) -> Parts:
    """Make the view of a fleet that is still empty; all of it, and the book, end with `stack`.

    `access` is what streams begin with, and the credentials of this balancer.
    """
    metrics = BalancerMetrics(registry)
    stack.push_async_callback(book.close)
    roster = Roster(poll_s, book.book_id, several=book.shared)
    authorization, tls = access
    links = Links(roster, metrics.batched, authorization, tls, machine)
    stack.push_async_callback(links.close)
    choice = ForecastChoice(roster.members)
    view = View(roster, links.up, PolicySwitch(machine.random, choice))
    return Parts(machine, registry, metrics, book, DecommissionedJournals(), view, links, choice, tls)


async def wired(
    stack: AsyncExitStack,
    settings: Settings,
    parts: Parts,
    arrived: Callable[[str, int], None] = lambda _substation_id, _energy_j: None,
) -> Wired:
    """Start a balancer of these parts, but for `discover`; it ends with `stack`. `arrived` is that of Seats."""
    machine = parts.machine
    room = WaitingRoom(settings.most_waiting)
    seats = Seats(parts.view, Decisions(), room, arrived=arrived, machine=machine)
    poller = Poller(parts.view, parts.links, parts.metrics, parts.decommissioned, parts.tls, machine)
    stack.push_async_callback(poller.close)
    operator = OperatorSettings(parts.view, parts.book, parts.decommissioned, poller.tidy, machine)
    await _once_reachable(operator.read)
    asker = _asker(settings, parts)
    orders = SubstationOrders(parts.view, parts.book, asker, parts.decommissioned, operator, machine)
    withdrawals = Withdrawals(parts.book, asker, parts.decommissioned)
    stack.push_async_callback(withdrawals.close)
    stack.push_async_callback(seats.close)
    placement = Placement(seats, parts.book, asker, parts.decommissioned, withdrawals, parts.metrics)
    stack.push_async_callback(placement.close)
    service = _service(parts, placement, asker, withdrawals)
    stack.push_async_callback(service.close)
    await _once_reachable(withdrawals.resume)
    if parts.book.shared:
        stack.callback(asyncio.create_task(kept_going(withdrawals.follow)).cancel)
    _follow_book(stack, parts, operator, asker)
    stack.callback(asyncio.create_task(kept_going(service.follow_readiness)).cancel)
    return Wired(seats, poller, operator, orders, asker, placement, withdrawals, service)


def discover(
    stack: AsyncExitStack, settings: Settings, parts: Parts, poller: Poller, resolve: Resolve
) -> None:
    """Look for substations, again and again, until `stack` ends; `resolve` looks names up."""
    addresses = parts.view.roster.addresses
    sources = Sources(settings.substations, settings.discover_s, settings.scheme)
    discovery = Discovery(addresses, poller, parts.metrics, sources, resolve)
    stack.push_async_callback(discovery.close)
    discovery.start()


def _asker(settings: Settings, parts: Parts) -> Asker:
    """Return the object that asks the substations; with ONE_SESSION_PER_VEHICLE it also holds vehicles."""
    if settings.one_session_per_vehicle:
        return VehicleAsker(parts.links, parts.book, parts.view.roster, parts.machine)
    return Asker(parts.links, parts.view.roster, parts.machine)


def _service(parts: Parts, placement: Placement, asker: Asker, withdrawals: Withdrawals) -> BalancerService:
    """Create the service that answers gateways."""
    view, book, machine = parts.view, parts.book, parts.machine
    placing = (
        OneSession(placement, book, asker, parts.decommissioned, view)
        if isinstance(asker, VehicleAsker)
        else placement
    )

    def waiting_for() -> list[str]:
        return [*book.waiting_for(), *lacking(view, machine.monotonic_s())]

    sessions = Sessions(view.roster, asker)
    return BalancerService(placing, sessions, withdrawals, book.book_id, waiting_for, machine)


def _follow_book(stack: AsyncExitStack, parts: Parts, operator: OperatorSettings, asker: Asker) -> None:
    """Keep the book in order, and follow what it says, until `stack` ends."""
    rebinding = Rebinding(parts.view.roster, asker, lambda: operator.former_books)
    book = parts.book
    tell = functools.partial(tell_reach, parts.view, book, parts.machine.monotonic_s)
    for chore in (lambda: _prune(book), lambda: _probe(book), operator.follow, rebinding.follow, tell):
        stack.callback(asyncio.create_task(kept_going(chore)).cancel)


async def _once_reachable(read: Callable[[], Awaitable[None]]) -> None:
    """Read what must be known before the first request. A shared book may be lost again just after it was opened."""
    while True:
        try:
            await read()
        except BookUnavailable as error:
            log.warning("the order book can't be read yet", extra={"error": str(error)})
            await asyncio.sleep(PROBE_EVERY_S)
        else:
            return


async def _probe(book: KeptBook) -> None:
    """Try again and again to write the order book while it can't be written."""
    while True:
        await asyncio.sleep(PROBE_EVERY_S)
        with contextlib.suppress(BookUnavailable):
            await book.probe()


async def _prune(book: KeptBook) -> None:
    """Drop expired keys, a piece of the book at a time, faster where there is much to drop."""
    while True:
        dropped = 0
        with contextlib.suppress(BookUnavailable):
            dropped = await book.prune()
        await asyncio.sleep(PRUNE_PAUSE_S if dropped >= MUCH_TO_DROP else PRUNE_EVERY_S)
