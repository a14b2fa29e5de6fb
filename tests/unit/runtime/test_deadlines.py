"""Many time limits with one timer."""

import asyncio
from typing import Any

import pytest

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
