"""Bugs in balancers."""

from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from balancer.book.embedded import EmbeddedBook
from balancer.book.protocol import Claim
from balancer.fleet.view import Hold
from balancer.placing.claim_asking import GIVEN_UP, ClaimAsker
from balancer.placing.seating.waiting_room import WaitingRoom
from balancer.placing.walks import KeylessWalk
from balancer.placing.withdrawals import Withdrawals
from balancer.stream import BalancerService
from tests.simulation.planted.registry import planted


@planted
def a_request_goes_on_after_an_unknown_outcome() -> AbstractContextManager[object]:
    """No answer counts as a refusal."""
    ask = ClaimAsker.ask

    async def asked(self: ClaimAsker, *given: Any) -> Any:
        return await ask(self, *given) or GIVEN_UP

    return patch.object(ClaimAsker, "ask", asked)


@planted
def a_key_is_not_claimed() -> AbstractContextManager[object]:
    """The claim is not written."""
    claim = EmbeddedBook.claim

    async def claimed(
        self: EmbeddedBook, key: str, fingerprint: str, target: str | None, journal_id: str = ""
    ) -> Claim | None:
        found = await claim(self, key, fingerprint, None)
        return found or (Claim(key, fingerprint, 0, target, journal_id, fresh=True) if target else None)

    return patch.object(EmbeddedBook, "claim", claimed)


@planted
def a_claim_is_used_before_its_commit() -> AbstractContextManager[object]:
    """The answer does not wait for the commit."""
    claim = EmbeddedBook.claim

    async def claimed(
        self: EmbeddedBook, key: str, fingerprint: str, target: str | None, journal_id: str = ""
    ) -> Claim | None:
        found = await claim(self, key, fingerprint, None)
        if found or not target:
            return found
        import asyncio  # noqa: PLC0415

        self.late = asyncio.ensure_future(claim(self, key, fingerprint, target, journal_id))  # type: ignore[attr-defined]
        return Claim(key, fingerprint, 0, target, journal_id, fresh=True)

    return patch.object(EmbeddedBook, "claim", claimed)


@planted
def a_seat_is_given_back_twice() -> AbstractContextManager[object]:
    """Closing a hold frees its power twice."""

    def close(self: Hold) -> None:
        if self._member:
            self._member.outstanding_w -= 2 * self._demand_w
            self._member = None

    return patch.object(Hold, "close", close)


@planted
def a_seat_is_not_given_back() -> AbstractContextManager[object]:
    """A hold is not closed when asking ends."""
    return patch.object(Hold, "__exit__", lambda *_: None)


@planted
def an_unused_answer_is_not_withdrawn() -> AbstractContextManager[object]:
    """A session that its caller does not know of is left."""
    return patch.object(BalancerService, "_unused", lambda *_: None)


@planted
def a_request_that_was_given_up_is_not_withdrawn() -> AbstractContextManager[object]:
    """Asking was cancelled, and nobody ends what was placed."""
    return patch.object(KeylessWalk, "abandoned", lambda *_: None)


@planted
def the_withdrawals_in_the_book_are_not_taken_up() -> AbstractContextManager[object]:
    """A balancer that starts does not read what its former run left."""

    async def resume(self: Withdrawals) -> None:
        await self._book.withdrawals()

    return patch.object(Withdrawals, "resume", resume)


@planted
def a_request_stays_in_the_waiting_room() -> AbstractContextManager[object]:
    """Nobody leaves the waiting room."""
    return patch.object(WaitingRoom, "leave", lambda *_: None)
