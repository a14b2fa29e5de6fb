"""The embedded order book: one SQLite file, for one balancer."""

import dataclasses
from collections.abc import Collection
from pathlib import Path

from balancer.book import claims, control, holds
from balancer.book.clock import BookClock
from balancer.book.file import BookFile
from balancer.book.lease import Lease
from balancer.book.lifetimes import CLAIM_MS, KEEP_MS
from balancer.book.protocol import Address, Claim, Control, Hold, Reached, Withdrawal
from balancer.book.schema import MIGRATIONS
from balancer.book.sweep import Sweep
from runtime.machine import THIS, Machine
from runtime.store import Store


class EmbeddedBook(BookFile):
    """The order book in one SQLite file."""

    kept_anyway_ms = CLAIM_MS - KEEP_MS
    shared = False

    def __init__(self, path: Path, machine: Machine = THIS) -> None:
        """Open or create it on a machine; raises StoreUnusable."""
        super().__init__(path, MIGRATIONS, machine)
        self._monotonic_s = machine.monotonic_s
        self._unix_s = machine.unix_s
        with self._store.transaction():
            self._store.run("INSERT OR IGNORE INTO book VALUES (1, ?)", (machine.token(8),))
            unix_ms = self._unix_ms()
            self._store.run("INSERT OR IGNORE INTO clock VALUES (1, ?, ?)", (unix_ms, unix_ms))
        self.book_id: str = self._store.rows("SELECT book_id FROM book")[0]["book_id"]
        clock = self._store.rows("SELECT book_ms, unix_ms FROM clock")[0]
        self._sweeps = (Sweep("claim", "key"), Sweep("hold", "vehicle"))
        self._clock = BookClock.resume(clock["book_ms"], clock["unix_ms"], unix_ms, self._monotonic_s())

    async def claim(
        self, key: str, fingerprint: str, target: str | None, journal_id: str = ""
    ) -> Claim | None:
        """See OrderBook."""
        if target is None:
            return await self._do(lambda store: claims.find(store, key))
        wanted = Claim(key, fingerprint, 0, target, journal_id)
        return await self._do(lambda store: claims.insert(store, wanted, self._now_ms() + CLAIM_MS))

    async def advance(self, claim: Claim, target: str, journal_id: str = "") -> Claim:
        """See OrderBook."""
        return await self._do(lambda store: claims.advance(store, claim, target, journal_id))

    async def release(self, claim: Claim) -> None:
        """See OrderBook."""
        await self._do(lambda store: store.run(claims.RELEASE, (claim.key, claim.attempt)))

    async def keep(self, key: str, for_ms: int) -> None:
        """See OrderBook."""
        await self._do(lambda store: store.run(claims.KEEP, (self._now_ms() + for_ms + KEEP_MS, key)))

    async def withdraw(self, withdrawal: Withdrawal) -> None:
        """See OrderBook."""
        values = dataclasses.astuple(withdrawal)
        await self._do(
            lambda store: store.run("INSERT OR IGNORE INTO withdrawal VALUES (?, ?, ?, ?)", values)
        )

    async def withdrawn(self, key: str) -> None:
        """See OrderBook."""
        await self._do(lambda store: store.run("DELETE FROM withdrawal WHERE key = ?", (key,)))

    async def withdrawals(self) -> list[Withdrawal]:
        """See OrderBook."""
        rows = await self._do(lambda store: store.rows("SELECT * FROM withdrawal"))
        return [Withdrawal(**dict(row)) for row in rows]

    async def prune(self) -> int:
        """See OrderBook."""

        def work(store: Store) -> int:
            now_ms = self._now_ms()
            store.run("UPDATE clock SET book_ms = ?, unix_ms = ?", (now_ms, self._unix_ms()))
            return sum(sweep.step(store, now_ms) for sweep in self._sweeps)

        return await self._do(work)

    async def holder(self, vehicle: str) -> Hold | None:
        """See Holds."""
        return await self._do(lambda store: holds.holder(store, vehicle))

    async def hold(self, wanted: Hold, known: Hold | None, for_ms: int) -> Hold:
        """See Holds."""
        return await self._do(
            lambda store: holds.take(store, wanted, known, self._now_ms() + for_ms + KEEP_MS)
        )

    async def control(self) -> Control:
        """See OrderBook."""
        return await self._do(control.read)

    async def set_policy(self, policy: str) -> None:
        """See OrderBook."""
        await self._do(lambda store: store.run(control.SET_POLICY, (policy,)))

    async def take_rushhour(self, wanted: Lease, unix_ms: int) -> Lease:
        """See OrderBook."""
        return await self._do(lambda store: control.take_rushhour(store, wanted, unix_ms))

    async def end_rushhour(self, run_id: str) -> None:
        """See OrderBook."""
        await self._do(lambda store: store.run(control.END_RUSHHOUR, (run_id,)))

    async def decommission(self, substation_id: str, journal_id: str) -> None:
        """See OrderBook."""
        await self._do(lambda store: store.run(control.DECOMMISSION, (substation_id, journal_id)))

    async def follow(self, former_id: str) -> None:
        """See OrderBook."""
        await self._do(lambda store: store.run(control.FOLLOW, (former_id,)))

    async def journals(self, substation_id: str) -> frozenset[str]:
        """See OrderBook."""
        return await self._do(lambda store: control.journals(store, substation_id))

    async def reaches(self, reached: Collection[Reached]) -> None:
        """See OrderBook: no other balancer reads this book."""

    async def reached_by_others(self) -> frozenset[Reached]:
        """See OrderBook."""
        return frozenset()

    async def saw(self, addresses: Collection[Address]) -> None:
        """See OrderBook."""
        await self._do(lambda store: control.saw(store, addresses))

    def _now_ms(self) -> int:
        return self._clock.at(self._monotonic_s())

    def _unix_ms(self) -> int:
        return int(self._unix_s() * 1000)
