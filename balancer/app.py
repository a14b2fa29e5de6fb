"""Wires a balancer: order book, view of the fleet, poller, links, placement, stream and pages."""

import asyncio
import contextlib
import dataclasses
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from prometheus_client import CollectorRegistry
from tornado.web import Application

from balancer.book.decommissioned import DecommissionedJournals
from balancer.book.lease import RUN_ID
from balancer.book.protocol import BookUnavailable, KeptBook
from balancer.book_opening import opened_book
from balancer.contract import FLEET
from balancer.fleet.collector import FleetCollector
from balancer.fleet.discovery import Discovery, Sources
from balancer.fleet.handlers import FleetHandler, MemberHandler, fleet_json
from balancer.fleet.poller import Poller
from balancer.fleet.readiness import lacking
from balancer.fleet.roster import Roster
from balancer.fleet.view import View
from balancer.forecast.forecaster import Forecaster
from balancer.forecast.history import History
from balancer.forecast.recorder import Reading, reading_of
from balancer.forecast.service import ForecastService, forecasting
from balancer.metrics import BalancerMetrics, show_rushhour
from balancer.operating.backups import BackupHandler, Backups, Copied
from balancer.operating.handlers import OrderHandler, PolicyHandler, RushHourHandler, RushHourRunHandler
from balancer.operating.operator_settings import OperatorSettings
from balancer.operating.rebinding import Rebinding
from balancer.operating.sessions import Sessions
from balancer.operating.substation_orders import SubstationOrders
from balancer.placing.asking import Asker
from balancer.placing.decisions import Decisions
from balancer.placing.forecast_sender import ForecastSender
from balancer.placing.handlers import DecisionSearchHandler, DecisionsHandler, OutlookHandler
from balancer.placing.placement import Placement
from balancer.placing.policies import PolicySwitch
from balancer.placing.predictive.choice import ForecastChoice
from balancer.placing.predictive.expected_peaks import expected_peaks
from balancer.placing.predictive.outlooks import OutlookKeeper
from balancer.placing.predictive.peak_collector import ExpectedPeakCollector
from balancer.placing.seating.seats import Seats
from balancer.placing.seating.waiting_room import WaitingRoom
from balancer.placing.vehicles import OneSession, VehicleAsker
from balancer.placing.withdrawals import Withdrawals
from balancer.settings import Settings
from balancer.stream import BalancerService
from balancer.substation_stream import Links
from runtime import exposition, health, http, operator_token, stream_server
from runtime.background import kept_going
from runtime.frame_stream import FrameStreamHandler, FrameStreams, StreamMetrics
from runtime.gate import Gate
from runtime.handlers import NotFoundHandler
from runtime.http_metrics import HttpMetrics
from runtime.name_lookup import Resolve, resolve
from runtime.tls.credentials import Credentials
from runtime.tls.expiry import OWN, show_expiry
from runtime.tls.guard import guarded
from runtime.tls.identity import Role

PRUNE_EVERY_S = 10.0
PRUNE_PAUSE_S = 0.02  # between two pieces with much to drop: over 20,000 claims a second
MUCH_TO_DROP = 50  # of the 1,000 of a piece; fewer are not worth a commit 50 times a second
PROBE_EVERY_S = 1.0


@dataclasses.dataclass(frozen=True)
class Parts:
    """The parts of a balancer that all its other parts use."""

    registry: CollectorRegistry
    metrics: BalancerMetrics
    book: KeptBook
    decommissioned: DecommissionedJournals
    view: View
    links: Links
    forecast_choice: ForecastChoice


