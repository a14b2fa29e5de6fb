"""Tasks that run beside a service for as long as a context lasts, and futures that need no task."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")

CANCEL_AGAIN_S = 1.0
ANEW_S = 1.0  # between the failure of a chore and its next start


@asynccontextmanager
async def background(*chores: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run every chore as a task while the context lasts, then cancel all and wait until all have ended.

    Logs what chores raised, and raises the first of it, unless the context itself raises.
    """
    tasks = [asyncio.create_task(chore) for chore in chores]
    try:
        yield
    finally:
        await cancelled(tasks)
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        faults = [each for each in ended if isinstance(each, Exception)]
        for fault in faults:
            log.error("a background task failed", exc_info=fault)
    for fault in faults:
        raise fault


async def kept_going(chore: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a chore that should never end, and begin it anew when it fails: the fault is logged, and nothing else stops."""
    while True:
        try:
            await chore()
        except Exception:
            log.exception("a background task failed, and begins anew")
        await asyncio.sleep(ANEW_S)


async def cancelled(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks, and wait until all have ended.

    A cancellation that meets a time limit which runs out in the same moment may be lost (before Python 3.12), and the
    task would go on for ever. So it is repeated.
    """
    while going_on := [task for task in tasks if not task.done()]:
        for task in going_on:
            task.cancel()
        await asyncio.wait(going_on, timeout=CANCEL_AGAIN_S)


def future_of(result: T) -> "asyncio.Future[T]":
    """Return a future that is done."""
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    future.set_result(result)
    return future
