"""The lease from a run's side, and the targets that nothing is sent to."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from loadtest.record.grid_reader import NotReady
from loadtest.run import lease
from loadtest.run.lease import Lease, OtherRunActive
from tests.loadtest.fake import FakeGrid, ended, rush, start, two


@contextlib.asynccontextmanager
async def leasing(grid: FakeGrid, run_id: str = "run-1") -> AsyncIterator[Lease]:
    async with grid.serving(), aiohttp.ClientSession() as http:
        yield Lease(http, grid.url, run_id)


def test_the_lease_is_taken_before_anything_is_sent_and_given_back_at_the_end() -> None:
    grid = two()
    held: list[str | None] = []

    def admit(its: FakeGrid, body: dict[str, Any]) -> web.Response:
        held.append(its.holder)
        return its.admit(body)

    grid.answer = admit
    result = rush(grid, "--fail-if", "max_mean > 2")
    assert result.code == 0, result.out + result.err
    assert len(held) == 40
    assert len(set(held)) == 1
    assert held[0]
    assert grid.keys[0].startswith(held[0])
    assert grid.leases == ["PUT 200", "DELETE 200"]
    assert grid.holder is None


def test_a_second_run_is_told_who_holds_it_and_sends_nothing() -> None:
    grid = two()
    grid.holder = "run-of-somebody"
    result = rush(grid)
    assert result.code == 4
    assert "another rush hour runs: run-of-somebody holds the lease for 5 s more" in result.err
    assert not grid.keys
    assert grid.holder == "run-of-somebody"
    assert not grid.leases  # it looked, and did not even ask


def test_a_run_whose_lease_is_lost_stops_says_so_and_leaves_its_result() -> None:
    grid = two()

    async def scenario() -> tuple[int, str, str]:
        async with grid.serving():
            process = await start(grid, "--requests", "2000", "--seconds", "60")
            await asyncio.wait_for(grid.arrived.wait(), 60)
            grid.holder = "run-of-somebody"
            done = await ended(process)
            return done.code, done.out, done.err

    code, out, err = asyncio.run(scenario())
    assert code == 4
    assert "the run was stopped because its lease was lost: another rush hour runs: run-of-somebody" in err
    assert "INTERRUPTED" in out
    assert 0 < len(grid.keys) < 2000
    assert grid.holder == "run-of-somebody"


def test_a_gateway_of_another_grid_is_sent_nothing() -> None:
    grid = two()
    grid.gateway_book_id = "another"
    result = rush(grid)
    assert result.code == 3
    assert "the gateway belongs to another grid than the balancer" in result.err
    assert not grid.keys + grid.leases


def test_what_does_not_say_whose_grid_it_is_is_no_gateway() -> None:
    grid = two()
    grid.gateway_book_id = ""
    result = rush(grid)
    assert result.code == 3
    assert "is no gateway of a grid: nothing is sent there" in result.err
    assert not grid.keys + grid.leases


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time runs fast for the lease: what it does is tested, not how long it takes."""
    for name, seconds in (("TTL_S", 3.0), ("RENEW_EVERY_S", 0.1), ("ANSWER_S", 2.0)):
        monkeypatch.setattr(lease, name, seconds)


@pytest.mark.usefixtures("hurried")
def test_it_is_renewed_for_as_long_as_it_is_kept() -> None:
    grid = two()

    async def scenario() -> None:
        async with leasing(grid) as mine:
            await mine.take()
            keeping = asyncio.create_task(mine.keep((1.0, 2.0)))
            while len(grid.leases) < 40:
                await asyncio.sleep(0.01)
            assert not keeping.done()
            keeping.cancel()
            await mine.give_back()

    asyncio.run(scenario())
    assert set(grid.leases[:-1]) == {"PUT 200"}
    assert grid.leases[-1] == "DELETE 200"


@pytest.mark.usefixtures("hurried")
def test_a_balancer_that_does_not_answer_loses_it_before_another_could_have_it() -> None:
    async def scenario() -> tuple[str, float]:
        async with leasing(two()) as mine:
            await mine.take()
            mine._url = "http://127.0.0.1:1/rushhour"
            async with asyncio.timeout(60):
                await mine.keep((1.0, 2.0))
            return mine.lost, mine._until_s - asyncio.get_running_loop().time()

    lost, left_s = asyncio.run(scenario())
    assert lost.startswith("it can't be renewed: http://127.0.0.1:1/rushhour does not answer")
    assert left_s > 0


@pytest.mark.usefixtures("hurried")
def test_a_process_that_was_held_up_for_too_long_does_not_take_it_again() -> None:
    grid = two()

    async def scenario() -> str:
        async with leasing(grid) as mine:
            await mine.take()
            mine._until_s -= 100
            async with asyncio.timeout(10):
                await mine.keep((1.0, 2.0))
            return mine.lost

    assert "was not renewed within" in asyncio.run(scenario())
    assert grid.leases == ["PUT 200"]


def test_what_is_no_balancer_is_said() -> None:
    async def scenario() -> None:
        async with leasing(two()) as mine:
            mine._url = mine._url.replace("/rushhour", "/nothing-here")
            with pytest.raises(NotReady, match="is it a balancer of this version"):
                await mine.take()
            mine._url = "http://127.0.0.1:1"
            with pytest.raises(NotReady, match="does not answer"):
                await mine.look()
            await mine.give_back()  # nobody is there, and nothing is raised

    asyncio.run(scenario())


def test_of_two_that_take_it_one_is_busy() -> None:
    async def scenario() -> None:
        grid = two()
        async with leasing(grid) as mine, aiohttp.ClientSession() as http:
            other = Lease(http, grid.url, "run-2")
            await mine.take()
            await mine.take()
            with pytest.raises(OtherRunActive, match="run-1 holds the lease"):
                await other.take()
            await other.give_back()  # it is not its own
            assert grid.holder == "run-1"

    asyncio.run(scenario())
