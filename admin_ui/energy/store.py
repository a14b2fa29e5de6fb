"""Keeps delivered energy in `DATA_DIR/admin_ui/energy.sqlite`: by the hour for 8 days, by the day (UTC) for 400."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from admin_ui.energy.meter import DAY_S, HOUR_S, Reading, delivered
from admin_ui.grid.kept_file import KeptFile
from runtime.store import Store

FILE = Path("admin_ui") / "energy.sqlite"  # in DATA_DIR
KEPT_S = {HOUR_S: 8 * DAY_S, DAY_S: 400 * DAY_S}  # by the length of a step
MIGRATIONS = [
    """
    CREATE TABLE reading (
        substation_id TEXT PRIMARY KEY, journal_id TEXT NOT NULL, energy_j REAL NOT NULL, at_s INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE delivered (
        step_s INTEGER NOT NULL, at_s INTEGER NOT NULL, substation_id TEXT NOT NULL, energy_kwh REAL NOT NULL,
        PRIMARY KEY (step_s, at_s, substation_id)
    ) STRICT, WITHOUT ROWID
    """
]
ADD = """
INSERT INTO delivered VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET energy_kwh = energy_kwh + excluded.energy_kwh
"""
READ = "INSERT OR REPLACE INTO reading VALUES (?, ?, ?, ?)"
LAST = "SELECT * FROM reading WHERE substation_id = ?"
PRUNE = "DELETE FROM delivered WHERE step_s = ? AND at_s < ?"
FLEET = """
SELECT at_s, sum(energy_kwh) AS energy_kwh FROM delivered WHERE step_s = ? AND at_s >= ? GROUP BY at_s ORDER BY at_s
"""
HIGHEST = """
SELECT substation_id, sum(energy_kwh) AS energy_kwh FROM delivered WHERE step_s = :step_s AND at_s >= :since_s
GROUP BY substation_id ORDER BY energy_kwh DESC, substation_id LIMIT :most
"""
OF_STEP = (
    "SELECT substation_id, energy_kwh FROM delivered WHERE step_s = ? AND at_s = ? ORDER BY substation_id"
)
COUNT = "SELECT count(DISTINCT substation_id) AS count FROM delivered WHERE step_s = ? AND at_s >= ?"


class EnergyStore:
    """One open file. All methods but `close` raise FileUnavailable."""

    def __init__(self, data: Path) -> None:
        """Open or create the file in a data folder; raises StoreUnusable. Create it on the event loop's thread."""
        self._file = KeptFile(data / FILE, MIGRATIONS, "the energy of the substations")

    async def take(self, readings: Collection[Reading]) -> None:
        """Count what was delivered since the last reading of each substation, and drop what is too old."""
        await self._file.do(lambda store: _take(store, readings))

    async def fleet(self, step_s: int, since_s: int) -> list[tuple[int, float]]:
        """Return the steps that begin at `since_s` or later, oldest first, and the kWh of all substations in each."""
        rows = await self._file.do(lambda store: store.rows(FLEET, (step_s, since_s)))
        return [(row["at_s"], row["energy_kwh"]) for row in rows]

    async def highest(self, step_s: int, since_s: int, most: int) -> tuple[list[tuple[str, float]], int]:
        """Return the substations with the most energy since then, in kWh, and how many there are."""
        values = {"step_s": step_s, "since_s": since_s, "most": most}
        rows = await self._file.do(lambda store: store.rows(HIGHEST, values))
        (counted,) = await self._file.do(lambda store: store.rows(COUNT, (step_s, since_s)))
        return [(row["substation_id"], row["energy_kwh"]) for row in rows], counted["count"]

    async def of_step(self, step_s: int, at_s: int) -> list[tuple[str, float]]:
        """Return the kWh of each substation in one step, by id."""
        rows: list[Any] = await self._file.do(lambda store: store.rows(OF_STEP, (step_s, at_s)))
        return [(row["substation_id"], row["energy_kwh"]) for row in rows]

    async def close(self) -> None:
        """Finish what was submitted and close the file."""
        await self._file.close()


def _take(store: Store, readings: Collection[Reading]) -> None:
    for now in readings:
        row = store.one(LAST, (now.substation_id,))
        for hour_s, kwh in delivered(Reading(*row) if row else None, now):
            for step_s in KEPT_S:
                store.run(ADD, (step_s, hour_s // step_s * step_s, now.substation_id, kwh))
        store.run(READ, now)
    newest_s = max((each.at_s for each in readings), default=0)
    for step_s, kept_s in KEPT_S.items():
        store.run(PRUNE, (step_s, newest_s - kept_s))
