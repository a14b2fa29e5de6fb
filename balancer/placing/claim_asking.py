"""Asking the substation of a claim to place it, while its power counts as outstanding there."""

from balancer.book.decommissioned import DecommissionedJournals
from balancer.book.protocol import Claim, OrderBook
from balancer.contract import Charge
from balancer.fleet.view import View
from balancer.metrics import BalancerMetrics
from balancer.placing.asking import Asker
from balancer.placing.decisions import Decision
from substation.contract import Place, SubstationAnswer, SubstationOutcome

GIVEN_UP = SubstationAnswer(SubstationOutcome.REFUSED)  # in place of a substation that is gone for good


class ClaimAsker:
    """Asks for claims, and notes the answers in the decisions and the metrics."""

    def __init__(
        self,
        view: View,
        book: OrderBook,
        asker: Asker,
        decommissioned: DecommissionedJournals,
        metrics: BalancerMetrics,
    ) -> None:
        self._view = view
        self._book = book
        self._asker = asker
        self._decommissioned = decommissioned
        self._metrics = metrics

    async def ask(
        self, charge: Charge, claim: Claim, decision: Decision | None, until_s: float
    ) -> SubstationAnswer | None:
        """Return the answer of the claim's substation, None when it can't say what became of the claim.

        `decision` is the one that led to the claim, to be completed with the answer.
        """
        if self._decommissioned.includes(claim.target, claim.journal_id):
            return GIVEN_UP
        if self._view.other_journal(claim.target, claim.journal_id):
            return None
        with self._view.holding(claim.target, charge.plan.power_w):
            answer = await self._asker.ask(claim.target, self._command(charge, claim), until_s)
        if decision and answer and answer.outcome is SubstationOutcome.PLACED:
            self._view.roster.inflow.placed(claim.target, charge.plan.power_w)
        if decision:
            decision.outcome = answer.outcome if answer else "unknown"
            decision.session_id = answer.session.session_id if answer and answer.session else ""
        if claim.target in self._view.roster.members:  # one that was given up has no series any more
            self._metrics.decided(claim.target, answer.outcome if answer else None)
        return answer

    def _command(self, charge: Charge, claim: Claim) -> Place:
        return Place(
            self._book.book_id,
            claim.key,
            claim.attempt,
            charge.vehicle_id,
            charge.plan,
            charge.caller,
            claim.journal_id,
        )
