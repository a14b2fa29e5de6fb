"""Placement: claim, then place; one request, one session, whatever is retried or lost.

A request with a key follows the order book. A request without one gets a key that is never shown,
skips the book, and is withdrawn when its outcome stays unknown.
"""

import asyncio
import contextlib
import secrets
import time
from typing import Any

from balancer.book.protocol import BookUnavailable, Claim, OrderBook, Withdrawal
from balancer.contract import BalancerAnswer, BalancerOutcome, Charge
from balancer.fleet.readiness import of_another_book
from balancer.metrics import BalancerMetrics
from balancer.operating.operator_settings import OperatorSettings
from balancer.placing.asking import Asker
from balancer.placing.decisions import Decision
from balancer.placing.flights import Flights
from balancer.placing.seats import Seat, Seats
from balancer.placing.waiting_room import Waiter
from balancer.placing.withdrawals import Withdrawals
from substation import contract as substation

MOST_ASKED = 4  # the first choice and at most three more
ASK_S = 2.0  # of the caller's time are kept for asking, however long it would wait for room
ASKED = substation.SubstationOutcome
GIVEN_UP = substation.SubstationAnswer(ASKED.REFUSED)  # in place of a substation that is gone for good
KNOWN = "known"  # the outcome of a decision that the order book did not follow
AGAIN_MS = 1000  # where nobody knows when it will be better
OPERATOR_MS = 30_000  # Retry-After when an operator has to act first


