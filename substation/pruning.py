"""Drops records that can't be asked for any more: goes through the journal in the order of numbers, a piece at a time.

An index of the times at which records were settled would find them without a search, and each admission would write one
more page for it (docs/adr/0043). Numbers are given in the order of admission, so the records that were settled
long ago are at the front, and few others are among them.
"""

from runtime.store import Store

KEEP_MS = 3 * 24 * 3600 * 1000  # after the planned end: longer than any order book keeps its keys
MOST_PRUNED = 128  # in one commit: 1.1 ms of CPU among 1,000,000 records
MOST_PASSED = 256  # records that a step looks at
WORTH_GOING_ON = 8  # so many were dropped: there are probably more

# Whether a record was settled before a wall time; one that is open at a grid time is not, whatever the wall clock says.
SETTLED = "settled_unix_ms < :before_unix_ms AND NOT (state IN ('charging', 'paused') AND end_ms > :grid_ms)"
# The highest number is left out: if it were given again, a reader who continues a page from it would miss a session.
AHEAD = f"""
SELECT number, {SETTLED} AS settled,
    coalesce(started_unix_ms, settled_unix_ms) BETWEEN :before_unix_ms AND :now_unix_ms AS young FROM record
WHERE number > :passed AND number < (SELECT max(number) FROM record)
ORDER BY number LIMIT :most
"""  # noqa: S608 - the condition is above
DROP = f"DELETE FROM record WHERE number BETWEEN :first AND :last AND {SETTLED}"  # noqa: S608 - as above


class Pruning:
    """A round through the records of a journal that never ends. It begins anew with the process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._passed = 0  # up to here, this round has dropped what it could

    def step(self, before_unix_ms: int, grid_ms: int) -> int:
        """Drop up to MOST_PRUNED records that were settled before a wall time; returns how many.

        A record that is open at grid time `grid_ms` is never dropped. To be called inside a transaction; if that is
        undone, the next step finds the same records. Raises as Store's.
        """
        limits = {"before_unix_ms": before_unix_ms, "grid_ms": grid_ms}
        ahead = {"passed": self._passed, "most": MOST_PASSED, "now_unix_ms": before_unix_ms + KEEP_MS}
        rows = self._store.rows(AHEAD, ahead | limits)
        settled = [row["number"] for row in rows if row["settled"]][:MOST_PRUNED]
        # A record is settled after it is written: behind records that are all too young there is nothing to drop. One that
        # is not written yet, by the clock, was written while that was ahead, and says nothing of those behind it.
        at_end = len(rows) < MOST_PASSED or all(row["young"] for row in rows)
        if at_end and len(settled) < MOST_PRUNED:
            self._passed = 0
        else:
            self._passed = settled[0] - 1 if settled else rows[-1]["number"]
        if not settled:
            return 0
        return self._store.run(DROP, {"first": settled[0], "last": settled[-1], **limits})
