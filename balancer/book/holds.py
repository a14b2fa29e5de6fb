"""Holds in the order book: the request that a vehicle is held for, and where that request was sent last.

A hold does not prove a session; it says which substation to ask. It is written before the request is sent
there, so no session of the vehicle can be at a substation that the book does not name.
"""

from balancer.book.protocol import Hold
from runtime.store import Store

INSERT = """
INSERT OR REPLACE INTO hold (key, attempt, target, journal_id, expires_unix_ms, vehicle) VALUES (?, ?, ?, ?, ?, ?)
"""
MOVE = """
UPDATE hold SET key = ?, attempt = ?, target = ?, journal_id = ?, expires_unix_ms = max(expires_unix_ms, ?)
WHERE vehicle = ?
"""


def holder(store: Store, vehicle: str) -> Hold | None:
    """Return the hold on a vehicle."""
    row = store.one(
        "SELECT vehicle, key, attempt, target, journal_id FROM hold WHERE vehicle = ?", (vehicle,)
    )
    return Hold(**dict(row)) if row else None


def take(store: Store, new: Hold, known: Hold | None, expires_unix_ms: int) -> Hold:
    """Hold a vehicle that is not held, or replace the hold `known`; return the hold that is then in the book.

    A request that already holds the vehicle may only move to a later attempt.
    """
    found = holder(store, new.vehicle)
    values = (
        new.key,
        new.attempt,
        new.target,
        new.journal_id,
        expires_unix_ms,
        new.vehicle,
    )
    if found is None or found == known:
        store.run(INSERT, values)
    elif found.key == new.key and found.attempt < new.attempt:
        store.run(MOVE, values)
    else:
        return found
    return new
