"""Wires a gateway: the link to its balancer, and the public API."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry
from tornado.web import Application

from gateway.access import Access, KeyFile
from gateway.balancer_stream import BalancerLink
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
async def gateway(settings: Settings) -> AsyncIterator[None]:
    """Serve one gateway while the context lasts.

    Raises OSError when its port is taken, CannotStartError when its API keys can't be read.
    """
    async with AsyncExitStack() as stack:
        registry = await stack.enter_async_context(exposition.measured("gateway"))
        metrics = GatewayMetrics(registry)
        tls, public = settings.credentials(Role.GATEWAY), _public(settings)
        show_expiry(registry, PUBLIC, tls, public)
        to_balancer = _link(settings, metrics, tls)
        stack.push_async_callback(to_balancer.close)
        grid = Services(to_balancer, metrics, _access(settings), settings.deadline_s, settings.max_wait_s)
        app = _routes(grid, registry, to_balancer)
        HttpMetrics(registry, app)
        shared = settings.monitor_port != 0
        limits = Limits(
            settings.connections, settings.connections_per_address, shrinks=False, shares_port=shared
        )
        gate = Gate(
            settings.allowed_hosts, ANY
        )  # the handlers check bodies themselves, and count what they reject
        if shared:  # first: who watches this process sees it before it takes requests
            pages = [*_monitoring(registry, to_balancer), *(_sessions(grid) if tls else [])]
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


def _link(settings: Settings, metrics: GatewayMetrics, tls: Credentials | None) -> BalancerLink:
    """Return the link to the balancer; it begins to connect at once."""
    token = operator_token.read_if_any(settings.operator_token)
    callee = Callee(tls, Role.BALANCER) if tls else None
    return BalancerLink(settings.balancer, metrics.batched, operator_token.field(token), callee)


def _access(settings: Settings) -> Access:
    try:
        keys = KeyFile(settings.api_keys) if settings.api_keys else None
    except (UnusableKeys, OSError) as error:
        raise CannotStartError(f"the API keys in {settings.api_keys} can't be used: {error}") from error
    return Access(keys, settings.quota_per_minute)


def _monitoring(registry: CollectorRegistry, to_balancer: BalancerLink) -> list[Any]:
    """Return the routes of this process's metrics and health."""

    def waiting_for() -> list[str]:
        """Return the reasons why no request can be placed now, including those of the balancer."""
        return to_balancer.waiting_for if to_balancer.up else [f"the balancer at {to_balancer.address}"]

    def about() -> dict[str, object]:
        return {"book_id": (to_balancer.up and to_balancer.book_id) or None}

    return [
        ("/metrics", exposition.MetricsHandler, {"registry": registry}),
        ("/livez", health.LiveHandler),
        ("/readyz", health.ReadyHandler, {"waiting_for": waiting_for, "about": about}),
    ]


def _sessions(grid: Services) -> list[Any]:
    """Return the routes by which sessions are listed, found and stopped."""
    return [
        ("/charge", ChargesHandler, {"grid": grid}),
        ("/charge/([^/]{1,128})", ChargeHandler, {"grid": grid}),
    ]


def _routes(grid: Services, registry: CollectorRegistry, to_balancer: BalancerLink) -> Application:
    return Application(
        [
            *_sessions(grid),
            ("/openapi.json", OpenApiHandler),
            ("/", FrontPageHandler, {"page": front_page()}),
            ("/page.css", StyleHandler),
            *_monitoring(registry, to_balancer),
        ],
        default_handler_class=NotFoundHandler,
        exchanges={("POST", "/charge"): partial(ChargeExchange, grid=grid)},
    )
