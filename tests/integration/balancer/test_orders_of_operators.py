"""Drain, restore, capacity and policy over real sockets, confirmed by the substations' own pages."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from balancer.contract import ORDER_UNTIL, BalancerOutcome
from balancer.operating.substation_orders import TOO_HIGH
from balancer.placing.policies import policies
from tests.integration.balancer.caller import Caller, caller
from tests.integration.balancer.grid import HOST, Grid, Plan, running, until
from tests.integration.balancer.operator import call, done, gauge, order

LOAD = "smartgrid_substation_load_watts"
CAPACITY = "smartgrid_substation_capacity_watts"
DRAINING = "smartgrid_substation_draining"
POLICIES = list(policies())


@contextlib.asynccontextmanager
async def grids(folder: Path, plan: Plan | None = None) -> AsyncIterator[tuple[Grid, Caller]]:
    async with running(folder, plan) as grid, caller(f"{HOST}:{grid.balancer_stream_port}") as made:
        yield grid, made


async def restarted(grid: Grid, *names: str) -> None:
    for name in names:
        await grid.stop(name)
        await grid.start(name)
    await grid.placeable()


@pytest.mark.gen_test
async def test_a_drained_substation_takes_nothing_and_ends_nothing_until_it_is_restored(
    tmp_path: Path,
) -> None:
    async with grids(tmp_path) as (grid, client):
        runs = await client.placed(kw=10, substations=("s-1",))
        await done(grid, "s-1", "drain")
        assert await gauge(grid, "s-1", DRAINING) == 1
        shown = await grid.fleet()
        assert shown["s-1"]["draining"] is True
        assert [shown[name]["headroom_kw"] for name in ("s-1", "s-2")] == [0, 100]  # room for new cars
        placed = {(await client.placed(kw=5)).substation_id for _ in range(6)}
        assert placed == {"s-2"}
        assert (await client.charge(kw=5, substations=("s-1",))).outcome is BalancerOutcome.NO_CAPACITY
        found = (await client.find(runs.session_id)).session
        assert found
        assert found.state == "charging"
        assert await gauge(grid, "s-1", LOAD) == 10_000
        await done(grid, "s-1", "drain")  # twice is once
        await done(grid, "s-1", "restore")
        assert await gauge(grid, "s-1", DRAINING) == 0
        assert (await client.placed(kw=5)).substation_id == "s-1"


@pytest.mark.gen_test
async def test_a_drain_and_a_capacity_are_kept_over_restarts_of_both_ends(tmp_path: Path) -> None:
    async with grids(tmp_path) as (grid, client):
        await done(grid, "s-1", "drain")
        await done(grid, "s-2", "capacity", json={"capacity_kw": 40})
        await restarted(grid, "s-1", "s-2", "balancer")
        assert await gauge(grid, "s-1", DRAINING) == 1
        assert await gauge(grid, "s-2", CAPACITY) == 40_000
        assert (await client.placed(kw=40)).substation_id == "s-2"
        assert (await client.charge(kw=1)).outcome is BalancerOutcome.NO_CAPACITY
        await done(grid, "s-1", "restore")
        await done(grid, "s-2", "capacity", json={"capacity_kw": None})
        await restarted(grid, "s-1", "s-2")
        assert await gauge(grid, "s-1", DRAINING) == 0
        assert await gauge(grid, "s-2", CAPACITY) == 100_000


@pytest.mark.gen_test
async def test_a_capacity_below_the_load_cuts_nobody_off_and_admits_nobody_until_there_is_room(
    tmp_path: Path,
) -> None:
    async with grids(tmp_path, Plan(capacities_kw=(100,))) as (grid, client):
        sessions = [await client.placed(kw=20) for _ in range(4)]
        await done(grid, "s-1", "capacity", json={"capacity_kw": 50.5})
        assert await gauge(grid, "s-1", CAPACITY) == 50_500
        assert await gauge(grid, "s-1", LOAD) == 80_000
        shown = (await grid.fleet())["s-1"]
        assert (shown["capacity_kw"], shown["load_kw"], shown["headroom_kw"]) == (50.5, 80, -29.5)
        for ended in sessions[:2]:
            assert (await client.charge(kw=15)).outcome is BalancerOutcome.NO_CAPACITY
            await client.stop(ended)
        await client.placed(kw=10)
        assert (await client.charge(kw=1)).outcome is BalancerOutcome.NO_CAPACITY
        for going_on in sessions[2:]:
            found = (await client.find(going_on.session_id)).session
            assert found
            assert found.state == "charging"
        await done(grid, "s-1", "capacity", json={"capacity_kw": None})
        await client.placed(kw=50)


@pytest.mark.gen_test
async def test_an_order_that_is_read_too_late_changes_nothing(tmp_path: Path) -> None:
    async with grids(tmp_path, Plan(capacities_kw=(100,))) as (grid, _):
        for late_s, method, path, sent in (
            (60.0, "POST", "/fleet/s-1/drain", {}),
            (60.0, "PUT", "/policy", {"policy": "random"}),
        ):
            headers = {ORDER_UNTIL: f"{time.time() - late_s:.3f}"}
            reply = await call(grid, method, path, json=sent, headers=headers)
            assert (reply.status, reply.code) == (409, "too-late")
        assert (await call(grid, "GET", "/fleet")).json["policy"] == "least_loaded"
        assert (
            await call(grid, "POST", "/fleet/s-1/drain", json={}, headers={ORDER_UNTIL: "soon"})
        ).status == 400
        assert not (await grid.fleet())["s-1"]["draining"]
        await done(grid, "s-1", "drain", headers={ORDER_UNTIL: str(time.time() + 3600)})


@pytest.mark.gen_test
async def test_a_substation_s_page_says_when_its_load_falls_by_the_plans(tmp_path: Path) -> None:
    """1 kWh at 20 kW comes at full power for four fifths of 3 minutes: 1.2 s of wall time here."""
    async with grids(tmp_path, Plan(capacities_kw=(100, 100), time_scale=120)) as (grid, client):
        await client.placed(kw=20, substations=("s-1",))
        await done(grid, "s-1", "capacity", json={"capacity_kw": 40})
        page = (await call(grid, "GET", "/fleet/s-1")).json
        assert (page["capacity_kw"], page["rated_kw"]) == (40, 100)
        freed = {each["within_s"]: each["freed_kw"] for each in page["releases"]}
        assert list(freed.values()) == sorted(freed.values())
        assert freed[4 * 3600.0] == page["load_kw"] == 20
        assert (await call(grid, "GET", "/fleet/s-9")).status == 404


@pytest.mark.gen_test
async def test_who_waits_gets_in_when_an_operator_makes_room(tmp_path: Path) -> None:
    async with grids(tmp_path, Plan(capacities_kw=(100,))) as (grid, client):
        await done(grid, "s-1", "drain")
        waits = asyncio.ensure_future(client.charge("key-1", 90, 60))

        async def waiting() -> bool:
            return await grid.metric("smartgrid_balancer_waiting_requests") == 1

        await until(waiting)
        await done(grid, "s-1", "restore")
        assert (await waits).outcome is BalancerOutcome.ADMITTED


@pytest.mark.gen_test
async def test_an_order_to_nobody_is_404(tmp_path: Path) -> None:
    async with grids(tmp_path) as (grid, _):
        for what in ("drain", "restore", "decommission"):
            reply = await order(grid, "s-9", what)
            assert (reply.code, "/fleet lists" in reply.json["detail"]) == ("not-found", True)
        assert (await order(grid, "s-9", "capacity", json={"capacity_kw": 1})).status == 404
        assert (await order(grid, "s-1", "explode")).status == 404
        assert (await call(grid, "GET", "/fleet/s-1/drain")).status == 405


@pytest.mark.gen_test
async def test_an_order_that_is_not_confirmed_is_503_and_can_be_given_again(tmp_path: Path) -> None:
    async with grids(tmp_path) as (grid, _):
        await grid.stop("s-1")
        for reply in await asyncio.gather(  # each waits for the substation for as long as an order may
            order(grid, "s-1", "drain", json=None), order(grid, "s-1", "capacity", json={"capacity_kw": 50})
        ):
            assert (reply.status, reply.code, reply.retry_after) == (503, "unconfirmed", "1")
        await grid.start("s-1")
        await grid.placeable()
        await done(grid, "s-1", "drain")
        assert await gauge(grid, "s-1", DRAINING) == 1


JSON = {"Content-Type": "application/json"}
NO_CAPACITIES = (
    b"",
    b"{",
    b"[]",
    b"7",
    b"null",
    b"{}",
    b'{"capacity": 7}',
    b'{"capacity_kw": "7"}',
    b'{"capacity_kw": true}',
    b'{"capacity_kw": false}',
    b'{"capacity_kw": 0}',
    b'{"capacity_kw": -1}',
    b'{"capacity_kw": 0.0001}',
    b'{"capacity_kw": NaN}',
    b'{"capacity_kw": Infinity}',
    b'{"capacity_kw": 1e400}',
    b'{"capacity_kw": [7]}',
    b'{"capacity_kw": ' + b"9" * 5000 + b"}",
    b"[" * 60_000,
    b"\xff\xfe",
)


@pytest.mark.gen_test
async def test_a_capacity_that_is_none_is_400_and_changes_nothing(tmp_path: Path) -> None:
    async with grids(tmp_path, Plan(capacities_kw=(100,))) as (grid, _):
        await done(grid, "s-1", "capacity", json={"capacity_kw": 50})
        for body in NO_CAPACITIES:
            reply = await order(grid, "s-1", "capacity", data=body, headers=JSON)
            assert (reply.status, reply.code) == (400, "malformed"), body[:40]
        assert await gauge(grid, "s-1", CAPACITY) == 50_000


@pytest.mark.gen_test
async def test_other_orders_with_a_body_that_is_none_are_400_too(tmp_path: Path) -> None:
    async with grids(tmp_path) as (grid, _):
        for what in ("drain", "restore", "decommission"):
            assert (await order(grid, "s-1", what, data=b"{", headers=JSON)).status == 400
        for body in (b"{", b"[]"):
            assert (await call(grid, "PUT", "/policy", data=body, headers=JSON)).status == 400
        assert await gauge(grid, "s-1", DRAINING) == 0


@pytest.mark.gen_test
async def test_a_capacity_above_the_rated_one_is_422_and_changes_nothing(tmp_path: Path) -> None:
    async with grids(tmp_path) as (grid, _):
        await done(grid, "s-1", "capacity", json={"capacity_kw": 50})
        reply = await order(grid, "s-1", "capacity", json={"capacity_kw": 100.001})
        assert (reply.status, reply.code, reply.json["detail"]) == (422, "invalid", TOO_HIGH)
        assert await gauge(grid, "s-1", CAPACITY) == 50_000
        await done(grid, "s-1", "capacity", json={"capacity_kw": 100})


@pytest.mark.gen_test
async def test_a_policy_is_taken_over_and_read_again_after_a_restart(tmp_path: Path) -> None:
    async with grids(tmp_path) as (grid, client):
        for policy in POLICIES:
            reply = await call(grid, "PUT", "/policy", json={"policy": policy})
            assert (reply.status, reply.json) == (200, {"outcome": "done"})
            assert (await grid.get_json(f"{grid.balancer_url}/fleet"))["policy"] == policy
            await client.placed(kw=1)
        await restarted(grid, "balancer")
        assert (await grid.get_json(f"{grid.balancer_url}/fleet"))["policy"] == POLICIES[-1]


@pytest.mark.gen_test
async def test_a_policy_that_is_in_use_is_the_one_that_places(tmp_path: Path) -> None:
    async with grids(tmp_path, Plan(capacities_kw=(1000, 100, 100))) as (grid, client):
        await call(grid, "PUT", "/policy", json={"policy": "round_robin"})
        placed = [(await client.placed(kw=1)).substation_id for _ in range(6)]
        assert sorted(placed) == ["s-1", "s-1", "s-2", "s-2", "s-3", "s-3"]
        await call(grid, "PUT", "/policy", json={"policy": "least_loaded"})
        assert {(await client.placed(kw=1)).substation_id for _ in range(6)} == {"s-1"}


@pytest.mark.gen_test
async def test_a_policy_that_is_not_known_is_422_and_names_those_that_are(tmp_path: Path) -> None:
    bodies: list[dict[str, Any]] = [{"policy": "best"}, {"policy": None}, {"policy": ["random"]}, {}]
    async with grids(tmp_path, Plan(capacities_kw=(100,))) as (grid, _):
        for body in bodies:
            reply = await call(grid, "PUT", "/policy", json=body)
            assert (reply.status, reply.json["detail"]) == (422, f"policies are {', '.join(POLICIES)}")
        assert (await grid.get_json(f"{grid.balancer_url}/fleet"))["policy"] == "least_loaded"
