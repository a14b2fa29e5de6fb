"""A balancer, wired: order book, view of the fleet, poller, links, placement, stream and pages."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from prometheus_client import CollectorRegistry
from tornado.web import Application

from balancer.book.embedded import EmbeddedBook
from balancer.book.lease import RUN_ID
from balancer.book.protocol import BookUnavailable
from balancer.contract import FLEET
from balancer.fleet.discovery import Discovery, Resolve, resolve
from balancer.fleet.poller import Poller
from balancer.fleet.readiness import lacking
from balancer.fleet.view import Fleet
from balancer.handlers import (
    DecisionsHandler,
    FleetHandler,
    MemberHandler,
    OrderHandler,
    PolicyHandler,
    RushHourHandler,
    RushHourRunHandler,
    fleet_json,
)
from balancer.metrics import BalancerMetrics, FleetCollector, show_rushhour
from balancer.operating.operator_settings import OperatorSettings
from balancer.operating.sessions import Sessions
from balancer.placing.asking import Asker
from balancer.placing.decisions import Decisions
from balancer.placing.placement import Placement
from balancer.placing.seats import Seats
from balancer.placing.vehicles import OneSession, VehicleAsker
from balancer.placing.waiting_room import WaitingRoom
from balancer.placing.withdrawals import Withdrawals
from balancer.settings import Settings
from balancer.stream import BalancerService
from balancer.substation_stream import Links
from runtime import exposition, health, http, operator_token, stream_server
from runtime.frame_stream import FrameStreamHandler, FrameStreams, StreamMetrics
from runtime.gate import Gate
from runtime.handlers import NotFoundHandler
from runtime.http_metrics import HttpMetrics

PRUNE_EVERY_S = 600.0
PROBE_EVERY_S = 1.0


@asynccontextmanager
async def balancer(settings: Settings, resolve: Resolve = resolve) -> AsyncIterator[None]:
    """Serve one balancer while the context lasts; `resolve` looks names up.

    Raises StoreUnusable when its order book can't be used, OSError when a port is taken.
    """
    async with AsyncExitStack() as stack:
        registry = await stack.enter_async_context(exposition.measured("balancer"))
        metrics = BalancerMetrics(registry)
        book = EmbeddedBook(settings.data / "balancer" / "orders.sqlite")
        stack.push_async_callback(book.close)
        token = operator_token.read_if_any(settings.operator_token)
        links = Links(metrics.batched, operator_token.metadata(token))
        fleet = _view(settings.poll_s, links, book.book_id)
        seats = Seats(fleet, Decisions(), WaitingRoom(settings.most_waiting))
        registry.register(FleetCollector(fleet, seats.room, seats.appointments.kept_w))
        stack.push_async_callback(links.close)
        poller = Poller(fleet, links, metrics, settings.poll_s)
        stack.push_async_callback(poller.close)
        operator, service = await _service(
            stack, seats, _asker(settings, links, book, fleet), book, metrics, poller
        )
        poller.given_up = operator.given_up
        discovery = Discovery(fleet, poller, metrics, settings.substations, settings.discover_s)
        stack.push_async_callback(discovery.close)
        discovery.resolve = resolve
        discovery.start()
        await stack.enter_async_context(
            stream_server.listen(service.register, settings.bind, settings.grpc_port, token=token)
        )
        show_rushhour(registry, lambda: operator.rushhour is not None, lambda: operator.window)
        streams = FrameStreams(
            _shown(fleet, book.book_id, operator), FLEET, StreamMetrics(registry, "smartgrid_balancer")
        )
        app = _pages(streams, seats, operator, registry, service.waiting_for)
        HttpMetrics(registry, app)
        gate = Gate(settings.allowed_hosts, token=token)
        await stack.enter_async_context(http.listen(app, settings.bind, settings.http_port, gate=gate))
        stack.push_async_callback(streams.close)
        yield


async def _service(
    stack: AsyncExitStack,
    seats: Seats,
    asker: Asker,
    book: EmbeddedBook,
    metrics: BalancerMetrics,
    poller: Poller,
) -> tuple[OperatorSettings, BalancerService]:
    """Wire what answers gateways, and start its chores; all of it ends with `stack`."""
    operator = OperatorSettings(seats.fleet, book, asker, poller.tidy)
    await operator.read()
    withdrawals = Withdrawals(book, asker, operator.given_up)
    stack.push_async_callback(withdrawals.close)
    stack.push_async_callback(seats.close)
    placement = Placement(seats, book, asker, operator, withdrawals, metrics)
    stack.push_async_callback(placement.close)
    placing = (
        OneSession(placement, book, asker, operator, seats.fleet)
        if isinstance(asker, VehicleAsker)
        else placement
    )

    def waiting_for() -> list[str]:
        return [*book.waiting_for(), *lacking(seats.fleet, time.monotonic())]

    service = BalancerService(placing, Sessions(seats.fleet, asker), withdrawals, book.book_id, waiting_for)
    stack.push_async_callback(service.close)
    await withdrawals.resume()
    for chore in (_prune(book), _probe(book), operator.follow(), service.follow_readiness()):
        stack.callback(asyncio.create_task(chore).cancel)
    return operator, service


def _asker(settings: Settings, links: Links, book: EmbeddedBook, fleet: Fleet) -> Asker:
    """Return what asks the substations; with ONE_SESSION_PER_VEHICLE it also holds vehicles."""
    return VehicleAsker(links, book, fleet) if settings.one_session_per_vehicle else Asker(links, fleet)


def _view(poll_s: float, links: Links, book_id: str) -> Fleet:
    """Return an empty view of the fleet that hears what is reported on the links."""
    fleet = Fleet(poll_s, random.Random(), links.up, book_id)  # noqa: S311 - ties
    links.on_report = lambda report: fleet.adopt(report, time.monotonic())
    links.on_stranger = lambda owner, report: fleet.denied(owner, report, time.monotonic())
    return fleet


def _shown(fleet: Fleet, book_id: str, operator: OperatorSettings) -> Callable[[], dict[str, object]]:
    """Return what returns the fleet as it is shown."""

    def shown() -> dict[str, object]:
        held = operator.rushhour
        return fleet_json(fleet, time.monotonic(), book_id, held[0] if held else None)

    return shown


def _pages(
    streams: FrameStreams,
    seats: Seats,
    operator: OperatorSettings,
    registry: CollectorRegistry,
    waiting_for: Callable[[], list[str]],
) -> Application:
    return Application(
        [
            ("/fleet", FleetHandler, {"view": streams.view}),
            ("/fleet/stream", FrameStreamHandler, {"streams": streams}),
            (
                "/fleet/([a-z0-9-]{1,63})/(drain|restore|capacity|decommission)",
                OrderHandler,
                {"operator": operator},
            ),
            ("/fleet/([a-z0-9-]{1,63})", MemberHandler, {"fleet": seats.fleet}),
            ("/policy", PolicyHandler, {"operator": operator}),
            ("/rushhour", RushHourHandler, {"operator": operator}),
            (f"/rushhour/({RUN_ID})", RushHourRunHandler, {"operator": operator}),
            ("/decisions", DecisionsHandler, {"decisions": seats.decisions}),
            ("/metrics", exposition.MetricsHandler, {"registry": registry}),
            ("/livez", health.LiveHandler),
            ("/readyz", health.ReadyHandler, {"waiting_for": waiting_for}),
        ],
        default_handler_class=NotFoundHandler,
    )


async def _probe(book: EmbeddedBook) -> None:
    """Try again and again to write the order book while it can't be written."""
    while True:
        await asyncio.sleep(PROBE_EVERY_S)
        with contextlib.suppress(BookUnavailable):
            await book.probe()


async def _prune(book: EmbeddedBook) -> None:
    """Drop expired keys; what is left over goes the next time."""
    while True:
        await asyncio.sleep(PRUNE_EVERY_S)
        with contextlib.suppress(BookUnavailable):
            await book.prune()
