"""The life of an alarm: it is raised, acknowledged, muted and cleared.

Pure: time comes as a ClockReading. Rules, after ISA-18.2 and EEMUA 191:

- an alarm is raised when its rule was bad without a break for the on-delay, and cleared when it was fine without a
  break for the off-delay; a state in between, or an unknown one, starts both delays again;
- a cleared alarm stays shown until it is acknowledged; an active alarm stays shown in any case;
- an alarm that comes back before that is a new occurrence with a new id, so that nobody acknowledges an occurrence that
  they did not see;
- a cleared alarm shows its worst value;
- a mute has an end and a reason. It hides nothing: muted alarms are shown and counted separately;
- a rush hour mutes warnings that are raised during it, but no earlier ones, and never critical alarms.
"""

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from admin_ui.alarms.findings import Finding, Judgement, Key
from admin_ui.alarms.folding import WORST
from admin_ui.alarms.mutes import Mutes
from admin_ui.alarms.rules import Rule, Severity
from admin_ui.grid.event_log import EventLog
from admin_ui.grid.outages import Outages

SHOWN = 100  # of each list; the rest is only counted
FLOOD = 10  # alarms in ten minutes; more than an operator can handle (EEMUA 191)


@dataclasses.dataclass(frozen=True, slots=True)
class ClockReading:
    """Both clocks at one moment: monotonic seconds for delays, and unix seconds for people."""

    monotonic_s: float
    unix_s: float


@dataclasses.dataclass(slots=True)
class WorstFinding:
    """The worst finding so far, in words ('' before the first) and as its size."""

    said: str = ""
    size: float = 0.0

    def take(self, finding: Finding) -> None:
        """Keep a finding if it is bad and worse than the worst so far."""
        if finding.judgement is Judgement.BAD and (not self.said or finding.size > self.size):
            self.said, self.size = finding.said, finding.size


@dataclasses.dataclass(slots=True)
class Alarm:
    """One occurrence of an alarm.

    `times` counts the occurrences with the same key since the last acknowledgement, and `worst` is the worst of them.
    """

    id: int
    rule: str
    substation_id: str
    said: str
    raised_unix_s: float
    cleared_unix_s: float | None = None
    acknowledged_unix_s: float | None = None
    acknowledged_by: str = ""
    times: int = 1
    rush: str = ""  # the id of the rush hour during which it was raised
    worst: WorstFinding = dataclasses.field(default_factory=WorstFinding)
    own_worst: WorstFinding = dataclasses.field(default_factory=WorstFinding)  # of this occurrence alone


@dataclasses.dataclass(slots=True)
class Pending:
    """Findings that contradict the state of an alarm: since when (monotonic seconds), and the worst of them."""

    since_s: float
    worst: WorstFinding = dataclasses.field(default_factory=WorstFinding)