class Placement:
    """Places requests on the fleet."""

    def __init__(
        self,
        seats: Seats,
        book: OrderBook,
        asker: Asker,
        operator: OperatorSettings,
        withdrawals: Withdrawals,
        metrics: BalancerMetrics,
    ) -> None:
        self._fleet = seats.fleet
        self._seats = seats
        self._book = book
        self._asker = asker
        self._operator = operator
        self._withdrawals = withdrawals
        self._metrics = metrics
        self._flights = Flights()
        self._keyless: set[asyncio.Task[Any]] = set()
        self._later: set[asyncio.Task[None]] = set()

    async def charge(self, charge: Charge, until_s: float) -> tuple[BalancerAnswer, Withdrawal | None]:
        """Place a request by the monotonic time `until_s`.

        Returns the answer and, for a request without a key that was admitted, the withdrawal to note
        should the answer not reach its caller.
        """
        room_s = min(time.monotonic() + charge.max_wait_ms / 1000, until_s - ASK_S)
        if charge.key:
            return await self._flights.join(charge, lambda: self._with_key(charge, until_s, room_s)), None
        if task := asyncio.current_task():
            self._keyless.add(task)
            task.add_done_callback(self._keyless.discard)
        return await self._without_key(charge, until_s, room_s)

    async def close(self) -> None:
        """Give up what is in flight: keyed requests will be asked again, others are withdrawn."""
        tasks: list[asyncio.Task[Any]] = [*self._flights.tasks(), *self._keyless, *self._later]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _with_key(self, charge: Charge, until_s: float, room_s: float) -> BalancerAnswer:
        try:
            seat = self._seats.now(charge, 0)
            claim = await self._claim(charge, seat)
            if claim is None and (seat := await self._wait(charge, 0, room_s, None)):
                claim = await self._claim(charge, seat)
            if claim is None:
                return self._nobody(charge)
            if claim.fingerprint != charge.fingerprint:
                return BalancerAnswer(BalancerOutcome.KEY_REUSED)
            return await self._follow(charge, claim, seat, until_s, room_s)
        except BookUnavailable as error:
            return BalancerAnswer(
                BalancerOutcome.UNKNOWN, retry_after_ms=AGAIN_MS, detail=f"the order book: {error}"
            )

    async def _claim(self, charge: Charge, seat: Seat | None) -> Claim | None:
        """Claim the seat, or read the book without one; returns what the book says."""
        with seat or contextlib.nullcontext():
            target, journal_id = (seat.target, seat.journal_id) if seat else (None, "")
            claim = await self._book.claim(charge.key, charge.fingerprint, target, journal_id)
        if seat and claim and not claim.fresh:
            seat.decision.outcome = KNOWN
        return claim

    async def _follow(
        self, charge: Charge, claim: Claim, seat: Seat | None, until_s: float, room_s: float
    ) -> BalancerAnswer:
        """Ask where the book says, and move on in the book after each refusal."""
        left = MOST_ASKED
        while True:
            if claim.target:
                answer = await self._ask_claimed(charge, claim, seat, until_s)
                if settled := self._settled(answer, claim):
                    return settled
                left -= 1
                if answer and answer.outcome is ASKED.STALE:
                    if not left:
                        return BalancerAnswer(BalancerOutcome.UNKNOWN, retry_after_ms=AGAIN_MS)
                    claim = await self._claim(charge, None) or claim
                    continue
                if answer and answer.outcome is ASKED.WRONG_BOOK:
                    await self._book.release(claim)
                    return _wrong_book(claim.target)
            if not left:
                await self._book.release(claim)
                return BalancerAnswer(BalancerOutcome.NO_CAPACITY, retry_after_ms=self._wait_ms(charge))
            seat = await self._seat(charge, claim.attempt + 1, room_s, seat, claim)
            if seat is None:
                return self._nobody(charge)
            with seat:
                claim = await self._book.advance(claim, seat.target, seat.journal_id)
            if claim.target != seat.target:
                seat.decision.outcome = KNOWN

    async def _ask_claimed(
        self, charge: Charge, claim: Claim, seat: Seat | None, until_s: float
    ) -> substation.SubstationAnswer | None:
        """Ask the substation where a key is claimed; None when that one can't say what became of it."""
        decision = seat.decision if seat and not seat.decision.outcome else None
        if self._operator.given_up(claim.target, claim.journal_id):
            return GIVEN_UP
        if self._another_journal(claim):
            return None
        answer = await self._ask(claim.target, self._place(charge, claim), until_s, decision)
        if answer and answer.outcome is ASKED.PLACED and answer.session:
            self._seats.admitted(charge, seat if decision else None, answer.session)
        return answer

    def _another_journal(self, claim: Claim) -> str:
        """Return the journal under which the target of a claim is there now, '' if it is the claim's."""
        member = self._fleet.members.get(claim.target)
        if not member or claim.journal_id in {"", member.report.journal_id}:
            return ""
        return member.report.journal_id

    def _settled(self, answer: substation.SubstationAnswer | None, claim: Claim) -> BalancerAnswer | None:
        """Return the final answer to a claim, None when the request must move on."""
        if answer is None:
            if now := self._another_journal(claim):
                detail = (
                    f"{claim.target} runs with another journal ({now}); the outcome of this request is in"
                    f" journal {claim.journal_id}: an operator has to bring it back, or give it up"
                )
                return BalancerAnswer(BalancerOutcome.UNKNOWN, retry_after_ms=OPERATOR_MS, detail=detail)
            return BalancerAnswer(BalancerOutcome.UNKNOWN, retry_after_ms=AGAIN_MS)
        if answer.outcome is ASKED.PLACED and answer.session:
            session = answer.session
            self._keep(claim.key, session.expected_end_unix_ms - session.started_unix_ms)
            return BalancerAnswer(BalancerOutcome.ADMITTED, session)
        return None

    async def _without_key(
        self, charge: Charge, until_s: float, room_s: float
    ) -> tuple[BalancerAnswer, Withdrawal | None]:
        key = "~" + secrets.token_hex(16)
        seat: Seat | None = None
        for attempt in range(MOST_ASKED):
            seat = await self._seat(charge, attempt, room_s, seat)
            if seat is None:
                return self._nobody(charge), None
            withdrawal = Withdrawal(key, attempt, seat.target, seat.journal_id)
            seat.hold.close()  # the asking holds from here on, without a pause between
            claim = Claim(key, charge.fingerprint, attempt, seat.target, seat.journal_id)
            try:
                answer = await self._ask(seat.target, self._place(charge, claim), until_s, seat.decision)
            except asyncio.CancelledError:
                self._withdrawals.note_soon(withdrawal)
                raise
            if answer is None:
                await self._withdrawals.note(withdrawal)
                return BalancerAnswer(BalancerOutcome.WITHDRAWN, retry_after_ms=AGAIN_MS), None
            if answer.outcome is ASKED.PLACED and answer.session:
                self._seats.admitted(charge, seat, answer.session)
                return BalancerAnswer(BalancerOutcome.ADMITTED, answer.session), withdrawal
            if answer.outcome is ASKED.WRONG_BOOK:
                return _wrong_book(seat.target), None
        return BalancerAnswer(BalancerOutcome.NO_CAPACITY, retry_after_ms=self._wait_ms(charge)), None

    def _place(self, charge: Charge, claim: Claim) -> substation.Place:
        return substation.Place(
            self._book.book_id,
            claim.key,
            claim.attempt,
            charge.vehicle_id,
            charge.plan,
            charge.caller,
            claim.journal_id,
        )

    async def _seat(
        self, charge: Charge, attempt: int, room_s: float, refused: Seat | None, claim: Claim | None = None
    ) -> Seat | None:
        """Find a seat at once or by waiting; a request that waited before it was refused goes on waiting.

        Without a seat at once, the refusal of `claim` is written to the book, so that the key does not
        depend on the substation that refused it any more.
        """
        waiter = refused.waiter if refused else None
        if not waiter and (seat := self._seats.now(charge, attempt)):
            return seat
        if claim and claim.target:
            await self._book.release(claim)
        if seat := await self._wait(charge, attempt, room_s, waiter):
            return seat
        return self._seats.now(charge, attempt) if waiter else None

    async def _wait(self, charge: Charge, attempt: int, room_s: float, former: Waiter | None) -> Seat | None:
        """Wait for room, unless there will never be enough of it, or nobody is left who asks."""
        flight = self._flights.find(charge)
        if flight and not flight.callers:
            return None
        if self._fleet.rated_w(charge.substations) < charge.plan.power_w and not self._fleet.unseen():
            return None
        if flight:
            flight.idle = True
        seat = await self._seats.later(charge, attempt, room_s, former)
        if flight:
            flight.idle = False
        return seat

    async def _ask(
        self, target: str, place: substation.Place, until_s: float, decision: Decision | None
    ) -> substation.SubstationAnswer | None:
        with self._fleet.holding(target, place.plan.power_w):
            answer = await self._asker.ask(target, place, until_s)
        if decision:
            decision.outcome = answer.outcome if answer else "unknown"
            decision.session_id = answer.session.session_id if answer and answer.session else ""
        if target in self._fleet.members:  # a substation that was given up has no series any more
            self._metrics.decided(target, answer.outcome if answer else None)
        return answer

    def _keep(self, key: str, for_ms: int) -> None:
        """Prolong the key's life in the book; nobody waits for it."""

        async def keep() -> None:
            with contextlib.suppress(BookUnavailable):
                await self._book.keep(key, for_ms)

        task = asyncio.create_task(keep())
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    def _nobody(self, charge: Charge) -> BalancerAnswer:
        """Say why no substation can be asked; nothing was placed."""
        rated_w = self._fleet.rated_w(charge.substations)
        if not self._fleet.unseen():
            if charge.substations and self._fleet.members.keys().isdisjoint(charge.substations):
                return BalancerAnswer(
                    BalancerOutcome.UNKNOWN_SUBSTATION, detail=", ".join(charge.substations)
                )
            if 0 < rated_w < charge.plan.power_w:
                detail = f"the highest capacity is {rated_w / 1000:g} kW"
                return BalancerAnswer(BalancerOutcome.EXCEEDS_CAPACITY, detail=detail)
        if self._fleet.reachable(charge.substations, time.monotonic()):
            return BalancerAnswer(BalancerOutcome.NO_CAPACITY, retry_after_ms=self._wait_ms(charge))
        names = charge.substations or tuple(self._fleet.members)
        foreign = [n for n in names if (m := self._fleet.members.get(n)) and self._fleet.foreign(m)]
        wait_ms = self._wait_ms(charge)
        return BalancerAnswer(
            BalancerOutcome.NO_SUBSTATION, retry_after_ms=wait_ms, detail=of_another_book(foreign)
        )

    def _wait_ms(self, charge: Charge) -> int:
        return int(self._seats.retry_after_s(charge) * 1000)


def _wrong_book(target: str) -> BalancerAnswer:
    detail = f"{target} belongs to another order book"
    return BalancerAnswer(BalancerOutcome.NO_SUBSTATION, retry_after_ms=AGAIN_MS, detail=detail)
