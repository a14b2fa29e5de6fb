"""Grids of which a substation is lost for good."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from tests.integration.balancer.caller import Caller, caller
from tests.integration.balancer.grid import HOST, Grid, Plan, running, until
from tests.integration.balancer.operator import order


@contextlib.asynccontextmanager
async def grids(folder: Path, plan: Plan | None = None) -> AsyncIterator[tuple[Grid, Caller]]:
    async with running(folder, plan) as grid, caller(f"{HOST}:{grid.balancer_stream_port}") as made:
        yield grid, made


async def lost(grid: Grid, name: str) -> None:
    """Wait until the balancer has ejected a substation that is gone."""

    async def noticed() -> bool:
        return await grid.state(name) == "ejected"

    await until(noticed)


async def ordered(grid: Grid, name: str) -> bool:
    return (await order(grid, name, "decommission")).status == 200
