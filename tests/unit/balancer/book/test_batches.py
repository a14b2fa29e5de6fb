"""Work that comes while a batch is under way goes with the next, and does not outlast its failure."""

import asyncio

import pytest

from balancer.book.postgres.batches import MOST_IN_A_BATCH, Batches
from balancer.book.protocol import BookUnavailable


class Server:
    """Takes batches, and answers each when it may."""

    def __init__(self) -> None:
        self.seen: list[list[int]] = []
        self.may = asyncio.Event()
        self.fault: Exception | None = None

    async def work(self, batch: list[int]) -> list[int]:
        self.seen.append(batch)
        await self.may.wait()
        if self.fault:
            raise self.fault
        return [10 * item for item in batch]


async def asked(batches: Batches[int, int], *items: int) -> list[asyncio.Task[int]]:
    """Submit the items in one moment; returns when they wait or are under way."""
    tasks = [asyncio.create_task(batches.submit(item)) for item in items]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


@pytest.mark.gen_test
async def test_what_comes_while_a_batch_is_under_way_goes_with_the_next() -> None:
    server = Server()
    batches = Batches(server.work)
    tasks = await asked(batches, 1, 2)
    tasks += await asked(batches, 3)
    tasks += await asked(batches, 4, 5)
    server.may.set()
    assert await asyncio.gather(*tasks) == [10, 20, 30, 40, 50]
    assert server.seen == [[1, 2], [3, 4, 5]]


@pytest.mark.gen_test
async def test_a_batch_is_bounded_and_the_end_waits_for_all() -> None:
    server = Server()
    batches = Batches(server.work)
    tasks = await asked(batches, *range(MOST_IN_A_BATCH + 1))
    server.may.set()
    await batches.close()
    assert [len(batch) for batch in server.seen] == [MOST_IN_A_BATCH, 1]
    assert await tasks[-1] == 10 * MOST_IN_A_BATCH
    with pytest.raises(BookUnavailable):
        await batches.submit(1)


@pytest.mark.gen_test
async def test_what_waits_behind_a_batch_that_found_no_book_does_not_wait_once_more() -> None:
    server = Server()
    batches = Batches(server.work)
    tasks = await asked(batches, 1)
    tasks += await asked(batches, 2)
    server.fault = BookUnavailable("away")
    server.may.set()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [str(each) for each in found] == ["away", "away"]
    assert server.seen == [[1]]
    server.fault = None
    assert await batches.submit(3) == 30


@pytest.mark.gen_test
async def test_a_fault_of_the_work_reaches_those_of_its_batch_alone() -> None:
    server = Server()
    batches = Batches(server.work)
    first = await asked(batches, 1)
    server.fault = ValueError("strange")
    server.may.set()
    with pytest.raises(ValueError, match="strange"):
        await first[0]
    server.fault = None
    assert await batches.submit(2) == 20
