"""Tasks that run beside a service for as long as a context lasts."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def background(*chores: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run every chore as a task while the context lasts, then cancel all and wait until they have ended.

    Raises the exception of a chore that failed before it was cancelled.
    """
    tasks = [asyncio.create_task(chore) for chore in chores]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
