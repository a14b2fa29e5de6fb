"""A file that the console keeps figures in: one SQLite database, which one thread reads and writes.

Nothing that acts on the grid waits for it. A damaged one is put aside, and another begins.
"""

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from runtime.group_commit import GroupCommit
from runtime.keep_aside import put_aside
from runtime.store import Store, StoreDamaged, StoreFull, StoreUnreadable, StoreUnusable

log = logging.getLogger(__name__)

T = TypeVar("T")


class FileUnavailable(Exception):
    """The file can't be read or written now; the message says why."""


class KeptFile:
    """One open file; `name` is what it holds, in words."""

    def __init__(self, path: Path, migrations: Sequence[str], name: str) -> None:
        """Open the file, or create it; raises StoreUnusable. Create it on the event loop's thread."""
        self._name = name
        self.store = _open(path, migrations, name)
        self._work: GroupCommit[Callable[[Store], Any], Any] = GroupCommit(path.stem, self._commit)

    async def do(self, work: Callable[[Store], T]) -> T:
        """Return what `work` returns, after its transaction; raises FileUnavailable."""
        if self._work.closed:
            raise FileUnavailable("the console is stopping")
        result = await self._work.submit(work)
        if isinstance(result, FileUnavailable):
            raise result
        return result  # type: ignore[no-any-return]

    async def close(self) -> None:
        """Finish what was submitted and close the file."""
        await self._work.close()
        self.store.close()

    def _commit(self, batch: list[Callable[[Store], Any]]) -> list[Any]:
        try:
            with self.store.transaction():
                return [work(self.store) for work in batch]
        except (StoreFull, StoreDamaged) as error:
            return [FileUnavailable(f"{self._name}: {error}")] * len(batch)


def _open(path: Path, migrations: Sequence[str], name: str) -> Store:
    try:
        return Store(path, migrations)
    except StoreUnreadable as error:
        try:
            aside = put_aside(path, str(int(time.time())))
        except OSError as fault:
            raise StoreUnusable(f"{error}; it can't be put aside: {fault}") from error
        log.error("%s is damaged and was put aside", name, extra={"error": str(error), "path": str(aside)})
        return Store(path, migrations)
