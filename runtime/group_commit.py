"""A writer thread that commits all waiting items as one batch, for stores whose commit is slow.

While one batch is being committed, the next gathers. A fault of the work itself ends the process:
after a failed fsync the state of the disk is unknown, and a restart reads it again.
"""

import asyncio
import contextlib
import logging
import os
import queue
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
        self._waiting: queue.SimpleQueue[tuple[Item, asyncio.Future[Result]] | None] = queue.SimpleQueue()
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
        self._waiting.put((item, future))
        return future

    async def close(self) -> None:
        """Finish what was submitted and end the thread."""
        if not self._closed:
            self._closed = True
            self._waiting.put(None)
        await asyncio.to_thread(self._thread.join)
        await asyncio.sleep(0)  # let the last results be delivered

    def _run(self) -> None:
        open_ = True
        while open_:
            batch = [self._waiting.get()]
            with contextlib.suppress(queue.Empty):
                while len(batch) < MOST_IN_A_BATCH:
                    batch.append(self._waiting.get_nowait())
            open_ = None not in batch
            pairs = [entry for entry in batch if entry is not None]
            if pairs:
                self._do([item for item, _ in pairs], [future for _, future in pairs])

    def _do(self, items: list[Item], futures: "list[asyncio.Future[Result]]") -> None:
        try:
            results = self._work(items)
        except BaseException:
            log.critical("the %s thread can't go on; the process ends", self._thread.name, exc_info=True)
            logging.shutdown()
            os._exit(BROKEN)
        self._done += len(items)
        with contextlib.suppress(RuntimeError):  # the loop has ended: no caller waits
            self._loop.call_soon_threadsafe(_deliver, futures, results)


def _deliver(futures: "list[asyncio.Future[Result]]", results: list[Result]) -> None:
    for future, result in zip(futures, results, strict=True):
        if not future.done():
            future.set_result(result)
