"""Asking one substation until it has decided: the balancer's only retries.

A lost link, `unavailable` and `not_me` decide nothing: the same command goes to the same substation
again, within the deadline and the retry budget, and never to another one.
"""

import asyncio
import random
import time

from balancer.retries import RetryBudget
from balancer.substation_stream import Links
from runtime.coalescer import LinkLost
from substation.contract import Answer, Command, Outcome

AGAIN_S = 0.05  # before the first retry; doubles
UNDISCOVERED_S = 0.02
UNDECIDED = frozenset({Outcome.UNAVAILABLE, Outcome.NOT_ME})


class Asker:
    """Sends commands to substations by their id."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._budget = RetryBudget(at_s=time.monotonic())

    async def ask(self, substation_id: str, command: Command, until_s: float) -> Answer | None:
        """Return the substation's decision, None if there was none by the monotonic time `until_s`."""
        self._budget.deposit()
        pause_s = AGAIN_S
        while (remaining_s := until_s - time.monotonic()) > 0:
            link = self._links.get(substation_id)
            if not link:
                await asyncio.sleep(UNDISCOVERED_S)
                continue
            try:
                answer = await link.call(command, remaining_s)
            except (LinkLost, TimeoutError):
                answer = None
            if answer and answer.outcome not in UNDECIDED:
                return answer
            if not self._budget.take(time.monotonic()):
                return None
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
            pause_s *= 2
        return None
