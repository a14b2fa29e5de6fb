"""The alarms: raised, acknowledged, muted, cleared, and what became of them.

Pure: time comes as a Moment. Rules, after ISA-18.2 and EEMUA 191:

- an alarm is raised when its rule was bad without a break for its on-delay, and cleared when it was fine
  without a break for its off-delay; what lies between, or is not known, starts both anew;
- one that was cleared stays shown until it is acknowledged; one that is still true stays shown in any case;
- one that comes back before is a new occurrence under a new id: nobody acknowledges what they did not see;
- a mute has an end and a reason. It hides nothing: what is muted is shown and counted apart;
- a rush hour mutes warnings, never criticals.
"""

import collections
import dataclasses
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from admin_ui.alarm_rules import Finding, Key, Rule, Severity, Verdict

HISTORY = 1000
SHOWN = 100  # of each list; the rest is only counted
FLOOD = 10  # raised in RATE_S: more than one can work through (EEMUA 191)
RATE_S = 600.0
LONGEST_MUTE_S = 24 * 3600.0
MOST_MUTES = 100
MOST_REASON = 200
MOST_NAME = 300  # of a substation, or of an address where there is none


class Refused(Exception):  # noqa: N818 - an answer
    """What was asked for is not accepted; the text says what is."""


@dataclasses.dataclass(frozen=True, slots=True)
class Moment:
    """Now: seconds of a monotonic clock for delays, and unix seconds to tell people."""

    mono_s: float
    unix_s: float


@dataclasses.dataclass(slots=True)
class Alarm:
    """One occurrence; `times` counts those of the same key that were not acknowledged in between."""

    id: int
    rule: str
    substation_id: str
    said: str
    raised_unix_s: float
    cleared_unix_s: float | None = None
    acknowledged_unix_s: float | None = None
    acknowledged_by: str = ""
    times: int = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Mute:
    """Alarms of a rule, of one substation or ('') of all, don't call until an end."""

    id: int
    rule: str
    substation_id: str
    until_unix_s: float
    reason: str
    by: str

    def holds(self, alarm: Alarm) -> bool:
        """Whether it is about an alarm."""
        return self.rule == alarm.rule and self.substation_id in {"", alarm.substation_id}


