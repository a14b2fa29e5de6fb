"""An outage drains one substation at its moment, and never leaves it drained, however the run ends."""

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from loadtest.plan.oracle import Drain
from loadtest.run import outage
from loadtest.run.outage import Outage
from loadtest.send.grid import NotReady, NotRestored


@dataclasses.dataclass
class FakeBalancer:
    """Takes orders as a balancer does, and remembers them."""

    draining: bool = False
    failing: int = 0  # so many orders fail before they are carried out
    orders: list[str] = dataclasses.field(default_factory=list)
    drained: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    answer: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)

    async def _order(self, request: web.Request) -> web.Response:
        order = request.match_info["order"]
        if self.orders and self.failing:
            self.failing -= 1
            raise web.HTTPServiceUnavailable
        self.orders.append(order)
        self.draining = order == "drain"
        if self.draining:
            self.drained.set()
            await self.answer.wait()
        return web.json_response({"outcome": "done"})

    async def _fleet(self, _: web.Request) -> web.Response:
        return web.json_response(
            {"substations": [{"substation_id": "substation-1", "draining": self.draining}]}
        )

    @contextlib.asynccontextmanager
    async def serving(self, at_s: float) -> AsyncIterator[Outage]:
        app = web.Application()
        app.add_routes([web.post("/fleet/substation-1/{order}", self._order), web.get("/fleet", self._fleet)])
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            async with aiohttp.ClientSession() as http:
                url = f"http://127.0.0.1:{runner.addresses[0][1]}"
                yield Outage(http, url, Drain("substation-1", at_s))
        finally:
            await runner.cleanup()


async def through(balancer: FakeBalancer, fault: BaseException | None = None) -> None:
    """Enter an outage that begins at once, and leave it when it is there, by `fault` if there is one."""
    balancer.answer.set()
    async with balancer.serving(0) as ordered, ordered:
        ordered.begin(time.time(), time.time)
        await balancer.drained.wait()
        if fault:
            raise fault


def test_it_is_drained_and_restored() -> None:
    balancer = FakeBalancer()
    asyncio.run(through(balancer))
    assert balancer.orders == ["drain", "restore"]


@pytest.mark.parametrize("fault", [RuntimeError("a fault"), asyncio.CancelledError()])
def test_it_is_restored_when_the_run_fails_or_is_cancelled(fault: BaseException) -> None:
    balancer = FakeBalancer()
    with pytest.raises(type(fault)):
        asyncio.run(through(balancer, fault))
    assert balancer.orders == ["drain", "restore"]


def test_an_order_that_is_under_way_is_not_overtaken_by_the_one_that_undoes_it() -> None:
    balancer = FakeBalancer()

    async def scenario() -> None:
        async with balancer.serving(0) as ordered, ordered:
            ordered.begin(time.time(), time.time)
            await balancer.drained.wait()
            leaving = asyncio.create_task(ordered.__aexit__(None, None, None))
            for _ in range(20):
                await asyncio.sleep(0)
            assert balancer.orders == ["drain"]
            balancer.answer.set()
            await leaving

    asyncio.run(scenario())
    assert balancer.orders[:2] == ["drain", "restore"]


def test_a_run_that_ends_before_its_moment_orders_nothing() -> None:
    balancer = FakeBalancer()

    async def scenario() -> None:
        async with balancer.serving(3600) as ordered, ordered:
            ordered.begin(time.time(), time.time)

    asyncio.run(scenario())
    assert balancer.orders == []


def test_what_was_drained_before_is_not_touched() -> None:
    balancer = FakeBalancer(draining=True)
    with pytest.raises(NotReady, match="substation-1 is drained already"):
        asyncio.run(through(balancer))
    assert balancer.orders == []


def test_a_restoring_that_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outage, "TRY_AGAIN_S", 0)
    balancer = FakeBalancer(failing=outage.RESTORE_TRIES - 1)
    asyncio.run(through(balancer))
    assert balancer.orders == ["drain", "restore"]


def test_a_substation_that_stays_drained_is_named_with_the_way_to_restore_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outage, "TRY_AGAIN_S", 0)
    balancer = FakeBalancer(failing=outage.RESTORE_TRIES)
    with pytest.raises(
        NotRestored, match=r"curl -X POST http://127\.0\.0\.1:[0-9]+/fleet/substation-1/restore"
    ):
        asyncio.run(through(balancer))
