"""Waiting for room after a refusal, and on a full grid, on real services."""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from balancer.contract import BalancerAnswer, BalancerOutcome
from substation.contract import Session
from tests.integration.balancer.caller import caller
from tests.integration.balancer.grid import HOST, Plan
from tests.integration.balancer.test_view import place_directly, running_with_book
from tests.integration.balancer.waiting_rooms import KEYS, Room, hung_up, rooms


@contextlib.asynccontextmanager
async def refused_and_waiting(
    folder: Path, key: str
) -> AsyncIterator[tuple[Room, Session, "asyncio.Task[BalancerAnswer]"]]:
    """The view is old: the first choice refuses, and only then is it known that there is no room."""
    async with running_with_book(folder, Plan(capacities_kw=(100,), poll_s=60)) as (grid, book):
        direct = await place_directly(grid, "s-1", book, 100)
        assert direct.session
        async with caller(f"{HOST}:{grid.balancer_stream_port}") as made:
            room = Room(grid, made)
            waits = await room.wait(1, key, 60, vehicle_id="waits")
            refused = '{outcome="refused",substation="s-1"}'
            assert await grid.metric(f"smartgrid_balancer_decisions_total{refused}") == 1
            yield room, direct.session, waits
            assert await room.outstanding_w() == 0


@KEYS
@pytest.mark.gen_test
async def test_one_that_was_refused_on_an_old_view_waits_and_gets_in_at_its_next_attempt(
    tmp_path: Path, key: str
) -> None:
    async with refused_and_waiting(tmp_path, key) as (room, first, waits):
        await room.caller.stop(first)
        assert (await waits).outcome is BalancerOutcome.ADMITTED
        assert await room.vehicles() == ["car-0", "waits"]


@KEYS
@pytest.mark.gen_test
async def test_one_that_waits_after_a_refusal_leaves_when_its_client_hangs_up(
    tmp_path: Path, key: str
) -> None:
    async with refused_and_waiting(tmp_path, key) as (room, first, waits):
        await hung_up(waits)
        await room.waiting(0)
        await room.caller.stop(first)
        await room.caller.placed(kw=100, vehicle_id="second")
        assert await room.vehicles() == ["car-0", "second"]


@pytest.mark.gen_test
async def test_a_rush_on_a_full_grid_is_served_to_the_last_with_hardly_a_refusal(tmp_path: Path) -> None:
    """Those who wait are seated only where there surely is room: each refusal is one of four attempts."""
    async with rooms(tmp_path, Plan(capacities_kw=(50, 50), time_scale=60)) as room:
        kws = [22, 11, 7.4, 3.7] * 15
        asked = [
            room.caller.charge(f"k{n}" if n % 2 else "", kw, 40, seconds=30, vehicle_id=f"car-{n}")
            for n, kw in enumerate(kws)
        ]
        answers = await asyncio.gather(*asked)
        assert [answer.outcome for answer in answers] == [BalancerOutcome.ADMITTED] * len(kws)
        assert len(await room.grid.sessions()) == len(kws)
        for name in room.grid.names:
            page = f"{room.grid.substation_url(name)}/metrics"
            async with room.grid.session.get(page) as response:
                assert (
                    'overload_watt_seconds_total{cause="admission",substation="' + name + '"} 0.0'
                    in await response.text()
                )
            refused = f'smartgrid_balancer_decisions_total{{outcome="refused",substation="{name}"}}'
            assert await room.grid.metric(refused) <= len(kws) / 10


@pytest.mark.gen_test
async def test_most_who_come_back_when_they_were_told_get_in(tmp_path: Path) -> None:
    plan = Plan(capacities_kw=(100, 100), time_scale=60, poll_s=0.5)
    async with rooms(tmp_path, plan) as room:
        for n in range(18):
            await room.caller.placed(kw=11, seconds=150 + 26 * n)  # 2.5 to 10 s of wall time

        async def comes_back(key: str) -> BalancerOutcome:
            refused = await room.caller.charge(key, 11)
            assert refused.outcome is BalancerOutcome.NO_CAPACITY
            await asyncio.sleep(math.ceil(refused.retry_after_ms / 1000))  # as the gateway says it
            return (await room.caller.charge(key, 11)).outcome

        outcomes = await asyncio.gather(*(comes_back(f"k{n}") for n in range(18)))
        got_in = outcomes.count(BalancerOutcome.ADMITTED)
        print(f"{got_in} of {len(outcomes)} who came back when they were told got in")
        assert got_in >= 0.9 * len(outcomes)
