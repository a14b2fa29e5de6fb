"""Wires the energy: the file, the watch over the counters, and the routes."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from jinja2 import Environment

from admin_ui.energy import handlers
from admin_ui.energy.store import EnergyStore
from admin_ui.energy.watch import EnergyWatch
from admin_ui.grid.board import Board
from admin_ui.web.routes import Route
from runtime.background import background


@dataclasses.dataclass(frozen=True)
class EnergyWing:
    """The energy that a console has counted."""

    store: EnergyStore
    watch: EnergyWatch

    def shown(self) -> dict[str, Any]:
        """Return the energy of today as browsers get it."""
        return {"energy": {"today_kwh": self.watch.today_kwh}}

    def routes(self, environment: Environment) -> list[Route]:
        """Return the routes of the energy."""
        return handlers.routes(self.store, environment)


@asynccontextmanager
async def energy_wing(data: Path, client: aiohttp.ClientSession, board: Board) -> AsyncIterator[EnergyWing]:
    """Count energy while the context lasts; raises StoreUnusable."""
    store = EnergyStore(data)
    try:
        watch = EnergyWatch(client, board, store)
        async with background(watch.follow()):
            yield EnergyWing(store, watch)
    finally:
        await store.close()
