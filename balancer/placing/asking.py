"""Asking one substation until it has decided: the balancer's only retries.

A lost link, `unavailable` and `not_me` decide nothing: the same command goes to the same substation
again, within the deadline and that substation's retry budget, and never to another one.
"""

import asyncio
import itertools
from collections.abc import Callable
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
        self._asked = _Asked(self._late, self._monotonic_s)

    async def ask(self, substation_id: str, command: Command, until_s: float) -> SubstationAnswer | None:
        """Return the substation's decision, None if there was none by the monotonic time `until_s`.

        Returns None earlier when the retry budget of this substation is used up.
        """
        budget = self._budgets.get(substation_id)
        if not budget:
            budget = self._budgets[substation_id] = RetryBudget(at_s=self._monotonic_s())
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
        began_s = self._monotonic_s()
        if not (link := self._links.get(substation_id)):
            link = await self._links.found(substation_id, within_s)
            found_s, began_s = began_s, self._monotonic_s()
            within_s -= began_s - found_s
            if not link or within_s <= 0:
                return None
        number = self._asked.add(substation_id, link, began_s)
        try:
            answer = await link.call(command, within_s)
        except (LinkLost, TimeoutError):
            return None
        finally:
            self._asked.remove(number)
        if answer.outcome in UNDECIDED:
            return None
        now_s = self._monotonic_s()
        if now_s - began_s < LATE_S:
            self._watch.prompt(substation_id, now_s)
        return answer

    def _late(self, substation_id: str, link: SubstationLink) -> None:
        if link.up:  # a stream that is down is noticed anyway
            self._watch.late(substation_id, self._monotonic_s())


class _Asked:
    """The calls that have no answer yet: `late` is called with each one that waits for LATE_S.

    All of them wait for as long, so the oldest is due first, and one timer is enough. A timer for each call costs more
    than the rest of its asking.
    """

    def __init__(self, late: Callable[[str, SubstationLink], None], monotonic_s: Callable[[], float]) -> None:
        self._late = late
        self._monotonic_s = monotonic_s
        self._calls: dict[int, tuple[str, SubstationLink, float]] = {}  # the oldest first
        self._numbers = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, substation_id: str, link: SubstationLink, now_s: float) -> int:
        """Watch a call that begins now; returns the number under which it is removed."""
        number = next(self._numbers)
        self._calls[number] = substation_id, link, now_s
        if not self._timer:
            self._timer = asyncio.get_running_loop().call_later(LATE_S, self._look)
        return number

    def remove(self, number: int) -> None:
        """Watch a call no longer: it has ended."""
        self._calls.pop(number, None)

    def _look(self) -> None:
        """Report the calls that are late, and look again when the next one would be."""
        self._timer, now_s = None, self._monotonic_s()
        while self._calls:
            number, (substation_id, link, began_s) = next(iter(self._calls.items()))
            if (left_s := began_s + LATE_S - now_s) > 0:
                self._timer = asyncio.get_running_loop().call_later(left_s, self._look)
                return
            del self._calls[number]
            self._late(substation_id, link)
