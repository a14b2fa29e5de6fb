"""Wires a gateway: the links to its balancers, and the public API."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry
from tornado.web import Application

from gateway.access import Access, KeyFile
from gateway.balancer_collector import BalancerCollector
from gateway.balancer_stream import BalancerLink, Caller
from gateway.balancers import Balancers
from gateway.callers import UnusableKeys
from gateway.charging import ChargeExchange
from gateway.fair_turns import FairTurns
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
from runtime.tls.credentials import Callee, Credentials
from runtime.tls.expiry import PUBLIC, show_expiry
from runtime.tls.guard import guarded
from runtime.tls.identity import Role
from runtime.tls.public import PublicCertificate

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
        tls, public = settings.credentials(Role.GATEWAY), _public(settings)
        show_expiry(registry, PUBLIC, tls, public)
        balancers = _balancers(stack, settings, metrics, tls, resolve)
        registry.register(BalancerCollector(balancers))
        turns = FairTurns(time.monotonic)
        grid = Services(
            balancers, metrics, _access(settings), settings.deadline_s, settings.max_wait_s, turns
        )
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
            pages = [*_monitoring(registry, balancers), *(_sessions(grid) if tls else [])]
            monitor = Application(pages, default_handler_class=NotFoundHandler)
            own_gate = Gate(settings.allowed_hosts, guard=guarded(tls))
            await stack.enter_async_context(
                http.listen(monitor, settings.bind, settings.monitor_port, MONITORS, gate=own_gate)
            )
        await stack.enter_async_context(
            http.listen(
                app, settings.bind, settings.http_port, limits, public.context if public else None, gate=gate
            )
        )
        yield


def _public(settings: Settings) -> PublicCertificate | None:
    """Return the certificate of the public API, None where it speaks plain HTTP; raises OSError."""
    if settings.public_cert and settings.public_key:
        return PublicCertificate(settings.public_cert, settings.public_key)
    return None


def _balancers(
    stack: AsyncExitStack,
    settings: Settings,
    metrics: GatewayMetrics,
    tls: Credentials | None,
    resolve: Resolve,
) -> Balancers:
    """Return the links to the balancers, which begin to connect at once; they end with `stack`."""
    token = operator_token.field(operator_token.read_if_any(settings.operator_token))
    callee = Callee(tls, Role.BALANCER) if tls else None

    def link(address: str, silent_s: float, on_greeting: Callable[[], None]) -> BalancerLink:
        return BalancerLink(address, Caller(token, callee, silent_s), metrics.batched, on_greeting)

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


def _sessions(grid: Services) -> list[Any]:
    """Return the routes by which sessions are listed, found and stopped."""
    return [
        ("/charge", ChargesHandler, {"grid": grid}),
        ("/charge/([^/]{1,128})", ChargeHandler, {"grid": grid}),
    ]


def _routes(grid: Services, registry: CollectorRegistry, balancers: Balancers) -> Application:
    return Application(
        [
            *_sessions(grid),
            ("/openapi.json", OpenApiHandler),
            ("/", FrontPageHandler, {"page": front_page()}),
            ("/page.css", StyleHandler),
            *_monitoring(registry, balancers),
        ],
        default_handler_class=NotFoundHandler,
        exchanges={("POST", "/charge"): partial(ChargeExchange, grid=grid)},
    )
