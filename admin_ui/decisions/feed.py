"""The newest decisions of the balancer, asked for once for all browsers."""

import asyncio
import time
from typing import Any

from admin_ui.decisions.reasons import explained
from admin_ui.grid.grid_calls import GridCalls

FRESH_S = 0.4  # browsers that ask within it get the same answer
MOST = 100  # decisions at once
MOST_OPTIONS = 6000  # candidates of all of them: fewer decisions of a large fleet


class DecisionFeed:
    """What was decided last; `substations` returns how many there are."""

    def __init__(self, calls: GridCalls) -> None:
        self._calls = calls
        self._asking = asyncio.Lock()
        self._newest: list[dict[str, Any]] = []
        self._fault = ""
        self._asked_s = float("-inf")

    async def newest(self, substations: int) -> tuple[list[dict[str, Any]], str]:
        """Return the newest decisions, newest first, and in words why there are none; '' when there are."""
        async with self._asking:
            if time.monotonic() - self._asked_s > FRESH_S:
                limit = max(min(MOST, MOST_OPTIONS // max(substations, 1)), 1)
                reply = await self._calls.decisions(limit=limit)
                known = "decisions" in reply.body
                self._newest = [explained(each) for each in reply.body["decisions"]] if known else []
                self._fault = "" if known else f"The balancer does not tell: {reply.detail}."
                self._asked_s = time.monotonic()
        return self._newest, self._fault
