"""The book's clock in PostgreSQL, and what it makes expire.

The database keeps the time, and each balancer that runs brings it on by its own monotonic clock: no wall clock that
jumps reaches it while one runs (balancer/book/clock.py). Of several balancers, the furthest counts.
"""

from collections.abc import Callable

import asyncpg

from balancer.book.clock import BookClock
from balancer.book.postgres import statements
from balancer.book.postgres.connecting import Connection
from balancer.book.postgres.pool import Pool

MOST_PRUNED = 1_000  # claims, and as many holds, in one step: 10 ms of the server's time


class Ageing:
    """The clock of one book, as one balancer reads it."""

    def __init__(self, pool: Pool, monotonic_s: Callable[[], float]) -> None:
        self._pool = pool
        self._monotonic_s = monotonic_s
        self._clock = BookClock(0, 0)

    def now_ms(self) -> int:
        """Return the book's time."""
        return self._clock.at(self._monotonic_s())

    async def start(self) -> None:
        """Read the clock, and start that of a new book."""

        async def work(connection: Connection) -> "asyncpg.Record | None":
            await connection.execute(statements.CLOCK)
            return await connection.fetchrow(statements.READ_CLOCK)

        if row := await self._pool.run(work):
            now_s = self._monotonic_s()
            self._clock = BookClock.resume(row["book_ms"], row["unix_ms"], row["now_ms"], now_s)

    async def prune(self) -> int:
        """Note the time, and drop a bounded number of what has expired; returns how many."""

        async def work(connection: Connection) -> tuple[int, int]:
            book_ms = await connection.fetchval(statements.TICK, self.now_ms())
            sweeps = (statements.PRUNE_CLAIMS, statements.PRUNE_HOLDS)
            dropped = [await connection.execute(each, book_ms, MOST_PRUNED) for each in sweeps]
            return book_ms, sum(int(said.split()[-1]) for said in dropped)  # it says DELETE and a number

        book_ms, dropped = await self._pool.run(work)
        if book_ms > self.now_ms():  # another balancer's
            self._clock = BookClock(book_ms, self._monotonic_s())
        return dropped
