"""The order book: which key was sent where, and which sessions are still to be withdrawn.

Embedded SQLite, for one balancer. Every method returns after its commit.
"""

import dataclasses
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from balancer.lease import Lease, taken
from runtime.group_commit import GroupCommit
from runtime.store import Store, StoreFull

T = TypeVar("T")

SCHEMA_1 = """
CREATE TABLE book (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), book_id TEXT NOT NULL) STRICT;
CREATE TABLE claim (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,       -- of the request: the same key with another is an error
    attempt INTEGER NOT NULL,
    target TEXT NOT NULL,            -- substation_id
    expires_unix_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX expiring ON claim (expires_unix_ms);
CREATE TABLE withdrawal (
    key TEXT PRIMARY KEY,
    attempt INTEGER NOT NULL,
    target TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""
SCHEMA_2 = """
CREATE TABLE control (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE decommissioned (
    substation_id TEXT NOT NULL,
    journal_id TEXT NOT NULL,        -- gone for good, with the sessions in it
    PRIMARY KEY (substation_id, journal_id)
) STRICT, WITHOUT ROWID;
"""
SCHEMA_3 = """
ALTER TABLE claim ADD COLUMN journal_id TEXT NOT NULL DEFAULT '';  -- of the target, '' if not known
ALTER TABLE withdrawal ADD COLUMN journal_id TEXT NOT NULL DEFAULT '';
"""
SCHEMA_4 = """
CREATE TABLE rushhour (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1), run_id TEXT NOT NULL, until_unix_ms INTEGER NOT NULL
) STRICT;
"""
MIGRATIONS = (SCHEMA_1, SCHEMA_2, SCHEMA_3, SCHEMA_4)
KEEP_MS = 24 * 3600 * 1000  # after the later of the claim and the planned end
MOST_PRUNED = 10_000


class BookUnavailable(Exception):  # noqa: N818 - a state of the book
    """The book can't be written: nothing may be claimed."""


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """A key's place in the book: it was sent to `target` as `attempt`.

    `journal_id` is that of the target when it was chosen, '' if it is not known. `fresh` is whether the key
    was new to the book when this was returned.
    """

    key: str
    fingerprint: str
    attempt: int
    target: str
    journal_id: str = ""
    fresh: bool = dataclasses.field(default=False, compare=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Withdrawal:
    """A session that nobody knows of, to be ended at `target`, in `journal_id` ('': not known)."""

    key: str
    attempt: int
    target: str
    journal_id: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Control:
    """What operators have set: the policy ('' for the default), and journals that are gone for good.

    `rushhour` is the newest lease, which may be over.
    """

    policy: str
    decommissioned: frozenset[tuple[str, str]]
    rushhour: Lease | None = None


class OrderBook(Protocol):
    """What placement needs of a book, wherever it is kept. All methods may raise BookUnavailable."""

    book_id: str

    async def claim(
        self, key: str, fingerprint: str, target: str | None, unix_ms: int, journal_id: str = ""
    ) -> Claim | None:
        """Insert attempt 0 at `target` if the key is new; return what the book then says.

        With `target` None nothing is inserted; returns None when the key is not there.
        """

    async def advance(self, claim: Claim, target: str, journal_id: str = "") -> Claim:
        """Move `claim` to its next attempt at `target` if the book still says it; return what it says."""

    async def keep_until(self, key: str, unix_ms: int) -> None:
        """Keep the key for a day after `unix_ms`, if that is later than what is noted."""

    async def withdraw(self, withdrawal: Withdrawal) -> None:
        """Note a session to be withdrawn."""

    async def withdrawn(self, key: str) -> None:
        """Forget a withdrawal that was answered."""

    async def withdrawals(self) -> list[Withdrawal]:
        """Return the withdrawals that are still to be answered."""

    async def prune(self, unix_ms: int) -> int:
        """Drop claims that have expired at `unix_ms`, a bounded number; returns how many."""

    async def control(self) -> "Control":
        """Return what operators have set for all balancers."""

    async def set_policy(self, policy: str) -> None:
        """Place by `policy` from now on, at every balancer."""

    async def take_rushhour(self, wanted: Lease, unix_ms: int) -> Lease:
        """Take or renew the rush hour if no other run holds it; return what the book then says."""

    async def end_rushhour(self, run_id: str) -> None:
        """End the lease if this run holds it."""

    async def decommission(self, substation_id: str, journal_id: str) -> None:
        """Note that a journal is gone for good."""

    async def journals(self, substation_id: str) -> frozenset[str]:
        """Return the journals at which something is claimed or to be withdrawn at a substation."""


class EmbeddedBook:
    """The order book in one SQLite file."""

    def __init__(self, path: Path) -> None:
        """Open or create it; raises StoreUnusable."""
        self._store = Store(path, MIGRATIONS)
        with self._store.transaction():
            self._store.run("INSERT OR IGNORE INTO book VALUES (1, ?)", (secrets.token_hex(8),))
        self.book_id: str = self._store.rows("SELECT book_id FROM book")[0]["book_id"]
        self._commits: GroupCommit[Callable[[Store], Any], Any] = GroupCommit("order-book", self._work)

    def _work(self, batch: list[Callable[[Store], Any]]) -> list[Any]:
        try:
            with self._store.transaction():
                return [work(self._store) for work in batch]
        except StoreFull as error:
            return [BookUnavailable(str(error))] * len(batch)

    async def _do(self, work: Callable[[Store], T]) -> T:
        if self._commits.closed:
            message = "the balancer is stopping"
            raise BookUnavailable(message)
        result = await self._commits.submit(work)
        if isinstance(result, BookUnavailable):
            raise result
        return result  # type: ignore[no-any-return]

    async def claim(
        self, key: str, fingerprint: str, target: str | None, unix_ms: int, journal_id: str = ""
    ) -> Claim | None:
        """See OrderBook."""

        def work(store: Store) -> Claim | None:
            inserted = 0
            if target is not None:
                values = (key, fingerprint, target, unix_ms + KEEP_MS, journal_id)
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

    async def keep_until(self, key: str, unix_ms: int) -> None:
        """See OrderBook."""
        sql = "UPDATE claim SET expires_unix_ms = max(expires_unix_ms, ?) WHERE key = ?"
        await self._do(lambda store: store.run(sql, (unix_ms + KEEP_MS, key)))

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

    async def prune(self, unix_ms: int) -> int:
        """See OrderBook."""
        sql = "DELETE FROM claim WHERE key IN (SELECT key FROM claim WHERE expires_unix_ms < ? LIMIT ?)"
        return await self._do(lambda store: store.run(sql, (unix_ms, MOST_PRUNED)))

    async def control(self) -> Control:
        """See OrderBook."""

        def work(store: Store) -> Control:
            policy = store.one("SELECT value FROM control WHERE name = 'policy'")
            rows = store.rows("SELECT substation_id, journal_id FROM decommissioned")
            gone = frozenset((row["substation_id"], row["journal_id"]) for row in rows)
            return Control(policy["value"] if policy else "", gone, _rushhour(store))

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
        )
        rows = await self._do(lambda store: store.rows(sql, (substation_id,) * 2))
        return frozenset(row["journal_id"] for row in rows)

    async def close(self) -> None:
        """Finish what was submitted and close the file."""
        await self._commits.close()
        self._store.close()


def _claim(store: Store, key: str) -> Claim | None:
    row = store.one("SELECT * FROM claim WHERE key = ?", (key,))
    if not row:
        return None
    return Claim(row["key"], row["fingerprint"], row["attempt"], row["target"], row["journal_id"])


def _rushhour(store: Store) -> Lease | None:
    row = store.one("SELECT run_id, until_unix_ms FROM rushhour")
    return Lease(row["run_id"], row["until_unix_ms"]) if row else None
