"""A request with a key whose callers have all gone."""

import asyncio
from pathlib import Path

import pytest

from balancer.book.protocol import Claim
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


def test_a_copy_that_comes_while_it_is_given_up_is_placed_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It must not be told that there is no room, which nobody has looked for."""

    async def scenario(grid: Grid) -> None:
        loop, placement, book = asyncio.get_running_loop(), grid.balancer.placement, grid.balancer.book
        await grid.placed("load", 10, substations=("s-2",))  # so that the other one comes first
        full = Place("", "~fills", 0, "fills", Plan(3_600_000, 100 * KW))
        assert grid.stations["s-1"].decide(full, loop.time() + 1).session
        releasing, goes_on, release = asyncio.Event(), asyncio.Event(), book.release

        async def slow(claim: Claim) -> None:
            releasing.set()
            await goes_on.wait()
            await release(claim)

        monkeypatch.setattr(book, "release", slow)
        asking = asyncio.create_task(placement.charge(request("key", 10), loop.time() + 5))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        asking.cancel()
        await releasing.wait()
        copy = asyncio.create_task(placement.charge(request("key", 10), loop.time() + 5))
        await asyncio.sleep(0.001)
        goes_on.set()
        answer, _ = await copy
        assert answer.session, answer
        assert answer.session.substation_id == "s-2"
        await asyncio.sleep(1)
        assert len(grid.sessions()) == 3
        assert (await grid.placed("key", 10)) == answer.session.session_id

    on_a_grid(tmp_path, (100, 100), scenario)
