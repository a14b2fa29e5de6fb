"""In PostgreSQL, which substations each balancer reaches: whoever gives one up must know that no other balancer does."""

import contextlib
import json
from collections.abc import Collection

from balancer.book.postgres import statements
from balancer.book.postgres.connecting import Connection
from balancer.book.postgres.pool import Pool
from balancer.book.protocol import BookUnavailable, Reached

LASTS_MS = 15_000  # from when a balancer said it last: one that hangs or has ended keeps nobody from an order for longer


class ReachTable:
    """The table, as one balancer sees it."""

    def __init__(self, pool: Pool, balancer_id: str) -> None:
        self._pool = pool
        self._balancer_id = balancer_id

    async def say(self, reached: Collection[Reached]) -> None:
        """Say what this balancer reaches, for the next LASTS_MS."""
        listed = json.dumps(sorted(reached))

        async def work(connection: Connection) -> None:
            await connection.execute(statements.FORGET_REACH)
            await connection.execute(statements.SAY_REACH, self._balancer_id, listed, LASTS_MS)

        await self._pool.run(work)

    async def close(self) -> None:
        """Say that this balancer reaches nothing any more."""
        with contextlib.suppress(BookUnavailable):
            await self._pool.run(lambda each: each.execute(statements.END_REACH, self._balancer_id))

    async def of_others(self) -> frozenset[Reached]:
        """Return what all other balancers reach."""
        rows = await self._pool.run(lambda each: each.fetch(statements.REACH_OF_OTHERS, self._balancer_id))
        return frozenset((name, journal) for row in rows for name, journal in json.loads(row["reached"]))
