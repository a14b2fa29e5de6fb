"""The journal: every key, session and tombstone of one substation, in SQLite."""

import dataclasses
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from runtime.store import Store, StoreUnusable
from substation.contract import State
from substation.curve import Usage
from substation.ledger import Entry, Record
from substation.plan import Plan

SCHEMA_1 = """
CREATE TABLE station (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    substation_id TEXT NOT NULL,
    journal_id TEXT NOT NULL,
    book_id TEXT NOT NULL,           -- the order book that placed here first; '' before
    epoch INTEGER NOT NULL,          -- of reports: rises with every start
    grid_ms INTEGER NOT NULL,        -- grid time ...
    unix_ms INTEGER NOT NULL,        -- ... at this wall time
    load_wms INTEGER NOT NULL,       -- running totals in watt-milliseconds
    admission_wms INTEGER NOT NULL,
    derating_wms INTEGER NOT NULL,
    allowed_w INTEGER NOT NULL
) STRICT;
CREATE TABLE record (
    number INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    attempt INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('charging', 'paused', 'stopped', 'withdrawn', 'refused')),
    session_id TEXT UNIQUE,          -- NULL for a tombstone, and so are all columns below
    vehicle_id TEXT,
    energy_j INTEGER,
    power_w INTEGER,
    stay_ms INTEGER,
    start_ms INTEGER,                -- grid time
    end_ms INTEGER,                  -- grid time at which the plan ends
    started_unix_ms INTEGER,
    expected_end_unix_ms INTEGER,
    ended_ms INTEGER,                -- grid time; -1 while it was not ended early
    ended_unix_ms INTEGER
) STRICT;
CREATE INDEX open_until ON record (end_ms) WHERE state IN ('charging', 'paused');
"""
MIGRATIONS = (SCHEMA_1,)
WRAP = 2**63  # SQLite's integers: 106 days at 1 GW; a counter that starts again is a reset to Prometheus

WRITE = """
INSERT INTO record (key, attempt, state, session_id, vehicle_id, energy_j, power_w, stay_ms, start_ms, end_ms,
                    started_unix_ms, expected_end_unix_ms, ended_ms, ended_unix_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET number = CASE  -- a refused key that is admitted comes last: pages go by admission
    WHEN record.session_id IS NULL THEN (SELECT max(number) + 1 FROM record) ELSE record.number END, (attempt, state, session_id, vehicle_id, energy_j, power_w, stay_ms, start_ms, end_ms,
    started_unix_ms, expected_end_unix_ms, ended_ms, ended_unix_ms) = (excluded.attempt, excluded.state,
    excluded.session_id, excluded.vehicle_id, excluded.energy_j, excluded.power_w, excluded.stay_ms, excluded.start_ms,
    excluded.end_ms, excluded.started_unix_ms, excluded.expected_end_unix_ms, excluded.ended_ms, excluded.ended_unix_ms)
"""


@dataclasses.dataclass(frozen=True)
class Station:
    """The journal's own row: who it belongs to, and the moment and totals of its last commit."""

    substation_id: str
    journal_id: str
    book_id: str
    epoch: int
    grid_ms: int
    unix_ms: int
    usage: Usage


class Journal:
    """An open journal. One thread at a time; writes only inside `transaction()`."""

    def __init__(self, path: Path, substation_id: str, unix_ms: int) -> None:
        """Open or create it; raises StoreUnusable, also when it belongs to another substation."""
        self._store = Store(path, MIGRATIONS)
        with self._store.transaction():
            self._store.run(
                "INSERT OR IGNORE INTO station VALUES (1, ?, ?, '', 0, 0, ?, 0, 0, 0, 0)",
                (substation_id, secrets.token_hex(8), unix_ms),
            )
            self._store.run("UPDATE station SET epoch = max(epoch + 1, ?)", (unix_ms // 1000,))
        if self.station().substation_id != substation_id:
            message = f"{path} belongs to {self.station().substation_id}, not to {substation_id}"
            self.close()
            raise StoreUnusable(message)

    def station(self) -> Station:
        """Return the journal's own row."""
        row = self._store.rows("SELECT * FROM station")[0]
        usage = Usage(row["load_wms"], row["admission_wms"], row["derating_wms"], row["allowed_w"])
        return Station(
            row["substation_id"],
            row["journal_id"],
            row["book_id"],
            row["epoch"],
            row["grid_ms"],
            row["unix_ms"],
            usage,
        )

    def transaction(self) -> AbstractContextManager[None]:
        """Commit all that is written inside, or nothing; raises StoreFull."""
        return self._store.transaction()

    def stamp(self, grid_ms: int, unix_ms: int, usage: Usage) -> None:
        """Note the moment and the totals of this commit."""
        self._store.run(
            "UPDATE station SET grid_ms = ?, unix_ms = ?, load_wms = ?, admission_wms = ?, derating_wms = ?, allowed_w = ?",
            (
                grid_ms,
                unix_ms,
                usage.load_wms % WRAP,
                usage.admission_wms % WRAP,
                usage.derating_wms % WRAP,
                usage.allowed_w,
            ),
        )

    def bind(self, book_id: str) -> None:
        """Note the order book that this substation belongs to from now on."""
        self._store.run("UPDATE station SET book_id = ?", (book_id,))

    def write(self, record: Record) -> None:
        """Write a record; an older one of the same key is replaced."""
        entry = record.entry
        columns: tuple[object, ...] = (None,) * 11
        if entry:
            plan = entry.plan
            columns = (entry.session_id, entry.vehicle_id, plan.energy_j, plan.power_w, plan.stay_ms,
                       entry.start_ms, entry.end_ms, entry.started_unix_ms, entry.expected_end_unix_ms,
                       entry.ended_ms, entry.ended_unix_ms)  # fmt: skip
        self._store.run(WRITE, (record.key, record.attempt, record.state, *columns))

    def by_key(self, key: str) -> Record | None:
        """Return what is known of a key."""
        row = self._store.one("SELECT * FROM record WHERE key = ?", (key,))
        return _record(row) if row else None

    def by_session(self, session_id: str) -> Record | None:
        """Return the record of a session."""
        row = self._store.one("SELECT * FROM record WHERE session_id = ?", (session_id,))
        return _record(row) if row else None

    def open_at(self, grid_ms: int) -> Iterator[Entry]:
        """Yield the sessions that go on at a grid time."""
        rows = self._store.rows(
            "SELECT * FROM record WHERE state IN ('charging', 'paused') AND end_ms > ?", (grid_ms,)
        )
        return (entry for row in rows if (entry := _record(row).entry))

    def page(self, after: int, limit: int) -> list[tuple[int, Record]]:
        """Return up to `limit` sessions with their numbers, in the order of admission, past `after`."""
        rows = self._store.rows(
            "SELECT * FROM record WHERE session_id IS NOT NULL AND number > ? ORDER BY number LIMIT ?",
            (after, limit),
        )
        return [(row["number"], _record(row)) for row in rows]

    def close(self) -> None:
        """Close the file."""
        self._store.close()


def _record(row: sqlite3.Row) -> Record:
    if row["session_id"] is None:
        return Record(row["key"], row["attempt"], State(row["state"]))
    entry = Entry(
        row["session_id"], row["vehicle_id"], Plan(row["energy_j"], row["power_w"], row["stay_ms"]), row["start_ms"],
        row["started_unix_ms"], row["expected_end_unix_ms"], row["ended_ms"], row["ended_unix_ms"],
    )  # fmt: skip
    return Record(row["key"], row["attempt"], State(row["state"]), entry)
