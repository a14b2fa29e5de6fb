"""Pages of the open sessions, looked for in pieces, so that the event loop stays free.

Nothing is kept for them: an index in memory would cost each admission more than all readers together (docs/adr/0042).
"""

import asyncio
from collections.abc import Callable
from itertools import islice
from typing import Any

from substation.curve import Curve
from substation.open_listing import OpenQuery, Selection, candidates, page

PIECE = 500  # sessions: below 1 ms


class OpenPages:
    """Answers queries for the open sessions of a substation, one at a time."""

    def __init__(self, moment: Callable[[], tuple[Curve, int]], substation_id: str) -> None:
        """`moment` returns the published curve and the grid time."""
        self._moment = moment
        self._substation_id = substation_id
        self._turn = (
            asyncio.Lock()
        )  # several queries at once would leave the loop as little time as one long one

    async def find(self, query: OpenQuery) -> dict[str, Any]:
        """Return a page; all that is on it is of one moment."""
        async with self._turn:
            curve, now_ms = self._moment()
            selection = Selection(query)
            sessions = candidates(curve, now_ms, query.state)
            while piece := list(islice(sessions, PIECE)):
                selection.take(piece)
                await asyncio.sleep(0)
            return page(query, selection, curve, now_ms, self._substation_id)