class Alarms:
    """All alarms by their key, with the mutes, the outages and the log of all their events."""

    def __init__(self, rules: Mapping[str, Rule], kept: Mapping[str, Any] | None = None) -> None:
        """`kept` is what `keep` returned before a restart."""
        kept = kept or {}
        self.rules = rules
        known = [_read(alarm) for alarm in kept.get("alarms", [])]
        self.open: dict[Key, Alarm] = {(a.rule, a.substation_id): a for a in known if a.rule in rules}
        self.log = EventLog(kept.get("history", []), kept.get("last_id", 0))
        self.mutes = Mutes(rules, self.log, kept.get("mutes", []))
        self.outages = Outages(self.log)
        self.rush = ""
        self.judged = False  # whether the last look could be judged; False before the first
        self._pending: dict[Key, Pending] = {}

    @property
    def version(self) -> int:
        """A number that rises with every event; when it has changed, `keep` returns something new."""
        return self.log.number

    def keep(self) -> dict[str, Any]:
        """Return everything that must outlive a restart, as JSON."""
        return {
            "alarms": [dataclasses.asdict(alarm) for alarm in self.open.values()],
            "mutes": self.mutes.keep(),
            "history": list(self.log.events),
            "last_id": self.log.number,
        }

    def look(
        self, found: Mapping[Key, Finding], unknown: Collection[str], now: ClockReading, rush: str = ""
    ) -> None:
        """Raise and clear alarms by the findings of the rules.

        `unknown` are the rules that can't be judged now, and `rush` is the id of the rush hour in progress, '' for none.
        """
        self.rush, self.judged = rush, True
        self.mutes.expire(now.unix_s)
        for key in [*self.open, *(found.keys() - self.open.keys())]:
            if key[0] in unknown:
                self._pending.pop(key, None)
            else:
                self._judge(key, found.get(key), now)
        for key in self._pending.keys() - found.keys() - self.open.keys():
            del self._pending[key]

    def stop_judging(self) -> None:
        """Record that the state of the grid could not be judged, so that pages say that nothing is known."""
        self.judged = False

    def acknowledge(self, ids: Collection[int], by: str, unix_s: float) -> list[int]:
        """Acknowledge alarms in the name of `by`; returns the ids that were waiting for it."""
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

    def muted_by(self, alarm: Alarm) -> str:
        """Return what mutes an alarm: 'rush hour', 'mute', or '' for nothing.

        A rush hour mutes the warnings that are raised during it. Earlier ones have another cause.
        """
        if self.mutes.of(alarm.rule, alarm.substation_id):
            return "mute"
        of_the_run = self.rush and alarm.rush == self.rush
        return "rush hour" if of_the_run and self.rules[alarm.rule].severity is Severity.WARNING else ""

    def shown(self, unix_s: float) -> dict[str, Any]:
        """Return the alarms as browsers get them: critical ones first, then active ones, then the newest."""
        listed = sorted(map(self._shown, self.open.values()), key=_order)
        calling, muted = [a for a in listed if not a["muted"]], [a for a in listed if a["muted"]]
        raised, raised_muted = self.log.raised(unix_s)
        return {
            "calling": calling[:SHOWN],
            "muted": muted[:SHOWN],
            "mutes": self.mutes.keep(),
            "counts": {**_counts(calling, ""), **_counts(muted, "muted_"), "idle_mutes": self._idle_mutes()},
            "rush": self.rush,
            "judged": self.judged,
            "raised_in_10_min": raised,
            "raised_muted_in_10_min": raised_muted,
            "flood": raised - raised_muted > FLOOD,
            "rules": len(self.rules),
            "version": self.version,
        }

    def _idle_mutes(self) -> int:
        """Return how many mutes are in force although their alarms have cleared."""
        active = [alarm for alarm in self.open.values() if alarm.cleared_unix_s is None]
        mutes = self.mutes.by_id.values()
        return sum(not any(mute.covers(a.rule, a.substation_id) for a in active) for mute in mutes)

    def _judge(self, key: Key, finding: Finding | None, now: ClockReading) -> None:
        judgement = finding.judgement if finding else Judgement.FINE
        alarm = self.open.get(key)
        active = alarm is not None and alarm.cleared_unix_s is None
        if alarm and active and finding and judgement is not Judgement.FINE:
            alarm.said = finding.said
            alarm.worst.take(finding)
            alarm.own_worst.take(finding)
        if judgement is not (Judgement.FINE if active else Judgement.BAD):
            self._pending.pop(key, None)
            return
        rule = self.rules[key[0]]
        pending = self._pending.setdefault(key, Pending(now.monotonic_s))
        if finding:
            pending.worst.take(finding)
        if now.monotonic_s - pending.since_s < (rule.off_s if active else rule.on_s):
            return
        del self._pending[key]
        if alarm and active:
            self._clear(key, alarm, now.unix_s)
        elif finding:
            self._raise(key, finding, pending.worst, now.unix_s)

    def _raise(self, key: Key, finding: Finding, worst: WorstFinding, unix_s: float) -> None:
        before, own = self.open.get(key), dataclasses.replace(worst)
        if before and before.worst.said and before.worst.size > worst.size:
            worst = before.worst
        times = before.times + 1 if before else 1
        alarm = Alarm(
            self.log.next_number,
            *key,
            finding.said,
            unix_s,
            times=times,
            rush=self.rush,
            worst=worst,
            own_worst=own,
        )
        self.open[key] = alarm
        self._note("raised", alarm, unix_s, said=finding.said)

    def _clear(self, key: Key, alarm: Alarm, unix_s: float) -> None:
        alarm.cleared_unix_s = unix_s
        self._note(
            "cleared",
            alarm,
            unix_s,
            said=f"{WORST}{alarm.worst.said}",
            own=alarm.own_worst.said,
            size=alarm.own_worst.size,
        )
        if alarm.acknowledged_unix_s is not None:
            del self.open[key]

    def _note(self, event: str, alarm: Alarm, unix_s: float, **more: Any) -> None:
        about = {"of": alarm.id, "rule": alarm.rule, "substation_id": alarm.substation_id}
        self.log.note(event, unix_s, about, muted=self.muted_by(alarm), **more)

    def _shown(self, alarm: Alarm) -> dict[str, Any]:
        rule = self.rules[alarm.rule]
        of_the_rule = {
            "severity": rule.severity,
            "title": rule.title,
            "action": rule.action,
            "link": rule.link,
        }
        return dataclasses.asdict(alarm) | of_the_rule | {"muted": self.muted_by(alarm)}


def _read(kept: Mapping[str, Any]) -> Alarm:
    """Read an alarm as `keep` wrote it. An older console wrote no worst value; then the last value counts."""
    worst = kept.get("worst", {"said": kept["said"]})
    own = kept.get("own_worst", worst)
    return Alarm(**{**kept, "worst": WorstFinding(**worst), "own_worst": WorstFinding(**own)})


def _order(alarm: Mapping[str, Any]) -> tuple[bool, bool, int]:
    """Sort by severity, then active before cleared, then the newest first."""
    return alarm["severity"] != Severity.CRITICAL, alarm["cleared_unix_s"] is not None, -alarm["id"]


def _counts(alarms: Collection[Mapping[str, Any]], prefix: str) -> dict[str, int]:
    """Return how many are active by severity, how many have cleared, and how many are not acknowledged."""

    def counted() -> Iterator[tuple[str, int]]:
        active = [alarm for alarm in alarms if alarm["cleared_unix_s"] is None]
        for severity in Severity:
            yield str(severity), sum(alarm["severity"] == severity for alarm in active)
        yield "cleared", len(alarms) - len(active)
        yield "unacknowledged", sum(alarm["acknowledged_unix_s"] is None for alarm in alarms)

    return {prefix + name: count for name, count in counted()}
