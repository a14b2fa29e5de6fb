"""The journal: every key, session and tombstone of one substation, in SQLite."""

import contextlib
import dataclasses
import logging
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from runtime.store import Store, StoreUnusable
from substation.contract import State
from substation.curve import Usage
from substation.plan import Plan
from substation.records import Entry, Record

log = logging.getLogger(__name__)

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
SCHEMA_2 = """
ALTER TABLE station RENAME COLUMN load_wms TO ended_j;
UPDATE station SET ended_j = max(0, ended_j / 1000 - coalesce((   -- what open sessions were given counts apart
    SELECT sum(power_w * (station.grid_ms - start_ms) / 1000) FROM record
    WHERE state = 'charging' AND end_ms > station.grid_ms), 0));
ALTER TABLE station ADD COLUMN draining INTEGER NOT NULL DEFAULT 0;
ALTER TABLE station ADD COLUMN limit_w INTEGER NOT NULL DEFAULT 0;      -- 0: the rated capacity
ALTER TABLE record ADD COLUMN taper INTEGER NOT NULL DEFAULT 0;         -- older plans have none
ALTER TABLE record ADD COLUMN settled_unix_ms INTEGER NOT NULL DEFAULT 0;  -- planned end, or when it was refused
UPDATE record SET settled_unix_ms = coalesce(expected_end_unix_ms, (SELECT unix_ms FROM station));
CREATE INDEX by_vehicle ON record (vehicle_id, number) WHERE vehicle_id IS NOT NULL;
CREATE INDEX settled ON record (settled_unix_ms);
"""
MIGRATIONS = (SCHEMA_1, SCHEMA_2)
KEEP_MS = 3 * 24 * 3600 * 1000  # after the planned end: longer than any order book keeps its keys
MOST_PRUNED = 1000  # in one commit
WRAP = 2**63  # SQLite's integers: 106 days at 1 GW; a counter that starts again is a reset to Prometheus

