"""The lease of a rush hour over real sockets: taken, renewed, given back, run out, kept over a restart."""

import asyncio
import math
import time
from pathlib import Path
from typing import Any

import pytest

from balancer.app import balancer
from balancer.book.lease import Window
from balancer.settings import Settings
from runtime.settings import load
from tests.integration.balancer.grid import HOST, Grid, built, running, until
from tests.integration.balancer.operator import Reply, call
from tests.support.ports import free_ports

ACTIVE = "smartgrid_rushhour_active"
WINDOW = "smartgrid_rushhour_window_{}_timestamp_seconds"
NOBODY = {"run_id": None, "expires_in_s": None}


async def take(grid: Grid, run_id: Any, ttl_s: Any = 30, **more: Any) -> Reply:
    return await call(grid, "PUT", "/rushhour", json={"run_id": run_id, "ttl_s": ttl_s} | more)


async def holder(grid: Grid) -> str | None:
    """Who holds it, by all that tells of it."""
    found = (await call(grid, "GET", "/rushhour")).json
    shown = (await grid.get_json(f"{grid.balancer_url}/fleet"))["rushhour"]
    assert (found["run_id"], await grid.metric(ACTIVE)) == (shown, float(shown is not None))
    assert found.keys() == NOBODY.keys()
    return str(shown) if shown else None


@pytest.mark.gen_test
async def test_one_run_at_a_time_holds_it_and_another_hears_who_and_for_how_long(tmp_path: Path) -> None:
    async with built(tmp_path) as grid:
        await grid.start("balancer")
        assert await holder(grid) is None
        assert (await take(grid, "run-1")).json["run_id"] == "run-1"
        assert await holder(grid) == "run-1"
        refused = await take(grid, "run-2")
        assert (refused.status, refused.code, refused.json["run_id"]) == (409, "rushhour-held", "run-1")
        assert 0 < refused.json["expires_in_s"] <= 30
        assert refused.retry_after
        assert 1 <= int(refused.retry_after) <= 30
        assert (await call(grid, "DELETE", "/rushhour/run-2")).status == 409
        assert (await take(grid, "run-1", 60)).json["expires_in_s"] > 55  # renewed
        for _ in range(2):  # twice is once
            ended = await call(grid, "DELETE", "/rushhour/run-1")
            assert (ended.status, ended.json) == (200, NOBODY)
        assert (await take(grid, "run-2")).status == 200
        assert await holder(grid) == "run-2"


async def window(grid: Grid) -> tuple[float, float]:
    return await grid.metric(WINDOW.format("start")), await grid.metric(WINDOW.format("end"))


@pytest.mark.gen_test
async def test_its_window_is_what_the_run_tells_and_else_the_time_of_the_lease(tmp_path: Path) -> None:
    async with built(tmp_path) as grid:
        await grid.start("balancer")
        assert await window(grid) == (0, 0)
        before = time.time()
        await take(grid, "run-1")
        began, end = await window(grid)
        assert before <= began <= time.time()
        assert end == math.inf
        await take(grid, "run-1", window_unix_s=[began + 1, began + 2000])
        assert await window(grid) == (began + 1, began + 2000)
        await take(grid, "run-1")  # a renewal that says nothing of it
        assert (await take(grid, "run-2", window_unix_s=[1, 2])).status == 409
        assert await window(grid) == (began + 1, began + 2000)
        await call(grid, "DELETE", "/rushhour/run-1")
        assert (await window(grid))[0] == began + 1
        assert began < (await window(grid))[1] <= time.time(), "it was ended early"


@pytest.mark.parametrize(
    "told",
    [
        [1],
        [1, 2, 3],
        [2, 1],
        [0, 1],
        ["1", "2"],
        [1, 1e999],
        [1, 10**400],
        [float("nan"), 1],
        {},
        "now",
        5,
        [None, 1],
    ],
)
def test_what_can_t_be_a_window_is_refused_and_names_what_can(told: object) -> None:
    with pytest.raises(ValueError, match="it must be two numbers of unix seconds"):
        Window.of(told)


@pytest.mark.gen_test
async def test_of_many_that_take_it_at_once_one_gets_it(tmp_path: Path) -> None:
    async with built(tmp_path) as grid:
        await grid.start("balancer")
        replies = await asyncio.gather(*(take(grid, f"run-{n}") for n in range(20)))
        assert sorted(reply.status for reply in replies) == [200] + [409] * 19
        assert {reply.json["run_id"] for reply in replies} == {await holder(grid)}


@pytest.mark.gen_test
async def test_it_is_kept_over_a_restart_and_ends_by_itself(tmp_path: Path) -> None:
    async with built(tmp_path) as grid:
        await grid.start("balancer")
        await take(grid, "run-1")
        await grid.stop("balancer")
        await grid.start("balancer")
        assert await holder(grid) == "run-1"
        await take(grid, "run-1", 1)
        await grid.stop("balancer")
        await asyncio.sleep(1)  # it runs out while nobody looks
        await grid.start("balancer")
        assert await holder(grid) is None
        await take(grid, "run-2", 1)
        assert await holder(grid) == "run-2"
        await until(lambda: _is_over(grid))
        assert await holder(grid) is None


async def _is_over(grid: Grid) -> bool:
    return bool((await call(grid, "GET", "/rushhour")).json == NOBODY)


@pytest.mark.parametrize(
    ("run_id", "ttl_s"),
    [
        ("", 5),
        ("a/b", 5),
        ("x" * 129, 5),
        (7, 5),
        (None, 5),
        ("run", 0.5),
        ("run", 61),
        ("run", "5"),
        ("run", True),
        ("run", float("nan")),
        ("run", None),
    ],
)
@pytest.mark.gen_test
async def test_what_can_t_be_a_lease_is_refused(tmp_path: Path, run_id: Any, ttl_s: Any) -> None:
    async with built(tmp_path) as grid:
        await grid.start("balancer")
        reply = await take(grid, run_id, ttl_s)
        assert (reply.status, reply.code) == (400, "malformed")
        assert await holder(grid) is None


@pytest.mark.gen_test
async def test_a_gateway_names_the_order_book_of_its_balancer_and_follows_another(tmp_path: Path) -> None:
    async with running(tmp_path / "one") as grid:
        ready = f"{grid.gateway_url}/readyz"
        shown = (await grid.get_json(f"{grid.balancer_url}/fleet"))["book_id"]
        assert (await grid.get_json(ready))["book_id"] == shown
        await grid.stop("balancer")
        await until(lambda: _names(grid, None))
        http_port = free_ports(1)[0]
        settings = {
            "BALANCER_PORT": str(http_port),
            "BALANCER_STREAM_PORT": str(grid.balancer_stream_port),
            "DATA_DIR": str(tmp_path / "two"),
        }
        async with balancer(load(Settings, settings)):
            its_own = (await grid.get_json(f"http://{HOST}:{http_port}/fleet"))["book_id"]
            assert its_own != shown
            await until(lambda: _names(grid, its_own))


async def _names(grid: Grid, book_id: str | None) -> bool:
    return bool((await grid.get_json(f"{grid.gateway_url}/readyz"))["book_id"] == book_id)
