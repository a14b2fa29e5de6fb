"""What the fleet and its substations will probably carry, as the balancer answers it, shared by all browsers.

The balancer adds up every known plan for an answer, so one of the last moments is given again.
"""

import asyncio
import collections
import time
from typing import Any

from admin_ui.grid.balancer_calls import Reply
from admin_ui.grid.grid_calls import GridCalls

KEPT_S = 2.0
MOST_KEPT = 32
LONGEST_S = 4 * 3600  # as far as the balancer looks


class Outlooks:
    """Asks the balancer, at most once in KEPT_S for each question; a question that is on its way is shared too."""

    def __init__(self, calls: GridCalls) -> None:
        self._calls = calls
        self._kept: collections.OrderedDict[tuple[int, str], tuple[float, asyncio.Task[Reply]]] = (
            collections.OrderedDict()
        )

    async def of(self, seconds: int, substation_id: str) -> dict[str, Any]:
        """Return the answer about a substation, or the fleet (''); without one, `fault` says why, and the lists are empty."""
        key = (seconds, substation_id)
        kept = self._kept.get(key)
        if not kept or time.monotonic() - kept[0] > KEPT_S:
            kept = (time.monotonic(), asyncio.create_task(self._calls.outlook(seconds, substation_id)))
            self._kept[key] = kept
            self._kept.move_to_end(key)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        reply = await asyncio.shield(kept[1])
        if reply.status != 200:
            fault = f"What is to come can't be looked up: {reply.detail}."
            return {"age_s": 0.0, "cars": [], "base_load": [], "fault": fault}
        known = {name: reply.body.get(name, []) for name in ("cars", "base_load")}
        return known | {"age_s": round(time.monotonic() - kept[0], 1), "fault": ""}
