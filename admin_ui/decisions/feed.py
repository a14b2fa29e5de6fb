"""The newest decisions of the balancer, requested once for all browsers."""

import asyncio
import time
from typing import Any

from admin_ui.decisions.reasons import explain
from admin_ui.grid.grid_calls import GridCalls

FRESH_S = 0.4  # browsers that ask within this time get the same answer
MOST = 100  # decisions at once
MOST_OPTIONS = 6000  # candidates of all decisions together, so that a large fleet gives fewer decisions


class DecisionFeed:
    """Requests the newest decisions and keeps them for FRESH_S."""

    def __init__(self, calls: GridCalls) -> None:
        self._calls = calls
        self._lock = asyncio.Lock()
        self._newest: list[dict[str, Any]] = []
        self._fault = ""
        self._requested_s = float("-inf")

    async def newest(self, substations: int) -> tuple[list[dict[str, Any]], str]:
        """Return the newest decisions, newest first, and in words why there are none ('' when there are).

        `substations` is their number, which limits that of the decisions.
        """
        async with self._lock:
            if time.monotonic() - self._requested_s > FRESH_S:
                limit = max(min(MOST, MOST_OPTIONS // max(substations, 1)), 1)
                reply = await self._calls.decisions(limit=limit)
                known = "decisions" in reply.body
                self._newest = [explain(each) for each in reply.body["decisions"]] if known else []
                self._fault = "" if known else f"The balancer's decisions can't be read: {reply.detail}."
                self._requested_s = time.monotonic()
        return self._newest, self._fault
