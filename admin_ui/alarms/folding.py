"""Folds the alarms that have ended by their rule: how often, how long, and the worst of them.

Pure. An alarm that came and went twenty times is one line, so that it does not hide the others.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from admin_ui.alarms.rules import Rule
from admin_ui.grid.event_log import Event

MOST_LISTED = 20  # occurrences of a rule, the newest
WORST = "At its worst: "  # before the worst value in the words of an event


@dataclasses.dataclass(frozen=True, slots=True)
class Occurrence:
    """One alarm that has ended; `lasted_s` is None when it was raised before the oldest event that is kept."""

    substation_id: str
    cleared_unix_s: float
    lasted_s: float | None
    worst: str
    size: float
    muted: bool


def fold(events: Iterable[Event], rules: Mapping[str, Rule]) -> list[dict[str, Any]]:
    """Return a document for each rule whose alarms have ended, the newest end first; `events` are oldest first."""
    by_rule: dict[str, list[Occurrence]] = {}
    raised: dict[int, float] = {}
    for event in events:
        if event["event"] == "raised":
            raised[event["of"]] = event["unix_s"]
        elif event["event"] == "cleared" and event["rule"] in rules:
            by_rule.setdefault(event["rule"], []).append(_occurrence(event, raised.get(event["of"])))
    folded = [_folded(rules[name], each) for name, each in by_rule.items()]
    return sorted(folded, key=lambda each: each["last_unix_s"], reverse=True)


def _occurrence(event: Event, raised_unix_s: float | None) -> Occurrence:
    """Return the alarm of an event; events of older consoles have no size, and then the newest counts as the worst."""
    lasted_s = None if raised_unix_s is None else round(event["unix_s"] - raised_unix_s, 1)
    worst = str(event.get("own") or event["said"]).removeprefix(WORST)
    size = float(event.get("size", 0.0))
    return Occurrence(event["substation_id"], event["unix_s"], lasted_s, worst, size, bool(event["muted"]))


def _folded(rule: Rule, occurrences: list[Occurrence]) -> dict[str, Any]:
    newest_first = occurrences[::-1]
    worst = max(newest_first, key=lambda each: each.size)
    lasted_s = [each.lasted_s for each in occurrences if each.lasted_s is not None]
    return {
        "rule": rule.name,
        "severity": rule.severity,
        "title": rule.title,
        "count": len(occurrences),
        "worst": worst.worst,
        "worst_substation_id": worst.substation_id,
        "longest_s": max(lasted_s, default=None),
        "total_s": round(sum(lasted_s), 1) if lasted_s else None,
        "last_unix_s": newest_first[0].cleared_unix_s,
        "occurrences": [dataclasses.asdict(each) for each in newest_first[:MOST_LISTED]],
    }
