"""Looks for alarms once a second in what the console shows, and takes what operators say of them."""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Collection
from typing import Any

from admin_ui.alarms.findings import findings, old_from_s, unknown
from admin_ui.alarms.lifecycle import Alarms, Moment
from admin_ui.alarms.mutes import MOST_REASON, Mute, MuteRefused
from admin_ui.alarms.store import AlarmStore
from admin_ui.audit.chain import AuditOutcome
from admin_ui.audit.log import Audit
from admin_ui.settings import Settings

log = logging.getLogger(__name__)

EVERY_S = 1.0
MOST_TARGET = 500  # characters of what an action was about
SETTLE_S = 5.0  # after a start: what all come up with is no alarm


class AlarmWatch:
    """The one place where alarms change; `view` returns what browsers are shown, without the alarms."""

    def __init__(
        self,
        alarms: Alarms,
        store: AlarmStore,
        audit: Audit,
        view: Callable[[], dict[str, Any]],
        settings: Settings,
    ) -> None:
        self._audit = audit
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
                self.alarms.judged = False  # pages say that nothing is known
                log.exception("the alarms could not be judged")
            await asyncio.sleep(EVERY_S)

    def look(self) -> None:
        """Judge this moment."""
        state = self._view()
        now = Moment(time.monotonic(), time.time())
        rush = str(state.get("rushhour") or "")
        self.alarms.look(findings(state, old_from_s(self._stale_s, state)), unknown(state), now, rush)

    async def acknowledge(self, ids: Collection[int], by: str) -> list[int]:
        """See Alarms.acknowledge; returns when it is on the disk. May raise Unwritable: nothing was done."""
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
        """See Mutes.put; returns when it is on the disk. May raise Unwritable: nothing was done."""
        target = f"{rule} {substation_id}".strip()[:MOST_TARGET]
        known: dict[str, object] = {"minutes": round(lasts_s / 60, 1)} if math.isfinite(lasts_s) else {}
        entry = await self._audit.begin(by, "mute alarms", target, reason[:MOST_REASON], known)
        try:
            mute = self.alarms.mutes.put(rule, substation_id, lasts_s, reason, by, time.time())
        except MuteRefused as error:
            await self._audit.end(entry, AuditOutcome.REFUSED, {"why": str(error)})
            raise
        await self._save()
        await self._audit.end(entry, AuditOutcome.DONE, {"mute": mute.id})
        return mute

    async def unmute(self, mute_id: int, by: str) -> bool:
        """See Mutes.end; returns when it is on the disk. May raise Unwritable: nothing was done."""
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
