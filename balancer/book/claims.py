"""Claims in the order book: the substation to which each key was sent, and the attempt."""

import dataclasses

from balancer.book.protocol import Claim
from runtime.store import Store

INSERT = "INSERT OR IGNORE INTO claim VALUES (?, ?, ?, ?, ?, ?)"
ADVANCE = """
UPDATE claim SET attempt = attempt + 1, target = ?, journal_id = ? WHERE key = ? AND attempt = ?
"""
RELEASE = "UPDATE claim SET target = '', journal_id = '' WHERE key = ? AND attempt = ?"
KEEP = "UPDATE claim SET expires_unix_ms = max(expires_unix_ms, ?) WHERE key = ?"


def find(store: Store, key: str) -> Claim | None:
    """Return the claim of a key, None if there is none."""
    row = store.one("SELECT * FROM claim WHERE key = ?", (key,))
    if not row:
        return None
    return Claim(row["key"], row["fingerprint"], row["attempt"], row["target"], row["journal_id"])


def insert(store: Store, new: Claim, expires_unix_ms: int) -> Claim | None:
    """Insert a claim if its key is new; return the claim that is then in the book, `fresh` if it is this one."""
    values = (
        new.key,
        new.fingerprint,
        new.attempt,
        new.target,
        expires_unix_ms,
        new.journal_id,
    )
    if store.run(INSERT, values):
        return dataclasses.replace(new, fresh=True)
    return find(store, new.key)


def advance(store: Store, claim: Claim, target: str, journal_id: str) -> Claim:
    """Move a claim to its next attempt at `target` if the book still has it; return the claim then in the book."""
    store.run(ADVANCE, (target, journal_id, claim.key, claim.attempt))
    return find(store, claim.key) or claim
