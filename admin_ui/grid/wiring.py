"""Wires the grid: what keeps the view of it up to date, the calls to its services, and the routes."""

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from jinja2 import Environment

from admin_ui.grid.balancer_calls import BalancerCalls
from admin_ui.grid.base_load_watch import BaseLoadWatch
from admin_ui.grid.fleet_feed import FleetFeed
from admin_ui.grid.fleet_feeds import FleetFeeds
from admin_ui.grid.forecast_watch import ForecastWatch
from admin_ui.grid.gateway_watch import GatewayWatch
from admin_ui.grid.grid_calls import GridCalls
from admin_ui.grid.handlers import ForecastHandler, HistoryHandler, OutlookHandler
from admin_ui.grid.outages import Outages
from admin_ui.grid.outlooks import Outlooks
from admin_ui.grid.past import Past
from admin_ui.grid.view import GridView
from admin_ui.settings import Settings
from admin_ui.web.logins import Role
from admin_ui.web.pages import page_route
from admin_ui.web.routes import Route
from runtime.background import background
from runtime.name_lookup import resolve
from runtime.tls import http_client
from runtime.tls.credentials import Credentials
from runtime.tls.identity import Role as CallerRole

SAMPLE_EVERY_S = 1.0
SAMPLE_AT_S = (
    0.1  # after a second has begun: a timer of uvloop may be a millisecond early, in the second before
)


@dataclasses.dataclass(frozen=True)
class Reach:
    """How the console reaches the grid: its HTTP client, and its certificate if it has one."""

    client: aiohttp.ClientSession
    tls: Credentials | None


@asynccontextmanager
async def following(
    grid: GridView,
    past: Past,
    outages: Outages,
    settings: Settings,
    reach: Reach,
) -> AsyncIterator[asyncio.Event]:
    """Keep `grid` up to date while the context lasts, and record outages of the balancers and the gateway.

    Yields an event that is set after each frame of a balancer.
    """
    news = asyncio.Event()
    forecasts = ForecastWatch(calls(settings, reach, grid), grid.board, grid.expected_peaks)

    async def follow(url: str) -> None:
        http_client.expect(reach.client, url, CallerRole.BALANCER)
        await FleetFeed(grid.board, grid.balancers, url, outages, news, reach.tls).follow()

    feeds = FleetFeeds(settings.balancer, settings.scheme, grid.balancers, grid.board, follow)
    async with background(
        feeds.follow(settings.discover_s, resolve),
        GatewayWatch(
            reach.client, settings.gateway_monitors or settings.gateway, grid.rates, outages
        ).follow(),
        BaseLoadWatch(reach.client, grid.board, grid.base_load_sources).follow(),
        forecasts.follow(),
        _sample(grid, past),
    ):
        yield news


def calls(settings: Settings, reach: Reach, grid: GridView) -> GridCalls:
    """Return the calls to the balancers and the gateway."""
    balancers = BalancerCalls(reach.client, grid.balancers, settings.operator_token)
    return GridCalls(reach.client, balancers, grid.board.source, settings.gateway_calls, settings.gateway_key)


def routes(grid: GridView, past: Past, calls_to_grid: GridCalls, environment: Environment) -> list[Route]:
    """Return the routes of the overview, of the history, of the outlook and of the forecast."""
    return [
        page_route("/", "grid/overview.html", environment),
        Route("/api/history", HistoryHandler, Role.VIEWER, {"board": grid.board, "past": past}),
        Route("/api/outlook", OutlookHandler, Role.VIEWER, {"outlooks": Outlooks(calls_to_grid)}),
        Route("/api/forecast", ForecastHandler, Role.VIEWER, {"calls": calls_to_grid}),
    ]


def until_next_sample_s(unix_s: float) -> float:
    """Return in how many seconds the next second is to be recorded."""
    return SAMPLE_AT_S + SAMPLE_EVERY_S - unix_s % SAMPLE_EVERY_S


async def _sample(grid: GridView, past: Past) -> None:
    while True:
        unix_s, now_s = time.time(), time.monotonic()
        grid.sample(unix_s, now_s)
        past.sample(unix_s, now_s)
        await asyncio.sleep(until_next_sample_s(time.time()))
