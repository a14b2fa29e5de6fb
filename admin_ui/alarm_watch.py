"""Looks for alarms once a second in what the console shows, and takes what operators say of them."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from typing import Any

from admin_ui.alarm_rules import findings, unknown
from admin_ui.alarm_store import AlarmStore
from admin_ui.alarms import Alarms, Moment, Mute
from admin_ui.settings import Settings

log = logging.getLogger(__name__)

EVERY_S = 1.0
SETTLE_S = 5.0  # after a start: what all come up with is no alarm


class AlarmWatch:
    """The one place where alarms change; `view` returns what browsers are shown, without the alarms."""

    def __init__(
        self, alarms: Alarms, store: AlarmStore, view: Callable[[], dict[str, Any]], settings: Settings
    ) -> None:
        self.alarms = alarms
        self._store = store
        self._view = view
        self._stale_s = settings.alarm_stale_s
        self._settle_s = SETTLE_S * settings.alarm_delays
        self._saved = alarms.version

    async def follow(self) -> None:
        """Look until cancelled; a fault of a look is logged, and does not end the watch."""
        await asyncio.sleep(self._settle_s)
        while True:
            try:
                self.look()
                await self._save()
            except Exception:
                log.exception("the alarms could not be judged")
            await asyncio.sleep(EVERY_S)

    def look(self) -> None:
        """Judge this moment."""
        state = self._view()
        now = Moment(time.monotonic(), time.time())
        rush = str(state.get("rushhour") or "")
        self.alarms.look(findings(state, self._stale_s), unknown(state), now, rush)

    async def acknowledge(self, ids: Collection[int], by: str) -> list[int]:
        """See Alarms.acknowledge; returns when it is on the disk."""
        done = self.alarms.acknowledge(ids, by, time.time())
        await self._save()
        return done

    async def mute(self, rule: str, substation_id: str, lasts_s: float, reason: str, by: str) -> Mute:
        """See Alarms.mute; returns when it is on the disk."""
        mute = self.alarms.mute(rule, substation_id, lasts_s, reason, by, time.time())
        await self._save()
        return mute

    async def unmute(self, mute_id: int, by: str) -> bool:
        """See Alarms.unmute; returns when it is on the disk."""
        done = self.alarms.unmute(mute_id, by, time.time())
        await self._save()
        return done

    async def _save(self) -> None:
        version = self.alarms.version
        if version != self._saved and await self._store.save(self.alarms.keep()):
            self._saved = max(self._saved, version)
