"""Drops what has expired from a table of the order book: goes through it in the order of keys, a piece at a time.

Rows that are neighbours share pages. Claims that expired one after the other have random keys, each on a page of its
own: dropping them in the order of their ends takes ten times the processor time, and writes twenty times as much
(docs/adr/0040).
"""

from runtime.store import Store

MOST_PRUNED = (
    1_000  # rows that a step looks at from an expired one on: neighbours, so 2 ms if all have expired
)
MOST_SKIPPED = 10_000  # rows in force that it passes before: 2 ms
AFTER_ANY_TEXT = b""  # SQLite sorts blobs after texts


class Sweep:
    """A round through one table that never ends. It begins anew with the process."""

    def __init__(self, table: str, key: str) -> None:
        """`key` is the column of the primary key of `table`, which keeps its rows in that order."""
        ahead = f"FROM {table} WHERE {key} >= ? ORDER BY {key} LIMIT"
        self._first_expired = f"SELECT at FROM (SELECT {key} AS at, expires_unix_ms {ahead} ?) WHERE expires_unix_ms < ? LIMIT 1"  # noqa: S608 - names of the schema
        self._ahead = f"SELECT {key} {ahead} 1 OFFSET ?"
        self._drop = f"DELETE FROM {table} WHERE {key} >= ? AND {key} < ? AND expires_unix_ms < ?"  # noqa: S608
        self._next = ""

    def step(self, store: Store, book_ms: int) -> int:
        """Drop expired rows of the next piece of the table, inside a transaction; returns how many. Raises as Store's."""
        found = store.one(self._first_expired, (self._next, MOST_SKIPPED, book_ms))
        begin = found[0] if found else self._next
        end = store.one(self._ahead, (begin, MOST_PRUNED if found else MOST_SKIPPED))
        self._next = end[0] if end else ""
        if not found:
            return 0
        return store.run(self._drop, (begin, end[0] if end else AFTER_ANY_TEXT, book_ms))
