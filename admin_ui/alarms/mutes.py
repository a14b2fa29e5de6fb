"""The mutes of alarms: until when, why and by whom.

Pure: time comes as unix seconds. A mute has an end and a reason, and it hides nothing.
"""

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

from admin_ui.grid.event_log import AlarmLog

LONGEST_MUTE_S = 24 * 3600.0
MOST_MUTES = 100
MOST_REASON = 200
MOST_NAME = 300  # of a substation, or of an address where there is none


class MuteRefused(Exception):
    """The request is not accepted; the text says what is."""


@dataclasses.dataclass(frozen=True, slots=True)
class Mute:
    """Mutes the alarms of a rule, at one substation or ('') at all, until its end."""

    id: int
    rule: str
    substation_id: str
    until_unix_s: float
    reason: str
    by: str

    def holds(self, rule: str, substation_id: str) -> bool:
        """Whether it is about an alarm."""
        return self.rule == rule and self.substation_id in {"", substation_id}


class Mutes:
    """All mutes in force, by their id."""

    def __init__(
        self, rules: Collection[str], log: AlarmLog, kept: Collection[Mapping[str, Any]] = ()
    ) -> None:
        """`kept` is what `keep` returned before a restart; mutes of rules that no longer exist are left out."""
        self.rules = rules
        self.by_id = {mute["id"]: Mute(**mute) for mute in kept if mute["rule"] in rules}
        self._log = log

    def keep(self) -> list[dict[str, Any]]:
        """Return them as JSON holds them: the one that ends first comes first."""
        return [
            dataclasses.asdict(each) for each in sorted(self.by_id.values(), key=lambda m: m.until_unix_s)
        ]

    def holding(self, rule: str, substation_id: str) -> list[Mute]:
        """Return the mutes of an alarm."""
        return [mute for mute in self.by_id.values() if mute.holds(rule, substation_id)]

    def put(self, rule: str, substation_id: str, lasts_s: float, reason: str, by: str, unix_s: float) -> Mute:
        """Mute; raises Refused. A mute of the same rule and substation replaces the former one."""
        reason = " ".join(reason.split())
        if rule not in self.rules:
            message = f"there is no rule {rule!r}"
        elif len(substation_id) > MOST_NAME:
            message = "there is no substation of that name"
        elif not 0 < lasts_s <= LONGEST_MUTE_S:
            message = "a mute ends within 24 hours"
        elif not 0 < len(reason) <= MOST_REASON:
            message = f"a mute needs a reason of up to {MOST_REASON} characters"
        elif len(self.by_id) >= MOST_MUTES:
            message = f"there are {MOST_MUTES} mutes already: end one first"
        else:
            same = [m.id for m in self.by_id.values() if (m.rule, m.substation_id) == (rule, substation_id)]
            for each in same:
                del self.by_id[each]
            mute = Mute(self._log.next_number, rule, substation_id, unix_s + lasts_s, reason, by)
            self.by_id[mute.id] = mute
            self._note("muted", mute, unix_s, by=by, said=reason)
            return mute
        raise MuteRefused(message)

    def end(self, mute_id: int, by: str, unix_s: float) -> bool:
        """End a mute; returns whether there was one."""
        mute = self.by_id.pop(mute_id, None)
        if mute:
            self._note("unmuted", mute, unix_s, by=by)
        return mute is not None

    def expire(self, unix_s: float) -> None:
        """End those whose time has passed."""
        for mute in [mute for mute in self.by_id.values() if mute.until_unix_s <= unix_s]:
            del self.by_id[mute.id]
            self._note("unmuted", mute, unix_s, said="Its time has passed")

    def _note(self, event: str, mute: Mute, unix_s: float, by: str = "", said: str = "") -> None:
        about = {"of": mute.id, "rule": mute.rule, "substation_id": mute.substation_id}
        self._log.note(event, unix_s, about, by=by, said=said)
