"""The numbered frames that one client of a live stream gets: a snapshot, then changes.

Pure: time comes as seconds of a monotonic clock. Rules:

- a snapshot with all later changes applied equals the newest snapshot, whatever frames were left out in
  between: every difference is taken from what this client got last;
- the age of a row is not a change, because it rises all the time. It is sent with any other change of its
  row. Once every HEARTBEAT_S the ages of all rows are sent, with the changes of that moment or as a heartbeat.
  Otherwise one row that changes all the time would hide that the others are fresh.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

HEARTBEAT_S = 1.0  # the longest time without a frame, and without the ages of all rows

LiveView = Mapping[str, Any]  # an object of JSON; one of its members is a list of rows


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """Names of members: the snapshot, its list of rows, and in each row the key and the age in seconds."""

    whole: str
    rows: str
    key: str
    age: str


class Feed:
    """Remembers what one client got, and returns what it gets next."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._seq = 0
        self._sent: LiveView | None = None
        self._ages_s = 0.0  # when all ages were sent

    def next(self, shown: LiveView, now_s: float) -> dict[str, Any] | None:
        """Return the frame that brings this client up to `shown`; None when nothing has changed."""
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


def changes(before: LiveView, now: LiveView, table: Table) -> dict[str, Any]:
    """Return the differences, {} when there are none.

    These are the rows that changed, as a whole; the keys of rows that are gone; and every other member that has
    changed, under its own name.
    """
    old = {row[table.key]: row for row in before[table.rows]}
    changed = [row for row in now[table.rows] if not _same(row, old.get(row[table.key]), table)]
    gone = sorted(old.keys() - {row[table.key] for row in now[table.rows]})
    rest = {name: value for name, value in now.items() if name != table.rows and before.get(name) != value}
    return {table.rows: changed, "gone": gone} | rest if changed or gone or rest else {}


def rounded(shown: LiveView, table: Table) -> LiveView:
    """Return `shown` with ages rounded to a tenth of a second, as the stream sends them."""
    rows = [{**row, table.age: round(row[table.age], 1)} for row in shown[table.rows]]
    return {**shown, table.rows: rows}


def _same(row: LiveView, old: LiveView | None, table: Table) -> bool:
    return old is not None and {**old, table.age: None} == {**row, table.age: None}