@asynccontextmanager
async def balancer(settings: Settings, resolve: Resolve = resolve) -> AsyncIterator[None]:
    """Serve one balancer while the context lasts; `resolve` looks names up.

    Raises StoreUnusable when its order book can't be used, or its history for another reason than damage, OSError when
    a port is taken.
    """
    async with AsyncExitStack() as stack:
        token = operator_token.read_if_any(settings.operator_token)
        tls = settings.credentials(Role.BALANCER)
        parts = await _parts(stack, settings, token, tls)
        forecast = await _forecast(stack, settings, parts)
        arrived = forecast.recorder.arrived
        seats = Seats(parts.view, Decisions(), WaitingRoom(settings.most_waiting), arrived=arrived)
        parts.registry.register(FleetCollector(parts.view, seats.room, seats.promised_returns.kept_w))
        poller = Poller(parts.view, parts.links, parts.metrics, parts.decommissioned, tls)
        stack.push_async_callback(poller.close)
        operator = OperatorSettings(parts.view, parts.book, parts.decommissioned, poller.tidy)
        await operator.read()
        asker = _asker(settings, parts)
        _follow_forecasts(stack, parts, forecast.forecaster, asker, settings.poll_s)
        orders = SubstationOrders(parts.view, parts.book, asker, parts.decommissioned, operator)
        service = await _service(stack, parts, seats, asker)
        _follow_book(stack, parts, operator, asker)
        stack.callback(asyncio.create_task(kept_going(service.follow_readiness)).cancel)
        _discover(stack, settings, parts, poller, resolve)
        guard = guarded(tls)
        await stack.enter_async_context(
            stream_server.listen(service, settings.bind, settings.stream_port, token=token, tls=guard)
        )
        show_rushhour(parts.registry, lambda: operator.rushhour is not None, lambda: operator.window)
        streams = _streams(parts, operator)
        pages = _pages(streams, parts, seats.decisions, (operator, orders), service.waiting_for)
        pages = [*pages, *forecast.routes(), _backup(settings, parts.book, forecast.history)]
        app = Application(pages, default_handler_class=NotFoundHandler)
        HttpMetrics(parts.registry, app)
        gate = Gate(settings.allowed_hosts, token=token, guard=guard)
        await stack.enter_async_context(http.listen(app, settings.bind, settings.http_port, gate=gate))
        stack.push_async_callback(streams.close)
        yield


async def _parts(
    stack: AsyncExitStack,
    settings: Settings,
    token: operator_token.OperatorToken | None,
    tls: Credentials | None,
) -> Parts:
    """Open the order book and make the view of a fleet that is still empty; all of it ends with `stack`."""
    registry = await stack.enter_async_context(exposition.measured("balancer"))
    show_expiry(registry, OWN, tls)
    metrics = BalancerMetrics(registry)
    book = await opened_book(settings, registry, token, tls)
    stack.push_async_callback(book.close)
    roster = Roster(settings.poll_s, book.book_id)
    links = Links(roster, metrics.batched, operator_token.field(token), tls)
    stack.push_async_callback(links.close)
    choice = ForecastChoice(roster.members)
    view = View(roster, links.up, PolicySwitch(random.Random(), choice))  # noqa: S311 - ties
    return Parts(registry, metrics, book, DecommissionedJournals(), view, links, choice)


async def _forecast(stack: AsyncExitStack, settings: Settings, parts: Parts) -> ForecastService:
    """Record and forecast until `stack` ends."""
    return await stack.enter_async_context(
        forecasting(
            settings,
            parts.registry,
            lambda: _readings(parts.view),
            lambda: parts.decommissioned.journals,
        )
    )


def _readings(view: View) -> list[Reading]:
    """Return the reading of each substation whose newest report is fresh."""
    now_s, roster = time.monotonic(), view.roster
    fresh = (m.report for m in roster.members.values() if now_s - m.received_s < roster.recent_s)
    return [reading for report in fresh if (reading := reading_of(report))]


def _follow_forecasts(
    stack: AsyncExitStack, parts: Parts, forecaster: Forecaster, asker: Asker, every_s: float
) -> None:
    """Show the policies and the substations the newest forecasts, again and again, until `stack` ends."""
    members = parts.view.roster.members
    choice = parts.forecast_choice
    keeper = OutlookKeeper(members, forecaster.forecast, forecaster.good, choice)
    parts.registry.register(ExpectedPeakCollector(lambda now_s: expected_peaks(members, choice, now_s)))
    sender = ForecastSender(asker, members, forecaster.forecast, parts.links.up)

    async def refresh() -> None:
        while True:
            keeper.refresh()
            choice.shadow.look(time.monotonic())
            await sender.send()
            await asyncio.sleep(every_s)

    stack.callback(asyncio.create_task(kept_going(refresh)).cancel)


def _discover(
    stack: AsyncExitStack, settings: Settings, parts: Parts, poller: Poller, resolve: Resolve
) -> None:
    """Look for substations, again and again, until `stack` ends."""
    addresses = parts.view.roster.addresses
    sources = Sources(settings.substations, settings.discover_s, settings.scheme)
    discovery = Discovery(addresses, poller, parts.metrics, sources, resolve)
    stack.push_async_callback(discovery.close)
    discovery.start()


