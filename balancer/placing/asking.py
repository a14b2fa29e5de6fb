"""Asking one substation until it has decided: the balancer's only retries.

A lost link, `unavailable` and `not_me` decide nothing: the same command goes to the same substation
again, within the deadline and that substation's retry budget, and never to another one.
"""

import asyncio
from typing import Protocol

from balancer.placing.retries import RetryBudget
from balancer.substation_stream import Links, SubstationLink
from runtime.coalescer import LinkLost
from runtime.machine import THIS, Machine
from substation.contract import Command, SubstationAnswer, SubstationOutcome

AGAIN_S = 0.05  # before the first retry; doubles
LONGEST_PAUSE_S = 1.0  # finds a substation that is back soon, however long the caller waits
LATE_S = 1.0  # after which a substation is suspect: a commit takes milliseconds
UNDECIDED = frozenset({SubstationOutcome.UNAVAILABLE, SubstationOutcome.NOT_ME})


class Watch(Protocol):
    """Learns how fast substations answer; times are seconds of the monotonic clock."""

    def late(self, substation_id: str, now_s: float) -> None:
        """A call has had no answer for LATE_S, though the stream is up."""

    def prompt(self, substation_id: str, now_s: float) -> None:
        """A call was decided within LATE_S."""


class Asker:
    """Sends commands to substations by their id."""

    def __init__(self, links: Links, watch: Watch, machine: Machine = THIS) -> None:
        self._links = links
        self._monotonic_s = machine.monotonic_s
        self._random = machine.random
        self._watch = watch
        self._budgets: dict[str, RetryBudget] = {}

    async def ask(self, substation_id: str, command: Command, until_s: float) -> SubstationAnswer | None:
        """Return the substation's decision, None if there was none by the monotonic time `until_s`.

        Returns None earlier when the retry budget of this substation is used up.
        """
        budget = self._budgets.setdefault(substation_id, RetryBudget(at_s=self._monotonic_s()))
        budget.deposit()
        pause_s = AGAIN_S
        while (remaining_s := until_s - self._monotonic_s()) > 0:
            if answer := await self.once(substation_id, command, remaining_s):
                return answer
            now_s = self._monotonic_s()
            if now_s < until_s and not budget.take(now_s):
                return None
            await asyncio.sleep(min(pause_s * self._random.uniform(0.5, 1.5), until_s - now_s))
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        return None

    async def once(self, substation_id: str, command: Command, within_s: float) -> SubstationAnswer | None:
        """Ask once, without using the retry budget; returns None if nothing was decided within `within_s`."""
        until_s = self._monotonic_s() + within_s
        link = await self._links.found(substation_id, within_s)
        if not link or (remaining_s := until_s - self._monotonic_s()) <= 0:
            return None
        began_s = self._monotonic_s()
        timer = asyncio.get_running_loop().call_later(LATE_S, self._late, substation_id, link)
        try:
            answer = await link.call(command, remaining_s)
        except (LinkLost, TimeoutError):
            return None
        finally:
            timer.cancel()
        if answer.outcome in UNDECIDED:
            return None
        now_s = self._monotonic_s()
        if now_s - began_s < LATE_S:
            self._watch.prompt(substation_id, now_s)
        return answer

    def _late(self, substation_id: str, link: SubstationLink) -> None:
        if link.up:  # a stream that is down is noticed anyway
            self._watch.late(substation_id, self._monotonic_s())
