"""Puts back what a run has changed in the grid: asks for it several times before it gives up."""

import asyncio
from collections.abc import Awaitable, Callable

TRY_EVERY_S = 1.0


class NotRestored(Exception):
    """A change that a run makes in the grid could not be ordered or not be undone; the message says what to do."""


async def restore(
    order: Callable[[], Awaitable[None]], tries: int, faults: tuple[type[Exception], ...]
) -> str:
    """Give `order` until it succeeds, at most `tries` times.

    Returns:
        '' when it has succeeded, otherwise the last of the `faults`, in words.

    Raises:
        Exception: Whatever `order` raises beside `faults`.
    """
    why = ""
    for _ in range(tries):
        try:
            await order()
        except faults as error:
            why = str(error) or repr(error)
            await asyncio.sleep(TRY_EVERY_S)
        else:
            return ""
    return why
