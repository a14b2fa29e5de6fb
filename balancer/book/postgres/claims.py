"""Claims in PostgreSQL: all that are wanted in one moment go as one statement."""

import dataclasses
from collections.abc import Collection

from balancer.book.metrics import BookMetrics
from balancer.book.postgres import statements
from balancer.book.postgres.batches import Batches
from balancer.book.postgres.connecting import Connection
from balancer.book.postgres.pool import Pool
from balancer.book.protocol import BookUnavailable, Claim

Row = tuple[str | int, ...]


class ClaimTable:
    """The table of claims."""

    def __init__(self, pool: Pool, metrics: BookMetrics) -> None:
        self._pool = pool
        self._metrics = metrics
        self.claim: Batches[tuple[Claim, int], Claim] = Batches(self._claim)
        self.find: Batches[str, Claim | None] = Batches(self._find)
        self.advance: Batches[tuple[Claim, str, str], Claim] = Batches(self._advance)
        self.release: Batches[Row, None] = Batches(lambda rows: self._write(statements.RELEASE, rows))
        self.keep: Batches[Row, None] = Batches(lambda rows: self._write(statements.KEEP, rows))

    async def close(self) -> None:
        """Finish what was asked."""
        for batches in (self.claim, self.find, self.advance, self.release, self.keep):
            await batches.close()

    async def _claim(self, wanted: list[tuple[Claim, int]]) -> list[Claim]:
        """Insert the claims whose keys are new, with the times of their ends; return those that are then in the book."""
        self._metrics.claimed(len(wanted))
        first = {claim.key: (claim, expires_ms) for claim, expires_ms in reversed(wanted)}
        columns = [
            (claim.key, claim.fingerprint, claim.target, claim.journal_id, expires_ms)
            for claim, expires_ms in first.values()
        ]

        async def work(connection: Connection) -> tuple[set[str], dict[str, Claim]]:
            rows = await connection.fetch(statements.CLAIM, *zip(*columns, strict=True))
            new = {row[0] for row in rows}
            return new, await _find(connection, first.keys() - new)

        new, known = await self._pool.ask(work)
        found = []
        for claim, _ in wanted:
            if claim.key in new and claim is first[claim.key][0]:
                found.append(dataclasses.replace(claim, fresh=True))
            elif claim.key in new:
                found.append(first[claim.key][0])
            elif claim.key in known:
                found.append(known[claim.key])
            else:
                raise BookUnavailable("a claim expired while it was read; ask again")
        return found

    async def _find(self, keys: list[str]) -> list[Claim | None]:
        known = await self._pool.ask(lambda connection: _find(connection, keys))
        return [known.get(key) for key in keys]

    async def _advance(self, wanted: list[tuple[Claim, str, str]]) -> list[Claim]:
        """Move each claim to its next attempt at a target, in a journal, if the book still has it; return what it has then.

        A claim that is not there any more, because it expired meanwhile, stays as it was: nobody may be asked without it.
        """
        rows = sorted((claim.key, claim.attempt, target, journal_id) for claim, target, journal_id in wanted)

        async def work(connection: Connection) -> dict[str, Claim]:
            await connection.executemany(statements.ADVANCE, rows)
            return await _find(connection, {claim.key for claim, _, _ in wanted})

        found = await self._pool.ask(work)
        return [found.get(claim.key, claim) for claim, _, _ in wanted]

    async def _write(self, statement: str, rows: list[Row]) -> list[None]:
        await self._pool.ask(lambda connection: connection.executemany(statement, sorted(rows)))
        return [None] * len(rows)


async def _find(connection: Connection, keys: Collection[str]) -> dict[str, Claim]:
    rows = await connection.fetch(statements.FIND, list(keys)) if keys else []
    return {row[0]: Claim(*row) for row in rows}
