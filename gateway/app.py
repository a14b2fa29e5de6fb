"""A gateway, wired: the link to its balancer and the public API."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from prometheus_client import CollectorRegistry
from tornado.web import Application

from gateway.balancer_stream import BalancerLink, link
from gateway.handlers import ChargeHandler, ChargesHandler, Grid
from gateway.metrics import GatewayMetrics
from gateway.page import FrontPageHandler, OpenApiHandler, StyleHandler, front_page
from gateway.settings import Settings
from runtime import exposition, health, http
from runtime.handlers import NotFoundHandler


@asynccontextmanager
async def gateway(settings: Settings) -> AsyncIterator[None]:
    """Serve one gateway while the context lasts; raises OSError when its port is taken."""
    async with AsyncExitStack() as stack:
        registry = exposition.registry("gateway")
        to_balancer = link(settings.balancer)
        stack.push_async_callback(to_balancer.close)
        grid = Grid(to_balancer, GatewayMetrics(registry), settings.deadline_s)
        await stack.enter_async_context(
            http.listen(_routes(grid, registry, to_balancer), settings.bind, settings.http_port)
        )
        yield


def _routes(grid: Grid, registry: CollectorRegistry, to_balancer: BalancerLink) -> Application:
    def waiting_for() -> list[str]:
        return [] if to_balancer.up else [f"the balancer at {to_balancer.address}"]

    return Application(
        [
            ("/charge", ChargesHandler, {"grid": grid}),
            ("/charge/([^/]{1,128})", ChargeHandler, {"grid": grid}),
            ("/openapi.json", OpenApiHandler),
            ("/", FrontPageHandler, {"page": front_page()}),
            ("/page.css", StyleHandler),
            ("/metrics", exposition.MetricsHandler, {"registry": registry}),
            ("/livez", health.LiveHandler),
            ("/readyz", health.ReadyHandler, {"waiting_for": waiting_for}),
        ],
        default_handler_class=NotFoundHandler,
    )
