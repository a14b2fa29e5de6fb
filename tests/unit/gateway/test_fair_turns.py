"""Turns with the balancers: at once while there is room, one after the other of each caller when there is none."""

import asyncio

import pytest

from gateway.fair_turns import SEVERAL_S, STUCK_S, FairTurns


class Clock:
    """A monotonic clock that is set."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def full(clock: Clock, *, alone: int = 4, among: int = 2) -> tuple[FairTurns, list[int]]:
    """Turns that one caller has all taken, and their numbers."""
    turns = FairTurns(clock, alone, among)
    begun = [turns.at_once("busy") for _ in range(alone)]
    return turns, [number for number in begun if number is not None]


async def waits(turns: FairTurns, callers: str) -> dict[str, "asyncio.Task[int]"]:
    """Let requests wait in this order, each named by its caller and a digit; returns their tasks."""
    begun = {name: asyncio.create_task(turns.begin(name[0])) for name in callers.split()}
    await asyncio.sleep(0)
    return begun


async def done(begun: dict[str, "asyncio.Task[int]"]) -> set[str]:
    """Return whose turn has begun."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return {name for name, task in begun.items() if task.done()}


async def end(begun: dict[str, "asyncio.Task[int]"]) -> None:
    """Cancel who still waits."""
    for task in begun.values():
        task.cancel()
    await asyncio.gather(*begun.values(), return_exceptions=True)


def test_one_caller_alone_has_more_at_once_than_several() -> None:
    clock = Clock()
    turns, begun = full(clock)
    assert len(begun) == 4
    assert turns.at_once("busy") is None
    turns.end(begun[0])
    turns.end(begun[1])
    assert turns.at_once("quiet") is None  # two are still there, which is all that several may have
    turns.end(begun[2])
    assert turns.at_once("quiet") is not None
    assert turns.at_once("busy") is None
    clock.now_s += SEVERAL_S
    assert turns.at_once("busy") is not None


@pytest.mark.gen_test
async def test_callers_take_turns_however_many_requests_they_have() -> None:
    turns, begun = full(Clock(), alone=1, among=1)
    waiting = await waits(turns, "a1 a2 a3 b1 c1 c2")
    assert turns.waiting == 6
    order: list[str] = []
    number = begun[0]
    while len(order) < 6:
        turns.end(number)
        (name,) = await done(waiting) - set(order)
        order.append(name)
        number = await waiting[name]
    assert order == ["a1", "b1", "c1", "a2", "c2", "a3"]
    assert turns.waiting == 0


@pytest.mark.gen_test
async def test_what_is_stuck_keeps_nobody_waiting() -> None:
    clock = Clock()
    turns, begun = full(clock)
    waiting = await waits(turns, "a1 a2 a3 a4 a5")
    clock.now_s += STUCK_S
    turns.look()
    assert await done(waiting) == {"a1", "a2", "a3", "a4"}
    for number in begun:  # they are answered after all, and had no place any more
        turns.end(number)
    assert await done(waiting) == {"a1", "a2", "a3", "a4"}
    await end(waiting)


@pytest.mark.gen_test
async def test_who_is_stuck_is_looked_for_while_somebody_waits() -> None:
    clock = Clock()
    turns, _ = full(clock)
    waiting = await waits(turns, "a1")
    clock.now_s += STUCK_S
    assert await waiting["a1"] >= 0


@pytest.mark.gen_test
async def test_a_request_that_has_gone_takes_no_turn() -> None:
    turns, begun = full(Clock(), alone=1, among=1)
    waiting = await waits(turns, "a1 a2")
    waiting["a1"].cancel()
    await asyncio.sleep(0)
    turns.end(begun[0])
    assert "a2" in await done(waiting)
    turns.end(await waiting["a2"])
    assert turns.at_once("a") is not None


@pytest.mark.gen_test
async def test_a_request_that_goes_in_the_moment_of_its_turn_gives_it_back() -> None:
    turns, begun = full(Clock(), alone=1, among=1)
    waiting = await waits(turns, "a1 b1")
    turns.end(begun[0])
    waiting["a1"].cancel()  # before it could run
    assert await done(waiting) == {"a1", "b1"}
    assert waiting["a1"].cancelled()
    await end(waiting)
