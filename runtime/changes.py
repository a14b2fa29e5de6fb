"""What changed in what is shown: the numbered frames that one client of a stream gets.

Pure: time comes as seconds of a monotonic clock. Rules:

- a snapshot with all changes since applied is the newest snapshot, whatever frames were left out in
  between: every difference is taken against what this client was sent last;
- the age of a row is not a change: it rises all the time. It comes with whatever else has changed of
  its row, and of all rows once every HEARTBEAT_S: with the changes of that moment, or as a heartbeat.
  Else one row that changes all the time would keep silent that the others are fresh.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

HEARTBEAT_S = 1.0  # the longest silence, and the longest that an age goes untold

Shown = Mapping[str, Any]  # an object of JSON; one of its members is a list of rows


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """Names: of what is shown, of its list of rows, and in a row of its key and of its age in seconds."""

    whole: str
    rows: str
    key: str
    age: str


class Feed:
    """What one client was sent."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._seq = 0
        self._sent: Shown | None = None
        self._ages_s = 0.0  # when all ages were told

    def next(self, shown: Shown, now_s: float) -> dict[str, Any] | None:
        """Return the frame that tells this client of `shown`; None when there is nothing to tell."""
        table = self._table
        if self._sent is None:
            body: dict[str, Any] = {"kind": "snapshot", table.whole: shown}
        else:
            changed = changes(self._sent, shown, table)
            ages = now_s - self._ages_s >= HEARTBEAT_S
            if not changed and not ages:
                return None
            body = {"kind": "changes" if changed else "heartbeat"} | changed
            if ages:
                body[table.age] = {row[table.key]: row[table.age] for row in shown[table.rows]}
        if self._sent is None or table.age in body:
            self._ages_s = now_s
        self._seq += 1
        self._sent = shown
        return {"seq": self._seq} | body


def changes(before: Shown, now: Shown, table: Table) -> dict[str, Any]:
    """Return what is different now, {} when nothing is.

    The rows that changed, as a whole; the keys of those that are no longer shown; and whatever else
    has changed, under its own name.
    """
    old = {row[table.key]: row for row in before[table.rows]}
    changed = [row for row in now[table.rows] if not _same(row, old.get(row[table.key]), table)]
    gone = sorted(old.keys() - {row[table.key] for row in now[table.rows]})
    rest = {name: value for name, value in now.items() if name != table.rows and before.get(name) != value}
    return {table.rows: changed, "gone": gone} | rest if changed or gone or rest else {}


def rounded(shown: Shown, table: Table) -> Shown:
    """Return what is shown with ages to a tenth of a second, as the stream tells them."""
    rows = [{**row, table.age: round(row[table.age], 1)} for row in shown[table.rows]]
    return {**shown, table.rows: rows}


def _same(row: Shown, old: Shown | None, table: Table) -> bool:
    return old is not None and {**old, table.age: None} == {**row, table.age: None}
