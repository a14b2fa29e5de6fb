"""Consistent copies of a running store: written by its thread, synced, renamed; the newest ones are kept."""

import contextlib
import dataclasses
import datetime as dt
import logging
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runtime.store import Store, StoreDamaged, StoreFull

log = logging.getLogger(__name__)

UNFINISHED = "unfinished.sqlite"
NO_COPY = "the copy can't be written: is there room on the disk? The log has the reason"


class BackupFailed(Exception):
    """The backup failed, and no file of it is left; the message says why."""


@dataclasses.dataclass(frozen=True, slots=True)
class Copy:
    """Work for a store's thread, beside what its transactions do: write a copy to `path`, not synced yet."""

    path: Path

    def __call__(self, _store: Store) -> bool:
        """Do nothing yet: SQLite copies no store inside a transaction."""
        return False


def with_copies(store: Store, batch: Sequence[Any], results: Sequence[Any]) -> list[Any]:
    """Carry out each Copy of a batch that is committed; returns the results, for a copy whether it was written."""
    pairs = zip(batch, results, strict=True)
    return [write_copy(store, item.path) if isinstance(item, Copy) else result for item, result in pairs]


def write_copy(store: Store, path: Path) -> bool:
    """Write a consistent copy of an open store to `path`, not synced yet; returns whether it could.

    Not inside a transaction. A file that is there already is replaced: it was left unfinished.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.parent.chmod(0o700)
        _remove(path)
        store.run("VACUUM INTO ?", (str(path),))
        path.chmod(0o600)
    except (OSError, sqlite3.Error, StoreFull, StoreDamaged) as error:
        log.error("a backup failed: %s", error)
        with contextlib.suppress(OSError):
            _remove(path)
        return False
    return True


def seal(folder: Path, stem: str, most: int) -> Path:
    """Sync the copy UNFINISHED in `folder` and rename it, which marks it as complete; returns its path.

    It is named by `stem` and the present time. The oldest copies of this stem beyond `most` are deleted. Raises
    BackupFailed.
    """
    name = f"{stem}-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S.%fZ}.sqlite"
    try:
        _sync(folder / UNFINISHED)
        copy = (folder / UNFINISHED).rename(folder / name)
        _sync(folder)
    except OSError as error:
        log.error("a backup failed: %s", error)
        for left in (UNFINISHED, name):
            with contextlib.suppress(OSError):
                (folder / left).unlink(missing_ok=True)
        raise BackupFailed(NO_COPY) from error
    for old in sorted(folder.glob(f"{stem}-*.sqlite"))[:-most]:  # their names sort by time
        with contextlib.suppress(OSError):
            old.unlink()
            log.info("an old backup was deleted", extra={"path": str(old)})
    return copy


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _remove(copy: Path) -> None:
    """Remove an unfinished copy, and the rollback journal that SQLite may have left beside it."""
    for path in (copy, copy.with_name(f"{copy.name}-journal")):
        path.unlink(missing_ok=True)
