"""Real services with a waiting room, for tests of who gets in."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from balancer.contract import BalancerAnswer
from tests.integration.balancer.caller import Caller, caller
from tests.integration.balancer.grid import HOST, Grid, Plan, running, until

LONG_S = 60.0
ONE = Plan(capacities_kw=(100,))
KEYS = pytest.mark.parametrize("key", ["", "key-1"], ids=["keyless", "keyed"])


@dataclasses.dataclass
class Room:
    """A grid with a caller on its balancer's stream."""

    grid: Grid
    caller: Caller

    async def waiting(self, count: int) -> None:
        """Wait until so many requests wait for room."""

        async def reached() -> bool:
            return await self.grid.metric("smartgrid_balancer_waiting_requests") == count

        await until(reached)

    async def wait(self, count: int, *asked: Any, **changed: Any) -> "asyncio.Task[BalancerAnswer]":
        """Send a request that will wait, as the `count`th of those who do."""
        task = asyncio.ensure_future(self.caller.charge(*asked, **{"wait_s": LONG_S} | changed))
        await self.waiting(count)
        return task

    async def vehicles(self) -> list[str]:
        """The requests that were admitted, in the order of admission."""
        found = sorted(await self.grid.sessions(), key=lambda session: session["started_unix_ms"])
        return [session["vehicle_id"] for session in found]

    async def outstanding_w(self) -> float:
        names = [f'smartgrid_balancer_outstanding_watts{{substation="{name}"}}' for name in self.grid.names]
        return sum([await self.grid.metric(name) for name in names])


@contextlib.asynccontextmanager
async def rooms(folder: Path, plan: Plan = ONE) -> AsyncIterator[Room]:
    """A grid at whose end nobody waits and no power is held, whatever happened."""
    async with running(folder, plan) as grid, caller(f"{HOST}:{grid.balancer_stream_port}") as made:
        room = Room(grid, made)
        yield room
        await room.waiting(0)

        async def given_back() -> bool:
            return await room.outstanding_w() == 0

        await until(given_back)


async def hung_up(task: "asyncio.Task[BalancerAnswer]") -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
