"""The shared state of all balancers, in the order book: policy, rush hour, decommissioned journals, addresses."""

import dataclasses
from collections.abc import Collection

from balancer.book.lease import Lease, taken
from balancer.book.protocol import Address, Control
from runtime.store import Store

SET_POLICY = """
INSERT INTO control VALUES ('policy', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""
END_RUSHHOUR = "DELETE FROM rushhour WHERE run_id = ?"
FOLLOW = "INSERT OR IGNORE INTO former VALUES (?)"
DECOMMISSION = "INSERT OR IGNORE INTO decommissioned VALUES (?, ?)"
JOURNALS = """
SELECT journal_id FROM claim WHERE target = :id AND journal_id != ''
UNION SELECT journal_id FROM withdrawal WHERE target = :id AND journal_id != ''
UNION SELECT journal_id FROM hold WHERE target = :id AND journal_id != ''
UNION SELECT journal_id FROM address WHERE substation_id = :id
"""


def read(store: Store) -> Control:
    """Return what operators have set for all balancers."""
    policy = store.one("SELECT value FROM control WHERE name = 'policy'")
    rows = store.rows("SELECT substation_id, journal_id FROM decommissioned")
    gone = frozenset((row["substation_id"], row["journal_id"]) for row in rows)
    addresses = frozenset(Address(**dict(row)) for row in store.rows("SELECT * FROM address"))
    former = frozenset(row["book_id"] for row in store.rows("SELECT book_id FROM former"))
    return Control(policy["value"] if policy else "", gone, rushhour(store), addresses, former)


def rushhour(store: Store) -> Lease | None:
    """Return the newest lease of the rush hour, which may have ended."""
    row = store.one("SELECT run_id, until_unix_ms FROM rushhour")
    return Lease(row["run_id"], row["until_unix_ms"]) if row else None


def take_rushhour(store: Store, wanted: Lease, unix_ms: int) -> Lease:
    """Take or renew the rush hour if no other run holds it; return the lease that is then in the book."""
    lease = taken(rushhour(store), wanted, unix_ms)
    if lease is wanted:
        store.run("INSERT OR REPLACE INTO rushhour VALUES (1, ?, ?)", (lease.run_id, lease.until_unix_ms))
    return lease


def journals(store: Store, substation_id: str) -> frozenset[str]:
    """Return the journals under which a substation was seen last, or has claims, holds or withdrawals."""
    return frozenset(row["journal_id"] for row in store.rows(JOURNALS, {"id": substation_id}))


def saw(store: Store, addresses: Collection[Address]) -> None:
    """Note which substation was seen at which URL."""
    for address in addresses:
        store.run("INSERT OR REPLACE INTO address VALUES (?, ?, ?)", dataclasses.astuple(address))
