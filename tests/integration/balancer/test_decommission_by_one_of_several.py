"""A substation is given up only when no balancer of the order book reaches it, whichever is asked."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from balancer.app import balancer
from balancer.book.postgres import reach
from balancer.book.postgres.address import book_address
from balancer.settings import Settings
from tests.integration.balancer.grid import HOST, Grid, Plan, built, until
from tests.support.ports import free_ports
from tests.support.postgres import PostgresServer
from tests.unit.balancer.book.shelves import opened


@contextlib.asynccontextmanager
async def grids(folder: Path, url: str) -> AsyncIterator[tuple[Grid, str]]:
    """A grid whose balancer reaches both substations, and the page of another balancer, which knows the first alone."""
    async with built(folder, Plan(capacities_kw=(100, 100), order_book=url)) as grid:
        for name in (*grid.names, "balancer"):
            await grid.start(name)
        page, stream = free_ports(2)
        settings = Settings(
            bind=HOST,
            http_port=page,
            stream_port=stream,
            data=folder / "other",
            substations=(grid.substation_url(grid.names[0]),),
            order_book=book_address(url),
        )
        async with balancer(settings):
            yield grid, f"http://{HOST}:{page}"


async def decommission(grid: Grid, balancer_url: str, name: str) -> tuple[int, dict[str, Any]]:
    async with grid.session.post(f"{balancer_url}/fleet/{name}/decommission", json={}) as response:
        return response.status, await response.json(content_type=None)


@pytest.mark.gen_test
async def test_a_substation_that_another_balancer_reaches_is_not_given_up(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    url = postgres.new_database("given_up")
    async with grids(tmp_path, url) as (grid, other):
        asked = await opened(url)
        second = grid.names[1]

        async def reached() -> set[str]:
            return {name for name, _ in await asked.reached_by_others()}

        async def both() -> bool:
            return await reached() == set(grid.names)

        await until(both)
        status, problem = await decommission(grid, other, second)
        assert status == 422
        assert f"another balancer reaches {second}" in problem["detail"]
        await grid.stop(second)

        async def unreached() -> bool:
            return await reached() == {grid.names[0]}

        await until(unreached)
        assert (await decommission(grid, other, second))[0] == 200
        await asked.close()


@pytest.mark.gen_test
async def test_what_a_balancer_reached_counts_until_it_ends_or_is_silent(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.new_database("reached")
    one, other = await opened(url), await opened(url)
    await one.reaches({("s-1", "j"), ("s-2", "k")})
    assert await other.reached_by_others() == {("s-1", "j"), ("s-2", "k")}
    assert await one.reached_by_others() == frozenset()
    await one.reaches({("s-2", "k")})
    assert await other.reached_by_others() == {("s-2", "k")}
    await one.close()
    assert await other.reached_by_others() == frozenset()
    silent = await opened(url)
    monkeypatch.setattr(reach, "LASTS_MS", -1)
    await silent.reaches({("s-3", "j")})
    assert await other.reached_by_others() == frozenset()
    await silent.close()
    await other.close()
