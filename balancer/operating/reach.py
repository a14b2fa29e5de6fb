"""Tells the other balancers, through the order book, which substations this one reaches."""

import asyncio
import logging
from collections.abc import Callable

from balancer.book.protocol import BookUnavailable, OrderBook, Reached
from balancer.fleet.view import View
from balancer.operating.decommission import may_charge

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
AGAIN_S = 5.0  # what has not changed is said again: it holds for 15 s


async def tell_reach(view: View, book: OrderBook, monotonic_s: Callable[[], float]) -> None:
    """Say it whenever it has changed, and again and again by a monotonic clock, until cancelled."""
    said: frozenset[Reached] | None = None
    said_s = 0.0
    while True:
        now_s = monotonic_s()
        reached = frozenset(
            (name, member.report.journal_id)
            for name, member in view.roster.members.items()
            if may_charge(view, name, now_s)
        )
        if reached != said or now_s - said_s >= AGAIN_S:
            try:
                await book.reaches(reached)
                said, said_s = reached, now_s
            except BookUnavailable as error:
                log.warning(
                    "the book can't be told which substations are in reach", extra={"error": str(error)}
                )
        await asyncio.sleep(LOOK_EVERY_S)
