"""Withdrawals: they end sessions that were placed for a caller who can't know of them.

A withdrawal is noted in the order book first. Then the balancer asks for it until the substation has answered, also
after restarts, or until the substation is given up: then there is no session any more. One task asks each substation, however
many withdrawals wait: for one at a time while it does not answer, for many at once when it does.
Withdrawals never use the retry budget of requests.
"""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Coroutine
from typing import Any

from balancer.book.decommissioned import DecommissionedJournals
from balancer.book.protocol import BookUnavailable, OrderBook, Withdrawal
from balancer.placing.asking import Asker
from substation.contract import Withdraw

log = logging.getLogger(__name__)

ROUND_S = 5.0  # one round of asking
PAUSE_S = 0.5  # after the first round that ended without an answer; doubles
LONGEST_PAUSE_S = (
    5.0  # a round that waits for a lost link ends when it is back, so this is only for one that says no
)
TAKE_OVER_EVERY_S = 5.0  # thrice before this balancer would count as gone itself
MOST_AT_ONCE = 64  # asked of a substation that answers


class Withdrawals:
    """The withdrawals that were not answered yet."""

    def __init__(self, book: OrderBook, asker: Asker, decommissioned: DecommissionedJournals) -> None:
        self._book = book
        self._asker = asker
        self._decommissioned = decommissioned
        self._noting: set[asyncio.Task[None]] = set()
        self._asking: set[asyncio.Task[None]] = set()
        self._pending: dict[str, dict[str, Withdrawal]] = {}  # by substation and key

    async def resume(self) -> None:
        """Ask for the withdrawals that a former run left in the book."""
        for withdrawal in await self._book.withdrawals():
            self._ask(withdrawal)

    async def follow(self) -> None:
        """Ask for what balancers that are gone have left in a shared book, again and again, until cancelled."""
        while True:
            await asyncio.sleep(TAKE_OVER_EVERY_S)
            with contextlib.suppress(BookUnavailable):
                for one in await self._book.withdrawals():
                    if one.key not in self._pending.get(one.target, {}):
                        self._ask(one)

    async def note(self, withdrawal: Withdrawal) -> None:
        """Note a withdrawal durably and start to ask for it; it goes on when the caller hangs up."""
        await asyncio.shield(self.note_soon(withdrawal))

    def note_soon(self, withdrawal: Withdrawal) -> "asyncio.Task[None]":
        """Do as `note`, but don't wait; returns the task."""
        return _kept(self._noting, self._note(withdrawal))

    async def close(self) -> None:
        """Finish noting and stop asking; the next start takes up the withdrawals that are noted."""
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
        """Hand a withdrawal to the task of its substation; starts that task if there is none."""
        target = withdrawal.target
        if target not in self._pending:
            self._pending[target] = {}
            _kept(self._asking, self._settle(target))
        self._pending[target][withdrawal.key] = withdrawal

    async def _settle(self, target: str) -> None:
        """Ask one substation until nothing is pending there."""
        pending = self._pending[target]
        at_once, pause_s = 1, PAUSE_S
        while pending:
            if at_once == 1:
                await asyncio.gather(*(self._forget(one) for one in self._given_up_of(pending)))
            batch = list(itertools.islice(pending.values(), at_once))
            answered = await asyncio.gather(*(self._answered(one) for one in batch))
            if all(answered):
                at_once, pause_s = MOST_AT_ONCE, PAUSE_S
                continue
            await asyncio.sleep(pause_s)
            at_once = 1
            pause_s = PAUSE_S if any(answered) else min(2 * pause_s, LONGEST_PAUSE_S)
        del self._pending[target]

    def _given_up_of(self, pending: dict[str, Withdrawal]) -> list[Withdrawal]:
        """Return the withdrawals whose journal is gone for good; thousands that wait name one or two journals."""
        journals = {(one.target, one.journal_id) for one in pending.values()}
        gone = {journal for journal in journals if self._decommissioned.includes(*journal)}
        return [one for one in pending.values() if (one.target, one.journal_id) in gone] if gone else []

    async def _answered(self, withdrawal: Withdrawal) -> bool:
        """Ask once for a withdrawal; without an answer, it goes behind the others."""
        command = Withdraw(withdrawal.key, withdrawal.attempt, withdrawal.journal_id)
        if await self._asker.once(withdrawal.target, command, ROUND_S):
            await self._forget(withdrawal)
            return True
        pending = self._pending[withdrawal.target]
        pending[withdrawal.key] = pending.pop(withdrawal.key)
        return False

    async def _forget(self, withdrawal: Withdrawal) -> None:
        """Drop a withdrawal that was answered, or whose journal was given up."""
        del self._pending[withdrawal.target][withdrawal.key]
        with contextlib.suppress(BookUnavailable):  # then it is asked for once more after a restart
            await self._book.withdrawn(withdrawal.key)
        log.info("a withdrawal is settled", extra={"target": withdrawal.target})


def _kept(tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return task
