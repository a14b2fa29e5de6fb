"""Wires the rush hour: the load test, its control, and the routes."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from jinja2 import Environment

from admin_ui.audit.log import AuditLog
from admin_ui.grid.balancers import Balancers
from admin_ui.rush import handlers
from admin_ui.rush.child import LoadTest
from admin_ui.rush.control import RushHourControl
from admin_ui.settings import Settings
from admin_ui.web.routes import Route
from runtime.background import background


@dataclasses.dataclass(frozen=True)
class RushWing:
    """The rush hour of a console."""

    control: RushHourControl

    def shown(self, holder: str | None) -> dict[str, Any]:
        """Return the run as browsers get it; `holder` is the id of the run that holds the grid's lease."""
        return {"rush": self.control.shown(holder)}

    def routes(self, environment: Environment) -> list[Route]:
        """Return the routes of the rush hour and its runs."""
        return handlers.routes(self.control, environment)


def _balancer_url(settings: Settings, balancers: Balancers) -> str:
    """Return the URL of a balancer for a run: as the settings name it, because targets must be allowed by that name."""
    named = settings.balancer_urls
    return next((url for url in balancers.to_ask() if url in named and balancers.is_up(url)), named[0])


@asynccontextmanager
async def rush_wing(
    settings: Settings, audit: AuditLog, client: aiohttp.ClientSession, balancers: Balancers
) -> AsyncIterator[RushWing]:
    """Start and stop runs while the context lasts; a run that is under way at its end is stopped.

    A run looks at one of `balancers` that is up at its start.
    """
    test = LoadTest(
        settings.gateway[0],
        lambda: _balancer_url(settings, balancers),
        settings.runs,
        settings.gateway_key,
        settings.operator_token,
    )
    control = RushHourControl(test, audit, client)
    try:
        async with background(control.elsewhere.follow()):
            yield RushWing(control)
    finally:
        await control.close()
