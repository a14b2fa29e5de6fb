"""A console, wired: the balancer's stream, the gateway's counters, the pages and their stream."""

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
from jinja2 import Environment
from prometheus_client import CollectorRegistry
from tornado.web import Application

from admin_ui.alarms import handlers as alarm_handlers
from admin_ui.alarms import runbooks
from admin_ui.alarms.lifecycle import Alarms
from admin_ui.alarms.rules import RULES, scaled
from admin_ui.alarms.store import AlarmStore
from admin_ui.alarms.watch import AlarmWatch
from admin_ui.audit import log as audit
from admin_ui.audit.log import Audit
from admin_ui.audit.pages import AuditExport, AuditPage
from admin_ui.audit.refusals import Refusals
from admin_ui.decisions.feed import DecisionFeed
from admin_ui.decisions.handlers import DecisionsHandler, StoryHandler
from admin_ui.grid.board import CONSOLE, Board
from admin_ui.grid.fleet_feed import FleetFeed
from admin_ui.grid.gateway_watch import GatewayWatch
from admin_ui.grid.grid_calls import GridCalls
from admin_ui.grid.handlers import HistoryHandler
from admin_ui.grid.rates import Rates
from admin_ui.orders.carry_out import Orders
from admin_ui.orders.handlers import OrdersHandler, PreviewHandler
from admin_ui.people import file as people_file
from admin_ui.people import one_time_link as link
from admin_ui.people.account import AccountHandler, ConfirmHandler, MeHandler
from admin_ui.people.devices import Devices
from admin_ui.people.doorkeeper import Doorkeeper
from admin_ui.people.file import PeopleFile
from admin_ui.people.login import LinkHandler, LoginHandler, LogoutHandler
from admin_ui.people.passwords import Passwords
from admin_ui.rush import handlers as rush_pages
from admin_ui.rush.child import LoadTest
from admin_ui.rush.control import RushHours
from admin_ui.settings import Settings
from admin_ui.web import pages
from admin_ui.web.access import SecurityHeaders, StrictTransport
from admin_ui.web.assets import AssetHandler
from admin_ui.web.pages import PageHandler
from admin_ui.web.roles import Logins, Role
from admin_ui.web.routes import Route
from admin_ui.web.stream import BrowserStreamHandler
from runtime import exposition, health, http
from runtime.frame_stream import FrameStreams, StreamMetrics
from runtime.gate import FORM, JSON, Gate
from runtime.http_metrics import HttpMetrics

SAMPLE_EVERY_S = 1.0


@asynccontextmanager
async def console(settings: Settings) -> AsyncIterator[None]:
    """Serve one console while the context lasts; raises OSError when its port is taken."""
    async with AsyncExitStack() as stack:
        registry = await stack.enter_async_context(exposition.measured("admin_ui"))
        board, rates = Board(), Rates()
        log = Audit(audit.path(settings.data))
        stack.push_async_callback(log.close)
        doorkeeper = await _doorkeeper(settings, log, stack)
        outgoing = await stack.enter_async_context(aiohttp.ClientSession())
        rush = RushHours(_load_test(settings), log, outgoing)
        stack.push_async_callback(rush.close)
        watch = _alarms(settings, lambda: shown(board, rates, log), log, stack)
        streams = FrameStreams(
            lambda: shown(board, rates, log) | _shown_beside(board, watch, rush),
            CONSOLE,
            StreamMetrics(registry, "smartgrid_console"),
        )
        for chore in (
            FleetFeed(board, settings.balancer[0], watch.alarms.outages).follow(),
            GatewayWatch(outgoing, settings.gateway[0], rates, watch.alarms.outages).follow(),
            _sample(board),
            watch.follow(),
            doorkeeper.follow(),
        ):
            stack.push_async_callback(_end, asyncio.create_task(chore))
        calls = _calls(outgoing, settings)
        table = [
            *routes(settings, board, streams, doorkeeper, watch, rush),
            *acting_routes(board, calls, Orders(board, calls, log)),
        ]
        refusals = Refusals(log)
        stack.push_async_callback(refusals.close)
        app = application(settings, table, doorkeeper, registry, board)
        app.settings["refusals"] = refusals
        HttpMetrics(registry, app)
        await stack.enter_async_context(_listening(app, settings))
        stack.push_async_callback(streams.close)
        yield


