"""Balancer and gateway are ready when a request would be placed, and say what they wait for."""

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.integration.balancer.grid import Plan, built, running, until
from tests.integration.balancer.operator import done
from tests.integration.balancer.readyz import unready
from tests.integration.gateway.api import api_of


@pytest.mark.gen_test
async def test_a_balancer_says_what_it_waits_for_until_a_substation_answers(tmp_path: Path) -> None:
    async with built(tmp_path, Plan((100,))) as grid:
        for name in ("balancer", "gateway"):
            await grid.start(name)
        api = await api_of(grid)

        async def asked() -> bool:
            return (await api.charge()).json.get("detail") is None

        await until(asked)  # the gateway's link is up
        answer = await api.charge("key-1")
        assert (answer.status, answer.code) == (503, "no-substation")
        async with grid.session.get(f"{grid.balancer_url}/readyz") as response:
            assert (response.status, (await response.json())["status"]) == (503, "waiting")
        await grid.start("s-1")
        await grid.placeable()
        async with grid.session.get(f"{grid.balancer_url}/readyz") as response:
            assert response.status == 200
        assert (await api.charge("key-1")).status == 201


@pytest.mark.gen_test
async def test_balancer_and_gateway_are_ready_only_while_a_request_would_be_placed(tmp_path: Path) -> None:
    async with running(tmp_path, Plan((100,))) as grid:
        await done(grid, "s-1", "drain")
        await unready(grid, "a substation that takes cars: s-1 take")
        await done(grid, "s-1", "restore")
        await grid.placeable()
        assert (await (await api_of(grid)).charge("key-1")).status == 201

        await grid.stop("balancer")  # and its order book is lost
        await asyncio.to_thread(shutil.rmtree, tmp_path / "balancer")
        await grid.start("balancer")
        await unready(grid, "s-1 belongs to another order book; was the order book lost?")
        answer = await (await api_of(grid)).charge("key-2")
        assert (answer.status, answer.code) == (503, "no-substation")
        assert answer.json["detail"] == "s-1 belongs to another order book"
        assert len(await grid.sessions()) == 1
