"""Waiting for room on real services: who gets in, who leaves, and that all held power is given back."""

import asyncio
import dataclasses
from pathlib import Path

import pytest

from balancer.contract import BalancerOutcome
from balancer.placing.seating.waiting_room import MOST_PASSES
from runtime.coalescer import LinkLost
from tests.integration.balancer.caller import caller
from tests.integration.balancer.grid import HOST, Plan
from tests.integration.balancer.waiting_rooms import KEYS, LONG_S, ONE, hung_up, rooms


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
