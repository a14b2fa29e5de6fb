"""The answers to requests that were not placed, with the reason and when to come back.

Pure: time comes as seconds of a monotonic clock.
"""

from collections.abc import Callable

from balancer.book.protocol import BookUnavailable, Claim
from balancer.contract import BalancerAnswer, BalancerOutcome, Charge
from balancer.fleet.readiness import of_another_book
from balancer.fleet.view import View

AGAIN_MS = 1000  # Retry-After where nothing says when it will be better
OPERATOR_MS = 30_000  # Retry-After when an operator has to act first


def explain_no_seat(
    view: View, charge: Charge, now_s: float, promised_ms: Callable[[Charge], int]
) -> BalancerAnswer:
    """Say why no substation can be asked; no session was placed.

    `promised_ms` promises the request a moment and returns in how many milliseconds that is; it is called at most
    once, and not for a request that will never fit.
    """
    roster = view.roster
    if not roster.addresses.unseen():
        if charge.substations and roster.members.keys().isdisjoint(charge.substations):
            return BalancerAnswer(BalancerOutcome.UNKNOWN_SUBSTATION, detail=", ".join(charge.substations))
        if 0 < (rated_w := view.rated_w(charge.substations)) < charge.plan.power_w:
            detail = f"the highest capacity is {rated_w / 1000:g} kW"
            return BalancerAnswer(BalancerOutcome.EXCEEDS_CAPACITY, detail=detail)
    if view.reachable(charge.substations, now_s):
        return BalancerAnswer(BalancerOutcome.NO_CAPACITY, retry_after_ms=promised_ms(charge))
    names = charge.substations or tuple(roster.members)
    foreign = [n for n in names if (m := roster.members.get(n)) and roster.foreign(m)]
    return BalancerAnswer(
        BalancerOutcome.NO_SUBSTATION, retry_after_ms=promised_ms(charge), detail=of_another_book(foreign)
    )


def unknown_outcome(claim: Claim, other_journal: str) -> BalancerAnswer:
    """Say that a substation did not decide in time; `other_journal` is its journal now, '' if the claim's."""
    if not other_journal:
        return BalancerAnswer(BalancerOutcome.UNKNOWN, retry_after_ms=AGAIN_MS)
    detail = (
        f"{claim.target} runs with another journal ({other_journal}); the outcome of this request is in"
        f" journal {claim.journal_id}: an operator has to bring it back, or give it up"
    )
    return BalancerAnswer(BalancerOutcome.UNKNOWN, retry_after_ms=OPERATOR_MS, detail=detail)


def no_book(error: BookUnavailable) -> BalancerAnswer:
    """Say that the order book can't be asked: this attempt has placed nothing, and an earlier one under its key may have."""
    return BalancerAnswer(
        BalancerOutcome.UNAVAILABLE, retry_after_ms=AGAIN_MS, detail=f"the order book: {error}"
    )


def wrong_book(target: str) -> BalancerAnswer:
    """Say that a substation belongs to another order book."""
    detail = f"{target} belongs to another order book"
    return BalancerAnswer(BalancerOutcome.NO_SUBSTATION, retry_after_ms=AGAIN_MS, detail=detail)
