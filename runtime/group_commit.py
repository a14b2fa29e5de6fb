"""A writer thread that commits all waiting items as one batch, for stores whose commit is slow.

While one batch is being committed, the next gathers. A fault of the work itself ends the process:
after a failed fsync the state of the disk is unknown, and a restart reads it again.

Thread and event loop wake each other by eventfds, because writing one lets go of the interpreter's lock. A queue, or
`call_soon_threadsafe`, wakes the other side while this one has the lock: it finds the lock taken and sleeps again, so
each hand-over would take two switches between threads.
"""

import asyncio
import contextlib
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_IN_A_BATCH = 256  # keeps one commit, and so the wait of its first item, short
BATCH_BUCKETS = (0, 1, 2, 4, 8, 16, 32, 64, 128, MOST_IN_A_BATCH)
BROKEN = 70  # exit code: EX_SOFTWARE


class GroupCommit(Generic[Item, Result]):
    """Hands items to `work` in batches, in the order of their coming, on one thread of its own.

    `work` takes a list of items and returns as many results, after its commit. Create it on the
    event loop's thread; results arrive there.
    """

    def __init__(self, name: str, work: Callable[[list[Item]], list[Result]]) -> None:
        self._work = work
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._results: deque[tuple[list[asyncio.Future[Result]], list[Result]]] = deque()
        self._come = os.eventfd(0, os.EFD_CLOEXEC)
        self._ready = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._loop.add_reader(self._ready, self._results_ready)
        self._hands_over = False  # at the end of this turn of the loop
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._closed = False
        self._submitted_s: deque[float] = (
            deque()
        )  # of items that the loop does not know to be done, oldest first
        self._seen_done = 0
        self._done = 0  # counted by the thread, so that a loop that lags does not make the work look late
        self._thread.start()

    @property
    def closed(self) -> bool:
        """Whether no further item is accepted."""
        return self._closed

    def oldest_s(self) -> float:
        """Return for how many seconds the oldest item that is not done has waited; 0 when all is done."""
        while self._seen_done < self._done:
            self._submitted_s.popleft()
            self._seen_done += 1
        return time.monotonic() - self._submitted_s[0] if self._submitted_s else 0.0

    def submit(self, item: Item) -> "asyncio.Future[Result]":
        """Return a future of the item's result. Must not be called once closed."""
        if self._closed:
            raise RuntimeError("submit after close")
        future: asyncio.Future[Result] = self._loop.create_future()
        self.oldest_s()  # drops items that are done; nothing else may call it
        self._submitted_s.append(time.monotonic())
        self._waiting.append((item, future))
        if not self._hands_over:
            self._hands_over = True
            self._loop.call_soon(self._hand_over)
        return future

    async def close(self) -> None:
        """Finish what was submitted and end the thread."""
        if first := not self._closed:
            self._closed = True
            os.eventfd_write(self._come, 1)
        await asyncio.to_thread(self._thread.join)
        if first:
            self._loop.remove_reader(self._ready)
            self._deliver()
            os.close(self._come)
            os.close(self._ready)

    def _hand_over(self) -> None:
        """Wake the thread, once all that is submitted in this turn of the loop is there."""
        self._hands_over = False
        if not self._closed:
            os.eventfd_write(self._come, 1)

    def _results_ready(self) -> None:
        with contextlib.suppress(BlockingIOError):  # these results were delivered already
            os.eventfd_read(self._ready)
        self._deliver()

    def _deliver(self) -> None:
        """Give the results to those who wait for them; on the event loop's thread."""
        while self._results:
            futures, results = self._results.popleft()
            for future, result in zip(futures, results, strict=True):
                if not future.done():
                    future.set_result(result)

    def _run(self) -> None:
        while not self._closed or self._waiting:
            os.eventfd_read(self._come)
            while self._waiting:
                count = min(len(self._waiting), MOST_IN_A_BATCH)
                batch = [self._waiting.popleft() for _ in range(count)]
                self._do([item for item, _ in batch], [future for _, future in batch])

    def _do(self, items: list[Item], futures: "list[asyncio.Future[Result]]") -> None:
        try:
            results = self._work(items)
        except BaseException:
            log.critical("the %s thread can't go on; the process ends", self._thread.name, exc_info=True)
            logging.shutdown()
            os._exit(BROKEN)
        self._done += len(items)
        self._results.append((futures, results))
        os.eventfd_write(self._ready, 1)
