"""Lists of a vehicle's sessions and waiting for room, through all services."""

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest

from gateway.callers import digest
from tests.integration.balancer.grid import Plan, built, until
from tests.integration.gateway.api import Api, api, api_of


async def pages(grid: Api, path: str, **sent: Any) -> list[list[str]]:
    """Follow `next` to the end; the session ids of every page."""
    found = []
    while path:
        answer = await grid.call("GET", path, **sent)
        assert answer.status == 200, answer.body
        found.append([session["session_id"] for session in answer.json["sessions"]])
        path = answer.json["next"]
    return found


@pytest.mark.gen_test
async def test_the_pages_of_a_vehicle_hold_each_of_its_sessions_once_and_no_other(tmp_path: Path) -> None:
    async with api(tmp_path, Plan(capacities_kw=(100, 100, 100))) as grid:
        placed = [(await grid.placed(vehicle_id="car-1"))["session_id"] for _ in range(12)]
        await grid.placed(vehicle_id="car-2")
        await grid.stop(placed[0])
        for limit in (1, 5, 12, 100):
            found = await pages(grid, f"/charge?vehicle_id=car-1&limit={limit}")
            assert sorted(itertools.chain(*found)) == sorted(placed)
            assert max(len(page) for page in found) <= limit
        assert await pages(grid, "/charge?vehicle_id=nobody") == [[]]


@pytest.mark.gen_test
async def test_callers_list_their_own_sessions_of_a_vehicle_and_may_use_the_same_key(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("".join(f"{name} {digest(name)}\n" for name in ("acme", "bolt")))
    async with api(tmp_path, Plan(gateway={"API_KEYS": str(tmp_path / "keys")})) as grid:
        own = {}
        for name in ("acme", "bolt"):
            bearer = {"Authorization": f"Bearer {name}"}
            placed = await grid.charge_with(bearer | {"Idempotency-Key": "k"}, vehicle_id="car-1")
            assert (placed.status, placed.json["vehicle_id"]) == (201, "car-1")
            own[name] = placed.json["session_id"]
        assert len(set(own.values())) == 2
        for name, session_id in own.items():
            bearer = {"Authorization": f"Bearer {name}"}
            assert await pages(grid, "/charge?vehicle_id=car-1", headers=bearer) == [[session_id]]
        found = await grid.call("GET", f"/charge/{own['acme']}", headers={"Authorization": "Bearer bolt"})
        assert (found.status, found.code) == (404, "not-found")


@pytest.mark.gen_test
async def test_a_list_is_503_while_a_substation_does_not_answer(tmp_path: Path) -> None:
    async with api(tmp_path, Plan(capacities_kw=(100, 100), deadline_s=1)) as grid:
        await grid.placed(vehicle_id="car-1")
        await grid.grid.stop("s-2")
        answer = await grid.call("GET", "/charge?vehicle_id=car-1")
        assert (answer.status, answer.code) == (503, "owner-unreachable")


@pytest.mark.gen_test
async def test_who_waits_for_room_gets_it_when_another_leaves(tmp_path: Path) -> None:
    async with api(tmp_path, Plan(capacities_kw=(11,), deadline_s=1)) as grid:
        first = await grid.placed()
        waiting = asyncio.create_task(grid.charge(max_wait_s=40))
        await asyncio.sleep(1.5)  # longer than the deadline without a wait
        assert not waiting.done()
        await grid.stop(first["session_id"])
        assert (await waiting).status == 201
        assert (await grid.charge()).code == "no-capacity"


@pytest.mark.gen_test
async def test_nobody_waits_for_longer_than_the_gateway_s_most(tmp_path: Path) -> None:
    plan = Plan(capacities_kw=(11,), deadline_s=1, gateway={"MAX_WAIT_S": "1"})
    async with api(tmp_path, plan) as grid:
        await grid.placed()
        answer = await grid.charge(max_wait_s=3600)
        assert (answer.status, answer.code) == (503, "no-capacity")


@pytest.mark.gen_test
async def test_who_hangs_up_while_it_waits_leaves_the_queue_and_gets_no_session(tmp_path: Path) -> None:
    async with api(tmp_path, Plan(capacities_kw=(11,))) as grid:

        async def waiting(count: int) -> bool:
            return await grid.grid.metric("smartgrid_balancer_waiting_requests") == count

        first = await grid.placed()
        gone = asyncio.create_task(grid.charge(max_wait_s=40))
        await until(lambda: waiting(1))
        gone.cancel()
        await until(lambda: waiting(0))
        await grid.stop(first["session_id"])
        await grid.placed()
        assert len(await grid.grid.sessions()) == 2


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("", {"vehicle_id"}),
        ("?vehicle_id=a&limit=0", {"limit"}),
        ("?vehicle_id=%20&color=1", {"vehicle_id", "color"}),
    ],
)
async def test_a_query_that_is_wrong_is_invalid_and_names_every_fault(
    tmp_path: Path, query: str, wrong: set[str]
) -> None:
    async with built(tmp_path, Plan(capacities_kw=())) as grid:
        await grid.start("gateway")
        answer = await (await api_of(grid)).call("GET", f"/charge{query}")
        assert (answer.status, answer.code) == (422, "invalid")
        assert {error["field"] for error in answer.json["errors"]} == wrong


@pytest.mark.gen_test
async def test_a_list_that_nobody_gives_in_time_is_503_and_not_empty(tmp_path: Path) -> None:
    async with built(tmp_path, Plan(capacities_kw=(), deadline_s=0.5)) as grid:
        await grid.start("gateway")
        answer = await (await api_of(grid)).call("GET", "/charge?vehicle_id=car-1")
        assert (answer.status, answer.code) == (503, "owner-unreachable")
        assert answer.headers["Retry-After"] == "1"
