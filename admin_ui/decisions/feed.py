"""The newest decisions of the balancers, requested once for all browsers."""

import asyncio
import secrets
import time
from collections.abc import Mapping
from typing import Any

from admin_ui.decisions.merged import MOST, Answer, MergedDecisions
from admin_ui.decisions.reasons import explain
from admin_ui.grid.balancer_calls import Reply
from admin_ui.grid.balancers import Balancers
from admin_ui.grid.grid_calls import GridCalls

FRESH_S = 0.4  # browsers that ask within this time get the same answer
MOST_OPTIONS = 6000  # candidates of all decisions together, so that a large fleet gives fewer decisions


class DecisionFeed:
    """Requests the newest decisions and keeps them for FRESH_S. `id` tells its numbers from those before a restart."""

    def __init__(self, calls: GridCalls, balancers: Balancers) -> None:
        self.id = secrets.token_hex(4)
        self._calls = calls
        self._balancers = balancers
        self._lock = asyncio.Lock()
        self._merged = MergedDecisions()
        self._fault = ""
        self._requested_s = float("-inf")

    async def after(self, number: int, substations: int) -> tuple[list[dict[str, Any]], str]:
        """Return the newest decisions past a number, the highest first, and in words which are missing ('' when none is).

        `substations` is their number, which limits that of the decisions.
        """
        async with self._lock:
            if time.monotonic() - self._requested_s > FRESH_S:
                limit = min(MOST, MOST_OPTIONS // max(substations, 1)) // max(len(self._balancers.names), 1)
                replies = await self._calls.decisions(limit=max(limit, 1))
                self._merged.take(answers(replies))
                self._fault = " ".join(
                    faults(replies, self._balancers, "The balancer's decisions can't be read")
                )
                self._requested_s = time.monotonic()
        return self._merged.after(number), self._fault


def answers(replies: Mapping[str, Reply]) -> dict[str, Answer]:
    """Return the decisions in words, of each balancer that has answered."""
    return {
        name: Answer(
            int(reply.body.get("started_unix_ms", 0)), [explain(each) for each in reply.body["decisions"]]
        )
        for name, reply in replies.items()
        if "decisions" in reply.body
    }


def faults(replies: Mapping[str, Reply], balancers: Balancers, lone: str, only: str = "") -> list[str]:
    """Return in words whose decisions are missing, and why; `lone` begins the sentence where there is only one balancer.

    `only` is the address of the one balancer that counts, '' for all.
    """
    if not balancers.several:
        return [f"{lone}: {each.detail}." for each in replies.values() if "decisions" not in each.body]
    why = {
        each.name: replies[each.name].detail if each.name in replies else each.why
        for each in balancers.by_url.values()
        if (each.name == only or not only)
        and (each.name not in replies or "decisions" not in replies[each.name].body)
    }
    return [f"The decisions of the balancer at {name} are missing: {text}." for name, text in why.items()]
