"""What changed in the shown fleet: the numbered frames that one client of `/fleet/stream` gets.

Pure: time comes as seconds of a monotonic clock. Rules:

- a snapshot with all changes since applied is the newest snapshot, whatever frames were left out in
  between: every difference is taken against what this client was sent last;
- the age of a report is not a change: it rises all the time. It comes with whatever else has changed
  of its substation, and of all with every heartbeat.
"""

from collections.abc import Mapping
from typing import Any

HEARTBEAT_S = 5.0  # the longest silence
AGE = "report_age_s"
MEMBERS = "substations"

Shown = Mapping[str, Any]  # the fleet as `GET /fleet` shows it


class Feed:
    """What one client was sent."""

    def __init__(self) -> None:
        self._seq = 0
        self._sent: Shown | None = None
        self._at_s = 0.0

    def next(self, fleet: Shown, now_s: float) -> dict[str, Any] | None:
        """Return the frame that tells this client of `fleet`; None when there is nothing to tell."""
        body: dict[str, Any]
        if self._sent is None:
            body = {"kind": "snapshot", "fleet": fleet}
        elif changed := changes(self._sent, fleet):
            body = {"kind": "changes"} | changed
        elif now_s - self._at_s >= HEARTBEAT_S:
            body = {"kind": "heartbeat", AGE: {each["substation_id"]: each[AGE] for each in fleet[MEMBERS]}}
        else:
            return None
        self._seq += 1
        self._sent, self._at_s = fleet, now_s
        return {"seq": self._seq} | body


def changes(before: Shown, now: Shown) -> dict[str, Any]:
    """Return what is different now, {} when nothing is.

    The substations that changed, as a whole; the ids of those that are no longer shown; and whatever
    else of the fleet changed, under its own name.
    """
    old = {each["substation_id"]: each for each in before[MEMBERS]}
    changed = [
        each for each in now[MEMBERS] if _lasting(each) != _lasting(old.get(each["substation_id"], {}))
    ]
    gone = sorted(old.keys() - {each["substation_id"] for each in now[MEMBERS]})
    rest = {name: value for name, value in now.items() if name != MEMBERS and before.get(name) != value}
    return {MEMBERS: changed, "gone": gone} | rest if changed or gone or rest else {}


def rounded(fleet: Shown) -> Shown:
    """Return the fleet with ages to a tenth of a second, as the stream tells them."""
    return {**fleet, MEMBERS: [{**each, AGE: round(each[AGE], 1)} for each in fleet[MEMBERS]]}


def _lasting(member: Shown) -> dict[str, Any]:
    return {name: value for name, value in member.items() if name != AGE}
