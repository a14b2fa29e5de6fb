"""The frames of one client of a live stream, as the JSON objects that it gets; and the same made the plain way."""

import json
from typing import Any

from runtime.changes import HEARTBEAT_S, Broadcast, Feed, LiveView, Table, changes


class Client:
    """A client that alone follows a stream."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._feed = Feed()
        self._broadcast: Broadcast | None = None

    def next(self, view: LiveView, now_s: float) -> dict[str, Any] | None:
        """Return what it gets when `view` is shown, None for nothing."""
        if self._broadcast:
            self._broadcast.show(view)
        else:
            self._broadcast = Broadcast(self._table, view)
        frame = self._feed.next(self._broadcast, now_s)
        return dict(json.loads(frame.json)) if frame else None


class PlainClient:
    """What a client must get: made for it alone, from the views themselves."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._seq = 0
        self._got: LiveView | None = None
        self._ages_s = 0.0

    def next(self, view: LiveView, now_s: float) -> dict[str, Any] | None:
        """Return what it gets when `view` is shown, None for nothing."""
        table = self._table
        ages = False
        if self._got is None:
            body: dict[str, Any] = {"kind": "snapshot", table.whole: view}
        else:
            changed = changes(self._got, view, table)
            ages = now_s - self._ages_s >= HEARTBEAT_S
            if not changed and not ages:
                return None
            body = {"kind": "changes" if changed else "heartbeat"} | changed
            if ages:
                body[table.age] = {row[table.key]: row[table.age] for row in view[table.rows]}
        if self._got is None or ages:
            self._ages_s = now_s
        self._seq += 1
        self._got = view
        return {"seq": self._seq} | body
