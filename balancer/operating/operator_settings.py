"""What operators have ordered: policy, rush hour and what is given up, from the order book, re-read by every balancer.

Drain and capacity are not here: they are each substation's own, in its journal.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable

from balancer.book.lease import MS_PER_S, Lease, Window
from balancer.book.protocol import Address, BookUnavailable, Control, OrderBook
from balancer.contract import BalancerAnswer, BalancerOutcome
from balancer.fleet.view import LOST, Fleet
from balancer.operating.decommission import objection
from balancer.placing.asking import Asker
from substation import contract as substation

log = logging.getLogger(__name__)

READ_EVERY_S = 1.0
ORDER_S = 5.0  # within which a substation confirms
TOO_HIGH = "the limit is above the rated capacity"
UNKNOWN = "no substation of this id is known: /fleet lists those that are"
NOTHING_LEFT = "nothing is known of it, or it is given up already: /fleet lists substations and journals"
OUTCOMES = {
    substation.SubstationOutcome.DONE: BalancerOutcome.DONE,
    substation.SubstationOutcome.INVALID: BalancerOutcome.INVALID,
}


class OperatorSettings:
    """Carries out orders, and keeps this balancer at what all balancers were ordered."""

    def __init__(
        self, fleet: Fleet, book: OrderBook, asker: Asker, on_given_up: Callable[[], None] = lambda: None
    ) -> None:
        """`on_given_up` is called after substations were given up, so that calls on their way are dropped."""
        self._fleet = fleet
        self._book = book
        self._asker = asker
        self._on_given_up = on_given_up
        self._control = Control("", frozenset())
        self._in_rushhour = False
        self.window = Window()  # of the newest rush hour: as its run sent it, else the time of its lease

    async def follow(self) -> None:
        """Re-read the order book for ever."""
        while True:
            try:
                await self.read()
                await self._remember()
            except BookUnavailable as error:
                log.warning("the orders of operators can't be read", extra={"error": str(error)})
            await asyncio.sleep(READ_EVERY_S)

    async def read(self) -> None:
        """Read once what operators have ordered."""
        self._control = await self._book.control()
        if (self.rushhour is not None) != self._in_rushhour:
            self._in_rushhour = not self._in_rushhour
            now = time.time()
            self.window = Window(now, math.inf) if self._in_rushhour else self.window.ended(now)
        if self._control.policy:
            self._fleet.use(self._control.policy)
        gone = [
            (name, member.report.journal_id)
            for name, member in self._fleet.members.items()
            if (name, member.report.journal_id) in self._control.decommissioned
        ]
        for substation_id, journal_id in gone:
            self._fleet.give_up(substation_id)
            log.warning("given up", extra={"substation": substation_id, "journal": journal_id})
        if gone:
            self._on_given_up()
        self._fleet.vacated |= frozenset(
            seen.url for seen in self._control.addresses if self.given_up(seen.substation_id, seen.journal_id)
        )

    async def _remember(self) -> None:
        """Note in the book which substation is at which address, for the time after it is gone for good."""
        now_s = time.monotonic()
        seen = {
            Address(member.url, substation_id, member.report.journal_id)
            for substation_id, member in self._fleet.members.items()
            if self._fleet.state(member, now_s) not in LOST
        }
        if new := seen - self._control.addresses:
            await self._book.saw(new)

    def given_up(self, substation_id: str, journal_id: str) -> bool:
        """Whether a journal is gone for good: what is claimed there may move on, and what claims to be it is not used.

        '' is the journal of a claim that was made before claims knew theirs: the first one of its
        substation, for older versions could not give one up.
        """
        gone = self._control.decommissioned
        if not journal_id:
            return any(name == substation_id for name, _ in gone)
        return (substation_id, journal_id) in gone

    async def set_policy(self, policy: str) -> BalancerAnswer:
        """Place by another policy, at every balancer."""
        if policy not in self._fleet.policies:
            return BalancerAnswer(
                BalancerOutcome.INVALID, detail=f"policies are {', '.join(self._fleet.policies)}"
            )
        try:
            await self._book.set_policy(policy)
            await self.read()
        except BookUnavailable as error:
            return _unwritten(error)
        return BalancerAnswer(BalancerOutcome.DONE)

    @property
    def rushhour(self) -> tuple[str, float] | None:
        """The run that holds the rush hour, and for how many seconds more; None when none does."""
        lease = self._control.rushhour
        left_ms = lease.left_ms(_unix_ms()) if lease else 0
        return (lease.run_id, left_ms / MS_PER_S) if lease and left_ms else None

    async def take_rushhour(self, run_id: str, ttl_s: float, window: Window | None = None) -> BalancerAnswer:
        """Let a run hold the rush hour for `ttl_s` from now on, or go on holding it; INVALID when another does.

        `window` is when its cars arrive, once the run knows.
        """
        unix_ms = _unix_ms()
        try:
            lease = await self._book.take_rushhour(Lease(run_id, unix_ms + round(ttl_s * MS_PER_S)), unix_ms)
            await self.read()
        except BookUnavailable as error:
            return _unwritten(error)
        if lease.run_id != run_id:
            return BalancerAnswer(BalancerOutcome.INVALID)
        self.window = window or self.window
        return BalancerAnswer(BalancerOutcome.DONE)

    async def end_rushhour(self, run_id: str) -> BalancerAnswer:
        """End a run's lease; INVALID when another run holds it, DONE also when none does."""
        try:
            await self._book.end_rushhour(run_id)
            await self.read()
        except BookUnavailable as error:
            return _unwritten(error)
        return BalancerAnswer(BalancerOutcome.INVALID if self.rushhour else BalancerOutcome.DONE)

    async def drain(self, substation_id: str, *, on: bool) -> BalancerAnswer:
        """Let a substation admit nothing more, or admit again."""
        return await self._order(substation_id, substation.Drain(on))

    async def derate(self, substation_id: str, limit_w: int) -> BalancerAnswer:
        """Lower a substation's limit; 0 restores its rated capacity."""
        return await self._order(substation_id, substation.Derate(limit_w))

    async def decommission(self, substation_id: str, journal_id: str = "") -> BalancerAnswer:
        """Give a journal up for good, '' for all of a substation: keys claimed there may move on.

        INVALID while it may still charge cars; the detail says what to do. NOT_FOUND when the substation is not
        known, or all of it was given up already. A substation that was not seen since the balancer's start is
        known from the book.
        """
        if why := self._objection(substation_id, journal_id):
            return BalancerAnswer(BalancerOutcome.INVALID, detail=why)
        try:
            await self._remember()
            member = self._fleet.members.get(substation_id)
            known = await self._book.journals(substation_id) | (
                {member.report.journal_id} if member else set()
            )
            wanted = known & {journal_id} if journal_id else known
            gone = {(substation_id, journal) for journal in wanted} - self._control.decommissioned
            if why := self._objection(substation_id, journal_id):  # it may have come back meanwhile
                return BalancerAnswer(BalancerOutcome.INVALID, detail=why)
            await asyncio.gather(*(self._book.decommission(*each) for each in gone))
            await self.read()
        except BookUnavailable as error:
            return _unwritten(error)
        return (
            BalancerAnswer(BalancerOutcome.DONE)
            if gone
            else BalancerAnswer(BalancerOutcome.NOT_FOUND, detail=NOTHING_LEFT)
        )

    def _objection(self, substation_id: str, journal_id: str) -> str:
        return objection(self._fleet, substation_id, journal_id, time.monotonic())

    async def _order(
        self, substation_id: str, command: substation.Drain | substation.Derate
    ) -> BalancerAnswer:
        if substation_id not in self._fleet.members:
            return BalancerAnswer(BalancerOutcome.NOT_FOUND, detail=UNKNOWN)
        answer = await self._asker.ask(substation_id, command, time.monotonic() + ORDER_S)
        outcome = (
            OUTCOMES.get(answer.outcome, BalancerOutcome.UNREACHABLE)
            if answer
            else BalancerOutcome.UNREACHABLE
        )
        return BalancerAnswer(outcome, detail=TOO_HIGH if outcome is BalancerOutcome.INVALID else "")


def _unix_ms() -> int:
    return int(time.time() * MS_PER_S)


def _unwritten(error: BookUnavailable) -> BalancerAnswer:
    return BalancerAnswer(BalancerOutcome.UNREACHABLE, detail=f"the order book: {error}")
