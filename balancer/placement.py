"""Placement: claim, then place; one request, one session, whatever is retried or lost.

A request with a key follows the order book. A request without one gets a key that is never shown,
skips the book, and is withdrawn when its outcome stays unknown.
"""

import asyncio
import contextlib
import secrets
import time
from typing import Any

from balancer.asking import Asker
from balancer.contract import Answer, Charge, Outcome
from balancer.fleet import Fleet
from balancer.metrics import BalancerMetrics
from balancer.orders import BookUnavailable, Claim, OrderBook, Withdrawal
from balancer.withdrawals import Withdrawals
from substation import contract as substation

MOST_ASKED = 4  # the first choice and at most three more
OPEN = substation.Outcome
BOOK_RETRY_MS = 1000


class Placement:
    """Places requests on the fleet."""

    def __init__(
        self, fleet: Fleet, book: OrderBook, asker: Asker, withdrawals: Withdrawals, metrics: BalancerMetrics
    ) -> None:
        self._fleet = fleet
        self._book = book
        self._asker = asker
        self._withdrawals = withdrawals
        self._metrics = metrics
        self._in_flight: dict[str, tuple[str, asyncio.Task[Answer]]] = {}
        self._keyless: set[asyncio.Task[Any]] = set()
        self._later: set[asyncio.Task[None]] = set()

    async def charge(self, charge: Charge, until_s: float) -> tuple[Answer, Withdrawal | None]:
        """Place a request by the monotonic time `until_s`.

        Returns the answer and, for a request without a key that was admitted, the withdrawal to note
        should the answer not reach its caller.
        """
        if charge.key:
            return await self._joined(charge, until_s), None
        if task := asyncio.current_task():
            self._keyless.add(task)
            task.add_done_callback(self._keyless.discard)
        return await self._without_key(charge, until_s)

    async def close(self) -> None:
        """Give up what is in flight: keyed requests will be asked again, others are withdrawn."""
        tasks = [*(task for _, task in self._in_flight.values()), *self._keyless, *self._later]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _joined(self, charge: Charge, until_s: float) -> Answer:
        """Duplicates in flight wait for one answer; a caller who goes leaves the others waiting."""
        fingerprint, task = self._in_flight.get(charge.key, (charge.fingerprint, None))
        if fingerprint != charge.fingerprint:
            return Answer(Outcome.KEY_REUSED)
        if task is None:
            task = asyncio.create_task(self._with_key(charge, until_s))
            self._in_flight[charge.key] = (fingerprint, task)
            task.add_done_callback(lambda _: self._in_flight.pop(charge.key))
        return await asyncio.shield(task)

    async def _with_key(self, charge: Charge, until_s: float) -> Answer:
        target = self._choose(charge)
        try:
            claim = await self._claim(charge, target)
            if claim is None:
                return self._nobody(charge)
            if claim.fingerprint != charge.fingerprint:
                return Answer(Outcome.KEY_REUSED)
            return await self._follow(charge, claim, until_s)
        except BookUnavailable as error:
            return Answer(Outcome.UNKNOWN, retry_after_ms=BOOK_RETRY_MS, detail=f"the order book: {error}")

    async def _claim(self, charge: Charge, target: str | None) -> Claim | None:
        with self._fleet.holding(target or "", charge.plan.power_w):
            return await self._book.claim(charge.key, charge.fingerprint, target, _unix_ms())

    async def _follow(self, charge: Charge, claim: Claim, until_s: float) -> Answer:
        """Ask where the book says, and move on in the book after each refusal."""
        for _ in range(MOST_ASKED):
            answer = await self._ask(charge, claim.key, claim.attempt, claim.target, until_s)
            if answer is None:
                return Answer(Outcome.UNKNOWN, retry_after_ms=self._wait_ms(charge))
            if answer.outcome is OPEN.PLACED and answer.session:
                self._keep(claim.key, answer.session.expected_end_unix_ms)
                return Answer(Outcome.ADMITTED, answer.session)
            if answer.outcome is OPEN.WRONG_BOOK:
                return _wrong_book(claim.target)
            target = claim.target if answer.outcome is OPEN.STALE else self._choose(charge)
            if target is None:
                return self._nobody(charge)
            moved = await self._moved(charge, claim, answer, target)
            if moved is None:
                break
            claim = moved
        return Answer(Outcome.NO_CAPACITY, retry_after_ms=self._wait_ms(charge))

    async def _moved(
        self, charge: Charge, claim: Claim, answer: substation.Answer, target: str
    ) -> Claim | None:
        if answer.outcome is OPEN.STALE:
            return await self._book.claim(charge.key, charge.fingerprint, None, _unix_ms())
        with self._fleet.holding(target, charge.plan.power_w):
            return await self._book.advance(claim, target)

    async def _without_key(self, charge: Charge, until_s: float) -> tuple[Answer, Withdrawal | None]:
        key = "~" + secrets.token_hex(16)
        for attempt in range(MOST_ASKED):
            target = self._choose(charge)
            if target is None:
                return self._nobody(charge), None
            withdrawal = Withdrawal(key, attempt, target)
            try:
                answer = await self._ask(charge, key, attempt, target, until_s)
            except asyncio.CancelledError:
                self._withdrawals.note_soon(withdrawal)
                raise
            if answer is None:
                return await self._withdrawn(withdrawal), None
            if answer.outcome is OPEN.PLACED:
                return Answer(Outcome.ADMITTED, answer.session), withdrawal
            if answer.outcome is OPEN.WRONG_BOOK:
                return _wrong_book(target), None
        return Answer(Outcome.NO_CAPACITY, retry_after_ms=self._wait_ms(charge)), None

    async def _withdrawn(self, withdrawal: Withdrawal) -> Answer:
        await self._withdrawals.note(withdrawal)
        return Answer(Outcome.WITHDRAWN, retry_after_ms=BOOK_RETRY_MS)

    async def _ask(
        self, charge: Charge, key: str, attempt: int, target: str, until_s: float
    ) -> substation.Answer | None:
        command = substation.Place(self._book.book_id, key, attempt, charge.vehicle_id, charge.plan)
        with self._fleet.holding(target, charge.plan.power_w):
            answer = await self._asker.ask(target, command, until_s)
        self._metrics.decided(target, answer.outcome if answer else None)
        return answer

    def _keep(self, key: str, until_unix_ms: int) -> None:
        """Prolong the key's life in the book; nobody waits for it."""

        async def keep() -> None:
            with contextlib.suppress(BookUnavailable):
                await self._book.keep_until(key, until_unix_ms)

        task = asyncio.create_task(keep())
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    def _choose(self, charge: Charge) -> str | None:
        return self._fleet.choose(charge.plan.power_w, charge.substations, time.monotonic())

    def _nobody(self, charge: Charge) -> Answer:
        """Say why no substation can be asked; nothing was placed."""
        unknown = [name for name in charge.substations if name not in self._fleet.members]
        if unknown and not self._fleet.unseen():
            return Answer(Outcome.UNKNOWN_SUBSTATION, detail=", ".join(unknown))
        rated_w = self._fleet.rated_w(charge.substations)
        if not rated_w:
            return Answer(Outcome.NO_SUBSTATION, retry_after_ms=self._wait_ms(charge))
        if rated_w < charge.plan.power_w and not self._fleet.unseen():
            return Answer(Outcome.EXCEEDS_CAPACITY, detail=f"the highest capacity is {rated_w / 1000:g} kW")
        return Answer(Outcome.NO_CAPACITY, retry_after_ms=self._wait_ms(charge))

    def _wait_ms(self, charge: Charge) -> int:
        wait_s = self._fleet.retry_after_s(charge.plan.power_w, charge.substations, time.monotonic())
        return int(wait_s * 1000)


def _wrong_book(target: str) -> Answer:
    detail = f"{target} belongs to another order book"
    return Answer(Outcome.NO_SUBSTATION, retry_after_ms=BOOK_RETRY_MS, detail=detail)


def _unix_ms() -> int:
    return int(time.time() * 1000)
