"""Orders to one substation: drain it, limit it, or give it up for good."""

import asyncio

from balancer.book.decommissioned import DecommissionedJournals
from balancer.book.protocol import BookUnavailable, OrderBook
from balancer.contract import BalancerAnswer, BalancerOutcome
from balancer.fleet.view import View
from balancer.operating.decommission import objection, objection_of_others
from balancer.operating.operator_settings import OperatorSettings, unwritten
from balancer.placing.asking import Asker
from runtime.machine import THIS, Machine
from substation import contract as substation

ORDER_S = 5.0  # within which a substation confirms
TOO_HIGH = "the limit is above the rated capacity"
UNKNOWN = "no substation of this id is known: /fleet lists those that are"
NOTHING_LEFT = "nothing is known of it, or it is given up already: /fleet lists substations and journals"
OUTCOMES = {
    substation.SubstationOutcome.DONE: BalancerOutcome.DONE,
    substation.SubstationOutcome.INVALID: BalancerOutcome.INVALID,
}


class SubstationOrders:
    """Carries out what operators order of one substation."""

    def __init__(
        self,
        view: View,
        book: OrderBook,
        asker: Asker,
        decommissioned: DecommissionedJournals,
        settings: OperatorSettings,
        machine: Machine = THIS,
    ) -> None:
        """`settings` are read again when a journal was given up."""
        self._view = view
        self._roster = view.roster
        self._book = book
        self._asker = asker
        self._decommissioned = decommissioned
        self._settings = settings
        self._monotonic_s = machine.monotonic_s

    async def drain(self, substation_id: str, *, on: bool) -> BalancerAnswer:
        """Let a substation admit no new session, or admit again."""
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
            if why := objection_of_others(await self._book.reached_by_others(), substation_id, journal_id):
                return BalancerAnswer(BalancerOutcome.INVALID, detail=why)
            await self._settings.remember()
            member = self._roster.members.get(substation_id)
            known = await self._book.journals(substation_id) | (
                {member.report.journal_id} if member else set()
            )
            wanted = known & {journal_id} if journal_id else known
            gone = {(substation_id, journal) for journal in wanted} - self._decommissioned.journals
            if why := self._objection(substation_id, journal_id):  # it may have come back meanwhile
                return BalancerAnswer(BalancerOutcome.INVALID, detail=why)
            await asyncio.gather(*(self._book.decommission(*each) for each in gone))
            await self._settings.read()
        except BookUnavailable as error:
            return unwritten(error)
        if not gone:
            return BalancerAnswer(BalancerOutcome.NOT_FOUND, detail=NOTHING_LEFT)
        return BalancerAnswer(BalancerOutcome.DONE)

    def _objection(self, substation_id: str, journal_id: str) -> str:
        return objection(self._view, substation_id, journal_id, self._monotonic_s())

    async def _order(
        self, substation_id: str, command: substation.Drain | substation.Derate
    ) -> BalancerAnswer:
        if substation_id not in self._roster.members:
            return BalancerAnswer(BalancerOutcome.NOT_FOUND, detail=UNKNOWN)
        answer = await self._asker.ask(substation_id, command, self._monotonic_s() + ORDER_S)
        outcome = BalancerOutcome.UNREACHABLE
        if answer:
            outcome = OUTCOMES.get(answer.outcome, outcome)
        return BalancerAnswer(outcome, detail=TOO_HIGH if outcome is BalancerOutcome.INVALID else "")