COLUMNS = (
    "attempt", "state", "session_id", "vehicle_id", "energy_j", "power_w", "stay_ms", "taper", "start_ms", "end_ms",
    "started_unix_ms", "expected_end_unix_ms", "ended_ms", "ended_unix_ms", "settled_unix_ms",
)  # fmt: skip
WRITE = f"""
INSERT INTO record (key, {", ".join(COLUMNS)}) VALUES (?{", ?" * len(COLUMNS)})
ON CONFLICT (key) DO UPDATE SET number = CASE  -- a refused key that is admitted comes last: pages go by admission
    WHEN record.session_id IS NULL THEN (SELECT max(number) + 1 FROM record) ELSE record.number END,
    {", ".join(f"{name} = excluded.{name}" for name in COLUMNS)}
"""  # noqa: S608 - the names are above
PRUNE = """
DELETE FROM record WHERE number IN (
    SELECT number FROM record
    WHERE settled_unix_ms < ?
        AND NOT (state IN ('charging', 'paused') AND end_ms > ?)
        AND number < (SELECT max(number) FROM record)
    ORDER BY settled_unix_ms LIMIT ?)
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
    draining: bool
    limit_w: int


class Journal:
    """An open journal. One thread at a time; writes only inside `transaction()`."""

    def __init__(self, path: Path, substation_id: str, unix_ms: int) -> None:
        """Open or create it; raises StoreUnusable, also when it belongs to another substation."""
        self._store = Store(path, MIGRATIONS)
        with self._store.transaction():
            self._store.run(
                "INSERT OR IGNORE INTO station VALUES (1, ?, ?, '', 0, 0, ?, 0, 0, 0, 0, 0, 0)",
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
        usage = Usage(row["ended_j"], row["admission_wms"], row["derating_wms"], row["allowed_w"])
        return Station(
            row["substation_id"], row["journal_id"], row["book_id"], row["epoch"], row["grid_ms"], row["unix_ms"],
            usage, bool(row["draining"]), row["limit_w"],
        )  # fmt: skip

    def transaction(self) -> AbstractContextManager[None]:
        """Commit all that is written inside, or nothing; raises StoreFull."""
        return self._store.transaction()

    def stamp(self, grid_ms: int, unix_ms: int, usage: Usage) -> None:
        """Note the moment and the totals of this commit."""
        totals = (
            usage.ended_j % WRAP,
            usage.admission_wms % WRAP,
            usage.derating_wms % WRAP,
            usage.allowed_w,
        )
        self._store.run(
            "UPDATE station SET grid_ms = ?, unix_ms = ?,"
            " ended_j = ?, admission_wms = ?, derating_wms = ?, allowed_w = ?",
            (grid_ms, unix_ms, *totals),
        )

    def bind(self, book_id: str) -> None:
        """Note the order book that this substation belongs to from now on."""
        self._store.run("UPDATE station SET book_id = ?", (book_id,))

    def steer(self, *, draining: bool, limit_w: int) -> None:
        """Note what the operator has ordered; `limit_w` 0 is the rated capacity."""
        self._store.run("UPDATE station SET draining = ?, limit_w = ?", (int(draining), limit_w))

    def write(self, record: Record, unix_ms: int) -> None:
        """Write a record at a wall time; an older one of the same key is replaced."""
        entry = record.entry
        columns: tuple[object, ...] = (*(None,) * 5, 0, *(None,) * 6, unix_ms)
        if entry:
            plan = entry.plan
            columns = (entry.session_id, entry.vehicle_id, plan.energy_j, plan.power_w, plan.stay_ms, int(plan.taper),
                       entry.start_ms, entry.end_ms, entry.started_unix_ms, entry.expected_end_unix_ms,
                       entry.ended_ms, entry.ended_unix_ms, entry.expected_end_unix_ms)  # fmt: skip
        self._store.run(WRITE, (record.key, record.attempt, record.state, *columns))

    def prune(self, grid_ms: int, unix_ms: int) -> int:
        """Drop records that were settled long before a wall time, a bounded number; returns how many.

        Never one that is open at grid time `grid_ms`, whatever the wall clock says, nor the one with
        the highest number: it must not be given again, else who pages on from it misses a session.
        """
        return self._store.run(PRUNE, (unix_ms - KEEP_MS, grid_ms, MOST_PRUNED))

    def backup(self, path: Path) -> bool:
        """Write a consistent copy to `path`, not synced yet; returns whether it could.

        Not inside a transaction. A file that is there already is replaced: it was left unfinished.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.parent.chmod(0o700)
            _remove(path)
            self._store.run("VACUUM INTO ?", (str(path),))
            path.chmod(0o600)
        except (OSError, sqlite3.Error) as error:
            log.error("a backup failed: %s", error)  # noqa: TRY400 - a state of the disk, not a fault
            with contextlib.suppress(OSError):
                _remove(path)
            return False
        return True

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

    def page(self, after: int, limit: int, vehicle_id: str = "") -> list[tuple[int, Record]]:
        """Return up to `limit` sessions with their numbers, in the order of admission, past `after`."""
        one = "AND vehicle_id = ?" if vehicle_id else ""
        rows = self._store.rows(
            f"SELECT * FROM record WHERE session_id IS NOT NULL AND number > ? {one} ORDER BY number LIMIT ?",  # noqa: S608
            (after, *([vehicle_id] if vehicle_id else []), limit),
        )
        return [(row["number"], _record(row)) for row in rows]

    def close(self) -> None:
        """Close the file."""
        self._store.close()


def _remove(copy: Path) -> None:
    """Remove an unfinished copy, and the rollback journal that SQLite may have left beside it."""
    for path in (copy, copy.with_name(f"{copy.name}-journal")):
        path.unlink(missing_ok=True)


def _record(row: sqlite3.Row) -> Record:
    if row["session_id"] is None:
        return Record(row["key"], row["attempt"], State(row["state"]))
    entry = Entry(
        row["session_id"], row["vehicle_id"], Plan(row["energy_j"], row["power_w"], row["stay_ms"], bool(row["taper"])), row["start_ms"],
        row["started_unix_ms"], row["expected_end_unix_ms"], row["ended_ms"], row["ended_unix_ms"],
    )  # fmt: skip
    return Record(row["key"], row["attempt"], State(row["state"]), entry)
