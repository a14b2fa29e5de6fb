"""Saves the alarms in `DATA_DIR/admin_ui/alarms.sqlite`, so that they outlive a restart.

SQLite waits for the disk on a thread of its own. Alarms are shown even when the disk takes nothing. A restart then
loses acknowledgements, but no alarm that is still active.
"""

import asyncio
import concurrent.futures
import json
import logging
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from admin_ui.grid.event_log import HISTORY
from runtime.store import Store, StoreFull

log = logging.getLogger(__name__)

MIGRATIONS = [
    """
    CREATE TABLE event (number INTEGER PRIMARY KEY, event TEXT NOT NULL) STRICT;
    CREATE TABLE kept (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), kept TEXT NOT NULL) STRICT
    """,
    "CREATE TABLE sent (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), number INTEGER NOT NULL) STRICT",
]
SENT = "INSERT INTO sent VALUES (1, ?) ON CONFLICT (only_row) DO UPDATE SET number = excluded.number"
KEEP = "INSERT INTO kept VALUES (1, ?) ON CONFLICT (only_row) DO UPDATE SET kept = excluded.kept"


class AlarmStore:
    """One open file. Use it on the event loop's thread."""

    def __init__(self, data: Path) -> None:
        """Open the file, and create it if there is none; raises StoreUnusable."""
        self._store = Store(data / "admin_ui" / "alarms.sqlite", MIGRATIONS)
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "alarms")

    def load(self) -> dict[str, Any]:
        """Return what was saved last, {} when nothing was saved yet."""
        row = self._store.one("SELECT kept FROM kept")
        events = self._store.rows("SELECT event FROM event ORDER BY number")
        history = [json.loads(each["event"]) for each in events]
        return json.loads(row["kept"]) | {"history": history} if row else {}

    def sent(self) -> int | None:
        """Return the number of the last event that the webhook needs not send; None before the first start with one."""
        row = self._store.one("SELECT number FROM sent")
        return row["number"] if row else None

    async def save_sent(self, number: int) -> bool:
        """Save what `sent` returns; returns whether the disk took it."""
        return await self._try(self._save_sent, number)

    async def save(self, kept: Mapping[str, Any]) -> bool:
        """Save `kept`; returns whether the disk took it."""
        return await self._try(self._save, kept)

    async def _try(self, work: Callable[[Any], None], value: object) -> bool:
        try:
            # Shielded: what was submitted is saved even when the caller is cancelled before its turn.
            await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, work, value))
        except (StoreFull, sqlite3.Error) as error:
            log.warning("the alarms can't be saved", extra={"why": str(error)})
            return False
        return True

    async def close(self) -> None:
        """Close the file."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._store.close)
        self._thread.shutdown()

    def _save_sent(self, number: int) -> None:
        with self._store.transaction():
            self._store.run(SENT, (number,))

    def _save(self, kept: Mapping[str, Any]) -> None:
        with self._store.transaction():
            row = self._store.one("SELECT max(number) AS last FROM event")
            last = (row["last"] if row else None) or 0
            for event in kept["history"]:
                if event["number"] > last:
                    self._store.run("INSERT INTO event VALUES (?, ?)", (event["number"], json.dumps(event)))
            self._store.run("DELETE FROM event WHERE number <= ?", (kept["last_id"] - HISTORY,))
            rest = {name: value for name, value in kept.items() if name != "history"}
            self._store.run(KEEP, (json.dumps(rest),))
