"""The journal: every key, session and tombstone of one substation, in SQLite."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

from runtime.backup import write_copy
from runtime.commit_count import CommitCount
from runtime.index_comparison import IndexComparison
from runtime.machine import THIS, Machine
from runtime.store import Store, StoreUnusable
from substation.clock import ClockReading
from substation.curve import Usage
from substation.ended_listing import EndedQuery
from substation.ended_sessions import find_ended
from substation.journal_check import JournalCheck, damage_explained
from substation.pruning import KEEP_MS, Pruning
from substation.records import Entry, Record
from substation.rows import (
    ENTRY_COLUMNS,
    StationRecord,
    entries_from_rows,
    record_from_row,
    record_to_row,
    station_from_row,
    usage_to_row,
)
from substation.schema import MIGRATIONS, STATE_IS_VALID, WRITE

log = logging.getLogger(__name__)

DAY_S = 24 * 3600
MOST_COMPARED = 200  # with their indexes, in one piece: 2 to 4 ms


class Journal:
    """An open journal. One thread at a time; writes only inside `transaction()`. `check` is that of the start."""

    def __init__(
        self,
        path: Path,
        substation_id: str,
        unix_ms: int,
        *,
        accept_loss: bool = False,
        check_later: bool = False,
        machine: Machine = THIS,
    ) -> None:
        """Open or create it, and check it; one that is there is not written before the first commit.

        Raises StoreUnusable, also when it belongs to another substation, is damaged, or lacks commits. With
        `accept_loss`, missing commits are only logged. With `check_later`, `resume` checks it. `machine` is where
        it is, and who uses it runs.
        """
        self.machine = machine
        self._count = CommitCount(path, accept_loss=accept_loss)
        self._store = Store(path, MIGRATIONS, checked=not check_later)
        try:
            with damage_explained(self._store):
                indexes = IndexComparison(self._store, "record", STATE_IS_VALID)
                known = self._known(substation_id, unix_ms)
            if known.substation_id != substation_id:
                raise StoreUnusable(f"{path} belongs to {known.substation_id}, not to {substation_id}")  # noqa: TRY301 - the file is closed below
            self.check = JournalCheck(self._store, indexes, self._count)
            if not check_later:
                self.check.run(known.journal_id, known.commits)
        except BaseException:
            self.close()
            raise
        self.epoch = next_epoch(known.epoch, unix_ms // 1000)
        self._commits = self._stamped = known.commits
        self._journal_id = known.journal_id
        self._pruning = Pruning(self._store)

    def _known(self, substation_id: str, unix_ms: int) -> StationRecord:
        """Return the journal's own row; a new journal gets one."""
        if not self._store.one("SELECT 1 FROM station"):
            self._store.check()  # a new file, or else one that has lost it
            new = "INSERT INTO station VALUES (1, ?, ?, '', 0, 0, ?, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)"
            with self._store.transaction():
                self._store.run(new, (substation_id, self.machine.token(8), unix_ms))
        return self.station()

    def station(self) -> StationRecord:
        """Return the journal's own row."""
        return station_from_row(self._store.rows("SELECT * FROM station")[0])

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all that is written inside, or nothing; raises as the store's."""
        self._stamped = self._commits  # what a transaction that was undone had stamped is not on the disk
        with self._store.transaction():
            yield
        if self._stamped > self._commits:
            self._commits = self._stamped
            self._count.note(self._journal_id, self._commits)

    def stamp(self, moment: ClockReading, usage: Usage, base_load_w: int) -> None:
        """Note the moment of this commit, the totals and the base load."""
        self._store.run(
            "UPDATE station SET grid_ms = ?, unix_ms = ?,"
            " ended_j = ?, admission_wms = ?, derating_wms = ?, allowed_w = ?, base_load_wms = ?, allowed_base_w = ?,"
            " base_load_w = ?, epoch = ?, time_scale = ?, commits = ?",
            (
                *(moment.grid_ms, moment.unix_ms, *usage_to_row(usage)),
                *(base_load_w, self.epoch, moment.scale, self._commits + 1),
            ),
        )
        self._stamped = self._commits + 1

    def bind(self, book_id: str) -> None:
        """Note the order book that this substation belongs to from now on."""
        self._store.run("UPDATE station SET book_id = ?", (book_id,))

    def steer(self, *, draining: bool, limit_w: int) -> None:
        """Note what the operator has ordered; `limit_w` 0 is the rated capacity."""
        self._store.run("UPDATE station SET draining = ?, limit_w = ?", (int(draining), limit_w))

    def write(self, record: Record, unix_ms: int) -> None:
        """Write a record at a wall time; an older one of the same key is replaced."""
        self._store.run(WRITE, record_to_row(record, unix_ms))

    def prune(self, grid_ms: int, unix_ms: int) -> int:
        """Drop records that were settled KEEP_MS before a wall time, a bounded number; returns how many: see Pruning."""
        return self._pruning.step(unix_ms - KEEP_MS, grid_ms)

    def backup(self, path: Path) -> bool:
        """Write a consistent copy to `path`, not synced yet; returns whether it could.

        Not inside a transaction. A file that is there already is replaced: it was left unfinished.
        """
        return write_copy(self._store, path)

    def by_key(self, key: str) -> Record | None:
        """Return what is known of a key."""
        row = self._store.one("SELECT * FROM record WHERE key = ?", (key,))
        return record_from_row(row) if row else None

    def by_session(self, session_id: str, caller: str = "") -> Record | None:
        """Return the record of a session, None when it belongs to another caller; `caller` '' finds all."""
        row = self._store.one(
            "SELECT * FROM record WHERE session_id = ? AND (? = '' OR caller = ?)",
            (session_id, caller, caller),
        )
        return record_from_row(row) if row else None

    def last_id(self, highest: str) -> str:
        """Return the last session id, in their order, that is not above `highest`; '' if there is none."""
        row = self._store.one("SELECT max(session_id) AS last FROM record WHERE session_id <= ?", (highest,))
        return (row and row["last"]) or ""

    def open_at(self, grid_ms: int) -> Iterator[Entry]:
        """Yield the sessions that go on at a grid time. Their rows are read at once; raises StoreUnusable."""
        numbers = "SELECT number FROM record WHERE state IN ('charging', 'paused') AND end_ms > ?"
        columns = ", ".join(ENTRY_COLUMNS)
        # In the order of numbers, the file is read from the front to the end.
        with damage_explained(self._store):
            rows = self._store.rows(f"SELECT {columns} FROM record WHERE number IN ({numbers})", (grid_ms,))  # noqa: S608
        return entries_from_rows(rows)

    def page(
        self, after: int, limit: int, vehicle_id: str = "", caller: str = ""
    ) -> list[tuple[int, Record]]:
        """Return up to `limit` sessions with their numbers, in the order of admission, past `after`; '' is any."""
        wanted = {name: value for name, value in (("vehicle_id", vehicle_id), ("caller", caller)) if value}
        only = "".join(f" AND {name} = ?" for name in wanted)
        rows = self._store.rows(
            f"SELECT * FROM record WHERE session_id IS NOT NULL AND number > ?{only} ORDER BY number LIMIT ?",  # noqa: S608
            (after, *wanted.values(), limit),
        )
        return [(row["number"], record_from_row(row)) for row in rows]

    def ended(self, query: EndedQuery, substation_id: str, grid_ms: int) -> tuple[list[Record], int]:
        """Return some sessions that have ended by a grid time, and where the search goes on: see find_ended."""
        return find_ended(self._store, query, substation_id, grid_ms)

    def close(self) -> None:
        """Close the files."""
        self._store.close()
        self._count.close()


def next_epoch(former: int, unix_s: int) -> int:
    """Return the epoch of a start at a wall time: above the former one, and at least the time.

    A former one that is over a day ahead was taken while the clock was wrong, or it is wrong now. It counts no more: balancers
    that don't know it refuse it until their clocks have caught up, while those that do believe a lower one after two polls.
    """
    return unix_s if former - unix_s > DAY_S else max(former + 1, unix_s)
