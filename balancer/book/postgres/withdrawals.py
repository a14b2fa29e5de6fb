"""Withdrawals in PostgreSQL: each has a balancer that asks for it, and another takes over when that one is gone."""

import contextlib
import dataclasses

from balancer.book.postgres import statements
from balancer.book.postgres.batches import Batches
from balancer.book.postgres.connecting import Connection
from balancer.book.postgres.pool import Pool
from balancer.book.protocol import BookUnavailable, Withdrawal

GONE_MS = 15_000  # after its last sign, a balancer counts as gone


class WithdrawalTable:
    """The table of withdrawals, as one balancer sees it."""

    def __init__(self, pool: Pool, balancer_id: str) -> None:
        self._pool = pool
        self._balancer_id = balancer_id
        self.withdraw: Batches[Withdrawal, None] = Batches(self._withdraw)
        self.withdrawn: Batches[str, None] = Batches(self._withdrawn)

    async def sign_in(self) -> None:
        """Note that this balancer is there, for the next GONE_MS."""
        await self._pool.run(lambda each: each.execute(statements.SIGN_IN, self._balancer_id, GONE_MS))

    async def own(self) -> list[Withdrawal]:
        """Sign in, take over what balancers that are gone have left, and return all that this one has to ask for."""

        async def work(connection: Connection) -> list[Withdrawal]:
            await connection.execute(statements.SIGN_IN, self._balancer_id, GONE_MS)
            await connection.execute(statements.TAKE_OVER, self._balancer_id)
            await connection.execute(statements.FORGET_BALANCERS)
            rows = await connection.fetch(statements.OWN_WITHDRAWALS, self._balancer_id)
            return [Withdrawal(*row) for row in rows]

        return await self._pool.run(work)

    async def close(self) -> None:
        """Finish what was asked and sign off, so that another balancer takes over at once."""
        await self.withdraw.close()
        await self.withdrawn.close()
        with contextlib.suppress(BookUnavailable):
            await self._pool.run(lambda each: each.execute(statements.SIGN_OFF, self._balancer_id))

    async def _withdraw(self, wanted: list[Withdrawal]) -> list[None]:
        rows = sorted((*dataclasses.astuple(each), self._balancer_id) for each in wanted)
        await self._pool.ask(lambda each: each.executemany(statements.WITHDRAW, rows))
        return [None] * len(wanted)

    async def _withdrawn(self, keys: list[str]) -> list[None]:
        rows = sorted((key,) for key in keys)
        await self._pool.ask(lambda each: each.executemany(statements.WITHDRAWN, rows))
        return [None] * len(keys)
