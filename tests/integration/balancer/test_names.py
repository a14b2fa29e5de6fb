"""Substations behind a name, real ones on real addresses; what the name resolves to changes."""

import asyncio
import functools
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.integration.balancer.grid import HOST, Grid, Plan, built, until
from tests.integration.balancer.liars import answering, hung
from tests.integration.gateway.api import Api, api_of
from tests.support.ports import free_ports

NAME = "dns://substations:8101"


class Zone:
    """What a name resolves to: the pages of some substations of a grid; empty is a failing look-up."""

    def __init__(self) -> None:
        self.ports: list[int] = []

    async def resolve(self, name: str, port: int) -> list[tuple[Any, ...]]:
        assert (name, port) == ("substations", 8101)
        if not self.ports:
            raise socket.gaierror(socket.EAI_AGAIN, "the name server does not answer")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (HOST, each)) for each in self.ports]

    def holds(self, grid: Grid, *names: str) -> None:
        self.ports = [grid.ports[name][0] for name in names]


async def seen(grid: Grid, **states: str) -> None:
    """Wait until the fleet is shown so; `s_1` is s-1."""

    async def reached() -> bool:
        found = {name.replace("-", "_"): each["state"] for name, each in (await grid.fleet()).items()}
        return found == states

    await until(reached)


async def places(api: Api) -> set[str]:
    return {(await api.placed(max_power_kw=1))["substation_id"] for _ in range(6)}


@pytest.mark.gen_test
async def test_a_real_name_is_resolved_and_its_substation_used(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    plan = Plan((100,), urls=(f"dns://localhost:{port}",))
    async with built(tmp_path, plan) as grid:
        grid.ports["s-1"] = (port, grid.ports["s-1"][1])
        for name in ("s-1", "balancer", "gateway"):
            await grid.start(name)
        await grid.placeable()
        assert await places(await api_of(grid)) == {"s-1"}
        assert (await grid.fleet())["s-1"]["url"] == f"http://{HOST}:{port}"
        assert await grid.metric('smartgrid_balancer_resolutions_total{outcome="ok"}') >= 1


@pytest.mark.gen_test
async def test_substations_come_and_go_with_their_name(tmp_path: Path) -> None:
    zone = Zone()
    plan = Plan((100, 100, 100), poll_s=0.1, urls=(NAME,), resolve=zone.resolve)
    async with built(tmp_path, plan) as grid:
        for name in (*grid.names, "balancer", "gateway"):
            await grid.start(name)
        assert (await grid.get_json(f"{grid.balancer_url}/fleet"))["unseen"] == [NAME]

        zone.holds(grid, "s-1", "s-2")
        await seen(grid, s_1="healthy", s_2="healthy")
        assert await grid.metric("smartgrid_balancer_watched_addresses") == 2
        api = await api_of(grid)
        session = await api.placed(substations=["s-1"])

        zone.holds(grid, "s-2", "s-3")
        await seen(grid, s_1="gone", s_2="healthy", s_3="healthy")
        assert await places(api) == {"s-2", "s-3"}
        assert (await api.find(session["session_id"])).status == 200  # it still runs, and its stream is kept

        zone.ports = []
        failures = 'smartgrid_balancer_resolutions_total{outcome="failed"}'
        before = await grid.metric(failures)

        async def failed() -> bool:
            return await grid.metric(failures) >= before + 3

        await until(failed)
        await seen(grid, s_1="gone", s_2="healthy", s_3="healthy")

        zone.holds(grid, "s-1", "s-2", "s-3")
        await seen(grid, s_1="healthy", s_2="healthy", s_3="healthy")
        await api.placed(substations=["s-1"])
        assert await grid.metric("smartgrid_balancer_watched_addresses") == 3


@pytest.mark.gen_test
async def test_one_that_comes_back_at_another_address_is_used_there(tmp_path: Path) -> None:
    zone = Zone()
    plan = Plan((100, 100), poll_s=0.1, urls=(NAME,), resolve=zone.resolve)
    async with built(tmp_path, plan) as grid:
        for name in (*grid.names, "balancer", "gateway"):
            await grid.start(name)
        zone.holds(grid, "s-1", "s-2")
        await grid.placeable()
        api = await api_of(grid)
        placed = await api.placed("key-1", substations=["s-1"])
        journal = (await grid.fleet())["s-1"]["journal_id"]

        await grid.stop("s-1")
        zone.holds(grid, "s-2")
        await seen(grid, s_1="gone", s_2="healthy")
        http, stream = free_ports(2)
        grid.ports["s-1"] = (http, stream)
        await grid.start("s-1")
        zone.holds(grid, "s-1", "s-2")
        await seen(grid, s_1="healthy", s_2="healthy")
        shown = (await grid.fleet())["s-1"]
        assert (shown["url"], shown["journal_id"]) == (f"http://{HOST}:{http}", journal)
        assert (await api.find(placed["session_id"])).status == 200
        assert (await api.placed("key-2", substations=["s-1"]))["substation_id"] == "s-1"


@pytest.mark.gen_test
async def test_two_behind_a_name_that_swap_addresses_at_a_restart_are_followed(tmp_path: Path) -> None:
    zone = Zone()
    plan = Plan((100, 100), poll_s=0.1, urls=(NAME,), resolve=zone.resolve)
    async with built(tmp_path, plan) as grid:
        for name in (*grid.names, "balancer", "gateway"):
            await grid.start(name)
        zone.holds(grid, "s-1", "s-2")
        await grid.placeable()
        api = await api_of(grid)
        sessions = {name: (await api.placed(substations=[name]))["session_id"] for name in grid.names}
        await asyncio.gather(*(grid.stop(name) for name in grid.names))
        grid.ports["s-1"], grid.ports["s-2"] = grid.ports["s-2"], grid.ports["s-1"]
        for name in grid.names:
            await grid.start(name)

        async def followed() -> bool:
            found = await grid.fleet()
            homes = {name: each["url"] for name, each in found.items() if each["state"] == "healthy"}
            return homes == {name: grid.substation_url(name) for name in grid.names}

        await until(followed)
        for session_id in sessions.values():
            assert (await api.find(session_id)).status == 200
        assert await places(api) == {"s-1", "s-2"}


@pytest.mark.gen_test
async def test_an_address_that_vanishes_while_it_is_asked_is_forgotten(tmp_path: Path) -> None:
    """It hangs, so a poll is on its way nearly whenever it vanishes."""
    zone = Zone()
    plan = Plan((100,), poll_s=0.3, urls=(NAME,), resolve=zone.resolve)
    async with answering(hung) as url, built(tmp_path, plan) as grid:
        for name in ("s-1", "balancer", "gateway"):
            await grid.start(name)
        failures = 'smartgrid_balancer_polls_total{outcome="failed"}'

        async def missed(count: int) -> bool:
            return await grid.metric(failures) >= count

        for number in range(1, 4):
            zone.holds(grid, "s-1")
            zone.ports.append(int(url.rpartition(":")[2]))
            await until(lambda: watched(grid, 2))
            await until(functools.partial(missed, number))
            zone.holds(grid, "s-1")
            await until(lambda: watched(grid, 1))
        await seen(grid, s_1="healthy")
        assert (await grid.get_json(f"{grid.balancer_url}/fleet"))["unseen"] == []


async def watched(grid: Grid, count: int) -> bool:
    return await grid.metric("smartgrid_balancer_watched_addresses") == count