def _follow_book(stack: AsyncExitStack, parts: Parts, operator: OperatorSettings, asker: Asker) -> None:
    """Keep the book in order, and follow what it says, until `stack` ends."""
    rebinding = Rebinding(parts.view.roster, asker, lambda: operator.former_books)
    book = parts.book
    for chore in (lambda: _prune(book), lambda: _probe(book), operator.follow, rebinding.follow):
        stack.callback(asyncio.create_task(kept_going(chore)).cancel)


async def _service(stack: AsyncExitStack, parts: Parts, seats: Seats, asker: Asker) -> BalancerService:
    """Create the service that answers gateways; it ends with `stack`."""
    view, book, decommissioned = parts.view, parts.book, parts.decommissioned
    withdrawals = Withdrawals(book, asker, decommissioned)
    stack.push_async_callback(withdrawals.close)
    stack.push_async_callback(seats.close)
    placement = Placement(seats, book, asker, decommissioned, withdrawals, parts.metrics)
    stack.push_async_callback(placement.close)
    placing = (
        OneSession(placement, book, asker, decommissioned, view)
        if isinstance(asker, VehicleAsker)
        else placement
    )

    def waiting_for() -> list[str]:
        return [*book.waiting_for(), *lacking(view, time.monotonic())]

    service = BalancerService(placing, Sessions(view.roster, asker), withdrawals, book.book_id, waiting_for)
    stack.push_async_callback(service.close)
    await withdrawals.resume()
    if book.shared:
        stack.callback(asyncio.create_task(kept_going(withdrawals.follow)).cancel)
    return service


def _asker(settings: Settings, parts: Parts) -> Asker:
    """Return the object that asks the substations; with ONE_SESSION_PER_VEHICLE it also holds vehicles."""
    if settings.one_session_per_vehicle:
        return VehicleAsker(parts.links, parts.book, parts.view.roster)
    return Asker(parts.links, parts.view.roster)


def _streams(parts: Parts, operator: OperatorSettings) -> FrameStreams:
    """Return the streams of the fleet as `/fleet` shows it."""

    def read_fleet() -> dict[str, object]:
        run = operator.rushhour
        return fleet_json(parts.view, time.monotonic(), run[0] if run else None)

    return FrameStreams(read_fleet, FLEET, StreamMetrics(parts.registry, "smartgrid_balancer"))


def _pages(
    streams: FrameStreams,
    parts: Parts,
    decisions: Decisions,
    operating: tuple[OperatorSettings, SubstationOrders],
    waiting_for: Callable[[], list[str]],
) -> list[tuple[Any, ...]]:
    operator, orders = operating
    return [
        ("/fleet", FleetHandler, {"read_fleet": streams.view}),
        ("/fleet/stream", FrameStreamHandler, {"streams": streams}),
        ("/fleet/([a-z0-9-]{1,63})/(drain|restore|capacity|decommission)", OrderHandler, {"orders": orders}),
        ("/fleet/([a-z0-9-]{1,63})", MemberHandler, {"view": parts.view}),
        ("/policy", PolicyHandler, {"settings": operator}),
        ("/rushhour", RushHourHandler, {"settings": operator}),
        (f"/rushhour/({RUN_ID})", RushHourRunHandler, {"settings": operator}),
        ("/decisions", DecisionsHandler, {"decisions": decisions}),
        ("/decisions/search", DecisionSearchHandler, {"decisions": decisions}),
        ("/outlook", OutlookHandler, {"view": parts.view, "choice": parts.forecast_choice}),
        ("/metrics", exposition.MetricsHandler, {"registry": parts.registry}),
        ("/livez", health.LiveHandler),
        ("/readyz", health.ReadyHandler, {"waiting_for": waiting_for}),
    ]


def _backup(settings: Settings, book: KeptBook, history: History) -> tuple[Any, ...]:
    """Return the route of the backups."""
    folder = settings.data / "balancer" / "backups"
    files = {"orders": book} if isinstance(book, Copied) else {}  # a database has backups of its own
    backups = Backups(folder, {**files, "history": history}, settings.backups)
    return ("/backup", BackupHandler, {"backups": backups})


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
