"""Wires the rush hour: the load test, its control, and the routes."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from jinja2 import Environment

from admin_ui.audit.log import AuditLog
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


@asynccontextmanager
async def rush_wing(
    settings: Settings, audit: AuditLog, client: aiohttp.ClientSession
) -> AsyncIterator[RushWing]:
    """Start and stop runs while the context lasts; a run that is under way at its end is stopped."""
    test = LoadTest(
        settings.gateway[0],
        settings.balancer[0],
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
