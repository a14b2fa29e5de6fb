"""Opens the order book that the settings name. While its database can't be reached, the balancer's health pages say so."""

import asyncio
import contextlib
import logging
from typing import Any

from prometheus_client import CollectorRegistry
from tornado.web import Application

from balancer.book.embedded import EmbeddedBook
from balancer.book.metrics import BookMetrics
from balancer.book.postgres.address import BookAddress
from balancer.book.protocol import BookUnavailable, KeptBook
from balancer.settings import Settings
from runtime import exposition, health, http
from runtime.gate import Gate
from runtime.handlers import NotFoundHandler
from runtime.operator_token import OperatorToken
from runtime.tls.credentials import Credentials
from runtime.tls.guard import guarded

log = logging.getLogger(__name__)

TRY_EVERY_S = 0.5


async def opened_book(
    settings: Settings,
    registry: CollectorRegistry,
    token: OperatorToken | None,
    tls: Credentials | None = None,
) -> KeptBook:
    """Return the order book once it is open; raises StoreUnusable when it can't be used."""
    metrics = BookMetrics(registry)
    if settings.order_book:
        gate = Gate(settings.allowed_hosts, token=token, guard=guarded(tls))
        book = await _in_postgres(settings, settings.order_book, registry, metrics, gate)
    else:
        book = EmbeddedBook(settings.book_file)
    metrics.watch(book.waiting_for)
    return book


async def _in_postgres(
    settings: Settings,
    address: BookAddress,
    registry: CollectorRegistry,
    metrics: BookMetrics,
    gate: Gate,
) -> KeptBook:
    """Try again and again, until a server can be written; `gate` is that of the pages meanwhile."""
    from balancer.book.postgres.opening import open_book  # noqa: PLC0415 - the driver takes 0.1 s of a start

    lacking: list[str] = []
    metrics.watch(lambda: lacking)
    async with contextlib.AsyncExitStack() as pages:
        while True:
            try:
                return await open_book(address, settings.order_book_password, metrics)
            except BookUnavailable as error:
                reason = f"the order book: {error}"
            if not lacking:
                app = _waiting_pages(registry, lacking)
                await pages.enter_async_context(
                    http.listen(app, settings.bind, settings.http_port, gate=gate)
                )
            if lacking != [reason]:
                log.error("waiting for %s", reason)
            lacking[:] = [reason]
            await asyncio.sleep(TRY_EVERY_S)


def _waiting_pages(registry: CollectorRegistry, lacking: list[str]) -> Application:
    """Return the pages of a balancer that has no order book yet."""
    pages: list[tuple[Any, ...]] = [
        ("/metrics", exposition.MetricsHandler, {"registry": registry}),
        ("/livez", health.LiveHandler),
        ("/readyz", health.ReadyHandler, {"waiting_for": lambda: lacking}),
    ]
    return Application(pages, default_handler_class=NotFoundHandler)
