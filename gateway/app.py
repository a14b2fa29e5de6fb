"""Wires a gateway: the links to its balancers, and the public API."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry
from tornado.web import Application

from gateway.access import Access, KeyFile
from gateway.balancer_collector import BalancerCollector
from gateway.balancer_stream import BalancerLink
from gateway.balancers import Balancers
from gateway.callers import UnusableKeys
from gateway.charging import ChargeExchange
from gateway.handlers import ChargeHandler, ChargesHandler
from gateway.metrics import GatewayMetrics
from gateway.page import FrontPageHandler, OpenApiHandler, StyleHandler, front_page
from gateway.services import Services
from gateway.settings import Settings
from runtime import exposition, health, http, operator_token
from runtime.connections import Limits
from runtime.gate import ANY, Gate
from runtime.handlers import NotFoundHandler
from runtime.http_metrics import HttpMetrics
from runtime.name_lookup import Resolve, resolve
from runtime.process import CannotStartError

MONITORS = Limits(
    connections=32, per_address=0
)  # Prometheus, the console, probes: few, whatever they come through


@asynccontextmanager
async def gateway(settings: Settings, resolve: Resolve = resolve) -> AsyncIterator[None]:
    """Serve one gateway while the context lasts; `resolve` looks names up.

    Raises OSError when its port is taken, CannotStartError when its API keys can't be read.
    """
    async with AsyncExitStack() as stack:
        registry = await stack.enter_async_context(exposition.measured("gateway"))
        metrics = GatewayMetrics(registry)
        balancers = _balancers(stack, settings, metrics, resolve)
        registry.register(BalancerCollector(balancers))
        grid = Services(balancers, metrics, _access(settings), settings.deadline_s, settings.max_wait_s)
        app = _routes(grid, registry, balancers)
        HttpMetrics(registry, app)
        shared = settings.monitor_port != 0
        limits = Limits(
            settings.connections, settings.connections_per_address, shrinks=False, shares_port=shared
        )
        gate = Gate(
            settings.allowed_hosts, ANY
        )  # the handlers check bodies themselves, and count what they reject
        if shared:  # first: who watches this process sees it before it takes requests
            monitor = Application(_monitoring(registry, balancers), default_handler_class=NotFoundHandler)
            own_gate = Gate(settings.allowed_hosts)
            await stack.enter_async_context(
                http.listen(monitor, settings.bind, settings.monitor_port, MONITORS, gate=own_gate)
            )
        await stack.enter_async_context(
            http.listen(app, settings.bind, settings.http_port, limits, gate=gate)
        )
        yield


def _balancers(
    stack: AsyncExitStack, settings: Settings, metrics: GatewayMetrics, resolve: Resolve
) -> Balancers:
    """Return the links to the balancers; they end with `stack`."""
    token = operator_token.field(operator_token.read_if_any(settings.operator_token))

    def link(address: str, silent_s: float, on_greeting: Callable[[], None]) -> BalancerLink:
        return BalancerLink(address, metrics.batched, token, silent_s, on_greeting)

    balancers = Balancers(settings.balancers, link)
    stack.push_async_callback(balancers.close)
    stack.callback(asyncio.create_task(balancers.follow(settings.discover_s, resolve)).cancel)
    return balancers


def _access(settings: Settings) -> Access:
    try:
        keys = KeyFile(settings.api_keys) if settings.api_keys else None
    except (UnusableKeys, OSError) as error:
        raise CannotStartError(f"the API keys in {settings.api_keys} can't be used: {error}") from error
    return Access(keys, settings.quota_per_minute)


def _monitoring(registry: CollectorRegistry, balancers: Balancers) -> list[Any]:
    """Return the routes of this process's metrics and health."""

    def about() -> dict[str, object]:
        return {"book_id": balancers.book_id or None, "balancers": balancers.states()}

    return [
        ("/metrics", exposition.MetricsHandler, {"registry": registry}),
        ("/livez", health.LiveHandler),
        ("/readyz", health.ReadyHandler, {"waiting_for": lambda: balancers.waiting_for, "about": about}),
    ]


def _routes(grid: Services, registry: CollectorRegistry, balancers: Balancers) -> Application:
    return Application(
        [
            ("/charge", ChargesHandler, {"grid": grid}),
            ("/charge/([^/]{1,128})", ChargeHandler, {"grid": grid}),
            ("/openapi.json", OpenApiHandler),
            ("/", FrontPageHandler, {"page": front_page()}),
            ("/page.css", StyleHandler),
            *_monitoring(registry, balancers),
        ],
        default_handler_class=NotFoundHandler,
        exchanges={("POST", "/charge"): partial(ChargeExchange, grid=grid)},
    )
