"""The settings of operators: policy, rush hour, decommissioned journals. Every balancer re-reads them from the book.

Drain and capacity are not here: each substation keeps its own in its journal. See substation_orders.py.
"""

import asyncio
import logging
import math
from collections.abc import Callable

from balancer.book.decommissioned import DecommissionedJournals
from balancer.book.lease import MS_PER_S, Lease, Window
from balancer.book.protocol import Address, BookUnavailable, Control, OrderBook
from balancer.contract import BalancerAnswer, BalancerOutcome
from balancer.fleet.view import LOST, View
from runtime.machine import THIS, Machine

log = logging.getLogger(__name__)

READ_EVERY_S = 0.5  # what one balancer is told holds at all within a second


class OperatorSettings:
    """Applies the settings of operators to this balancer, and changes them for all balancers."""

    def __init__(
        self,
        view: View,
        book: OrderBook,
        decommissioned: DecommissionedJournals,
        on_given_up: Callable[[], None],
        machine: Machine = THIS,
    ) -> None:
        """`decommissioned` is kept up to date with the book.

        `on_given_up` is called after substations were given up, so that calls on their way are dropped.
        """
        self._view = view
        self._roster = view.roster
        self._book = book
        self._decommissioned = decommissioned
        self._on_given_up = on_given_up
        self._machine = machine
        self._control = Control("", frozenset())
        self._in_rushhour = False
        self.window = Window()  # of the newest rush hour: as its run sent it, or the time of its lease

    async def follow(self) -> None:
        """Re-read the order book until cancelled."""
        while True:
            try:
                await self.read()
                await self.remember()
            except BookUnavailable as error:
                log.warning("the orders of operators can't be read", extra={"error": str(error)})
            await asyncio.sleep(READ_EVERY_S)

    async def read(self) -> None:
        """Read the settings once."""
        self._control = await self._book.control()
        self._decommissioned.journals = self._control.decommissioned
        if (self.rushhour is not None) != self._in_rushhour:
            self._in_rushhour = not self._in_rushhour
            now = self._machine.unix_s()
            self.window = Window(now, math.inf) if self._in_rushhour else self.window.ended(now)
        if self._control.policy:
            self._view.policy.use(self._control.policy)
        gone = [
            (name, member.report.journal_id)
            for name, member in self._roster.members.items()
            if self._decommissioned.includes(name, member.report.journal_id)
        ]
        for substation_id, journal_id in gone:
            self._roster.give_up(substation_id)
            log.warning("given up", extra={"substation": substation_id, "journal": journal_id})
        if gone:
            self._on_given_up()
        self._roster.addresses.vacated |= frozenset(
            seen.url
            for seen in self._control.addresses
            if self._decommissioned.includes(seen.substation_id, seen.journal_id)
        )

    async def remember(self) -> None:
        """Note in the book which substation is at which address, for the time after it is gone for good."""
        now_s = self._machine.monotonic_s()
        addresses = {
            Address(member.url, substation_id, member.report.journal_id)
            for substation_id, member in self._roster.members.items()
            if self._view.state(member, now_s) not in LOST
        }
        if new := addresses - self._control.addresses:
            await self._book.saw(new)

    @property
    def former_books(self) -> frozenset[str]:
        """The ids of the order books that this one follows."""
        return self._control.former

    async def set_policy(self, policy: str) -> BalancerAnswer:
        """Place by another policy, at every balancer."""
        if policy not in (names := self._view.policy.names):
            return BalancerAnswer(BalancerOutcome.INVALID, detail=f"policies are {', '.join(names)}")
        try:
            await self._book.set_policy(policy)
            await self.read()
        except BookUnavailable as error:
            return unwritten(error)
        return BalancerAnswer(BalancerOutcome.DONE)

    @property
    def rushhour(self) -> tuple[str, float] | None:
        """The run that holds the rush hour, and for how many seconds more; None when none does."""
        lease = self._control.rushhour
        left_ms = lease.left_ms(self._unix_ms()) if lease else 0
        return (lease.run_id, left_ms / MS_PER_S) if lease and left_ms else None

    async def take_rushhour(self, run_id: str, ttl_s: float, window: Window | None = None) -> BalancerAnswer:
        """Give a run the lease of the rush hour for `ttl_s` from now on, or renew it; INVALID when another run has it.

        `window` is when its cars arrive, once the run knows.
        """
        unix_ms = self._unix_ms()
        try:
            lease = await self._book.take_rushhour(Lease(run_id, unix_ms + round(ttl_s * MS_PER_S)), unix_ms)
            await self.read()
        except BookUnavailable as error:
            return unwritten(error)
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
            return unwritten(error)
        return BalancerAnswer(BalancerOutcome.INVALID if self.rushhour else BalancerOutcome.DONE)

    def _unix_ms(self) -> int:
        return int(self._machine.unix_s() * MS_PER_S)


def unwritten(error: BookUnavailable) -> BalancerAnswer:
    """Return the answer to an order that could not be written to the order book."""
    return BalancerAnswer(BalancerOutcome.UNREACHABLE, detail=f"the order book: {error}")
