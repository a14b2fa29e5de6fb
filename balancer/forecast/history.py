"""The history of all substations by the quarter hour: one SQLite file, and a thread that writes it.

It is not on the path of a charging request. A quarter hour that can't be written is a gap.
"""

import dataclasses
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, TypeVar

from balancer.forecast.calendar_days import SLOTS
from balancer.forecast.history_schema import MIGRATIONS
from balancer.forecast.recorder import QuarterHour
from runtime.group_commit import GroupCommit
from runtime.store import Store, StoreDamaged, StoreFull

T = TypeVar("T")

FILE = Path("balancer") / "history.sqlite"  # in DATA_DIR
KEPT_DAYS = 400
INSERT = "INSERT OR IGNORE INTO quarter_hour VALUES (?, ?, ?, ?, ?, ?, ?)"
PRUNE = "DELETE FROM quarter_hour WHERE substation_id = ? AND slot <= ?"
NEWEST = "SELECT max(slot) AS slot FROM quarter_hour WHERE substation_id = ?"
BETWEEN = """
SELECT * FROM quarter_hour WHERE substation_id = ? AND slot BETWEEN ? AND ? ORDER BY slot LIMIT ?
"""
SUBSTATIONS = "SELECT DISTINCT substation_id FROM quarter_hour ORDER BY substation_id"


class HistoryUnavailable(Exception):
    """The history can't be read or written now; the message says why."""


class History:
    """The file of a running balancer. All methods may raise HistoryUnavailable."""

    def __init__(self, path: Path) -> None:
        """Open or create it; raises StoreUnusable, also when it is damaged. Create it on the event loop's thread."""
        self._store = Store(path, MIGRATIONS, checked=True)
        self._work: GroupCommit[Callable[[Store], Any], Any] = GroupCommit("history", self._commit)

    async def add(self, rows: Collection[QuarterHour]) -> None:
        """Write quarter hours, and drop those that are over KEPT_DAYS older; what is there already stays."""
        await self._do(lambda store: write(store, rows))

    async def between(self, substation_id: str, first: int, last: int, most: int) -> list[QuarterHour]:
        """Return the oldest `most` quarter hours from `first` to `last`, ascending; both are inclusive."""
        return await self._do(lambda store: read(store, substation_id, first, last, most))

    async def newest(self, substation_id: str, days: int) -> list[QuarterHour]:
        """Return the quarter hours of the last `days` days before the newest one, ascending."""

        def work(store: Store) -> list[QuarterHour]:
            last = bound(store, NEWEST, substation_id)
            if last is None:
                return []
            return read(store, substation_id, last - days * SLOTS + 1, last, days * SLOTS)

        return await self._do(work)

    async def substations(self) -> list[str]:
        """Return the ids of the substations that have a history."""
        return await self._do(lambda store: [row["substation_id"] for row in store.rows(SUBSTATIONS)])

    async def close(self) -> None:
        """Finish what was submitted and close the file."""
        await self._work.close()
        self._store.close()

    async def _do(self, work: Callable[[Store], T]) -> T:
        if self._work.closed:
            raise HistoryUnavailable("the balancer is stopping")
        result = await self._work.submit(work)
        if isinstance(result, HistoryUnavailable):
            raise result
        return result  # type: ignore[no-any-return]

    def _commit(self, batch: list[Callable[[Store], Any]]) -> list[Any]:
        try:
            with self._store.transaction():
                return [work(self._store) for work in batch]
        except (StoreFull, StoreDamaged) as error:
            return [HistoryUnavailable(f"the history: {error}")] * len(batch)


def write(store: Store, rows: Collection[QuarterHour]) -> None:
    """Insert quarter hours that are not there yet, and prune those of the same substations."""
    newest: dict[str, int] = {}
    for row in rows:
        store.run(INSERT, dataclasses.astuple(row))
        newest[row.substation_id] = max(row.slot, newest.get(row.substation_id, row.slot))
    for substation_id in newest:
        last = bound(store, NEWEST, substation_id)
        if last is not None:
            store.run(PRUNE, (substation_id, last - KEPT_DAYS * SLOTS))


def read(store: Store, substation_id: str, first: int, last: int, most: int) -> list[QuarterHour]:
    """Return the oldest `most` quarter hours from `first` to `last`."""
    rows = store.rows(BETWEEN, (substation_id, first, last, most))
    return [QuarterHour(**{**dict(row), "holiday": bool(row["holiday"])}) for row in rows]


def bound(store: Store, sql: str, substation_id: str) -> int | None:
    """Return the quarter hour that a query such as NEWEST finds; None when there is none."""
    row: Sequence[int | None] | None = store.one(sql, (substation_id,))
    return row[0] if row else None
