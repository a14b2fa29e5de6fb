"""Waiting for room on real services: who gets in, who leaves, and that all held power is given back."""

import asyncio
import contextlib
import dataclasses
import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from balancer.contract import BalancerAnswer, BalancerOutcome
from balancer.placing.seating.waiting_room import MOST_PASSES
from runtime.coalescer import LinkLost
from substation.contract import Session
from tests.integration.balancer.caller import Caller, caller
from tests.integration.balancer.grid import HOST, Grid, Plan, running, until
from tests.integration.balancer.test_view import place_directly, running_with_book

LONG_S = 60.0
ONE = Plan(capacities_kw=(100,))
KEYS = pytest.mark.parametrize("key", ["", "key-1"], ids=["keyless", "keyed"])


@dataclasses.dataclass
class Room:
    """A grid with a caller on its balancer's stream."""

    grid: Grid
    caller: Caller

    async def waiting(self, count: int) -> None:
        """Wait until so many requests wait for room."""

        async def reached() -> bool:
            return await self.grid.metric("smartgrid_balancer_waiting_requests") == count

        await until(reached)

    async def wait(self, count: int, *asked: Any, **changed: Any) -> "asyncio.Task[BalancerAnswer]":
        """Send a request that will wait, as the `count`th of those who do."""
        task = asyncio.ensure_future(self.caller.charge(*asked, **{"wait_s": LONG_S} | changed))
        await self.waiting(count)
        return task

    async def vehicles(self) -> list[str]:
        """The requests that were admitted, in the order of admission."""
        found = sorted(await self.grid.sessions(), key=lambda session: session["started_unix_ms"])
        return [session["vehicle_id"] for session in found]

    async def outstanding_w(self) -> float:
        names = [f'smartgrid_balancer_outstanding_watts{{substation="{name}"}}' for name in self.grid.names]
        return sum([await self.grid.metric(name) for name in names])


@contextlib.asynccontextmanager
async def rooms(folder: Path, plan: Plan = ONE) -> AsyncIterator[Room]:
    """A grid at whose end nobody waits and no power is held, whatever happened."""
    async with running(folder, plan) as grid, caller(f"{HOST}:{grid.balancer_stream_port}") as made:
        room = Room(grid, made)
        yield room
        await room.waiting(0)

        async def given_back() -> bool:
            return await room.outstanding_w() == 0

        await until(given_back)


async def hung_up(task: "asyncio.Task[BalancerAnswer]") -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@KEYS
@pytest.mark.gen_test
async def test_who_waits_is_admitted_when_a_session_is_stopped(tmp_path: Path, key: str) -> None:
    async with rooms(tmp_path) as room:
        first = await room.caller.placed(kw=100)
        waits = await room.wait(1, key, 60)
        await room.caller.stop(first)
        answer = await waits
        assert answer.outcome is BalancerOutcome.ADMITTED
        assert len(await room.grid.sessions()) == 2
        if key:
            again = (await room.caller.charge(key, 60)).session
            assert again
            assert answer.session
            assert again.session_id == answer.session.session_id


@KEYS
@pytest.mark.gen_test
async def test_who_waits_is_admitted_when_sessions_end_by_themselves(tmp_path: Path, key: str) -> None:
    async with rooms(tmp_path, Plan(capacities_kw=(100, 100), time_scale=60)) as room:
        for _ in range(2):
            await room.caller.placed(kw=100, seconds=60)
        waits = [await room.wait(1, key, 60, seconds=60)]
        if not key:
            waits += [asyncio.ensure_future(room.caller.charge(kw=60, wait_s=LONG_S)) for _ in range(2)]
        assert [(await each).outcome for each in waits] == [BalancerOutcome.ADMITTED] * len(waits)


