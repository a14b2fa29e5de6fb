"""The numbered frames that the clients of a live stream get: each a snapshot, then changes.

Pure: time comes as seconds of a monotonic clock. Rules:

- a snapshot with all later changes applied equals the newest snapshot, whatever frames were left out in
  between: every difference is taken from what this client got last;
- the age of a row is not a change, because it rises all the time. It is sent with any other change of its
  row. Once every HEARTBEAT_S the ages of all rows are sent, with the changes of that moment or as a heartbeat.
  Otherwise one row that changes all the time would hide that the others are fresh;
- clients that got the same state last get the same bytes after the number of their frame, made once for all of them.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from runtime import strict_json

HEARTBEAT_S = 1.0  # the longest time without a frame, and without the ages of all rows

LiveView = Mapping[str, Any]  # an object of JSON; one of its members is a list of rows


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """Names of members: the snapshot, its list of rows, and in each row the key and the age in seconds."""

    whole: str
    rows: str
    key: str
    age: str


@dataclasses.dataclass(frozen=True, slots=True)
class State:
    """A view that was shown; views that differ only in the ages of their rows have the same number."""

    number: int
    view: LiveView


@dataclasses.dataclass(frozen=True, slots=True)
class Frame:
    """One frame: `kind` is 'snapshot', 'changes' or 'heartbeat', and `json` is its text in UTF-8."""

    kind: str
    json: bytes


class Broadcast:
    """The present state, and what brings a client up to it."""

    def __init__(self, table: Table, view: LiveView) -> None:
        self.table = table
        self.state = State(0, view)
        # What leads to the present state, by the number of the state that a client got last (None: nothing yet), and by
        # whether all ages are due. With clients that keep up, it has one or two entries, however many clients there are.
        self._frames: dict[tuple[int | None, bool], Frame | None] = {}

    def show(self, view: LiveView) -> None:
        """Make `view` the present state."""
        before = self.state
        same = before.view.keys() == view.keys() and not changes(before.view, view, self.table)
        self.state = State(before.number + (not same), view)
        self._frames.clear()

    def after(self, got: State | None, *, ages: bool) -> Frame | None:
        """Return the frame, without its number, for clients that got the state `got` last; None when nothing has changed.

        `ages` says that the ages of all rows are due.
        """
        key = (got.number if got else None), ages
        if key not in self._frames:
            body = self._body(got, ages=ages)
            self._frames[key] = Frame(body["kind"], strict_json.encode(body).encode()) if body else None
        return self._frames[key]

    def _body(self, got: State | None, *, ages: bool) -> dict[str, Any]:
        table, view = self.table, self.state.view
        if got is None:
            return {"kind": "snapshot", table.whole: view}
        changed = {} if got.number == self.state.number else changes(got.view, view, table)
        if not changed and not ages:
            return {}
        body = {"kind": "changes" if changed else "heartbeat"} | changed
        if ages:
            body[table.age] = {row[table.key]: row[table.age] for row in view[table.rows]}
        return body


class Feed:
    """Remembers what one client got, and returns what it gets next."""

    def __init__(self) -> None:
        self._seq = 0
        self._got: State | None = None
        self._ages_s = 0.0  # when all ages were sent

    def next(self, broadcast: Broadcast, now_s: float) -> Frame | None:
        """Return the frame that brings this client up to the present state; None when nothing has changed."""
        ages = self._got is not None and now_s - self._ages_s >= HEARTBEAT_S
        frame = broadcast.after(self._got, ages=ages)
        if frame is None:
            return None
        if ages or self._got is None:
            self._ages_s = now_s
        self._seq += 1
        self._got = broadcast.state
        return Frame(frame.kind, b'{"seq": %d, %b' % (self._seq, frame.json[1:]))


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
    return old is not None and {**old, table.age: row[table.age]} == row
