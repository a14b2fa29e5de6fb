"""A request with a key whose callers have all gone."""

import asyncio
from pathlib import Path

from substation.contract import Place
from substation.plan import Plan
from tests.support.virtual_grid import KW, request
from tests.unit.balancer.placing.keyed_grid import Grid, on_a_grid


def test_it_is_not_sent_to_another_substation_after_a_refusal(tmp_path: Path) -> None:
    """A retry at another balancer may be told meanwhile that it is refused: simulated seed 300039."""

    async def scenario(grid: Grid) -> None:
        loop = asyncio.get_running_loop()
        await grid.placed("load", 10, substations=("s-2",))  # so that the other one comes first
        full = Place("", "~fills", 0, "fills", Plan(3_600_000, 100 * KW))
        assert grid.stations["s-1"].decide(full, loop.time() + 1).session
        asking = asyncio.create_task(grid.balancer.placement.charge(request("key", 10), loop.time() + 5))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.sleep(5)
        assert len(grid.sessions()) == 2
        assert (await grid.placed("key", 10)).startswith("s-2.")

    on_a_grid(tmp_path, (100, 100), scenario)
