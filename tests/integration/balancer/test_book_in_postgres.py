"""A grid whose order book is in PostgreSQL: what it keeps, and what goes on while its database does not."""

import asyncio
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.integration.balancer.grid import Grid, Plan, built, running, until
from tests.support.postgres import PostgresServer, server

BODY = {"vehicle_id": "car-1"}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server that the tests of this module stop and start."""
    with server(tmp_path_factory.getbasetemp(), "fsync=off") as started:
        yield started


def plan_on(database: PostgresServer) -> Plan:
    return Plan(order_book=database.new_database("of_a_grid"), deadline_s=20.0)


async def charged(grid: Grid, key: str = "") -> tuple[int, dict[str, object], str]:
    """Return the status, the document and Retry-After of a request to the gateway."""
    headers = {"Idempotency-Key": key} if key else {}
    async with grid.session.post(f"{grid.gateway_url}/charge", json=BODY, headers=headers) as response:
        return response.status, json.loads(await response.text()), response.headers.get("Retry-After", "")


async def lacking(grid: Grid) -> str:
    """What the balancer says that it waits for; '' when it is ready or does not answer yet."""
    try:
        async with grid.session.get(f"{grid.balancer_url}/readyz") as response:
            return "" if response.status == 200 else await response.text()
    except aiohttp.ClientError:
        return ""


async def placed(grid: Grid, key: str) -> dict[str, object]:
    """Ask with a key until the request is accepted, as a client does; returns the answer."""

    async def accepted() -> dict[str, object]:
        status, said, _ = await charged(grid, key)
        return said if status == 201 else {}

    found: dict[str, object] = await until(accepted)
    return found


@pytest.mark.gen_test
async def test_a_key_has_one_session_through_a_restart_of_the_balancer(
    tmp_path: Path, database: PostgresServer
) -> None:
    async with running(tmp_path, plan_on(database)) as grid:
        first = await placed(grid, "key")
        assert not (tmp_path / "balancer" / "orders.sqlite").exists()
        await grid.stop("balancer")
        await grid.start("balancer")
        await grid.placeable()
        assert await placed(grid, "key") == first
        assert len(await grid.sessions()) == 1
        told = "SELECT count(*), min(target) FROM order_book.claim"
        assert database.sql(told, "of_a_grid") == f"1|{first['substation_id']}"


@pytest.mark.gen_test
@pytest.mark.parametrize("how", ["stopped", "frozen"])
async def test_while_the_database_is_away_only_requests_with_a_key_are_refused(
    tmp_path: Path, database: PostgresServer, how: str
) -> None:
    async with running(tmp_path, plan_on(database)) as grid:
        known = await placed(grid, "before")
        if how == "stopped":
            database.stop()
        else:
            database.signal(signal.SIGSTOP)
        try:
            status, said, retry_after = await charged(grid, "while-away")
            assert (status, str(said["type"]).rpartition(":")[2]) == (503, "unavailable"), said
            assert "the order book" in str(said["detail"])
            assert int(retry_after) == 1
            why = await until(lambda: lacking(grid))
            assert "the order book" in why
            assert await grid.metric("smartgrid_balancer_book_reachable") == 0
            answers = await asyncio.gather(*(charged(grid) for _ in range(5)))
            assert [status for status, _, _ in answers] == [201] * 5
            url = f"{grid.gateway_url}/charge/{known['session_id']}"
            assert (await grid.get_json(url))["session_id"] == known["session_id"]
        finally:
            if how == "stopped":
                database.start()
            else:
                database.signal(signal.SIGCONT)
        await placed(grid, "while-away")
        assert await placed(grid, "before") == known
        assert len(await grid.sessions()) == 7


@pytest.mark.gen_test
async def test_a_balancer_that_starts_before_its_database_says_so_and_waits(
    tmp_path: Path, database: PostgresServer
) -> None:
    plan = plan_on(database)
    database.stop()
    async with built(tmp_path, plan) as grid:
        try:
            for name in (*grid.names, "gateway"):
                await grid.start(name)
            starting = asyncio.create_task(grid.start("balancer"))
            assert f"the order book: {database.host}" in await until(lambda: lacking(grid))
            assert not starting.done()
        finally:
            database.start()
        await starting
        await grid.placeable()
        await placed(grid, "key")
