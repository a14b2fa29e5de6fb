"""The switch of the policy when the balancer is not there, or not at once."""

import contextlib
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from loadtest.run import rounds, switch
from loadtest.run.switch import Switch
from loadtest.send.grid import NotReady, NotRestored


@dataclasses.dataclass
class Balancer:
    """Shows and takes a policy; fails as many orders as it is told to."""

    policy: str = "least_loaded"
    orders: list[str] = dataclasses.field(default_factory=list)
    failing: int = 0
    url: str = ""

    async def _show(self, _: web.Request) -> web.Response:
        return web.json_response({"policy": self.policy, "substations": []})

    async def _take(self, request: web.Request) -> web.Response:
        self.orders.append((await request.json())["policy"])
        if self.failing:
            self.failing -= 1
            return web.json_response({"detail": "the disk is full"}, status=503)
        self.policy = self.orders[-1]
        return web.json_response({"outcome": "done"})

    @contextlib.asynccontextmanager
    async def placing_by(self, wanted: str) -> AsyncIterator[Switch]:
        app = web.Application()
        app.add_routes([web.get("/fleet", self._show), web.put("/policy", self._take)])
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            async with aiohttp.ClientSession() as http:
                yield Switch(http, url, "least_loaded", wanted)
        finally:
            await runner.cleanup()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switch, "RESTORE_EVERY_S", 0)


@pytest.mark.gen_test
async def test_the_former_policy_is_ordered_again_until_it_is_taken() -> None:
    balancer = Balancer()
    async with balancer.placing_by("random") as made:
        async with made:
            balancer.failing = 3
        assert balancer.orders == ["random", *4 * ["least_loaded"]]
        assert balancer.policy == "least_loaded"


@pytest.mark.gen_test
async def test_a_policy_that_does_not_change_is_not_ordered() -> None:
    balancer = Balancer()
    async with balancer.placing_by("least_loaded") as made, made:
        pass
    assert balancer.orders == []


@pytest.mark.gen_test
async def test_an_order_without_an_answer_may_have_been_taken_and_is_undone() -> None:
    balancer = Balancer(failing=1)
    async with balancer.placing_by("random") as made:
        with pytest.raises(NotReady, match="'random' is not taken: 503 the disk is full"):
            await made.__aenter__()
    assert balancer.orders == ["random", "least_loaded"]


@pytest.mark.gen_test
async def test_a_policy_that_can_not_be_restored_is_named_with_what_it_was() -> None:
    balancer = Balancer()
    with pytest.raises(NotRestored, match=r"restore it by PUT http.*/policy: it was least_loaded"):
        await _fail_to_restore(balancer)
    assert len(balancer.orders) == 1 + switch.RESTORE_TRIES


async def _fail_to_restore(balancer: Balancer) -> None:
    async with balancer.placing_by("random") as made, made:
        balancer.failing = 100


def test_each_run_of_several_has_a_file_of_its_own() -> None:
    assert rounds._beside(Path("x/rush.json"), "random", 2) == Path("x/rush-random-2.json")
    assert rounds._beside(Path("x/rush.json"), "", 2) == Path("x/rush-2.json")
    assert rounds._beside(None, "random", 2) is None
