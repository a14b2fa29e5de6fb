"""Many time limits with one timer."""

import asyncio
from typing import Any

import pytest
import uvloop

from runtime.deadlines import ENDED_KEPT, Deadlines

SOON_S, LATE_S = 0.01, 3600.0


@pytest.mark.gen_test
async def test_each_future_fails_at_its_own_time_in_whatever_order_they_were_added() -> None:
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(loop)
    late, soon, sooner = (loop.create_future() for _ in range(3))
    order: list[asyncio.Future[Any]] = []
    for number, (future, after_s) in enumerate([(late, LATE_S), (soon, 2 * SOON_S), (sooner, SOON_S)]):
        deadlines.add(number, future, loop.time() + after_s)
        future.add_done_callback(order.append)
    for future in (soon, sooner):
        with pytest.raises(TimeoutError):
            await future
    assert order == [sooner, soon]
    assert not late.done()
    deadlines.close()


@pytest.mark.gen_test
async def test_a_future_that_is_done_or_removed_is_left_alone() -> None:
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(loop)
    futures: list[asyncio.Future[Any]] = [loop.create_future() for _ in range(3)]
    for number, future in enumerate(futures):
        deadlines.add(number, future, loop.time() + SOON_S)
    futures[0].set_result("answer")
    deadlines.remove(1)
    with pytest.raises(TimeoutError):
        await futures[2]
    assert await futures[0] == "answer"
    assert not futures[1].done()


@pytest.mark.gen_test
async def test_ended_calls_with_a_distant_limit_are_not_kept() -> None:
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(loop)
    for number in range(10 * ENDED_KEPT):
        deadlines.add(number, loop.create_future(), loop.time() + LATE_S)
        deadlines.remove(number)
    assert len(deadlines) <= ENDED_KEPT + 1
    deadlines.close()


def test_a_limit_that_is_over_when_it_comes_hinders_no_other_under_uvloop() -> None:
    """The timer of a moment that is over is no TimerHandle there: a busy service adds the next limit before it fires."""

    async def add() -> None:
        loop = asyncio.get_running_loop()
        deadlines = Deadlines(loop)
        over, earlier = loop.create_future(), loop.create_future()
        deadlines.add(1, over, loop.time() - SOON_S)
        deadlines.add(2, earlier, loop.time() - 2 * SOON_S)
        for future in (earlier, over):
            with pytest.raises(TimeoutError):
                await future
        deadlines.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(add())
