"""The console: its wings, wired, and the application that serves their routes."""

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from jinja2 import Environment
from prometheus_client import CollectorRegistry
from tornado.web import Application

from admin_ui.alarms.wiring import AlarmsWing, alarms_wing
from admin_ui.audit.wiring import AuditWing, audit_wing
from admin_ui.decisions.handlers import routes as decision_routes
from admin_ui.energy.wiring import EnergyWing, energy_wing
from admin_ui.grid import wiring as grid_wiring
from admin_ui.grid.board import CONSOLE
from admin_ui.grid.grid_calls import GridCalls
from admin_ui.grid.past import Past, past_of
from admin_ui.grid.view import GridView
from admin_ui.orders.handlers import routes as order_routes
from admin_ui.people.wiring import PeopleWing, people_wing
from admin_ui.rush.wiring import RushWing, rush_wing
from admin_ui.sessions.handlers import routes as session_routes
from admin_ui.sessions.pages import SessionPages
from admin_ui.settings import Settings
from admin_ui.web.application import Access, application
from admin_ui.web.assets import Assets
from admin_ui.web.pages import FOLDER, templates
from admin_ui.web.presence import Presence
from admin_ui.web.routes import Route
from admin_ui.web.stream import stream_route
from runtime import exposition, health, http
from runtime.frame_stream import FrameStreams, StreamMetrics
from runtime.gate import FORM, JSON, Gate
from runtime.handlers import NotFoundHandler
from runtime.http_metrics import HttpMetrics
from runtime.tls import http_client
from runtime.tls.credentials import Credentials
from runtime.tls.expiry import PUBLIC, show_expiry
from runtime.tls.guard import guarded
from runtime.tls.identity import Role
from runtime.tls.public import PublicCertificate


@dataclasses.dataclass(frozen=True)
class Wings:
    """The wings of one console."""

    grid: GridView
    past: Past
    calls: GridCalls
    audit: AuditWing
    people: PeopleWing
    rush: RushWing
    alarms: AlarmsWing
    energy: EnergyWing
    sessions: SessionPages
    presence: Presence
    news: asyncio.Event  # set after each frame of the balancer

    def shown(self) -> dict[str, Any]:
        """Return everything that browsers are shown at this moment."""
        return (
            self.grid.shown(time.monotonic())
            | self.audit.shown()
            | self.presence.shown()
            | self.alarms.shown(time.time())
            | self.energy.shown()
            | self.rush.shown(self.grid.board.rest.get("rushhour"))
        )

    def routes(self, environment: Environment) -> list[Route]:
        """Return the routes of all wings."""
        return [
            *grid_wiring.routes(self.grid, self.past, self.calls, environment),
            *self.audit.routes(environment),
            *self.people.routes(environment),
            *self.rush.routes(environment),
            *self.alarms.routes(environment),
            *self.energy.routes(environment),
            *decision_routes(self.calls, self.grid, environment),
            *session_routes(self.sessions, environment),
            *order_routes(self.calls, self.grid.board, self.audit.log),
        ]


@asynccontextmanager
async def wired(settings: Settings, tls: Credentials | None) -> AsyncIterator[Wings]:
    """Open every wing while the context lasts; raises OSError when a file of theirs can't be used."""
    async with AsyncExitStack() as stack:
        to_grid = http_client.connector(tls, settings.roles)
        client = await stack.enter_async_context(aiohttp.ClientSession(connector=to_grid))
        outside = await stack.enter_async_context(
            aiohttp.ClientSession()
        )  # receivers of alarms, an OpenID provider
        audit = await stack.enter_async_context(audit_wing(settings))
        people = await stack.enter_async_context(people_wing(settings, audit.log, outside))
        grid = GridView()
        rush = await stack.enter_async_context(rush_wing(settings, audit.log, client, grid.balancers))
        reach = grid_wiring.Reach(client, tls)
        alarms = await stack.enter_async_context(alarms_wing(settings, grid, audit.log, outside))
        past = await stack.enter_async_context(past_of(settings.data, grid.board))
        news = await stack.enter_async_context(
            grid_wiring.following(grid, past, alarms.outages, settings, reach)
        )
        energy = await stack.enter_async_context(energy_wing(settings.data, client, grid.board))
        sessions = SessionPages(client, grid.board, settings.operator_token)
        calls = grid_wiring.calls(settings, reach, grid)
        yield Wings(grid, past, calls, audit, people, rush, alarms, energy, sessions, Presence(), news)


@asynccontextmanager
async def console(settings: Settings) -> AsyncIterator[None]:
    """Serve one console while the context lasts; raises OSError when its port is taken."""
    tls = settings.credentials(Role.CONSOLE)
    async with exposition.measured("admin_ui") as registry, wired(settings, tls) as wings:
        streams = FrameStreams(
            wings.shown, CONSOLE, StreamMetrics(registry, "smartgrid_console"), news=wings.news
        )
        # Tornado's cross_origin_protection checks origins here, because its refusals are pages for people.
        gate = Gate(settings.allowed_hosts, JSON | FORM, origins=False)
        public = None
        if settings.public_cert and settings.public_key:
            public = PublicCertificate(settings.public_cert, settings.public_key)
        show_expiry(registry, PUBLIC, tls, public)
        app = _application(settings, wings, streams, registry)
        async with (
            _monitoring(settings, registry, wings, tls),
            http.listen(
                app, settings.bind, settings.http_port, tls=public.context if public else None, gate=gate
            ),
        ):
            try:
                yield
            finally:
                await streams.close()


@asynccontextmanager
async def _monitoring(
    settings: Settings, registry: CollectorRegistry, wings: Wings, tls: Credentials | None
) -> AsyncIterator[None]:
    """Serve metrics and health to whoever has the certificate for them, where there is a port for it."""
    if not settings.monitor_port:
        yield
        return
    app = Application(_own_pages(registry, wings), default_handler_class=NotFoundHandler)
    gate = Gate(settings.allowed_hosts, guard=guarded(tls))
    async with http.listen(app, settings.bind, settings.monitor_port, gate=gate):
        yield


def _own_pages(registry: CollectorRegistry, wings: Wings) -> list[tuple[Any, ...]]:
    """Return the routes of the metrics and the health of this process."""
    return [
        ("/metrics", exposition.MetricsHandler, {"registry": registry}),
        ("/livez", health.LiveHandler),
        ("/readyz", health.ReadyHandler, {"waiting_for": wings.grid.waiting_for}),
    ]


def _application(
    settings: Settings, wings: Wings, streams: FrameStreams, registry: CollectorRegistry
) -> Application:
    assets = Assets(FOLDER / "static", settings.base_path)
    environment = templates(
        assets=assets,
        base=settings.base_path,
        balancer_url=", ".join(settings.balancer_urls),
        grafana_url=settings.grafana,
        sso=urlsplit(settings.oidc_issuer).hostname or "",
    )
    access = Access(
        wings.people.logins,
        wings.people.login_cookie,
        wings.audit.refusals,
        settings.proxies if settings.behind_tls else (),
        only_tls=bool(settings.behind_tls or settings.public_cert),
        base=settings.base_path,
    )
    app = application(
        [*wings.routes(environment), stream_route(streams, wings.presence)],
        _own_pages(registry, wings),
        access,
        environment,
        assets,
    )
    HttpMetrics(registry, app)
    return app
