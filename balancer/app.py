"""Serves a balancer: its parts, its forecasts, the stream for gateways, and its pages."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from tornado.web import Application

from balancer import wiring
from balancer.book.lease import RUN_ID
from balancer.book.protocol import KeptBook
from balancer.book_opening import opened_book
from balancer.contract import FLEET
from balancer.fleet.collector import FleetCollector
from balancer.fleet.handlers import FleetHandler, MemberHandler, fleet_json
from balancer.fleet.view import View
from balancer.forecast.forecaster import Forecaster
from balancer.forecast.history import History
from balancer.forecast.recorder import Reading, reading_of
from balancer.forecast.service import ForecastService, forecasting
from balancer.metrics import show_rushhour
from balancer.operating.backups import BackupHandler, Backups, Copied
from balancer.operating.handlers import OrderHandler, PolicyHandler, RushHourHandler, RushHourRunHandler
from balancer.operating.operator_settings import OperatorSettings
from balancer.operating.substation_orders import SubstationOrders
from balancer.placing.asking import Asker
from balancer.placing.forecast_sender import ForecastSender
from balancer.placing.handlers import DecisionSearchHandler, DecisionsHandler, OutlookHandler
from balancer.placing.predictive.expected_peaks import expected_peaks
from balancer.placing.predictive.outlooks import OutlookKeeper
from balancer.placing.predictive.peak_collector import ExpectedPeakCollector
from balancer.process import BalancerProcess
from balancer.settings import Settings
from balancer.wiring import Parts
from runtime import exposition, health, http, operator_token, stream_server
from runtime.background import kept_going
from runtime.frame_stream import FrameStreamHandler, FrameStreams, StreamMetrics
from runtime.gate import Gate
from runtime.handlers import NotFoundHandler
from runtime.http_metrics import HttpMetrics
from runtime.machine import THIS
from runtime.name_lookup import Resolve, resolve
from runtime.tls.credentials import Credentials
from runtime.tls.expiry import OWN, show_expiry
from runtime.tls.guard import guarded
from runtime.tls.identity import Role


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
        wired = await wiring.wired(stack, settings, parts, forecast.recorder.arrived)
        seats, operator, service = wired.seats, wired.operator, wired.service
        parts.registry.register(FleetCollector(parts.view, seats.room, seats.promised_returns.kept_w))
        _follow_forecasts(stack, parts, forecast.forecaster, wired.asker, settings.poll_s)
        wiring.discover(stack, settings, parts, wired.poller, resolve)
        guard = guarded(tls)
        await stack.enter_async_context(
            stream_server.listen(service, settings.bind, settings.stream_port, token=token, tls=guard)
        )
        show_rushhour(parts.registry, lambda: operator.rushhour is not None, lambda: operator.window)
        process = BalancerProcess(seats, service, parts.book.waiting_for)
        streams = _streams(parts, operator, process)
        pages = _pages(streams, parts, process, (operator, wired.orders), service.waiting_for)
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
    book = await opened_book(settings, registry, token, tls)
    access = operator_token.field(token), tls
    return wiring.parts(stack, settings.poll_s, registry, book, THIS, access)


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
    now_s, roster = THIS.monotonic_s(), view.roster
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
            choice.shadow.look(THIS.monotonic_s())
            await sender.send()
            await asyncio.sleep(every_s)

    stack.callback(asyncio.create_task(kept_going(refresh)).cancel)


def _streams(parts: Parts, operator: OperatorSettings, process: BalancerProcess) -> FrameStreams:
    """Return the streams of the fleet as `/fleet` shows it."""

    def read_fleet() -> dict[str, object]:
        run = operator.rushhour
        return fleet_json(parts.view, THIS.monotonic_s(), run[0] if run else None, process.shown())

    return FrameStreams(read_fleet, FLEET, StreamMetrics(parts.registry, "smartgrid_balancer"))


def _pages(
    streams: FrameStreams,
    parts: Parts,
    process: BalancerProcess,
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
        ("/decisions", DecisionsHandler, process.recent),
        ("/decisions/search", DecisionSearchHandler, process.recent),
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
