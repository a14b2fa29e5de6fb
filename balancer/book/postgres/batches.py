"""Batches of one kind of work on the event loop: what comes while one batch is under way goes with the next."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from balancer.book.protocol import BookUnavailable

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_IN_A_BATCH = 256  # as of the embedded book


class Batches(Generic[Item, Result]):
    """Hands items to `work` in the order of their coming, one batch at a time.

    `work` takes a list of items and returns as many results. When it raises BookUnavailable, so does every `submit`
    of that batch, and of all that waits behind it.
    """

    def __init__(self, work: Callable[[list[Item]], Awaitable[Sequence[Result]]]) -> None:
        self._work = work
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    async def submit(self, item: Item) -> Result:
        """Return the item's result; raises BookUnavailable, also once closed."""
        if self._closed:
            raise BookUnavailable("the balancer is stopping")
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return await future

    async def close(self) -> None:
        """Finish what was submitted."""
        self._closed = True
        if self._task:
            await self._task

    async def _run(self) -> None:
        try:
            while self._waiting:
                count = min(len(self._waiting), MOST_IN_A_BATCH)
                batch = [self._waiting.popleft() for _ in range(count)]
                await self._do([item for item, _ in batch], [future for _, future in batch])
        finally:
            self._task = None

    async def _do(self, items: list[Item], futures: "list[asyncio.Future[Result]]") -> None:
        try:
            results = await self._work(items)
        except BookUnavailable as error:
            # What waits would find the same, a second later: its callers would have waited twice as long.
            behind = [future for _, future in self._waiting]
            self._waiting.clear()
            for future in (*futures, *behind):
                if not future.done():
                    future.set_exception(error)
            return
        except Exception as error:  # noqa: BLE001 - whoever waits for a result gets it
            for future in futures:
                if not future.done():  # its caller may have gone
                    future.set_exception(error)
            return
        for future, result in zip(futures, results, strict=True):
            if not future.done():
                future.set_result(result)