@pytest.mark.gen_test
async def test_a_smaller_request_passes_the_blocked_head_which_comes_next(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        first = await room.caller.placed(kw=90, vehicle_id="first")
        head = await room.wait(1, "head", 95, vehicle_id="head")
        small = await room.caller.placed(kw=10, vehicle_id="small")
        other = await room.wait(2, "", 10, vehicle_id="other")
        await room.caller.stop(first)
        assert (await other).outcome is BalancerOutcome.ADMITTED
        assert not head.done()
        for session in (small, (await other).session):
            assert session
            await room.caller.stop(session)
        assert (await head).outcome is BalancerOutcome.ADMITTED
        assert await room.vehicles() == ["first", "small", "other", "head"]


@pytest.mark.gen_test
async def test_replays_of_a_key_that_is_placed_pass_nobody_who_waits(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        session = await room.caller.placed("placed", 40)
        waits = await room.wait(1, "", 95)
        for _ in range(MOST_PASSES + 2):
            assert (await room.caller.placed("placed", 40)).session_id == session.session_id
        await room.caller.placed(kw=10)
        await hung_up(waits)


@pytest.mark.gen_test
async def test_of_equals_the_first_to_come_is_the_first_to_get_in(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        sessions = [await room.caller.placed(kw=100, vehicle_id="car-0")]
        waits = [
            await room.wait(n, f"k{n}" if n % 2 else "", 100, vehicle_id=f"car-{n}") for n in range(1, 5)
        ]
        for task in waits:
            await room.caller.stop(sessions[-1])
            answer = await task
            assert answer.session
            sessions.append(answer.session)
        assert await room.vehicles() == [f"car-{n}" for n in range(5)]


@KEYS
@pytest.mark.gen_test
async def test_a_client_that_hangs_up_leaves_the_room_and_nothing_is_placed_for_it(
    tmp_path: Path, key: str
) -> None:
    async with rooms(tmp_path) as room:
        first = await room.caller.placed(kw=100, vehicle_id="first")
        await hung_up(await room.wait(1, key, 60, vehicle_id="gone"))
        await room.waiting(0)
        await room.caller.stop(first)
        await room.caller.placed(kw=100, vehicle_id="second")
        assert await room.vehicles() == ["first", "second"]


@KEYS
@pytest.mark.gen_test
async def test_a_stream_that_is_lost_leaves_the_room_with_all_who_waited_on_it(
    tmp_path: Path, key: str
) -> None:
    async with rooms(tmp_path) as room:
        first = await room.caller.placed(kw=100, vehicle_id="first")
        async with caller(f"{HOST}:{room.grid.balancer_stream_port}") as other:
            lost = [
                asyncio.ensure_future(other.charge(key and key + car, 60, LONG_S, vehicle_id=f"gone-{car}"))
                for car in "ab"
            ]
            await room.waiting(2)
        assert [type(error) for error in await asyncio.gather(*lost, return_exceptions=True)] == [
            LinkLost
        ] * 2
        await room.waiting(0)
        await room.caller.stop(first)
        await room.caller.placed(kw=100, vehicle_id="second")
        assert await room.vehicles() == ["first", "second"]


@pytest.mark.gen_test
async def test_a_keyed_request_stays_while_one_of_its_callers_does(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        first = await room.caller.placed(kw=100)
        gone = await room.wait(1, "key-1", 60)
        stays = asyncio.ensure_future(room.caller.charge("key-1", 60, LONG_S))
        await room.caller.find("s-1.none")  # so `stays` has come
        await hung_up(gone)
        await room.caller.find("s-1.none")  # so the cancel has come
        await room.waiting(1)
        await room.caller.stop(first)
        assert (await stays).outcome is BalancerOutcome.ADMITTED
        assert len(await room.grid.sessions()) == 2


@pytest.mark.gen_test
async def test_a_key_that_nobody_waits_for_any_more_can_be_asked_for_anew(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        first = await room.caller.placed(kw=100)
        await hung_up(await room.wait(1, "key-1", 60))
        again = asyncio.ensure_future(room.caller.charge("key-1", 70, LONG_S))  # it was never claimed
        await room.waiting(1)
        await room.caller.stop(first)
        answer = await again
        assert answer.session
        assert answer.session.plan.power_w == 70_000


@pytest.mark.gen_test
async def test_duplicates_of_one_that_waits_join_it_and_get_its_session(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        first = await room.caller.placed(kw=100)
        copies = [await room.wait(1, "key-1", 60) for _ in range(5)]
        await room.caller.stop(first)
        answers = [await copy for copy in copies]
        assert {answer.outcome for answer in answers} == {BalancerOutcome.ADMITTED}
        assert len({answer.session.session_id for answer in answers if answer.session}) == 1
        assert len(await room.grid.sessions()) == 2


@KEYS
@pytest.mark.gen_test
async def test_a_full_room_is_said_at_once(tmp_path: Path, key: str) -> None:
    async with rooms(tmp_path, dataclasses.replace(ONE, most_waiting=1)) as room:
        await room.caller.placed(kw=100)
        waits = await room.wait(1, "waits", 60)
        answer = await room.caller.charge(key, 60, LONG_S)  # would hang for that long
        assert answer.outcome is BalancerOutcome.NO_CAPACITY
        assert answer.retry_after_ms > 0
        await hung_up(waits)


@KEYS
@pytest.mark.gen_test
async def test_when_the_wait_is_over_it_is_said_when_to_come_back(tmp_path: Path, key: str) -> None:
    async with rooms(tmp_path) as room:
        await room.caller.placed(kw=100, seconds=40)
        answer = await room.caller.charge(key, 60, 0.3)
        assert answer.outcome is BalancerOutcome.NO_CAPACITY
        assert 30_000 < answer.retry_after_ms < 62_000
        assert len(await room.grid.sessions()) == 1


@KEYS
@pytest.mark.gen_test
async def test_more_than_every_capacity_is_not_waited_for(tmp_path: Path, key: str) -> None:
    async with rooms(tmp_path) as room:
        answer = await room.caller.charge(key, 101, LONG_S)  # would hang for that long
        assert (answer.outcome, answer.detail) == (
            BalancerOutcome.EXCEEDS_CAPACITY,
            "the highest capacity is 100 kW",
        )


@pytest.mark.gen_test
async def test_who_waits_for_one_substation_does_not_get_another_and_holds_up_nobody_there(
    tmp_path: Path,
) -> None:
    async with rooms(tmp_path, Plan(capacities_kw=(100, 100))) as room:
        full = await room.caller.placed(kw=100, substations=("s-1",))
        waits = await room.wait(1, "", 60, substations=("s-1",))
        for _ in range(20):
            session = await room.caller.placed(kw=5)
            assert session.substation_id == "s-2"
        await room.caller.stop(full)
        answer = await waits
        assert answer.session
        assert answer.session.substation_id == "s-1"


@pytest.mark.gen_test
async def test_a_balancer_that_stops_sends_everybody_away_and_keeps_nothing(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        first = await room.caller.placed(kw=100)
        waits = [await room.wait(1, "", 60), await room.wait(2, "key-1", 60)]
        await room.grid.stop("balancer")
        assert [type(e) for e in await asyncio.gather(*waits, return_exceptions=True)] == [LinkLost] * 2
        await room.grid.start("balancer")
        await room.grid.placeable()
        await room.caller.stop(first)
        assert len(await room.grid.sessions()) == 1
        await room.caller.placed("key-1", 100)


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
