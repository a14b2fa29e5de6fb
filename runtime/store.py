"""One embedded SQLite file: durable before acknowledged, one connection, one process.

WAL with synchronous=FULL, so that a commit is on the disk when it returns; an exclusive lock; the
schema's version in `user_version`.
"""

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from runtime.keep_aside import keep_aside
from runtime.sqlite_errors import Meaning, meaning

CHECK_WITHIN_S = 10.0  # at a start
QUICK_ABOVE_BYTES = 32_000_000  # 100,000 records of a journal; with their indexes they take 0.8 to 1 s
STEPS = 5_000_000  # of SQLite's machine between two looks at the clock: a tenth of a second
WHY = {
    Meaning.BUSY: "is another process using it?",
    Meaning.FULL: "is there room on the disk, and is the folder writable?",
    Meaning.DAMAGED: "it is damaged: docs/how-to/recover-after-a-crash.md says what can be done",
    Meaning.BROKEN: "is the disk sound?",
}


class StoreFull(Exception):
    """The disk can't be written; the transaction was undone."""


class StoreDamaged(sqlite3.DatabaseError):
    """The file can't be read; the transaction was undone. Handle it like SQLite's own errors."""


class StoreUnusable(Exception):
    """The file can't be opened, is in use, is damaged, or was written by a newer version."""


class StoreUnreadable(StoreUnusable):
    """The file can't be opened because it is damaged."""


class Store:
    """An open database; to be used by one thread at a time."""

    def __init__(self, path: Path, migrations: Sequence[str], *, checked: bool = False) -> None:
        """Open `path`, or create it, and bring its schema up to date: one script a version.

        With `checked`, and always before the schema changes, `check` it first. Raises StoreUnusable.
        """
        self.path = path
        self.indexes_compared = False
        self._checked = False
        with contextlib.ExitStack() as undo:  # what can't be used is not kept open, and locked
            self._open(path, undo)
            with self._errors_explained():
                version: int = self._db.execute("PRAGMA user_version").fetchone()[0]
                outdated = 0 < version < len(migrations)
                if checked or outdated:
                    self.check()
                self._migrate(version, migrations)
            undo.pop_all()

    def _open(self, path: Path, undo: contextlib.ExitStack) -> None:
        with self._errors_explained():
            _create_private(path)
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1.0)
            undo.callback(self._db.close)
            self._db.row_factory = sqlite3.Row
            for pragma in (
                "locking_mode=EXCLUSIVE",
                "journal_mode=WAL",
                "synchronous=FULL",
                "foreign_keys=ON",
            ):
                self._db.execute(f"PRAGMA {pragma}")

    @contextlib.contextmanager
    def _errors_explained(self) -> Iterator[None]:
        """Raise StoreUnusable, with the reason, for an error inside."""
        try:
            yield
        except OSError as error:
            raise StoreUnusable(
                f"{self.path}: {error.strerror or error}; may the folder be written?"
            ) from error
        except sqlite3.Error as error:
            damaged = meaning(error) is Meaning.DAMAGED
            unusable = StoreUnreadable if damaged else StoreUnusable
            raise unusable(f"{self.path}: {error}; {WHY[meaning(error)]}") from error

    def check(self) -> None:
        """Read the whole file once, for at most CHECK_WITHIN_S.

        Raises StoreUnusable, after it has copied a damaged file aside.

        Up to QUICK_ABOVE_BYTES, each index is compared with its table, and `indexes_compared` becomes True. Of a larger
        file, the CHECK constraints are left out, which take longer than all the rest: IndexComparison evaluates them.
        """
        if self._checked:
            return
        self._checked = True
        until_s = time.monotonic() + CHECK_WITHIN_S
        self._db.set_progress_handler(lambda: int(time.monotonic() > until_s), STEPS)
        try:
            pages, size = (
                self._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size")
            )
            check = "quick_check" if pages * size > QUICK_ABOVE_BYTES else "integrity_check"
            self._db.execute(f"PRAGMA ignore_check_constraints={check == 'quick_check':d}")
            faults = [str(row[0]) for row in self._db.execute(f"PRAGMA {check}(10)")]
            self.indexes_compared = check == "integrity_check"
        except sqlite3.Error as error:
            interrupted = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT
            faults = ["ok"] if interrupted else [str(error)]
        finally:
            self._db.set_progress_handler(None, 0)
            self._db.execute("PRAGMA ignore_check_constraints=0")
        if faults != ["ok"]:
            raise self.unusable("; ".join(faults))

    def unusable(self, faults: str) -> StoreUnreadable:
        """Copy the files of this damaged store aside; returns the error that says so."""
        return StoreUnreadable(f"{self.path} is damaged: {faults}. {keep_aside(self.path, 'damaged')}")

    def _migrate(self, version: int, migrations: Sequence[str]) -> None:
        if version > len(migrations):
            raise StoreUnusable(
                f"{self.path} has schema {version}, this program knows up to {len(migrations)}: update it"
            )
        for number, script in enumerate(migrations[version:], start=version + 1):
            self._db.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version={number}; COMMIT;")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what is done inside, or undo all of it.

        Raises StoreFull when the disk can't be written, StoreDamaged when the file can't be read. Whatever
        else is raised may leave in doubt what is on the disk.
        """
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            _raise_meaning(error)

    @property
    def changes(self) -> int:
        """How many rows were written since the store was opened; those of undone transactions count."""
        return self._db.total_changes

    def run(self, sql: str, values: Sequence[object] | Mapping[str, object] = ()) -> int:
        """Execute a statement; returns the number of rows that it changed. Raises as `transaction`."""
        try:
            return self._db.execute(sql, values).rowcount
        except sqlite3.Error as error:
            _raise_meaning(error)

    def rows(self, sql: str, values: Sequence[object] | Mapping[str, object] = ()) -> list[sqlite3.Row]:
        """Return all rows of a query; raises as `transaction`."""
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            _raise_meaning(error)

    def one(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Row | None:
        """Return the first row of a query, None if there is none; raises as `transaction`."""
        try:
            row: sqlite3.Row | None = self._db.execute(sql, values).fetchone()
        except sqlite3.Error as error:
            _raise_meaning(error)
        return row

    def close(self) -> None:
        """Close the file; its lock is released."""
        self._db.close()


def _raise_meaning(error: sqlite3.Error) -> NoReturn:
    """Raise what an error of SQLite means; one that leaves something in doubt stays as it is."""
    match meaning(error):
        case Meaning.FULL | Meaning.BUSY:
            raise StoreFull(str(error)) from error
        case Meaning.DAMAGED:
            raise StoreDamaged(str(error)) from error
        case _:
            raise error


def _create_private(path: Path) -> None:
    """Create a file and its folder that only the owner can read; SQLite gives its other files the same mode.

    A `-wal` that an older version left gets it too.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    for each, mode in ((path.parent, 0o700), (path, 0o600), (path.with_name(f"{path.name}-wal"), 0o600)):
        # Absent, or somebody else's, who lets this process use it.
        with contextlib.suppress(FileNotFoundError, PermissionError):
            each.chmod(mode)
