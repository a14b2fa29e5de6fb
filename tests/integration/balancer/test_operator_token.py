"""A grid whose balancer and substations ask for the operator's token: only services with it are served."""

from pathlib import Path

import pytest

from admin_ui.grid.balancer_calls import BalancerCalls
from admin_ui.grid.balancers import Balancers
from admin_ui.grid.grid_calls import GridCalls
from loadtest.plan.oracle import Drain
from loadtest.record.grid_reader import NotReady
from loadtest.run.lease import Lease
from loadtest.run.outage import Outage
from loadtest.run.switch import Switch
from loadtest.send.credential import Credential
from runtime.operator_token import OperatorToken
from tests.integration.balancer.grid import Plan, running, until
from tests.integration.balancer.operator import call
from tests.integration.gateway.api import api_of

SECRET = "s" * 40
ORDERS = (
    ("POST", "/fleet/s-1/drain"),
    ("POST", "/fleet/s-1/capacity"),
    ("POST", "/fleet/s-1/decommission"),
    ("PUT", "/policy"),
    ("PUT", "/rushhour"),
    ("DELETE", "/rushhour/run-1"),
)


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(SECRET + "\n")
    return path


@pytest.mark.gen_test
async def test_who_knows_the_token_gives_orders_and_nobody_else_does(
    tmp_path: Path, token_file: Path
) -> None:
    orders = Credential("", OperatorToken(SECRET)).orders()
    async with running(tmp_path / "data", Plan(token_file=token_file)) as grid:
        placed = await (await api_of(grid)).charge()  # over two streams that show it
        assert placed.status == 201
        for method, path in ORDERS:
            for headers in ({}, {"Authorization": "Bearer " + "x" * 40}):
                reply = await call(grid, method, path, json={}, headers=headers)
                assert (reply.status, reply.code) == (401, "operator-token"), path
        assert (await call(grid, "GET", "/decisions")).status == 401
        assert (await call(grid, "GET", "/decisions", headers=orders)).status == 200
        assert (await call(grid, "GET", "/fleet")).json["policy"] == "least_loaded"

        def calls(token: Path | None) -> GridCalls:
            balancers = BalancerCalls(grid.session, Balancers([grid.balancer_url]), token)
            return GridCalls(grid.session, balancers, lambda _: None, grid.gateway_url, None)

        async def reads(each: GridCalls) -> int:
            (reply,) = (await each.decisions(limit=1)).values()
            return reply.status

        console, stranger = calls(token_file), calls(None)
        assert [(await each.drain("s-1")).status for each in (stranger, console)] == [401, 200]
        assert [await reads(each) for each in (stranger, console)] == [401, 200]
        assert (await console.restore("s-1")).status == 200
        assert "can't be used" in (await calls(tmp_path / "no such file").drain("s-1")).detail


@pytest.mark.gen_test
async def test_a_rush_hour_shows_the_token_with_all_that_it_orders(tmp_path: Path, token_file: Path) -> None:
    orders = Credential("", OperatorToken(SECRET)).orders()
    async with running(tmp_path / "data", Plan(token_file=token_file)) as grid:
        with pytest.raises(NotReady, match="401"):
            await Lease(grid.session, grid.balancer_url, "run-1").take()
        lease = Lease(grid.session, grid.balancer_url, "run-1", orders)
        await lease.take()
        async with (
            Switch(grid.session, grid.balancer_url, "least_loaded", "random", headers=orders),
            Outage(grid.session, grid.balancer_url, Drain("s-1", 0.0), orders),
        ):
            assert (await call(grid, "GET", "/fleet")).json["policy"] == "random"

            async def drained() -> bool:
                return bool((await grid.fleet())["s-1"]["draining"])

            await until(drained)
        await lease.give_back()
        fleet = (await call(grid, "GET", "/fleet")).json
        assert (fleet["policy"], fleet["rushhour"]) == ("least_loaded", None)
