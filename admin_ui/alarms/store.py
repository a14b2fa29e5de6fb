"""Keeps the alarms over a restart: `DATA_DIR/admin_ui/alarms.sqlite`.

SQLite waits for the disk on a thread of its own. Alarms are told also when the disk takes nothing: what
is lost then is who acknowledged, not the alarm.
"""

import asyncio
import concurrent.futures
import json
import logging
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from admin_ui.grid.event_log import HISTORY
from runtime.store import Store, StoreFull

log = logging.getLogger(__name__)

MIGRATIONS = [
    """
    CREATE TABLE event (number INTEGER PRIMARY KEY, event TEXT NOT NULL) STRICT;
    CREATE TABLE kept (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), kept TEXT NOT NULL) STRICT
    """
]
KEEP = "INSERT INTO kept VALUES (1, ?) ON CONFLICT (only_row) DO UPDATE SET kept = excluded.kept"


class AlarmStore:
    """One open file; to be used on the event loop's thread."""

    def __init__(self, data: Path) -> None:
        """Open it, made if absent; raises StoreUnusable."""
        self._store = Store(data / "admin_ui" / "alarms.sqlite", MIGRATIONS)
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "alarms")

    def load(self) -> dict[str, Any]:
        """Return what was saved last, {} when nothing was."""
        row = self._store.one("SELECT kept FROM kept")
        events = self._store.rows("SELECT event FROM event ORDER BY number")
        history = [json.loads(each["event"]) for each in events]
        return json.loads(row["kept"]) | {"history": history} if row else {}

    async def save(self, kept: Mapping[str, Any]) -> bool:
        """Save what must outlive a restart; returns whether the disk took it."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._save, kept)
        except (StoreFull, sqlite3.Error) as error:
            log.warning("the alarms can't be saved", extra={"why": str(error)})
            return False
        return True

    async def close(self) -> None:
        """Close the file."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._store.close)
        self._thread.shutdown()

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
