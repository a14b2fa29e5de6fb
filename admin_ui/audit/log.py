"""The audit log: who did what, when, why, and what came of it. `python -m admin_ui.audit.log verify` checks it.

An action is written before it is sent, and its result after: one without a result shows that a console
ended in between. What can't be written is not done. SQLite waits for the disk on a thread of its own.
"""

import argparse
import asyncio
import concurrent.futures
import logging
import os
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from admin_ui.audit.chain import AuditOutcome, BrokenChain, Draft, Entry, Head, chained, drafted, followed
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
MOST_LATE = 1000  # entries that wait for room on the disk; beyond, the oldest are only in the service's log
BATCH = 500  # entries read at once: writing waits no longer than for these

T = TypeVar("T")


class Unwritable(Exception):
    """An entry can't be written: what it tells of must not be done."""


def path(data: Path) -> Path:
    """Return where the log lies in a data folder."""
    return data / "admin_ui" / "audit.sqlite"


class Audit:
    """One open audit log; to be used on the event loop's thread. `clock` returns unix seconds."""

    def __init__(self, file: Path, clock: Callable[[], float] = time.time) -> None:
        """Open it, made if absent; raises StoreUnusable."""
        _private(file)
        self._store = Store(file, MIGRATIONS)
        self._clock = clock
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "audit")
        self._late: list[Draft] = []  # what a full disk did not take
        self._broken = ""
        self.under_way: set[int] = set()
        self.fault = ""
        last = self._store.one("SELECT number, hash FROM entry ORDER BY number DESC LIMIT 1")
        self.head = Head(*last) if last else Head()

    async def begin(
        self, who: str, action: str, target: str, reason: str, details: dict[str, object] | None = None
    ) -> Entry:
        """Write what is about to be done; raises Unwritable: then it must not be done."""
        texts = {"who": who, "action": action, "target": target, "reason": reason}
        entry = await self._write(drafted(self._now_ms(), texts, details or {}))
        self.under_way.add(entry.number)
        return entry

    async def end(
        self, entry: Entry, outcome: AuditOutcome, details: dict[str, object] | None = None
    ) -> None:
        """Write what came of it. Never fails: what the disk does not take now is written with the next entry."""
        self.under_way.discard(entry.number)
        texts = {"who": entry.who, "action": entry.action, "target": entry.target, "reason": ""}
        await self._write_or_keep(
            drafted(self._now_ms(), texts, details or {}, outcome=str(outcome), of=entry.number)
        )

    async def note(
        self,
        who: str,
        action: str,
        target: str,
        outcome: AuditOutcome,
        details: dict[str, object] | None = None,
        reason: str = "",
    ) -> None:
        """Write what has happened already, with its outcome, such as a login. Never fails, as above."""
        texts = {"who": who, "action": action, "target": target, "reason": reason}
        await self._write_or_keep(drafted(self._now_ms(), texts, details or {}, outcome=str(outcome)))

    async def verify(self, known: Head | None = None) -> Head:
        """Follow the chain from its first entry to its last; raises BrokenChain. Writing goes on meanwhile.

        `known` must be on it: an entry that was noted elsewhere, else the last one that was written here.
        """
        known = known or self.head
        head = Head()
        async for entries in self.all():
            head = followed(entries, head)
        row = await self.rows("SELECT hash FROM entry WHERE number = ?", (known.number,))
        if known.number and [each["hash"] for each in row] != [known.hash]:
            raise BrokenChain(
                f"entry {known.number} is missing, or is not the one with the hash {known.hash}"
            )
        return head

    async def all(self) -> AsyncIterator[list[Entry]]:
        """Return every entry, oldest first, some at a time."""
        last = 0
        while entries := [_entry(row) for row in await self.rows(AFTER, (last, BATCH))]:
            yield entries
            last = entries[-1].number

    async def rows(self, sql: str, values: Sequence[object] | Mapping[str, object] = ()) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        return await self._on_thread(lambda: self._store.rows(sql, values))

    async def close(self) -> None:
        """Write what is late, if the disk takes it now, and close the file."""
        if self._late:
            try:
                await self._on_thread(lambda: self._append(self._late))
            except Unwritable as error:
                log.error("results are lost to the audit log", extra={"why": str(error)})  # noqa: TRY400
        await self._on_thread(self._store.close)
        self._thread.shutdown()

    async def _write_or_keep(self, draft: Draft) -> None:
        try:
            await self._write(draft)
        except Unwritable as error:
            log.error(  # noqa: TRY400 - a state of the disk, not a fault
                "an entry is not in the audit log yet",
                extra={"why": str(error), "who": draft.who, "action": draft.action, "outcome": draft.outcome},
            )
            self._late = [*self._late, draft][-MOST_LATE:]

    async def _write(self, draft: Draft) -> Entry:
        late, self._late = self._late, []
        try:
            entry = await self._on_thread(lambda: self._append([*late, draft]))
        except Unwritable as error:
            self._late = late + self._late
            self.fault = str(error)
            raise
        self.fault = ""
        return entry

    def _append(self, drafts: Sequence[Draft]) -> Entry:
        """Write all or none, on the thread; returns the last."""
        if self._broken:
            raise Unwritable(self._broken)
        head, entries = self.head, []
        try:
            with self._store.transaction():
                for draft in drafts:
                    entries.append(entry := chained(draft, head))
                    self._store.run(INSERT, [getattr(entry, name) for name in COLUMNS.split(", ")])
                    head = Head(entry.number, entry.hash)
        except StoreFull as error:
            raise Unwritable("the disk of the audit log is full") from error
        except sqlite3.Error as error:  # nobody knows what is on the disk now: a new start reads it
            self._broken = f"the audit log can't be written ({error}): restart the console"
            raise Unwritable(self._broken) from error
        self.head = head
        for entry in entries:
            log.info("audited", extra={"number": entry.number, "action": entry.action, "hash": entry.hash})
        return entries[-1]

    async def _on_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


def _entry(row: sqlite3.Row) -> Entry:
    return Entry(**dict(row))


def _private(file: Path) -> None:
    """Make the file for its owner alone, before SQLite makes it for all."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(file, os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreUnusable(f"{file}: {error}") from error


async def _verify(file: Path, known: Head) -> str:
    audit = Audit(file)
    try:
        head = await audit.verify(known if known.number else None)
    finally:
        await audit.close()
    return f"The chain holds: {head.number} entries, the last hash is {head.hash or 'none yet'}."


def main(arguments: list[str] | None = None) -> int:
    """Check the log of a console that does not run; returns 1 when it was changed, 2 when it can't be read."""
    parser = argparse.ArgumentParser(prog="python -m admin_ui.audit.log", description=__doc__.splitlines()[0])
    verify = parser.add_subparsers(required=True).add_parser("verify", help="follow the chain of hashes")
    verify.add_argument("--known", default="0:", metavar="NUMBER:HASH", help="an entry noted elsewhere")
    number, _, noted = parser.parse_args(arguments).known.partition(":")
    file = path(Path(os.environ.get("DATA_DIR") or "data"))
    if not file.exists():
        sys.stderr.write(f"{file}: there is no audit log\n")
        return 2
    try:
        sys.stdout.write(asyncio.run(_verify(file, Head(int(number), noted))) + "\n")
    except (StoreUnusable, ValueError, sqlite3.Error) as error:
        sys.stderr.write(f"{error}\nWhile the console runs, its page /audit checks the log.\n")
        return 2
    except BrokenChain as error:
        sys.stderr.write(f"THE AUDIT LOG WAS CHANGED: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
