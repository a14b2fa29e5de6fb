"""The audit log on disk: who did what, when, why, and with what result. `python -m admin_ui.audit verify` checks it.

The entry of an action is written before the action is sent, and the entry of its result afterwards. An action without
a result shows that the console ended in between. An action whose entry can't be written is not carried out. SQLite
waits for the disk on a thread of its own.
"""

import asyncio
import concurrent.futures
import logging
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from admin_ui.audit.chain import (
    AuditOutcome,
    BrokenChain,
    ChainHead,
    Entry,
    EntryDraft,
    chain_entry,
    draft_entry,
    follow_chain,
)
from admin_ui.web.problems import UNAUDITED, NoLongerAllowedError, ProblemError
from runtime.store import Store, StoreFull, StoreUnusable

log = logging.getLogger(__name__)

MIGRATIONS = [
    """
    CREATE TABLE entry (
        number INTEGER PRIMARY KEY, at_unix_ms INTEGER NOT NULL, of INTEGER UNIQUE REFERENCES entry (number),
        who TEXT NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL, reason TEXT NOT NULL, outcome TEXT,
        details TEXT NOT NULL, hash TEXT NOT NULL
    ) STRICT;
    CREATE TRIGGER never_changed BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END;
    CREATE TRIGGER never_deleted BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'entries are never deleted'); END;
    CREATE TRIGGER never_replaced BEFORE INSERT ON entry
        WHEN NEW.number IS NOT (SELECT coalesce(max(number), 0) + 1 FROM entry)
        BEGIN SELECT RAISE(ABORT, 'entries are only appended'); END
    """
]
COLUMNS = "number, at_unix_ms, of, who, action, target, reason, outcome, details, hash"
INSERT = f"INSERT INTO entry ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - constant
AFTER = f"SELECT {COLUMNS} FROM entry WHERE number > ? ORDER BY number LIMIT ?"  # noqa: S608 - constant
MOST_LATE = 1000  # entries that wait for room on the disk; older ones are only in the service's log
BATCH = 500  # entries that are read at once; writing waits for no more than these
NO_LONGER = "the login ended, or lost its role, meanwhile"

T = TypeVar("T")


class AuditUnwritable(ProblemError):
    """An entry can't be written, so the action that it describes must not be carried out."""

    problem = UNAUDITED


def path(data: Path) -> Path:
    """Return the path of the log in a data folder."""
    return data / "admin_ui" / "audit.sqlite"


