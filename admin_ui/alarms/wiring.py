"""Wires the alarms: the rules, the alarms from before a restart, the watch over the grid, and the routes."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from jinja2 import Environment

from admin_ui.alarms import handlers, runbooks
from admin_ui.alarms.lifecycle import Alarms
from admin_ui.alarms.rules import RULES, Severity, scaled
from admin_ui.alarms.store import AlarmStore
from admin_ui.alarms.watch import SETTLE_S, AlarmWatch
from admin_ui.alarms.webhook import Receiver, Webhook, read_secret
from admin_ui.audit.log import AuditLog
from admin_ui.grid.outages import Outages
from admin_ui.grid.view import GridView
from admin_ui.settings import Settings
from admin_ui.web.pages import page_route
from admin_ui.web.routes import Route
from runtime.background import background


@dataclasses.dataclass(frozen=True)
class AlarmsWing:
    """The alarms of a console."""

    watch: AlarmWatch
    webhook: Webhook | None

    @property
    def outages(self) -> Outages:
        """The outages, which share a history with the alarms."""
        return self.watch.alarms.outages

    def shown(self, now_unix_s: float) -> dict[str, Any]:
        """Return alarms and outages as browsers get them."""
        webhook = self.webhook.shown() if self.webhook else None
        alarms = self.watch.alarms.shown(now_unix_s) | {"webhook": webhook}
        return {"alarms": alarms, "outages": self.outages.shown(now_unix_s)}

    def routes(self, environment: Environment) -> list[Route]:
        """Return the routes of the alarms and of the runbooks."""
        return [
            page_route("/alarms", "alarms/alarms.html", environment, rules=RULES.values()),
            *handlers.routes(self.watch),
            *runbooks.routes(environment),
        ]


@asynccontextmanager
async def alarms_wing(
    settings: Settings, grid: GridView, audit: AuditLog, client: aiohttp.ClientSession
) -> AsyncIterator[AlarmsWing]:
    """Watch the grid for alarms while the context lasts; raises StoreUnusable, SecretUnusable."""
    receiver = _receiver(settings)
    store = AlarmStore(settings.data)
    try:
        alarms = Alarms(scaled(RULES, settings.alarm_delays), store.load())
        watch = AlarmWatch(alarms, store, audit, grid, settings.alarm_stale_s)
        webhook = Webhook(receiver, alarms.rules, alarms.log, store) if receiver else None
        chores = [watch.follow(SETTLE_S * settings.alarm_delays)]
        if webhook:
            chores.append(webhook.follow(client))
        async with background(*chores):
            yield AlarmsWing(watch, webhook)
    finally:
        await store.close()


def _receiver(settings: Settings) -> Receiver | None:
    if not settings.webhook_url or not settings.webhook_secret:
        return None
    severities = frozenset(map(Severity, settings.webhook_severities))
    return Receiver(
        settings.webhook_url, read_secret(settings.webhook_secret), severities, settings.pages_url
    )
