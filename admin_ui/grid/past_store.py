"""Keeps means of the fleet and of its substations in `DATA_DIR/admin_ui/past.sqlite`, over restarts, at falling resolution.

Of 10 s for 6 hours, of a minute for 7 days. One thread writes and reads it; nothing that acts on the grid waits for it.
What can't be written is a gap.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from admin_ui.grid.kept_file import KeptFile
from admin_ui.grid.means import Figures, Mean
from runtime.store import Store

FILE = Path("admin_ui") / "past.sqlite"  # in DATA_DIR
KEPT_S = {10: 6 * 3600, 60: 7 * 86_400}  # by the length of a window
MIGRATIONS = [
    """
    CREATE TABLE mean (
        step_s INTEGER NOT NULL, name TEXT NOT NULL, at_s INTEGER NOT NULL, load_kw REAL NOT NULL,
        base_load_kw REAL NOT NULL, capacity_kw REAL NOT NULL, sessions REAL NOT NULL, seconds INTEGER NOT NULL,
        PRIMARY KEY (step_s, name, at_s)
    ) STRICT, WITHOUT ROWID
    """,
    "ALTER TABLE mean ADD COLUMN rated_kw REAL NOT NULL DEFAULT 0",  # 0 is unknown: then all of it counts as usable
]
FIGURES = ", ".join(Figures._fields)
# A window that a restart has cut in two is one: its mean is that of both parts.
INSERT = f"""
INSERT INTO mean (step_s, name, at_s, {FIGURES}, seconds) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    {", ".join(f"{each} = ({each} * seconds + excluded.{each} * excluded.seconds) / (seconds + excluded.seconds)" for each in Figures._fields)},
    seconds = seconds + excluded.seconds
"""  # noqa: S608 - constants
PRUNE = "DELETE FROM mean WHERE step_s = ? AND name = ? AND at_s < ?"
# One look into the index for each name, however many means there are.
NAMES = """
WITH RECURSIVE known (name) AS (
    SELECT min(name) FROM mean WHERE step_s = :step_s
    UNION ALL
    SELECT (SELECT min(name) FROM mean WHERE step_s = :step_s AND name > known.name) FROM known WHERE name IS NOT NULL
)
SELECT name, (SELECT max(at_s) FROM mean WHERE step_s = :step_s AND name = known.name) AS newest_s
FROM known WHERE name IS NOT NULL ORDER BY newest_s DESC, name
"""
BETWEEN = """
SELECT at_s / :bucket_s * :bucket_s AS at_s, sum(load_kw * seconds) / sum(seconds) AS load_kw,
    sum(base_load_kw * seconds) / sum(seconds) AS base_load_kw, sum(capacity_kw * seconds) / sum(seconds) AS capacity_kw,
    sum(sessions * seconds) / sum(seconds) AS sessions, sum(seconds) AS seconds,
    sum(max(rated_kw, capacity_kw) * seconds) / sum(seconds) AS rated_kw
FROM mean WHERE step_s = :step_s AND name = :name AND at_s >= :from_s AND at_s < :until_s GROUP BY 1 ORDER BY 1
"""


class PastStore:
    """One open file. All methods but `close` raise FileUnavailable."""

    def __init__(self, data: Path) -> None:
        """Open or create the file in a data folder; raises StoreUnusable. Create it on the event loop's thread."""
        self._file = KeptFile(data / FILE, MIGRATIONS, "the past of the charts")
        self._do = self._file.do

    async def add(self, step_s: int, means: Collection[Mean]) -> None:
        """Write means of one length, and drop those of all names that are too old beside them."""
        await self._do(lambda store: _write(store, step_s, means))

    async def read(self, name: str, step_s: int, from_s: int, until_s: int, bucket_s: int) -> list[Any]:
        """Return rows with `at_s` and the figures, oldest first: the means of buckets from `from_s` to before `until_s`.

        `bucket_s` is a multiple of `step_s`.
        """
        values = {
            "name": name,
            "step_s": step_s,
            "from_s": from_s,
            "until_s": until_s,
            "bucket_s": bucket_s,
        }
        return await self._do(lambda store: store.rows(BETWEEN, values))

    async def names(self, step_s: int, since_s: int = 0) -> list[str]:
        """Return the names of which there are means of this length that begin at `since_s` or later, the latest first."""
        return await self._do(lambda store: _names(store, step_s, since_s))

    async def close(self) -> None:
        """Finish what was submitted and close the file."""
        await self._file.close()


def _write(store: Store, step_s: int, means: Collection[Mean]) -> None:
    for mean in means:
        store.run(INSERT, (step_s, mean.name, mean.at_s, *mean.figures, mean.seconds))
    newest = max(mean.at_s for mean in means)
    for name in _names(store, step_s):
        store.run(PRUNE, (step_s, name, newest - KEPT_S[step_s]))


def _names(store: Store, step_s: int, since_s: int = 0) -> list[str]:
    return [row["name"] for row in store.rows(NAMES, {"step_s": step_s}) if row["newest_s"] >= since_s]
