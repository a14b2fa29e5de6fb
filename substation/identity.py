"""The identity of a substation: a data folder that no other process uses, and the id that belongs to it."""

import fcntl
import logging
import os
from pathlib import Path

from runtime.store import StoreUnusable

log = logging.getLogger(__name__)

MOST_SLOTS = 10_000


class Slot:
    """A locked data folder; the lock ends with the process, however it ends."""

    def __init__(self, folder: Path, lock: int) -> None:
        self.folder = folder
        self.substation_id = folder.name
        self._lock = lock

    def release(self) -> None:
        """Let another process have the folder."""
        os.close(self._lock)


def take_slot(data: Path, substation_id: str) -> Slot:
    """Lock `data/<substation_id>`, or the first free `data/substation-<n>` when no id is given.

    Raises StoreUnusable when the id is in use.
    """
    if substation_id:
        slot = _lock(data / substation_id)
        if not slot:
            raise StoreUnusable(
                f"another process is {substation_id}: two never share a journal ({data / substation_id})"
            )
        return slot
    for number in range(1, MOST_SLOTS):
        if slot := _lock(data / f"substation-{number}"):
            return slot
    raise StoreUnusable(f"all {MOST_SLOTS} slots of {data} are taken")


def _lock(folder: Path) -> Slot | None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreUnusable(f"{folder} can't be used: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return Slot(folder, lock)
