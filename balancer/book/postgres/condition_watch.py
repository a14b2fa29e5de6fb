"""Looks at the condition of the database from time to time, for the metrics."""

import math
from collections.abc import Callable

from balancer.book.condition import Condition, ConditionMetrics
from balancer.book.postgres import statements
from balancer.book.postgres.pool import Pool

LOOK_EVERY_S = 10.0  # one statement, which reads statistics and the head of an index


class ConditionWatch:
    """Shows the metrics the condition of a database, at most every LOOK_EVERY_S."""

    def __init__(
        self,
        pool: Pool,
        book_ms: Callable[[], int],
        metrics: ConditionMetrics,
        monotonic_s: Callable[[], float],
    ) -> None:
        """`book_ms` returns the time of the book, by which claims expire."""
        self._pool = pool
        self._book_ms = book_ms
        self._metrics = metrics
        self._monotonic_s = monotonic_s
        self._looked_s = -math.inf

    async def look(self) -> None:
        """Look if it is time; raises BookUnavailable."""
        if (now_s := self._monotonic_s()) - self._looked_s < LOOK_EVERY_S:
            return
        self._looked_s = now_s
        row = await self._pool.run(lambda connection: connection.fetchrow(statements.CONDITION))
        assert row
        overdue_ms = self._book_ms() - row["expires_ms"] if row["expires_ms"] is not None else 0
        behind = row["behind_bytes"]
        self._metrics.looked(
            Condition(row["claims"] or 0, max(0.0, overdue_ms / 1000), row["replicas"], behind)
        )
