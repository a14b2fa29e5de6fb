"""An event loop whose time passes only when nothing is left to do, and tasks that belong to a process.

A run on it takes milliseconds for a minute, and is a function of its seed.
"""

import asyncio
import contextvars
import random
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
START_S = 1000.0
MOST_S = 600.0  # a scenario that lasts longer hangs
OWNER: contextvars.ContextVar["Process | None"] = contextvars.ContextVar("owner", default=None)


class _NoWaiting(selectors.SelectSelector):
    """Waits for nothing: the loop's time moves on instead."""

    loop: "VirtualLoop"

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("nothing is scheduled: the test would hang")
        self.loop.now_s += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """One loop; `now_s` is its time."""

    def __init__(self) -> None:
        self.now_s = START_S
        selector = _NoWaiting()
        selector.loop = self
        super().__init__(selector)
        self._clock_resolution = 1e-9
        self.set_task_factory(_owned)

    def time(self) -> float:
        return self.now_s


def _owned(loop: asyncio.AbstractEventLoop, coro: Any, context: Any = None) -> "asyncio.Task[Any]":
    task = asyncio.Task(coro, loop=loop, context=context)
    if owner := OWNER.get():
        owner.tasks.append(task)
    return task


class Process:
    """A simulated process: tasks that are killed together."""

    def __init__(self) -> None:
        self.alive = True
        self.tasks: list[asyncio.Task[Any]] = []

    def run(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Start a task of this process; what it starts belongs to it too."""
        context = contextvars.copy_context()
        context.run(OWNER.set, self)
        return context.run(asyncio.get_running_loop().create_task, work)

    async def kill(self) -> None:
        self.alive = False
        while left := [task for task in self.tasks if not task.done()]:
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)


class LoopCommit:
    """GroupCommit on the loop in place of a thread: a batch is done after a moment, and answered after another.

    A process that is killed may have committed what it never answered.
    """

    def __init__(self, rng: random.Random, work: Callable[[list[Any]], list[Any]]) -> None:
        self._rng = rng
        self._work = work
        self._waiting: list[tuple[Any, asyncio.Future[Any]]] = []
        self._process = OWNER.get()
        self.closed = False

    def submit(self, item: Any) -> "asyncio.Future[Any]":
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_later(self._rng.uniform(0.0005, 0.005), self._do)
        return future

    async def close(self) -> None:
        self.closed = True

    def _do(self) -> None:
        batch, self._waiting = self._waiting, []
        if self.closed or not (self._process and self._process.alive):
            return
        results = self._work([item for item, _ in batch])
        futures = [future for _, future in batch]
        asyncio.get_running_loop().call_later(self._rng.uniform(0.0, 0.002), _deliver, futures, results)


def _deliver(futures: "list[asyncio.Future[Any]]", results: list[Any]) -> None:
    for future, result in zip(futures, results, strict=True):
        if not future.done():
            future.set_result(result)


def simulate(scenario: Callable[[random.Random], Coroutine[Any, Any, None]], seed: int) -> None:
    """Run a scenario to its end on virtual time; the seed determines everything that is random in it."""
    rng = random.Random(seed)
    loop = VirtualLoop()
    asyncio.set_event_loop(loop)
    state = random.getstate()
    random.seed(seed)
    try:
        loop.run_until_complete(asyncio.wait_for(scenario(rng), MOST_S))
    finally:
        random.setstate(state)
        asyncio.set_event_loop(None)
        loop.close()
