"""The writer thread: what waits is one batch, in order, and closing loses nothing."""

import asyncio
import subprocess
import sys
import threading
import time

import pytest

from runtime.group_commit import MOST_IN_A_BATCH, GroupCommit


class Work:
    """Notes its batches, and waits in each until it is let go."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)

    def __call__(self, items: list[int]) -> list[int]:
        self.batches.append(items)
        self.begun.release()
        assert self.go_on.acquire(timeout=30)
        return [item * 10 for item in items]

    async def has_begun(self) -> None:
        assert await asyncio.to_thread(self.begun.acquire, timeout=30)


@pytest.mark.gen_test
async def test_what_comes_while_a_batch_is_committed_is_the_next_batch() -> None:
    work = Work()
    commits = GroupCommit("test", work)
    first = commits.submit(1)
    await work.has_begun()
    later = [commits.submit(item) for item in (2, 3, 4)]
    assert not first.done()
    work.go_on.release(2)
    assert await asyncio.gather(first, *later) == [10, 20, 30, 40]
    assert work.batches == [[1], [2, 3, 4]]
    await commits.close()


@pytest.mark.gen_test
async def test_the_age_of_the_oldest_is_told_until_it_is_done() -> None:
    work = Work()
    commits = GroupCommit("test", work)
    assert commits.oldest_s() == 0
    first = commits.submit(1)
    await work.has_begun()
    ages = [commits.oldest_s()]
    second = commits.submit(2)
    ages.append(commits.oldest_s())  # a younger one does not hide it
    assert 0 < ages[0] < ages[1]
    work.go_on.release()
    await first
    await work.has_begun()
    assert commits.oldest_s() > 0
    work.go_on.release()
    await second
    assert commits.oldest_s() == 0
    await commits.close()


@pytest.mark.gen_test
async def test_a_loop_that_lags_does_not_make_done_work_look_late() -> None:
    work = Work()
    commits = GroupCommit("test", work)
    future = commits.submit(1)
    await work.has_begun()
    work.go_on.release()
    while commits._done == 0:
        time.sleep(0.001)
    assert not future.done()
    assert commits.oldest_s() == 0
    await future
    await commits.close()


@pytest.mark.gen_test
async def test_a_batch_is_bounded_and_order_is_kept() -> None:
    work = Work()
    commits = GroupCommit("test", work)
    first = commits.submit(-1)
    await work.has_begun()
    rest = [commits.submit(item) for item in range(MOST_IN_A_BATCH + 5)]
    work.go_on.release(3)
    await asyncio.gather(first, *rest)
    assert [len(batch) for batch in work.batches] == [1, MOST_IN_A_BATCH, 5]
    assert [item for batch in work.batches for item in batch] == [-1, *range(MOST_IN_A_BATCH + 5)]
    await commits.close()


@pytest.mark.gen_test
async def test_what_is_submitted_in_one_turn_of_the_loop_is_one_batch() -> None:
    work = Work()
    work.go_on.release(50)
    commits = GroupCommit("test", work)
    items = list(range(50))
    futures = []
    for item in items:
        futures.append(commits.submit(item))
        time.sleep(0.001)  # long enough for the thread to begin, if it were woken
    assert await asyncio.gather(*futures) == [10 * item for item in items]
    assert [len(batch) for batch in work.batches] == [50]
    await commits.close()


@pytest.mark.gen_test
async def test_closing_twice_at_once_ends_after_the_work_for_both() -> None:
    work = Work()
    commits = GroupCommit("test", work)
    future = commits.submit(1)
    closing = [asyncio.create_task(commits.close()) for _ in range(2)]
    await work.has_begun()
    assert not any(each.done() for each in closing)
    work.go_on.release()
    await asyncio.gather(*closing)
    assert future.result() == 10


@pytest.mark.gen_test
async def test_closing_finishes_what_was_submitted_and_takes_nothing_more() -> None:
    work = Work()
    commits = GroupCommit("test", work)
    first = commits.submit(1)
    await work.has_begun()
    second = commits.submit(2)
    closing = asyncio.create_task(commits.close())
    await asyncio.sleep(0)
    assert commits.closed
    with pytest.raises(RuntimeError, match="after close"):
        commits.submit(3)
    work.go_on.release(2)
    await closing
    assert [first.result(), second.result()] == [10, 20]
    await commits.close()  # again does nothing


@pytest.mark.gen_test
async def test_an_item_whose_caller_has_gone_is_done_all_the_same() -> None:
    work = Work()
    commits = GroupCommit("test", work)
    first = commits.submit(1)
    await work.has_begun()
    gone, kept = commits.submit(2), commits.submit(3)
    gone.cancel()
    work.go_on.release(2)
    assert [await first, await kept] == [10, 30]
    assert work.batches == [[1], [2, 3]]
    await commits.close()


def test_a_fault_of_the_work_ends_the_process() -> None:
    code = """
import asyncio
from runtime.group_commit import GroupCommit
def work(items): raise OSError("fsync failed")
async def main(): await GroupCommit("journal", work).submit(1)
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 70
    assert "the journal thread can't go on" in done.stderr
    assert "fsync failed" in done.stderr
