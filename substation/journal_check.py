"""The check of a journal at the start: its pages, its commits, and its indexes by number."""

import concurrent.futures
import contextlib
from collections.abc import Iterator

from runtime.commit_count import CommitCount
from runtime.index_comparison import IndexComparison
from runtime.store import Store, StoreDamaged


class JournalCheck:
    """Checks an open journal once. `indexes` goes on to compare a large one, record by record, after the start."""

    def __init__(self, store: Store, indexes: IndexComparison, count: CommitCount) -> None:
        self.indexes = indexes
        self._store = store
        self._count = count
        self._done = False

    def run(self, journal_id: str, commits: int) -> None:
        """Check it, unless that was done; `commits` is how many its own row counts. Raises StoreUnusable."""
        if not self._done:
            self._store.check()
            self._count.compare(journal_id, commits)
            self.indexes.count()
            self._done = True

    @contextlib.contextmanager
    def meanwhile(self, journal_id: str, commits: int) -> Iterator[None]:
        """Run it on a thread of its own while the caller computes something that does not use the journal.

        Raises StoreUnusable, also in place of an error inside: that one may come from the damage.
        """
        with concurrent.futures.ThreadPoolExecutor(1, "journal-check") as thread:
            check = thread.submit(self.run, journal_id, commits)
            try:
                yield
            finally:
                check.result()


@contextlib.contextmanager
def damage_explained(store: Store) -> Iterator[None]:
    """Raise StoreUnusable for damage that is met inside; what the check says about it is better than the error."""
    try:
        yield
    except StoreDamaged as error:
        store.check()
        raise store.unusable(str(error)) from error
