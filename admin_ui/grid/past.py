"""The past of the fleet, from a minute to 7 days: what the charts show beyond the quarter of an hour that the board keeps.

It survives restarts: after one, the board gets its last quarter of an hour back, in means of 10 s.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from admin_ui.grid.board import Board
from admin_ui.grid.history import HISTORY_S, Loads
from admin_ui.grid.kept_file import FileUnavailable
from admin_ui.grid.means import FLEET, Figures, Means
from admin_ui.grid.past_store import KEPT_S, PastStore

log = logging.getLogger(__name__)

FINE_S, COARSE_S = KEPT_S
LONGEST_S = KEPT_S[COARSE_S]
MOST_POINTS = 1500  # of one answer: no screen shows more
WRITTEN_WITHIN_S = (
    FINE_S + 1
)  # after the end of a window: that of a minute is over with the first one of the next
MOST_RESTORED = 100  # names whose last quarter of an hour a restart reads, those that were seen last first


class Past:
    """Records what the board shows, second by second, and returns it by name."""

    def __init__(self, store: PastStore, board: Board) -> None:
        self._store = store
        self._board = board
        self._fine, self._coarse = Means(FINE_S), Means(COARSE_S)
        self._writing: set[asyncio.Task[None]] = set()

    def sample(self, unix_s: float, now_s: float) -> None:
        """Record this second; `now_s` is of the monotonic clock. What is over is written beside."""
        fine = self._fine.put(int(unix_s), self._board.figures(now_s))
        if not fine:
            return
        coarse = self._coarse.put_means(fine)
        task = asyncio.create_task(self._write({FINE_S: fine, COARSE_S: coarse}))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def columns(self, seconds: int, names: Sequence[str], until_s: int | None = None) -> dict[str, Any]:
        """Return the means of `seconds`, at most LONGEST_S, up to a unix second (default: now).

        They are those of the fleet and of the named substations, one value each `step_s`, oldest first; None where nothing
        is known. Raises FileUnavailable.
        """
        now_s = int(time.time()) - WRITTEN_WITHIN_S
        until_s = now_s if until_s is None else min(until_s, now_s)
        oldest_s = now_s - until_s + seconds
        kept_s = next((step_s for step_s, longest_s in KEPT_S.items() if oldest_s <= longest_s), COARSE_S)
        step_s = kept_s * -(-seconds // (kept_s * MOST_POINTS))
        until_s = until_s // step_s * step_s  # of whole windows, which are written
        from_s = until_s - -(-seconds // step_s) * step_s
        found = {}
        for name in (FLEET, *names):
            rows = await self._store.read(name, kept_s, from_s, until_s, step_s)
            found[name] = _columns(rows, from_s, until_s, step_s)
        return {
            "until_unix_s": until_s,
            "seconds": until_s - from_s,
            "step_s": step_s,
            "fleet": found.pop(FLEET),
            "substations": found,
        }

    async def restore(self) -> None:
        """Give the board the last quarter of an hour from before a restart."""
        until_s = int(time.time())
        try:
            names = (await self._store.names(FINE_S, until_s - HISTORY_S))[:MOST_RESTORED]
            for name in names:
                rows = await self._store.read(name, FINE_S, until_s - HISTORY_S, until_s, FINE_S)
                known = [
                    (row["at_s"], row["seconds"], Loads(*(row[each] for each in Loads._fields)))
                    for row in rows
                ]
                self._board.restore(name, known)
        except FileUnavailable as error:
            log.warning("the charts begin without a past", extra={"why": str(error)})

    async def close(self) -> None:
        """Write all that was sampled, also of the windows that are not over."""
        fine = self._fine.end()
        coarse = self._coarse.put_means(fine)
        await asyncio.gather(*self._writing, self._write({FINE_S: fine, COARSE_S: coarse}))
        await self._write({COARSE_S: self._coarse.end()})

    async def _write(self, ended: dict[int, list[Any]]) -> None:
        try:
            for step_s, means in ended.items():
                if means:
                    await self._store.add(step_s, means)
        except FileUnavailable as error:
            log.warning("the past of the charts can't be written", extra={"why": str(error)})


@asynccontextmanager
async def past_of(data: Path, board: Board) -> AsyncIterator[Past]:
    """Keep the past of a board in a data folder while the context lasts; raises StoreUnusable."""
    store = PastStore(data)
    past = Past(store, board)
    try:
        await past.restore()
        yield past
    finally:
        await past.close()
        await store.close()


def _columns(rows: Sequence[Any], from_s: int, until_s: int, step_s: int) -> dict[str, list[float | None]]:
    known = {row["at_s"]: row for row in rows}
    times = range(from_s, until_s, step_s)
    return {
        name: [round(known[at_s][name], 1) if at_s in known else None for at_s in times]
        for name in Figures._fields
    }
