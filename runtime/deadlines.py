"""Time limits of many futures with one timer.

A timer for each call of a busy link costs more than the rest of the call, and nearly all of them are cancelled before
they are due. Here a call adds one entry to a heap, and one timer waits for the earliest entry. The entry of a call
that has ended is dropped when its time comes, or earlier if such entries are the majority.
"""

import asyncio
import heapq
import math
from typing import Any

ENDED_KEPT = 1024  # entries of ended calls that are not worth a clean-up


class Deadlines:
    """The time limits of the futures of one event loop, by number."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._heap: list[tuple[float, int]] = []
        self._futures: dict[int, asyncio.Future[Any]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._due_s = (
            math.inf
        )  # when it fires; uvloop's timer does not say so where its time has come already

    def __len__(self) -> int:
        """How many entries are kept, those of ended calls included."""
        return len(self._heap)

    def add(self, number: int, future: "asyncio.Future[Any]", until_s: float) -> None:
        """Fail `future` with TimeoutError at `until_s` of the loop's clock, unless it is done or removed by then."""
        self._futures[number] = future
        heapq.heappush(self._heap, (until_s, number))
        if until_s < self._due_s:
            self._wait()

    def remove(self, number: int) -> None:
        """Forget the time limit of a call that has ended."""
        del self._futures[number]
        if len(self._heap) > ENDED_KEPT + 2 * len(self._futures):
            self._heap = [entry for entry in self._heap if entry[1] in self._futures]
            heapq.heapify(self._heap)

    def close(self) -> None:
        """Watch the time no longer."""
        self._heap.clear()
        if self._timer:
            self._timer.cancel()
            self._timer, self._due_s = None, math.inf

    def _wait(self) -> None:
        """Set the timer to the earliest entry."""
        if self._timer:
            self._timer.cancel()
        self._due_s = self._heap[0][0]
        self._timer = self._loop.call_at(self._due_s, self._expire)

    def _expire(self) -> None:
        """Fail what is due; the timer then waits for the earliest call that goes on."""
        self._timer, self._due_s = None, math.inf
        now_s = self._loop.time()
        while self._heap and (self._heap[0][0] <= now_s or self._heap[0][1] not in self._futures):
            future = self._futures.get(heapq.heappop(self._heap)[1])
            if future and not future.done():
                future.set_exception(TimeoutError())
        if self._heap:
            self._wait()
