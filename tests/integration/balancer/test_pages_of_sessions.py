"""A vehicle's sessions over several substations, in pages of any size."""

import asyncio
import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balancer.contract import BalancerOutcome
from tests.integration.balancer.caller import Caller, caller
from tests.integration.balancer.grid import HOST, Plan, running, until

PLAN = Plan(capacities_kw=(1000, 1000, 1000))
MINE, OTHERS = 23, 11
GARBAGE = (
    "garbage",
    ":",
    "s-1:",
    ":7",
    "s-1:x",
    "s-1:-5",
    "s-1:1e3",
    "s-1:999999999999999999",
    "s-1:" + "9" * 40,
    "s-1:\uff11",
    "s-1:1\n",
    "s-0:3",
    "s-9:3",
    "s-1",
    "\x00:1",
    "S-1:1",
    "s-1:1:2",
    "é:1",
    "x" * 5000,
)


async def charged(client: Caller) -> set[str]:
    """Charge one car often and others in between, everywhere; returns its sessions."""
    mine = [await client.placed(kw=1, vehicle_id="mine") for _ in range(MINE)]
    for n in range(OTHERS):
        await client.placed(kw=1, vehicle_id=f"other-{n}")
    await client.stop(mine[3])  # an ended one is listed too
    assert {session.substation_id for session in mine} == {"s-1", "s-2", "s-3"}
    return {session.session_id for session in mine}


async def listed(client: Caller, sizes: list[int], cursor: str = "") -> list[str]:
    """All of a car's sessions, in pages of these sizes, the last one again and again."""
    found: list[str] = []
    for n in range(200):
        size = sizes[min(n, len(sizes) - 1)]
        page = await client.page("mine", cursor, size)
        assert page.outcome is BalancerOutcome.FOUND
        assert len(page.sessions) <= size
        assert {session.vehicle_id for session in page.sessions} <= {"mine"}
        found += [session.session_id for session in page.sessions]
        cursor = page.next_cursor
        if not cursor:
            return found
    raise AssertionError(found)


def test_every_session_is_listed_exactly_once_whatever_the_sizes_and_garbage_is_harmless(
    tmp_path: Path,
) -> None:
    with asyncio.Runner() as runner:
        stack = contextlib.AsyncExitStack()
        try:
            grid = runner.run(stack.enter_async_context(running(tmp_path, PLAN)))
            client = runner.run(stack.enter_async_context(caller(f"{HOST}:{grid.balancer_stream_port}")))
            mine = runner.run(charged(client))

            @settings(max_examples=60, deadline=None)
            @given(sizes=st.lists(st.integers(1, MINE + 2), min_size=1, max_size=8))
            def any_sizes(sizes: list[int]) -> None:
                found = runner.run(listed(client, sizes))
                assert len(found) == len(mine)
                assert set(found) == mine

            @settings(max_examples=60, deadline=None)
            @given(cursor=st.sampled_from(GARBAGE) | st.text(max_size=20).filter(_encodes))
            def any_cursor(cursor: str) -> None:
                found = runner.run(listed(client, [7], cursor))
                assert len(set(found)) == len(found)
                assert set(found) <= mine

            any_sizes()
            any_cursor()
            for cursor in GARBAGE:
                assert set(runner.run(listed(client, [7], cursor))) <= mine
            for nonsense in ("garbage", ":", "s-1:x", "s-1:" + "9" * 40):
                assert set(runner.run(listed(client, [7], nonsense))) == mine
            assert runner.run(client.page("nobody")).sessions == ()
            assert len(runner.run(client.page("mine", "", 10**6)).sessions) == MINE
        finally:
            runner.run(stack.aclose())


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@pytest.mark.gen_test
async def test_a_list_that_lacks_a_substation_is_not_given(tmp_path: Path) -> None:
    async with running(tmp_path, PLAN) as grid, caller(f"{HOST}:{grid.balancer_stream_port}") as client:
        mine = await charged(client)
        await grid.stop("s-2")
        answer = await client.page("mine", limit=1000)
        assert (answer.outcome, answer.detail, answer.sessions) == (
            BalancerOutcome.UNREACHABLE,
            "s-2 does not answer",
            (),
        )
        assert answer.retry_after_ms > 0
        first = await client.page("mine", limit=3)  # what lies before it can be read
        assert {session.substation_id for session in first.sessions} == {"s-1"}
        await grid.start("s-2")
        await grid.placeable()
        assert set(await listed(client, [5])) == mine


@pytest.mark.gen_test
async def test_a_balancer_that_has_not_seen_all_yet_gives_no_list(tmp_path: Path) -> None:
    async with running(tmp_path, PLAN) as grid, caller(f"{HOST}:{grid.balancer_stream_port}") as client:
        await charged(client)
        await grid.stop("balancer")
        await grid.stop("s-2")
        await grid.start("balancer")

        async def others_seen() -> bool:
            return (await grid.fleet()).keys() == {"s-1", "s-3"}

        await until(others_seen)
        answer = await client.page("mine")
        assert (answer.outcome, answer.sessions) == (BalancerOutcome.UNREACHABLE, ())
        assert answer.detail == "one of the substations does not answer"
