"""A console, wired: the balancer's stream, the gateway's counters, the pages and their stream."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
from prometheus_client import CollectorRegistry
from tornado.web import Application

from admin_ui import pages
from admin_ui.fleet_feed import FleetFeed
from admin_ui.gateway_watch import GatewayWatch
from admin_ui.handlers import AssetHandler, HistoryHandler
from admin_ui.login import LinkHandler, LoginHandler, LogoutHandler
from admin_ui.pages import Page
from admin_ui.people import Logins, Role
from admin_ui.rates import Rates
from admin_ui.routes import Route
from admin_ui.settings import Settings
from admin_ui.snapshot import CONSOLE, Board
from admin_ui.stream import BrowserStreamHandler
from runtime import exposition, health, http
from runtime.frame_stream import FrameStreams, StreamMetrics
from runtime.handlers import NotFoundHandler
from runtime.http_metrics import HttpMetrics

SAMPLE_EVERY_S = 1.0


@asynccontextmanager
async def console(settings: Settings) -> AsyncIterator[None]:
    """Serve one console while the context lasts; raises OSError when its port is taken."""
    async with AsyncExitStack() as stack:
        registry = await stack.enter_async_context(exposition.measured("admin_ui"))
        board, rates = Board(), Rates()
        outgoing = await stack.enter_async_context(aiohttp.ClientSession())
        streams = FrameStreams(
            lambda: shown(board, rates), CONSOLE, StreamMetrics(registry, "smartgrid_console")
        )
        for chore in (
            FleetFeed(board, settings.balancer[0], lambda: None).follow(),
            GatewayWatch(outgoing, settings.gateway[0], rates, lambda: None).follow(),
            _sample(board),
        ):
            stack.push_async_callback(_end, asyncio.create_task(chore))
        table = routes(settings, board, streams)
        logins = Logins(settings.login_hours)
        app = application(table, logins, registry, board)
        HttpMetrics(registry, app)
        await stack.enter_async_context(http.listen(app, settings.bind, settings.http_port))
        stack.push_async_callback(streams.close)
        yield


def shown(board: Board, rates: Rates) -> dict[str, Any]:
    """Return all that browsers are shown at this moment."""
    now_s = time.monotonic()
    return board.shown(now_s) | {"gateway": rates.shown(now_s)}


def routes(settings: Settings, board: Board, streams: FrameStreams) -> list[Route]:
    """Return every address of the console that takes a role."""
    environment = {"environment": pages.templates()}

    def page(path: str, name: str) -> Route:
        return Route(
            path, Page, Role.VIEWER, environment | {"template": f"{name}.html", "here": name}, page=True
        )

    return [
        *(page(path, name) for path, name, _ in pages.NAVIGATION),
        Route("/login", LoginHandler, Role.NOBODY, environment | {"here": "login"}, page=True),
        Route("/enter", LinkHandler, Role.NOBODY, {"data": settings.data}, page=True),
        Route("/logout", LogoutHandler, Role.VIEWER),
        Route("/stream", BrowserStreamHandler, Role.VIEWER, {"streams": streams}),
        Route("/api/history", HistoryHandler, Role.VIEWER, {"board": board}),
    ]


def application(table: list[Route], logins: Logins, registry: CollectorRegistry, board: Board) -> Application:
    """Return the routes as Tornado takes them, and those that are open to all."""

    def waiting_for() -> list[str]:
        return [] if board.connected else ["the balancer's stream"]

    guarded = [
        (
            route.pattern,
            route.handler,
            {"logins": logins, "needs": route.needs} | ({"page": True} if route.page else {}) | route.given,
        )
        for route in table
    ]
    return Application(
        [
            *guarded,
            ("/static/(.*)", AssetHandler, {"path": str(pages.FOLDER / "static")}),
            ("/metrics", exposition.MetricsHandler, {"registry": registry}),
            ("/livez", health.LiveHandler),
            ("/readyz", health.ReadyHandler, {"waiting_for": waiting_for}),
        ],
        default_handler_class=NotFoundHandler,
        cross_origin_protection=True,
    )


async def _sample(board: Board) -> None:
    while True:
        board.sample(time.time())
        await asyncio.sleep(SAMPLE_EVERY_S - time.time() % SAMPLE_EVERY_S)


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