class Alarms:
    """All alarms, by their key; `history` holds the newest events, oldest first."""

    def __init__(self, rules: Mapping[str, Rule], kept: Mapping[str, Any] | None = None) -> None:
        """`kept` is what `keep` returned before a restart."""
        kept = kept or {}
        self.rules = rules
        known = [Alarm(**alarm) for alarm in kept.get("alarms", [])]
        self.open: dict[Key, Alarm] = {(a.rule, a.substation_id): a for a in known if a.rule in rules}
        self.mutes = {m["id"]: Mute(**m) for m in kept.get("mutes", []) if m["rule"] in rules}
        self.history: collections.deque[dict[str, Any]] = collections.deque(
            kept.get("history", []), maxlen=HISTORY
        )
        self.rush = ""
        self.judged = False  # whether anything was looked at since the start
        self._last_id: int = kept.get("last_id", 0)
        self._since_s: dict[Key, float] = {}  # when what contradicts the state of a key began

    @property
    def version(self) -> int:
        """Rises with every event: what is to be kept has changed."""
        return self._last_id

    def keep(self) -> dict[str, Any]:
        """Return all that must outlive a restart, as JSON holds it."""
        return {
            "alarms": [dataclasses.asdict(alarm) for alarm in self.open.values()],
            "mutes": [dataclasses.asdict(mute) for mute in self.mutes.values()],
            "history": list(self.history),
            "last_id": self._last_id,
        }

    def look(
        self, found: Mapping[Key, Finding], unknown: Collection[str], now: Moment, rush: str = ""
    ) -> None:
        """Take what the rules say; `unknown` are those that say nothing now, `rush` the run in progress."""
        self.rush, self.judged = rush, True
        for mute in [mute for mute in self.mutes.values() if mute.until_unix_s <= now.unix_s]:
            del self.mutes[mute.id]
            self._note("unmuted", mute, now.unix_s, said="The time is over")
        for key in [*self.open, *(found.keys() - self.open.keys())]:
            if key[0] in unknown:
                self._since_s.pop(key, None)
            else:
                self._judge(key, found.get(key), now)
        for key in self._since_s.keys() - found.keys() - self.open.keys():
            del self._since_s[key]

    def acknowledge(self, ids: Collection[int], by: str, unix_s: float) -> list[int]:
        """Note who has seen alarms; returns the ids that were waiting for it."""
        done = []
        for key, alarm in list(self.open.items()):
            if alarm.id not in ids or alarm.acknowledged_unix_s is not None:
                continue
            alarm.acknowledged_unix_s, alarm.acknowledged_by = unix_s, by
            done.append(alarm.id)
            self._note("acknowledged", alarm, unix_s, by=by)
            if alarm.cleared_unix_s is not None:
                del self.open[key]
        return sorted(done)

    def mute(
        self, rule: str, substation_id: str, lasts_s: float, reason: str, by: str, unix_s: float
    ) -> Mute:
        """Mute; raises Refused. One of the same rule and substation takes the place of the one before."""
        reason = " ".join(reason.split())
        if rule not in self.rules:
            message = f"there is no rule {rule!r}"
        elif len(substation_id) > MOST_NAME:
            message = "there is no substation of such a name"
        elif not 0 < lasts_s <= LONGEST_MUTE_S:
            message = "a mute ends within 24 hours"
        elif not 0 < len(reason) <= MOST_REASON:
            message = f"a mute takes a reason of up to {MOST_REASON} characters"
        elif len(self.mutes) >= MOST_MUTES:
            message = f"there are {MOST_MUTES} mutes already: end one first"
        else:
            old = [m.id for m in self.mutes.values() if (m.rule, m.substation_id) == (rule, substation_id)]
            for each in old:
                del self.mutes[each]
            mute = Mute(self._last_id + 1, rule, substation_id, unix_s + lasts_s, reason, by)
            self.mutes[mute.id] = mute
            self._note("muted", mute, unix_s, by=by, said=reason)
            return mute
        raise Refused(message)

    def unmute(self, mute_id: int, by: str, unix_s: float) -> bool:
        """End a mute; returns whether there was one."""
        mute = self.mutes.pop(mute_id, None)
        if mute:
            self._note("unmuted", mute, unix_s, by=by)
        return mute is not None

    def muted_by(self, alarm: Alarm) -> str:
        """Return 'rush hour', 'mute', or '' for one that calls."""
        if any(mute.holds(alarm) for mute in self.mutes.values()):
            return "mute"
        return "rush hour" if self.rush and self.rules[alarm.rule].severity is Severity.WARNING else ""

    def shown(self, unix_s: float) -> dict[str, Any]:
        """Return what browsers are shown: the worst first, then the newest."""
        listed = sorted(map(self._shown, self.open.values()), key=_order)
        calling, muted = [a for a in listed if not a["muted"]], [a for a in listed if a["muted"]]
        mutes = sorted(self.mutes.values(), key=lambda mute: mute.until_unix_s)
        return {
            "calling": calling[:SHOWN],
            "muted": muted[:SHOWN],
            "mutes": [dataclasses.asdict(mute) for mute in mutes],
            "counts": {**_counts(calling, ""), **_counts(muted, "muted_")},
            "rush": self.rush,
            "judged": self.judged,
            "raised_in_10_min": (raised := self.raised(unix_s)),
            "flood": raised > FLOOD,
            "rules": len(self.rules),
            "version": self.version,
        }

    def raised(self, unix_s: float) -> int:
        """Return how many alarms have called in the last ten minutes."""
        return sum(
            event["event"] == "raised" and not event["muted"] and unix_s - event["unix_s"] < RATE_S
            for event in self.history
        )

    def newest(self, count: int) -> list[dict[str, Any]]:
        """Return events, newest first."""
        return list(reversed(self.history))[:count]

    def _judge(self, key: Key, finding: Finding | None, now: Moment) -> None:
        verdict = finding.verdict if finding else Verdict.FINE
        alarm = self.open.get(key)
        active = alarm is not None and alarm.cleared_unix_s is None
        if alarm and active and finding and verdict is not Verdict.FINE:
            alarm.said = finding.said
        if verdict is not (Verdict.FINE if active else Verdict.BAD):
            self._since_s.pop(key, None)
            return
        rule = self.rules[key[0]]
        since_s = self._since_s.setdefault(key, now.mono_s)
        if now.mono_s - since_s < (rule.off_s if active else rule.on_s):
            return
        del self._since_s[key]
        if alarm and active:
            self._clear(key, alarm, now.unix_s)
        elif finding:
            self._raise(key, finding, now.unix_s)

    def _raise(self, key: Key, finding: Finding, unix_s: float) -> None:
        before = self.open.get(key)
        times = before.times + 1 if before else 1
        alarm = Alarm(self._last_id + 1, *key, finding.said, unix_s, times=times)
        self.open[key] = alarm
        self._note("raised", alarm, unix_s, said=finding.said)

    def _clear(self, key: Key, alarm: Alarm, unix_s: float) -> None:
        alarm.cleared_unix_s = unix_s
        self._note("cleared", alarm, unix_s, said=alarm.said)
        if alarm.acknowledged_unix_s is not None:
            del self.open[key]

    def _note(self, event: str, of: Alarm | Mute, unix_s: float, by: str = "", said: str = "") -> None:
        self._last_id += 1
        muted = self.muted_by(of) if isinstance(of, Alarm) else ""
        self.history.append(
            {
                "number": self._last_id, "unix_s": round(unix_s, 1), "event": event, "of": of.id,
                "rule": of.rule, "substation_id": of.substation_id, "said": said, "by": by, "muted": muted,
            }
        )  # fmt: skip

    def _shown(self, alarm: Alarm) -> dict[str, Any]:
        rule = self.rules[alarm.rule]
        told = {"severity": rule.severity, "title": rule.title, "action": rule.action, "link": rule.link}
        return dataclasses.asdict(alarm) | told | {"muted": self.muted_by(alarm)}


def _order(alarm: Mapping[str, Any]) -> tuple[bool, bool, int]:
    """Order by severity, what is true before what is over, then the newest first."""
    return alarm["severity"] != Severity.CRITICAL, alarm["cleared_unix_s"] is not None, -alarm["id"]


def _counts(alarms: Collection[Mapping[str, Any]], prefix: str) -> dict[str, int]:
    """Return how many are true by severity, how many are over, and how many wait for somebody."""

    def counted() -> Iterator[tuple[str, int]]:
        active = [alarm for alarm in alarms if alarm["cleared_unix_s"] is None]
        for severity in Severity:
            yield str(severity), sum(alarm["severity"] == severity for alarm in active)
        yield "over", len(alarms) - len(active)
        yield "unacknowledged", sum(alarm["acknowledged_unix_s"] is None for alarm in alarms)

    return {prefix + name: count for name, count in counted()}