def shown(board: Board, rates: Rates, log: Audit) -> dict[str, Any]:
    """Return all that browsers are shown at this moment, but for the alarms that are seen in it and the rush hour."""
    now_s = time.monotonic()
    return board.shown(now_s) | {
        "gateway": rates.shown(now_s),
        "audit": {"newest": log.head.number, "fault": log.fault},
    }


def _shown_beside(board: Board, watch: AlarmWatch, rush: RushHours) -> dict[str, Any]:
    """Return what alarms do not look at."""
    now_unix_s = time.time()
    return {
        "alarms": watch.alarms.shown(now_unix_s),
        "outages": watch.alarms.outages.shown(now_unix_s),
        "rush": rush.shown(board.rest.get("rushhour")),
    }


def routes(
    settings: Settings,
    board: Board,
    streams: FrameStreams,
    doorkeeper: Doorkeeper,
    watch: AlarmWatch,
    rush: RushHours,
) -> list[Route]:
    """Return every address of the console that takes a role."""
    environment = {"environment": _templates(settings)}
    log = doorkeeper.audit

    def page(path: str, name: str) -> Route:
        more = {"rules": RULES.values()} if name == "alarms" else {}
        given = environment | {"template": f"{name}.html", "here": name} | more
        return Route(path, PageHandler, Role.VIEWER, given, page=True)

    return [
        *(page(path, name) for path, name, _ in pages.NAVIGATION if name != "audit"),
        Route("/audit", AuditPage, Role.VIEWER, environment | {"audit": log, "here": "audit"}, page=True),
        Route("/audit/export", AuditExport, Role.VIEWER, {"audit": log}),
        *_door(settings, doorkeeper, environment),
        Route("/api/me", MeHandler, Role.VIEWER),
        Route("/confirm", ConfirmHandler, Role.VIEWER, {"doorkeeper": doorkeeper}),
        Route("/stream", BrowserStreamHandler, Role.VIEWER, {"streams": streams}),
        Route("/api/history", HistoryHandler, Role.VIEWER, {"board": board}),
        *alarm_handlers.routes(watch),
        *runbooks.routes(environment),
        *rush_pages.routes(rush, environment),
    ]


def _door(settings: Settings, doorkeeper: Doorkeeper, environment: dict[str, Any]) -> list[Route]:
    """Return the routes for logins, passwords and logouts."""
    door, loopback = {"doorkeeper": doorkeeper}, {"on_loopback": settings.on_loopback}
    return [
        Route(
            "/login", LoginHandler, Role.NOBODY, environment | door | loopback | {"here": "login"}, page=True
        ),
        Route(
            "/enter",
            LinkHandler,
            Role.NOBODY,
            environment | {"data": settings.data} | door | loopback | {"here": "login"},
            page=True,
        ),
        Route("/logout", LogoutHandler, Role.VIEWER, door),
        Route("/logout/everywhere", LogoutHandler, Role.VIEWER, door | {"everywhere": True}),
        Route("/account", AccountHandler, Role.VIEWER, environment | door | {"here": "account"}, page=True),
    ]


def acting_routes(board: Board, calls: GridCalls, orders: Orders) -> list[Route]:
    """Return the addresses that ask the grid why, and those that act on it."""
    feed = {"feed": DecisionFeed(calls), "board": board}
    return [
        Route("/api/decisions", DecisionsHandler, Role.VIEWER, feed),
        Route("/api/story", StoryHandler, Role.VIEWER, {"calls": calls}),
        Route("/api/preview", PreviewHandler, Role.OPERATOR, {"orders": orders}),
        Route("/api/orders", OrdersHandler, Role.OPERATOR, {"orders": orders}),
    ]