class AuditLog:
    """One open audit log. Use it on the event loop's thread; `clock` returns unix seconds."""

    def __init__(self, file: Path, clock: Callable[[], float] = time.time) -> None:
        """Open the file, and create it if there is none; raises StoreUnusable."""
        _private(file)
        self._store = Store(file, MIGRATIONS)
        self._clock = clock
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "audit")
        self._late: list[EntryDraft] = []  # entries that a full disk did not take
        self._broken = ""
        self.under_way: set[int] = set()
        self.fault = ""
        last = self._store.one("SELECT number, hash FROM entry ORDER BY number DESC LIMIT 1")
        self.head = ChainHead(*last) if last else ChainHead()

    async def begin(
        self, who: str, action: str, target: str, reason: str, details: dict[str, object] | None = None
    ) -> Entry:
        """Write an action before it is carried out; raises AuditUnwritable, and then it must not be carried out."""
        texts = {"who": who, "action": action, "target": target, "reason": reason}
        entry = await self._write(draft_entry(self._now_ms(), texts, details or {}))
        self.under_way.add(entry.number)
        return entry

    async def end(
        self, entry: Entry, outcome: AuditOutcome, details: dict[str, object] | None = None
    ) -> None:
        """Write the result of an action. Never fails: what the disk does not take is written with the next entry."""
        self.under_way.discard(entry.number)
        texts = {"who": entry.who, "action": entry.action, "target": entry.target, "reason": ""}
        await self._write_or_keep(draft_entry(self._now_ms(), texts, details or {}, outcome, entry.number))

    async def note(
        self,
        who: str,
        action: str,
        target: str,
        outcome: AuditOutcome,
        details: dict[str, object] | None = None,
        reason: str = "",
    ) -> None:
        """Write something that has already happened, such as a login, with its outcome. Never fails, as `end`."""
        texts = {"who": who, "action": action, "target": target, "reason": reason}
        await self._write_or_keep(draft_entry(self._now_ms(), texts, details or {}, outcome))

    async def verify(self, known: ChainHead | None = None) -> ChainHead:
        """Follow the chain from its first entry to its last, and return its end; raises BrokenChain.

        The chain must contain `known`: an entry that was noted elsewhere (default: the last one that was written here).
        Entries can be written meanwhile.
        """
        known = known or self.head
        head = ChainHead()
        async for entries in self.all():
            head = follow_chain(entries, head)
        row = await self.rows("SELECT hash FROM entry WHERE number = ?", (known.number,))
        if known.number and [each["hash"] for each in row] != [known.hash]:
            raise BrokenChain(
                f"entry {known.number} is missing, or is not the one with the hash {known.hash}"
            )
        return head

    async def all(self) -> AsyncIterator[list[Entry]]:
        """Yield all entries, oldest first, in lists of at most BATCH."""
        last = 0
        while entries := [_entry(row) for row in await self.rows(AFTER, (last, BATCH))]:
            yield entries
            last = entries[-1].number

    async def rows(self, sql: str, values: Sequence[object] | Mapping[str, object] = ()) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        return await self._on_thread(lambda: self._store.rows(sql, values))

    async def close(self) -> None:
        """Write the late entries, if the disk takes them now, and close the file."""
        if self._late:
            try:
                await self._on_thread(lambda: self._append(self._late))
            except AuditUnwritable as error:
                log.error("the audit log lost results", extra={"why": str(error)})
        await self._on_thread(self._store.close)
        self._thread.shutdown()

    async def _write_or_keep(self, draft: EntryDraft) -> None:
        try:
            await self._write(draft)
        except AuditUnwritable as error:
            log.error(
                "an entry is not in the audit log yet",
                extra={"why": str(error), "who": draft.who, "action": draft.action, "outcome": draft.outcome},
            )
            self._late = [*self._late, draft][-MOST_LATE:]

    async def _write(self, draft: EntryDraft) -> Entry:
        late, self._late = self._late, []
        try:
            entry = await self._on_thread(lambda: self._append([*late, draft]))
        except AuditUnwritable as error:
            self._late = late + self._late
            self.fault = str(error)
            raise
        self.fault = ""
        return entry

    def _append(self, drafts: Sequence[EntryDraft]) -> Entry:
        """Write all entries or none, on the thread; returns the last one."""
        if self._broken:
            raise AuditUnwritable(self._broken)
        head, entries = self.head, []
        try:
            with self._store.transaction():
                for draft in drafts:
                    entries.append(entry := chain_entry(draft, head))
                    self._store.run(INSERT, [getattr(entry, name) for name in COLUMNS.split(", ")])
                    head = ChainHead(entry.number, entry.hash)
        except StoreFull as error:
            raise AuditUnwritable("the disk of the audit log is full") from error
        except sqlite3.Error as error:  # what is on the disk is unknown until a new start reads it
            self._broken = f"the audit log can't be written ({error}): restart the console"
            raise AuditUnwritable(self._broken) from error
        self.head = head
        for entry in entries:
            log.info("audited", extra={"number": entry.number, "action": entry.action, "hash": entry.hash})
        return entries[-1]

    async def _on_thread(self, work: Callable[[], T]) -> T:
        # Shielded: what was submitted is written even when the caller is cancelled before its turn.
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, work))

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


def _entry(row: sqlite3.Row) -> Entry:
    return Entry(**dict(row))


def _private(file: Path) -> None:
    """Create the file for its owner alone, because SQLite would create it readable for everybody."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(file, os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreUnusable(f"{file}: {error}") from error


async def require(audit: AuditLog, entry: Entry, allowed: Callable[[], bool]) -> None:
    """End an action that is not `allowed` any more, and raise NoLongerAllowedError: it must not be carried out."""
    if not allowed():
        await audit.end(entry, AuditOutcome.REFUSED, {"why": NO_LONGER})
        raise NoLongerAllowedError(f"{NO_LONGER}; nothing was done")
