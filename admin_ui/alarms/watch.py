"""Judges the grid by the alarm rules once a second, and carries out what operators do with alarms."""

import asyncio
import logging
import math
import time
from collections.abc import Collection

from admin_ui.alarms.findings import findings, old_from_s, unknown
from admin_ui.alarms.lifecycle import Alarms, ClockReading
from admin_ui.alarms.mutes import MOST_REASON, Mute, MuteRefused
from admin_ui.alarms.store import AlarmStore
from admin_ui.audit.chain import AuditOutcome
from admin_ui.audit.log import AuditLog
from admin_ui.grid.view import GridView

log = logging.getLogger(__name__)

EVERY_S = 1.0
MOST_TARGET = 500  # characters of what an action was about
SETTLE_S = 5.0  # after a start, while the services come up, nothing is judged


class AlarmWatch:
    """The only place where alarms change."""

    def __init__(
        self, alarms: Alarms, store: AlarmStore, audit: AuditLog, grid: GridView, stale_s: float
    ) -> None:
        """`grid` is judged; a report that is older than `stale_s` is stale."""
        self.alarms = alarms
        self._store = store
        self._audit = audit
        self._grid = grid
        self._stale_s = stale_s
        self._saved = alarms.version

    async def follow(self, settle_s: float) -> None:
        """Look every EVERY_S seconds until cancelled, for the first time after `settle_s`.

        A fault of a look is logged, and does not end the watch.
        """
        await asyncio.sleep(settle_s)
        while True:
            try:
                self.look()
                await self._save()
            except Exception:
                self.alarms.stop_judging()
                log.exception("the alarms could not be judged")
            await asyncio.sleep(EVERY_S)

    def look(self) -> None:
        """Judge the grid as it is now."""
        now = ClockReading(time.monotonic(), time.time())
        state = self._grid.shown(now.monotonic_s)
        rush = str(state.get("rushhour") or "")
        self.alarms.look(findings(state, old_from_s(self._stale_s, state)), unknown(state), now, rush)

    async def acknowledge(self, ids: Collection[int], by: str) -> list[int]:
        """Acknowledge alarms, and save that; returns the ids that were waiting for it.

        Raises AuditUnwritable when nothing was done.
        """
        names = [alarm for alarm in self.alarms.open.values() if alarm.id in ids]
        targets = sorted({f"{alarm.rule} {alarm.substation_id}".strip() for alarm in names})
        entry = await self._audit.begin(
            by, "acknowledge alarms", ", ".join(targets)[:MOST_TARGET], "", {"ids": sorted(ids)}
        )
        done = self.alarms.acknowledge(ids, by, time.time())
        await self._save()
        await self._audit.end(entry, AuditOutcome.DONE if done else AuditOutcome.REFUSED, {"ids": done})
        return done

    async def mute(self, rule: str, substation_id: str, lasts_s: float, reason: str, by: str) -> Mute:
        """Mute a rule for `lasts_s` seconds at a substation ('' for all), and save that.

        Raises MuteRefused, or AuditUnwritable when nothing was done.
        """
        target = f"{rule} {substation_id}".strip()[:MOST_TARGET]
        details: dict[str, object] = {"minutes": round(lasts_s / 60, 1)} if math.isfinite(lasts_s) else {}
        entry = await self._audit.begin(by, "mute alarms", target, reason[:MOST_REASON], details)
        try:
            mute = self.alarms.mutes.put(rule, substation_id, lasts_s, reason, by, time.time())
        except MuteRefused as error:
            await self._audit.end(entry, AuditOutcome.REFUSED, {"why": str(error)})
            raise
        await self._save()
        await self._audit.end(entry, AuditOutcome.DONE, {"mute": mute.id})
        return mute

    async def unmute(self, mute_id: int, by: str) -> bool:
        """End a mute, and save that; returns whether there was one.

        Raises AuditUnwritable when nothing was done.
        """
        mute = self.alarms.mutes.by_id.get(mute_id)
        target = f"{mute.rule} {mute.substation_id}".strip() if mute else ""
        entry = await self._audit.begin(by, "end a mute", target, "", {"mute": mute_id})
        done = self.alarms.mutes.end(mute_id, by, time.time())
        await self._save()
        await self._audit.end(entry, AuditOutcome.DONE if done else AuditOutcome.REFUSED)
        return done

    async def _save(self) -> None:
        version = self.alarms.version
        if version != self._saved and await self._store.save(self.alarms.keep()):
            self._saved = max(self._saved, version)
