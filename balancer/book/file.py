"""The file of the embedded order book: its thread, and what keeps it from being written."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from balancer.book.protocol import BookUnavailable
from runtime.backup import Copy, with_copies
from runtime.machine import THIS, Commits, Machine
from runtime.store import Store, StoreDamaged, StoreFull

T = TypeVar("T")

LATE_S = 1.0  # a commit takes milliseconds


class BookFile:
    """A store whose commits are made in groups, on a thread of their own."""

    def __init__(self, path: Path, migrations: Sequence[str], machine: Machine = THIS) -> None:
        """Open or create it on a machine; raises StoreUnusable, also when it is damaged."""
        self._store = Store(path, migrations, checked=True)
        self._trouble = ""  # of the last commit; set by the thread
        self._commits: Commits = machine.commits("order-book", self._work)

    def waiting_for(self) -> list[str]:
        """Return what keeps the book from being written, in words; nothing when it can be."""
        if self._trouble:
            return [f"the order book: {self._trouble}"]
        late = self._commits.oldest_s() > LATE_S
        return [f"the disk of the order book: a commit takes over {LATE_S:g} s"] if late else []

    async def probe(self) -> None:
        """If the last commit failed, try one more; raises BookUnavailable when it fails too."""
        if self._trouble:
            await self._do(lambda store: store.run("UPDATE book SET book_id = book_id"))

    async def copy(self, path: Path) -> bool:
        """Write a consistent copy, not synced yet; returns whether it could. Raises BookUnavailable."""
        return await self._do(Copy(path))

    async def close(self) -> None:
        """Finish what was submitted and close the file."""
        await self._commits.close()
        self._store.close()

    def _work(self, batch: list[Callable[[Store], Any]]) -> list[Any]:
        before = self._store.changes
        try:
            with self._store.transaction():
                results = [work(self._store) for work in batch]
        except (StoreFull, StoreDamaged) as error:
            self._trouble = str(error)
            return [BookUnavailable(str(error))] * len(batch)
        if self._store.changes != before:  # a batch that only reads says nothing about the disk
            self._trouble = ""
        return with_copies(self._store, batch, results)

    async def _do(self, work: Callable[[Store], T]) -> T:
        """Return what `work` returns, after its commit."""
        if self._commits.closed:
            raise BookUnavailable("the balancer is stopping")
        result: T | BookUnavailable = await self._commits.submit(work)
        if isinstance(result, BookUnavailable):
            raise result
        return result
