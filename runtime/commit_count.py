"""Notes beside a store how many commits it has made, so that missing commits are noticed.

SQLite ends its `-wal` at the first frame with a wrong checksum, and does not report the commits after it. The count is also in the store itself, with each commit; the note is written after the commit and
is not synced, so it is never ahead of what is on the disk.
"""

import contextlib
import dataclasses
import logging
import os
import re
from pathlib import Path

from runtime.keep_aside import keep_aside
from runtime.store import StoreUnusable

log = logging.getLogger(__name__)

LINE = re.compile(rb"([A-Za-z0-9._-]{1,64}) ([0-9]{20})\n")


@dataclasses.dataclass(frozen=True, slots=True)
class Noted:
    """The id of a store, and how many commits it had made."""

    store_id: str
    commits: int


class CommitCount:
    """The count beside the store at `path`."""

    def __init__(self, path: Path, *, accept_loss: bool = False) -> None:
        """Read the note, before the store is opened; with `accept_loss`, missing commits are only logged.

        Raises StoreUnusable when there was a store and its file is missing or empty.
        """
        self._store = path
        self._path = path.with_name(f"{path.name}-commits")
        self._accept_loss = accept_loss
        self._file = -1
        self._noted = self._read()
        if self._noted and (not path.exists() or path.stat().st_size == 0):
            self._lost(f"{path} is missing or empty: {_told(self._noted.commits, self._noted)}")

    def compare(self, store_id: str, commits: int) -> None:
        """Compare the note with the opened store.

        Raises StoreUnusable when the store lacks commits; the message says where its files were copied.
        """
        noted = self._noted
        present = commits if noted and noted.store_id == store_id else 0
        if noted and noted.commits > present:
            missing = noted.commits - present
            kept = keep_aside(self._store, f"lacks-{missing}-of-{noted.commits}")
            self._lost(f"{self._store}: {_told(missing, noted)}. {kept}")
        self.note(store_id, commits)

    def note(self, store_id: str, commits: int) -> None:
        """Write the number of commits; if that fails, the older note stays."""
        try:
            if self._file < 0:
                self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            os.pwrite(self._file, f"{store_id} {commits:020}\n".encode(), 0)
        except OSError as error:
            log.debug("the number of commits can't be noted: %s", error)

    def close(self) -> None:
        """Close the note."""
        if self._file >= 0:
            with contextlib.suppress(OSError):
                os.close(self._file)
            self._file = -1

    def _read(self) -> Noted | None:
        try:
            found = LINE.fullmatch(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreUnusable(f"{self._path} can't be read: {error.strerror}") from error
        if not found:
            log.warning("%s is not a count of commits: missing commits would not be noticed", self._path)
            return None
        return Noted(found[1].decode(), int(found[2]))

    def _lost(self, message: str) -> None:
        if not self._accept_loss:
            raise StoreUnusable(message)
        log.error("%s", message)


def _told(missing: int, noted: Noted) -> str:
    return f"{missing} of {noted.commits} commits that were answered are not there any more (store {noted.store_id})"
