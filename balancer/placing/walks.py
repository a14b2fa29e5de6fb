"""How one request goes from substation to substation: by the order book if it has a key, otherwise without the book.

A walk finds where to ask next, and claims that place first. Asking there, and what an answer means, is the same for
both kinds of walk: see placement.py.
"""

from typing import Protocol

from balancer.book.protocol import Claim, OrderBook, Withdrawal
from balancer.contract import BalancerAnswer, BalancerOutcome
from balancer.placing.flights import Flight
from balancer.placing.refusals import AGAIN_MS
from balancer.placing.seating.choosing import Seat
from balancer.placing.seating.seats import Seats
from balancer.placing.withdrawals import Withdrawals
from runtime.machine import THIS, Machine

RANDOM_BITS = 72  # of a key of the balancer's own
KNOWN = "known"  # the outcome of a decision that the order book did not follow


class Walk(Protocol):
    """The way of one request; `seat` is the last seat that was found for it."""

    flight: Flight
    seat: Seat | None

    async def next(self) -> Claim | None:
        """Return the claim to ask for next, at the next attempt; None when there is no seat for it.

        A claim with another fingerprint is another request's, which came first.
        """

    async def reread(self) -> Claim | None:
        """Return the claim to ask for after a substation knew of a later attempt; None when there is no seat."""

    async def release(self) -> None:
        """Note that the last substation refused, and that none is asked after it."""

    async def undecided(self, unknown: BalancerAnswer) -> BalancerAnswer:
        """Return the answer when a substation did not decide in time; `unknown` is that of a request with a key."""

    def abandoned(self) -> None:
        """Take note that the asking was cancelled."""


class KeyedWalk:
    """The way of a request with a key: the order book says where it is, and moves after each refusal."""

    def __init__(self, flight: Flight, seats: Seats, book: OrderBook) -> None:
        self.flight = flight
        self.seat: Seat | None = None
        self._seats = seats
        self._book = book
        self._claim: Claim | None = None
        self.claimed_now = False  # whether the key was new to the book

    async def next(self) -> Claim | None:
        """See Walk."""
        while True:
            before = self._claim
            attempt = before.attempt + 1 if before else 0
            former = self.seat.waiter if self.seat else None
            if seat := await self._seats.find(self.flight, attempt, former, self._before_waiting):
                self.seat = seat
                await self._take(seat)
            elif before or not self._claim:
                return None
            claim = self._claim
            if claim and (claim.target or claim.fingerprint != self.flight.charge.fingerprint):
                return claim

    async def reread(self) -> Claim | None:
        """See Walk."""
        self._claim = await self._read() or self._claim
        return self._claim if self._claim and self._claim.target else await self.next()

    async def release(self) -> None:
        """See Walk."""
        if self._claim:
            await self._book.release(self._claim)

    async def undecided(self, unknown: BalancerAnswer) -> BalancerAnswer:
        """Return `unknown`: the claim stays, and the caller asks again with the same key."""
        return unknown

    def abandoned(self) -> None:
        """Do nothing: the claim stays."""

    async def _before_waiting(self) -> bool:
        """Read the book, or note the refusal there; returns whether the request may wait.

        A key that is in the book already does not wait: its substation is asked. After a refusal, the key must not
        depend on the substation that refused it while it waits.
        """
        if not self._claim:
            self._claim = await self._read()
            return self._claim is None
        if self._claim.target:
            await self.release()
        return True

    async def _take(self, seat: Seat) -> None:
        """Claim a seat in the book, or learn from the book where the key is."""
        charge = self.flight.charge
        with seat:
            if self._claim:
                self._claim = await self._book.advance(self._claim, seat.target, seat.journal_id)
                followed = self._claim.target == seat.target
            else:
                self._claim = await self._book.claim(
                    charge.key, charge.fingerprint, seat.target, seat.journal_id
                )
                followed = self._claim is None or self._claim.fresh
                self.claimed_now = self._claim is not None and self._claim.fresh
        if not followed:
            seat.decision.outcome = KNOWN

    async def _read(self) -> Claim | None:
        return await self._book.claim(self.flight.charge.key, self.flight.charge.fingerprint, None)


def keyless_key(unix_us: int, machine: Machine = THIS) -> str:
    """Return a new key of the balancer's own: it rises with time, so that substations' indexes of keys grow at their end.

    An index of random keys is changed on as many pages as a commit has admissions (ADR 0035).
    """
    return f"~{unix_us:014x}{machine.random.getrandbits(RANDOM_BITS):0{RANDOM_BITS // 4}x}"  # it is no secret


class KeylessWalk:
    """The way of a request without a key: it gets one that is never shown, and the book is not asked.

    `withdrawal` is what to note should the answer not reach the caller.
    """

    def __init__(self, flight: Flight, seats: Seats, withdrawals: Withdrawals) -> None:
        self.flight = flight
        self.seat: Seat | None = None
        self.withdrawal: Withdrawal | None = None
        self._seats = seats
        self._withdrawals = withdrawals
        self._key = keyless_key(int(seats.machine.unix_s() * 1_000_000), seats.machine)
        self._attempt = 0

    async def next(self) -> Claim | None:
        """See Walk."""
        former = self.seat.waiter if self.seat else None
        self.seat = seat = await self._seats.find(self.flight, self._attempt, former, _may_wait)
        if not seat:
            return None
        seat.hold.close()  # the asking holds from here on, without a pause between
        claim = Claim(self._key, self.flight.charge.fingerprint, self._attempt, seat.target, seat.journal_id)
        self.withdrawal = Withdrawal(self._key, self._attempt, seat.target, seat.journal_id)
        self._attempt += 1
        return claim

    async def reread(self) -> Claim | None:
        """Return the next claim: there is no book."""
        return await self.next()

    async def release(self) -> None:
        """Do nothing: there is no book."""

    async def undecided(self, unknown: BalancerAnswer) -> BalancerAnswer:  # noqa: ARG002
        """Withdraw the session that the substation may have placed, since no caller will know of it."""
        if self.withdrawal:
            await self._withdrawals.note(self.withdrawal)
        return BalancerAnswer(BalancerOutcome.WITHDRAWN, retry_after_ms=AGAIN_MS)

    def abandoned(self) -> None:
        """Withdraw the session, without waiting for it."""
        if self.withdrawal:
            self._withdrawals.note_soon(self.withdrawal)


async def _may_wait() -> bool:
    return True