def application(
    settings: Settings, table: list[Route], doorkeeper: Doorkeeper, registry: CollectorRegistry, board: Board
) -> Application:
    """Return the routes as Tornado takes them, and those that are open to all."""
    environment = _templates(settings)

    def waiting_for() -> list[str]:
        return [] if board.connected else ["the balancer's stream"]

    guarded = [
        (
            route.pattern,
            route.handler,
            {"logins": doorkeeper.logins, "needs": route.needs}
            | ({"page": True} if route.page else {})
            | route.given,
        )
        for route in table
    ]
    made = Application(
        [
            *guarded,
            ("/static/(.*)", AssetHandler, {"path": str(pages.FOLDER / "static")}),
            ("/metrics", exposition.MetricsHandler, {"registry": registry}),
            ("/livez", health.LiveHandler),
            ("/readyz", health.ReadyHandler, {"waiting_for": waiting_for}),
        ],
        default_handler_class=pages.NowhereHandler,
        default_handler_args={"logins": doorkeeper.logins, "needs": Role.NOBODY, "environment": environment},
        problem_page=pages.problem_page(environment),
        cross_origin_protection=True,
        login_cookie=doorkeeper.devices.login_cookie,
        proxies=settings.proxies if settings.behind_tls else (),
    )
    made.add_transform(SecurityHeaders)
    if settings.behind_tls or settings.tls_cert:
        made.add_transform(StrictTransport)
    return made


def _templates(settings: Settings) -> Environment:
    return pages.templates(balancer_url=settings.balancer[0], grafana_url=settings.grafana)


async def _doorkeeper(settings: Settings, log: Audit, stack: AsyncExitStack) -> Doorkeeper:
    """Return who lets people in; raises OSError when the file of people can't be used."""
    logins = Logins(settings.login_hours, settings.idle_minutes, confirming=not settings.on_loopback)
    try:
        file = PeopleFile(people_file.path(settings.data))
    except ValueError as error:
        raise OSError(str(error)) from error
    hashes = Passwords()
    stack.callback(hashes.close)
    doorkeeper = Doorkeeper(file, logins, log, hashes, Devices(settings.data))
    link.announce(settings.data, settings.url, settings.browsers_url or settings.url)
    await doorkeeper.look()
    return doorkeeper


def _alarms(
    settings: Settings, view: Callable[[], dict[str, Any]], log: Audit, stack: AsyncExitStack
) -> AlarmWatch:
    """Return the watch over what `view` returns, with what was known before a restart."""
    store = AlarmStore(settings.data)
    stack.push_async_callback(store.close)
    alarms = Alarms(scaled(RULES, settings.alarm_delays), store.load())
    return AlarmWatch(alarms, store, log, view, settings)


def _load_test(settings: Settings) -> LoadTest:
    return LoadTest(
        settings.gateway[0],
        settings.balancer[0],
        settings.runs,
        settings.gateway_key,
        settings.operator_token,
    )


def _calls(outgoing: aiohttp.ClientSession, settings: Settings) -> GridCalls:
    return GridCalls(
        outgoing, settings.balancer[0], settings.gateway[0], settings.gateway_key, settings.operator_token
    )


def _listening(app: Application, settings: Settings) -> AbstractAsyncContextManager[int]:
    # Tornado's cross_origin_protection checks origins here, because its refusals are pages for people.
    gate = Gate(settings.allowed_hosts, JSON | FORM, origins=False)
    return http.listen(app, settings.bind, settings.http_port, tls=_tls(settings), gate=gate)


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if not settings.tls_cert or not settings.tls_key:
        return None
    return http.tls_context(settings.tls_cert, settings.tls_key)


async def _sample(board: Board) -> None:
    while True:
        board.sample(time.time(), time.monotonic())
        await asyncio.sleep(SAMPLE_EVERY_S - time.time() % SAMPLE_EVERY_S)


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
