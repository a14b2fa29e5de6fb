"""Withdrawals: sessions placed for a caller who can't know of them are ended, whatever it takes.

Noted in the order book first, then asked for until the substation has answered, through restarts,
or until it is given up: then there is no session any more.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any

from balancer.asking import Asker
from balancer.book import BookUnavailable, OrderBook, Withdrawal
from substation.contract import Withdraw

log = logging.getLogger(__name__)

ROUND_S = 5.0  # one round of asking
PAUSE_S = 0.5  # between rounds


class Withdrawals:
    """The withdrawals that were not answered yet."""

    def __init__(self, book: OrderBook, asker: Asker, given_up: Callable[[str, str], bool]) -> None:
        """`given_up` tells whether a substation, by the id of its journal, is gone for good."""
        self._book = book
        self._asker = asker
        self._given_up = given_up
        self._noting: set[asyncio.Task[None]] = set()
        self._asking: set[asyncio.Task[None]] = set()

    async def resume(self) -> None:
        """Take up what a former run left."""
        for withdrawal in await self._book.withdrawals():
            self._ask(withdrawal)

    async def note(self, withdrawal: Withdrawal) -> None:
        """Note a withdrawal durably and start to ask for it; a caller who goes does not end that."""
        await asyncio.shield(self.note_soon(withdrawal))

    def note_soon(self, withdrawal: Withdrawal) -> "asyncio.Task[None]":
        """As `note`, where nobody waits for it."""
        return _kept(self._noting, self._note(withdrawal))

    async def close(self) -> None:
        """Finish noting and stop asking; what is noted is taken up at the next start."""
        await asyncio.gather(*self._noting, return_exceptions=True)
        for task in self._asking:
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)

    async def _note(self, withdrawal: Withdrawal) -> None:
        try:
            await self._book.withdraw(withdrawal)
        except BookUnavailable:
            log.warning("a withdrawal could not be noted", extra={"target": withdrawal.target})
        self._ask(withdrawal)

    def _ask(self, withdrawal: Withdrawal) -> None:
        _kept(self._asking, self._settle(withdrawal))

    async def _settle(self, withdrawal: Withdrawal) -> None:
        command = Withdraw(withdrawal.key, withdrawal.attempt, withdrawal.journal_id)
        while not (gone := self._given_up(withdrawal.target, withdrawal.journal_id)):
            if await self._asker.ask(withdrawal.target, command, time.monotonic() + ROUND_S):
                break
            await asyncio.sleep(PAUSE_S)
        with contextlib.suppress(BookUnavailable):  # then it is asked for once more after a restart
            await self._book.withdrawn(withdrawal.key)
        log.info("dropped a withdrawal" if gone else "withdrawn", extra={"target": withdrawal.target})


def _kept(tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return task
