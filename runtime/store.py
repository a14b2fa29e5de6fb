"""One embedded SQLite file: durable before acknowledged, one connection, one process.

WAL with synchronous=FULL, so that a commit is on the disk when it returns; an exclusive lock; the
schema's version in `user_version`.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

FULL_DISK = frozenset({sqlite3.SQLITE_FULL})


class StoreFull(Exception):  # noqa: N818 - a state of the disk
    """The disk has no room; the transaction was undone."""


class StoreUnusable(Exception):  # noqa: N818 - a state of the file
    """The file can't be opened, is in use, or was written by a newer version."""


class Store:
    """An open database; to be used by one thread at a time."""

    def __init__(self, path: Path, migrations: Sequence[str]) -> None:
        """Open `path`, made if absent, and bring its schema up to date: one script a version."""
        self.path = path
        with contextlib.ExitStack() as undo:  # what can't be used is not kept open, and locked
            self._open(path, migrations, undo)
            undo.pop_all()

    def _open(self, path: Path, migrations: Sequence[str], undo: contextlib.ExitStack) -> None:
        try:
            _shut(path)
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
            self._migrate(migrations)
        except (OSError, sqlite3.Error) as error:
            message = f"{path}: {error}; is another process using it, or is the folder not writable?"
            raise StoreUnusable(message) from error

    def _migrate(self, migrations: Sequence[str]) -> None:
        version: int = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > len(migrations):
            message = (
                f"{self.path} has schema {version}, this program knows up to {len(migrations)}: update it"
            )
            raise StoreUnusable(message)
        for number, script in enumerate(migrations[version:], start=version + 1):
            self._db.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version={number}; COMMIT;")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what is done inside, or undo all of it; raises StoreFull when the disk is full."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error) and error.sqlite_errorcode in FULL_DISK:
                raise StoreFull(str(error)) from error
            raise

    def run(self, sql: str, values: Sequence[object] = ()) -> int:
        """Execute a statement; returns the number of rows that it changed."""
        return self._db.execute(sql, values).rowcount

    def rows(self, sql: str, values: Sequence[object] | Mapping[str, object] = ()) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        return self._db.execute(sql, values).fetchall()

    def one(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Row | None:
        """Return the first row of a query, None if there is none."""
        row: sqlite3.Row | None = self._db.execute(sql, values).fetchone()
        return row

    def close(self) -> None:
        """Close the file; its lock is released."""
        self._db.close()


def _shut(path: Path) -> None:
    """Make a file and its folder that nobody else can read; what SQLite writes beside it is like it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    for each, mode in ((path.parent, 0o700), (path, 0o600)):
        with contextlib.suppress(PermissionError):  # somebody else's, who lets this process use it
            each.chmod(mode)
