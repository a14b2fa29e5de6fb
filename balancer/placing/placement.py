"""Placement: claim, then place; one request gives one session, also when messages are repeated or lost.

A request with a key follows the order book. A request without one gets a key that is never shown,
skips the book, and is withdrawn when its outcome stays unknown. Both go the same way, in `_follow`.
"""

import asyncio
import contextlib
from typing import Any

from balancer.book.decommissioned import DecommissionedJournals
from balancer.book.protocol import BookUnavailable, Claim, OrderBook, Withdrawal
from balancer.contract import BalancerAnswer, BalancerOutcome, Charge
from balancer.metrics import BalancerMetrics
from balancer.placing.asking import Asker
from balancer.placing.claim_asking import ClaimAsker
from balancer.placing.flights import Flight, Flights
from balancer.placing.refusals import AGAIN_MS, explain_no_seat, no_book, unknown_outcome, wrong_book
from balancer.placing.seating.seats import Seats
from balancer.placing.walks import KeyedWalk, KeylessWalk, Walk
from balancer.placing.withdrawals import Withdrawals
from substation.contract import SubstationAnswer, SubstationOutcome

MOST_ASKED = 4  # the first choice and at most three more
LONGEST_FLIGHT_MS = 2 * 3600 * 1000  # a request waits for at most an hour, and is then asked for
ASK_S = 2.0  # of the caller's time are kept for asking, however long it would wait for room


class Placement:
    """Places requests on the fleet."""

    def __init__(
        self,
        seats: Seats,
        book: OrderBook,
        asker: Asker,
        decommissioned: DecommissionedJournals,
        withdrawals: Withdrawals,
        metrics: BalancerMetrics,
    ) -> None:
        self._view = seats.view
        self._seats = seats
        self._monotonic_s = seats.machine.monotonic_s
        self._book = book
        self._asker = ClaimAsker(seats.view, book, asker, decommissioned, metrics)
        self._withdrawals = withdrawals
        self._flights = Flights()
        self._keyless: set[asyncio.Task[Any]] = set()
        self._later: set[asyncio.Task[None]] = set()

    async def charge(self, charge: Charge, until_s: float) -> tuple[BalancerAnswer, Withdrawal | None]:
        """Place a request by the monotonic time `until_s`.

        Returns the answer and, for a request without a key that was admitted, the withdrawal to note
        should the answer not reach its caller.
        """
        room_until_s = min(self._monotonic_s() + charge.max_wait_ms / 1000, until_s - ASK_S)
        flight = Flight(charge, until_s, room_until_s)
        if charge.key:
            return await self._flights.join(flight, self._with_key), None
        flight.callers = 1
        walk = KeylessWalk(flight, self._seats, self._withdrawals)
        if task := asyncio.current_task():
            self._keyless.add(task)
        try:
            answer = await self._follow(walk)
        finally:
            if task:
                self._keyless.discard(task)
        return answer, walk.withdrawal if answer.outcome is BalancerOutcome.ADMITTED else None

    async def close(self) -> None:
        """Give up what is in flight: keyed requests will be asked again, others are withdrawn."""
        tasks: list[asyncio.Task[Any]] = [*self._flights.tasks(), *self._keyless, *self._later]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _with_key(self, flight: Flight) -> BalancerAnswer:
        walk = KeyedWalk(flight, self._seats, self._book)
        try:
            answer = await self._follow(walk)
        except BookUnavailable as error:
            return no_book(error)
        if answer.outcome is BalancerOutcome.ADMITTED and answer.session:
            planned_ms = answer.session.expected_end_unix_ms - answer.session.started_unix_ms
            # A claim of this flight is at most as old as the longest wait for room.
            if not walk.claimed_now or planned_ms + LONGEST_FLIGHT_MS > self._book.kept_anyway_ms:
                self._keep(flight.charge.key, planned_ms)
        return answer

    async def _follow(self, walk: Walk) -> BalancerAnswer:
        """Ask one substation after the other until one has decided, at most MOST_ASKED times."""
        charge, left = walk.flight.charge, MOST_ASKED
        claim = await walk.next()
        while claim and claim.fingerprint == charge.fingerprint:
            answer = await self._ask(walk, claim)
            left -= 1
            if answer is None:
                other = self._view.other_journal(claim.target, claim.journal_id)
                return await walk.undecided(unknown_outcome(claim, other))
            if answer.outcome is SubstationOutcome.PLACED and answer.session:
                return BalancerAnswer(BalancerOutcome.ADMITTED, answer.session)
            if answer.outcome is SubstationOutcome.WRONG_BOOK:
                await walk.release()
                return wrong_book(claim.target)
            stale = answer.outcome is SubstationOutcome.STALE
            if not left or not walk.flight.callers:  # a copy that comes later may be told that it is refused
                return await self._exhausted(walk, stale=stale)
            claim = await (walk.reread() if stale else walk.next())
        if claim:
            return BalancerAnswer(BalancerOutcome.KEY_REUSED)
        return explain_no_seat(self._view, charge, self._monotonic_s(), self._promised_ms)

    async def _exhausted(self, walk: Walk, *, stale: bool) -> BalancerAnswer:
        """Return the answer after MOST_ASKED substations were asked and none admitted, or when no caller waits any more."""
        charge, walk.flight.given_up = walk.flight.charge, not walk.flight.callers
        if stale and charge.key:
            return BalancerAnswer(BalancerOutcome.UNKNOWN, retry_after_ms=AGAIN_MS)
        await walk.release()
        return BalancerAnswer(BalancerOutcome.NO_CAPACITY, retry_after_ms=self._promised_ms(charge))

    async def _ask(self, walk: Walk, claim: Claim) -> SubstationAnswer | None:
        """Ask for a claim; an admission at the seat of this request counts as passing those who wait."""
        flight, seat = walk.flight, walk.seat
        own = seat if seat and not seat.decision.outcome else None
        try:
            decision = own.decision if own else None
            answer = await self._asker.ask(flight.charge, claim, decision, flight.until_s)
        except asyncio.CancelledError:
            walk.abandoned()
            raise
        if answer and answer.outcome is SubstationOutcome.PLACED and answer.session:
            self._seats.admitted(flight.charge, own, answer.session)
        return answer

    def _keep(self, key: str, for_ms: int) -> None:
        """Prolong a key's life in the book beyond its session; no caller waits for it."""

        async def keep() -> None:
            with contextlib.suppress(BookUnavailable):
                await self._book.keep(key, for_ms)

        task = asyncio.create_task(keep())
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    def _promised_ms(self, charge: Charge) -> int:
        return int(self._seats.retry_after_s(charge) * 1000)
