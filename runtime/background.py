"""Tasks that run beside a service for as long as a context lasts, and futures that need no task."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")


@asynccontextmanager
async def background(*chores: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run every chore as a task while the context lasts, then cancel all and wait until all have ended.

    Logs what chores raised, and raises the first of it, unless the context itself raises.
    """
    tasks = [asyncio.create_task(chore) for chore in chores]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        faults = [each for each in ended if isinstance(each, Exception)]
        for fault in faults:
            log.error("a background task failed", exc_info=fault)
    for fault in faults:
        raise fault


def future_of(result: T) -> "asyncio.Future[T]":
    """Return a future that is done."""
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    future.set_result(result)
    return future
