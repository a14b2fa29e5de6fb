"""Holds on vehicles in PostgreSQL."""

import dataclasses
from collections.abc import Iterable

from balancer.book.postgres import statements
from balancer.book.postgres.batches import Batches
from balancer.book.postgres.connecting import Connection
from balancer.book.postgres.pool import Pool
from balancer.book.protocol import BookUnavailable, Hold

Wanted = tuple[Hold, Hold | None, int]  # to be taken, may be replaced, end by the book's clock


class HoldTable:
    """The table of holds."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.holder: Batches[str, Hold | None] = Batches(self._holder)
        self.hold: Batches[Wanted, Hold] = Batches(self._hold)

    async def close(self) -> None:
        """Finish what was asked."""
        await self.holder.close()
        await self.hold.close()

    async def _holder(self, vehicles: list[str]) -> list[Hold | None]:
        found = await self._pool.ask(lambda connection: _find(connection, vehicles))
        return [found.get(vehicle) for vehicle in vehicles]

    async def _hold(self, wanted: list[Wanted]) -> list[Hold]:
        """Take each hold that may be taken; return those that are then in the book."""
        rows = [_row(*each) for each in sorted(wanted, key=lambda each: each[0].vehicle)]

        async def work(connection: Connection) -> dict[str, Hold]:
            await connection.executemany(statements.HOLD, rows)
            return await _find(connection, {new.vehicle for new, _, _ in wanted})

        found = await self._pool.ask(work)
        if any(new.vehicle not in found for new, _, _ in wanted):
            raise BookUnavailable("a hold expired while it was read; ask again")
        return [found[new.vehicle] for new, _, _ in wanted]


async def _find(connection: Connection, vehicles: Iterable[str]) -> dict[str, Hold]:
    return {row[0]: Hold(*row) for row in await connection.fetch(statements.HOLDERS, list(vehicles))}


def _row(new: Hold, known: Hold | None, expires_ms: int) -> tuple[str | int | None, ...]:
    replaced = dataclasses.astuple(known)[1:] if known else (None,) * 4
    return (*dataclasses.astuple(new), expires_ms, *replaced)
