"""The console: its wings, wired, and the application that serves their routes."""

import dataclasses
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
from jinja2 import Environment
from prometheus_client import CollectorRegistry
from tornado.web import Application

from admin_ui.alarms.wiring import AlarmsWing, alarms_wing
from admin_ui.audit.wiring import AuditWing, audit_wing
from admin_ui.decisions.handlers import routes as decision_routes
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
from admin_ui.web.routes import Route
from admin_ui.web.stream import stream_route
from runtime import exposition, health, http
from runtime.frame_stream import FrameStreams, StreamMetrics
from runtime.gate import FORM, JSON, Gate
from runtime.http_metrics import HttpMetrics
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
    sessions: SessionPages

    def shown(self) -> dict[str, Any]:
        """Return everything that browsers are shown at this moment."""
        return (
            self.grid.shown(time.monotonic())
            | self.audit.shown()
            | self.alarms.shown(time.time())
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
            *decision_routes(self.calls, self.grid.board, environment),
            *session_routes(self.sessions, environment),
            *order_routes(self.calls, self.grid.board, self.audit.log),
        ]


@asynccontextmanager
async def wired(settings: Settings) -> AsyncIterator[Wings]:
    """Open every wing while the context lasts; raises OSError when a file of theirs can't be used."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(aiohttp.ClientSession())
        audit = await stack.enter_async_context(audit_wing(settings))
        people = await stack.enter_async_context(people_wing(settings, audit.log))
        rush = await stack.enter_async_context(rush_wing(settings, audit.log, client))
        grid = GridView()
        alarms = await stack.enter_async_context(alarms_wing(settings, grid, audit.log, client))
        past = await stack.enter_async_context(past_of(settings.data, grid.board))
        await stack.enter_async_context(grid_wiring.following(grid, past, alarms.outages, client, settings))
        sessions = SessionPages(client, grid.board, settings.operator_token)
        calls = grid_wiring.calls(client, settings)
        yield Wings(grid, past, calls, audit, people, rush, alarms, sessions)


@asynccontextmanager
async def console(settings: Settings) -> AsyncIterator[None]:
    """Serve one console while the context lasts; raises OSError when its port is taken."""
    async with exposition.measured("admin_ui") as registry, wired(settings) as wings:
        streams = FrameStreams(wings.shown, CONSOLE, StreamMetrics(registry, "smartgrid_console"))
        # Tornado's cross_origin_protection checks origins here, because its refusals are pages for people.
        gate = Gate(settings.allowed_hosts, JSON | FORM, origins=False)
        tls = None
        if settings.public_cert and settings.public_key:
            tls = PublicCertificate(settings.public_cert, settings.public_key).context
        app = _application(settings, wings, streams, registry)
        async with http.listen(app, settings.bind, settings.http_port, tls=tls, gate=gate):
            try:
                yield
            finally:
                await streams.close()


def _application(
    settings: Settings, wings: Wings, streams: FrameStreams, registry: CollectorRegistry
) -> Application:
    assets = Assets(FOLDER / "static")
    environment = templates(assets=assets, balancer_url=settings.balancer[0], grafana_url=settings.grafana)
    access = Access(
        wings.people.logins,
        wings.people.login_cookie,
        wings.audit.refusals,
        settings.proxies if settings.behind_tls else (),
        only_tls=bool(settings.behind_tls or settings.public_cert),
    )
    app = application(
        [*wings.routes(environment), stream_route(streams)],
        [
            ("/metrics", exposition.MetricsHandler, {"registry": registry}),
            ("/livez", health.LiveHandler),
            ("/readyz", health.ReadyHandler, {"waiting_for": wings.grid.waiting_for}),
        ],
        access,
        environment,
        assets,
    )
    HttpMetrics(registry, app)
    return app
