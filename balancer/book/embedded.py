"""The embedded order book: one SQLite file, for one balancer."""

import dataclasses
import secrets
import time
from collections.abc import Callable, Collection
from pathlib import Path

from balancer.book import holds
from balancer.book.clock import BookClock
from balancer.book.file import BookFile
from balancer.book.lease import Lease, taken
from balancer.book.protocol import Address, Claim, Control, Hold, Withdrawal
from balancer.book.schema import MIGRATIONS
from runtime.store import Store

KEEP_MS = 24 * 3600 * 1000  # after the later of the claim and the planned end
MOST_PRUNED = 10_000


class EmbeddedBook(BookFile):
    """The order book in one SQLite file."""

    def __init__(
        self,
        path: Path,
        *,
        monotonic_s: Callable[[], float] = time.monotonic,
        unix_s: Callable[[], float] = time.time,
    ) -> None:
        """Open or create it; raises StoreUnusable. The last two are the clocks of this machine."""
        super().__init__(path, MIGRATIONS)
        self._monotonic_s = monotonic_s
        self._unix_s = unix_s
        with self._store.transaction():
            self._store.run("INSERT OR IGNORE INTO book VALUES (1, ?)", (secrets.token_hex(8),))
            unix_ms = self._unix_ms()
            self._store.run("INSERT OR IGNORE INTO clock VALUES (1, ?, ?)", (unix_ms, unix_ms))
        self.book_id: str = self._store.rows("SELECT book_id FROM book")[0]["book_id"]
        clock = self._store.rows("SELECT book_ms, unix_ms FROM clock")[0]
        self._clock = BookClock.resume(clock["book_ms"], clock["unix_ms"], unix_ms, monotonic_s())

    async def claim(
        self, key: str, fingerprint: str, target: str | None, journal_id: str = ""
    ) -> Claim | None:
        """See OrderBook."""

        def work(store: Store) -> Claim | None:
            inserted = 0
            if target is not None:
                values = (key, fingerprint, target, self._now_ms() + KEEP_MS, journal_id)
                inserted = store.run("INSERT OR IGNORE INTO claim VALUES (?, ?, 0, ?, ?, ?)", values)
            claim = _claim(store, key)
            return dataclasses.replace(claim, fresh=True) if claim and inserted else claim

        return await self._do(work)

    async def advance(self, claim: Claim, target: str, journal_id: str = "") -> Claim:
        """See OrderBook."""

        def work(store: Store) -> Claim:
            store.run(
                "UPDATE claim SET attempt = attempt + 1, target = ?, journal_id = ? WHERE key = ? AND attempt = ?",
                (target, journal_id, claim.key, claim.attempt),
            )
            return _claim(store, claim.key) or claim

        return await self._do(work)

    async def release(self, claim: Claim) -> None:
        """See OrderBook."""
        sql = "UPDATE claim SET target = '', journal_id = '' WHERE key = ? AND attempt = ?"
        await self._do(lambda store: store.run(sql, (claim.key, claim.attempt)))

    async def keep(self, key: str, for_ms: int) -> None:
        """See OrderBook."""
        sql = "UPDATE claim SET expires_unix_ms = max(expires_unix_ms, ?) WHERE key = ?"
        await self._do(lambda store: store.run(sql, (self._now_ms() + for_ms + KEEP_MS, key)))

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
        sql = "DELETE FROM claim WHERE key IN (SELECT key FROM claim WHERE expires_unix_ms < ? LIMIT ?)"

        def work(store: Store) -> int:
            now_ms = self._now_ms()
            store.run("UPDATE clock SET book_ms = ?, unix_ms = ?", (now_ms, self._unix_ms()))
            values = (now_ms, MOST_PRUNED)
            return store.run(sql, values) + store.run(holds.PRUNE, values)

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

        def work(store: Store) -> Control:
            policy = store.one("SELECT value FROM control WHERE name = 'policy'")
            rows = store.rows("SELECT substation_id, journal_id FROM decommissioned")
            gone = frozenset((row["substation_id"], row["journal_id"]) for row in rows)
            seen = frozenset(Address(**dict(row)) for row in store.rows("SELECT * FROM address"))
            return Control(policy["value"] if policy else "", gone, _rushhour(store), seen)

        return await self._do(work)

    async def set_policy(self, policy: str) -> None:
        """See OrderBook."""
        sql = (
            "INSERT INTO control VALUES ('policy', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        )
        await self._do(lambda store: store.run(sql, (policy,)))

    async def take_rushhour(self, wanted: Lease, unix_ms: int) -> Lease:
        """See OrderBook."""

        def work(store: Store) -> Lease:
            lease = taken(_rushhour(store), wanted, unix_ms)
            if lease is wanted:
                values = (lease.run_id, lease.until_unix_ms)
                store.run("INSERT OR REPLACE INTO rushhour VALUES (1, ?, ?)", values)
            return lease

        return await self._do(work)

    async def end_rushhour(self, run_id: str) -> None:
        """See OrderBook."""
        await self._do(lambda store: store.run("DELETE FROM rushhour WHERE run_id = ?", (run_id,)))

    async def decommission(self, substation_id: str, journal_id: str) -> None:
        """See OrderBook."""
        sql = "INSERT OR IGNORE INTO decommissioned VALUES (?, ?)"
        await self._do(lambda store: store.run(sql, (substation_id, journal_id)))

    async def journals(self, substation_id: str) -> frozenset[str]:
        """See OrderBook."""
        sql = (
            "SELECT journal_id FROM claim WHERE target = ? AND journal_id != ''"
            " UNION SELECT journal_id FROM withdrawal WHERE target = ? AND journal_id != ''"
            " UNION SELECT journal_id FROM hold WHERE target = ? AND journal_id != ''"
            " UNION SELECT journal_id FROM address WHERE substation_id = ?"
        )
        rows = await self._do(lambda store: store.rows(sql, (substation_id,) * 4))
        return frozenset(row["journal_id"] for row in rows)

    async def saw(self, addresses: Collection[Address]) -> None:
        """See OrderBook."""

        def work(store: Store) -> None:
            for address in addresses:
                store.run("INSERT OR REPLACE INTO address VALUES (?, ?, ?)", dataclasses.astuple(address))

        await self._do(work)

    def _now_ms(self) -> int:
        return self._clock.at(self._monotonic_s())

    def _unix_ms(self) -> int:
        return int(self._unix_s() * 1000)


def _claim(store: Store, key: str) -> Claim | None:
    row = store.one("SELECT * FROM claim WHERE key = ?", (key,))
    if not row:
        return None
    return Claim(row["key"], row["fingerprint"], row["attempt"], row["target"], row["journal_id"])


def _rushhour(store: Store) -> Lease | None:
    row = store.one("SELECT run_id, until_unix_ms FROM rushhour")
    return Lease(row["run_id"], row["until_unix_ms"]) if row else None
