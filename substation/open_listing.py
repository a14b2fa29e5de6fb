"""A page of the open sessions: which ones, in which order, and the place where it goes on.

Pure. Rules:

- the key of a session is the value that it is sorted by and its id: unique, so a place in an order is never ambiguous;
- values are facts of the session, and none of them depends on the moment: a page that goes on misses none and repeats none
  of the sessions that stay open unchanged;
- keys mean the same at every substation, so a cursor of one continues the pages of all.
"""

import base64
import binascii
import dataclasses
import enum
import json
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, compress
from operator import attrgetter
from typing import Any

from substation.contract import SessionState
from substation.curve import Curve
from substation.records import Entry, Record

MOST_IN_A_PAGE = 100  # sessions: they are written in one piece, which takes 1 to 3 ms
MOST_SEARCHED = 128  # characters, as many as an id has
MOST_CURSOR = 600  # characters of a cursor: a vehicle's and a session's id in base64

Key = tuple[int | str, str]


class SortBy(enum.StrEnum):
    """The orders of open sessions: when they began, their highest power, their planned end, the id of their vehicle."""

    START = "start"
    POWER = "power"
    END = "end"
    VEHICLE = "vehicle"


VALUES: Mapping[SortBy, Callable[[Entry], Any]] = {
    SortBy.START: attrgetter("started_unix_ms"),
    SortBy.POWER: attrgetter("plan.power_w"),
    SortBy.END: attrgetter("expected_end_unix_ms"),
    SortBy.VEHICLE: attrgetter("vehicle_id"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class OpenQuery:
    """Which open sessions are wanted: at most `limit` in an order, past the key `after`.

    `state` '' is any, else charging or paused. `search` is the beginning of the id of a vehicle or a session, or of what a
    session's has after its last dot, in any case.
    """

    sort_by: SortBy = SortBy.START
    descending: bool = False
    after: Key | None = None
    limit: int = 50
    state: str = ""
    search: str = ""


def cursor(sort_by: SortBy, entry: Entry) -> str:
    """Write the place of a session in an order as text that clients send back; see `key_of`."""
    place = json.dumps([sort_by, VALUES[sort_by](entry), entry.session_id])
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def key_of(sort_by: SortBy, text: str) -> Key:
    """Read a `cursor` of an order; raises ValueError for any other text."""
    if len(text) > MOST_CURSOR:  # before it is read: JSON may nest too deep
        raise ValueError("is no cursor")
    try:
        read = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        sorted_by, value, session_id = read
    except (binascii.Error, ValueError, TypeError):
        raise ValueError("is no cursor") from None
    kind = str if sort_by is SortBy.VEHICLE else int
    if type(value) is not kind or not isinstance(session_id, str):
        raise ValueError("is no cursor")
    if sorted_by != sort_by:
        raise ValueError(f"is a cursor of another order than {sort_by}")
    return value, session_id


def candidates(curve: Curve, now_ms: int, state: str) -> Iterator[Entry]:
    """Yield the sessions that are open at a grid time, of one state or ('') of any."""
    charging = curve.releases.after(now_ms).sessions() if state != SessionState.PAUSED else ()
    return chain(charging, curve.paused if state != SessionState.CHARGING else ())


class Selection:
    """The sessions of a page, found while all open ones are passed to `take`, some at a time.

    `matching` counts the sessions that the query finds on all pages, `before` those of earlier pages.
    """

    def __init__(self, query: OpenQuery) -> None:
        self.matching = 0
        self.before = 0
        self._query = query
        self._value = VALUES[query.sort_by]
        self._best: list[tuple[Key, Entry]] = []  # in the order of keys

    def take(self, entries: list[Entry]) -> None:
        """Look through sessions that were not seen before."""
        query = self._query
        if query.search:
            word = query.search.lower()
            entries = [
                e
                for e in entries
                if e.vehicle_id.lower().startswith(word)
                or e.session_id.startswith(word)
                or e.session_id.rpartition(".")[2].startswith(word)
            ]
        self.matching += len(entries)
        values = list(map(self._value, entries))
        if query.after:
            values, entries = self._past(query.after, values, entries)
        if len(self._best) == query.limit:  # what comes after the last of the page is not on it
            last = self._best[0 if query.descending else -1][0][0]
            near = [v >= last for v in values] if query.descending else [v <= last for v in values]
            values, entries = list(compress(values, near)), list(compress(entries, near))
        if entries:
            found = [((value, entry.session_id), entry) for value, entry in zip(values, entries, strict=True)]
            best = sorted(self._best + found)  # keys are unique, so sessions are never compared
            self._best = best[-query.limit :] if query.descending else best[: query.limit]

    def _past(self, after: Key, values: list[Any], entries: list[Entry]) -> tuple[list[Any], list[Entry]]:
        """Return the sessions past a key with their values, and count the others."""
        value, session_id = after
        if self._query.descending:
            past = [
                v < value or (v == value and e.session_id < session_id)
                for v, e in zip(values, entries, strict=True)
            ]
        else:
            past = [
                v > value or (v == value and e.session_id > session_id)
                for v, e in zip(values, entries, strict=True)
            ]
        self.before += len(entries) - sum(past)
        return list(compress(values, past)), list(compress(entries, past))

    def entries(self) -> list[Entry]:
        """Return the sessions of the page, in its order."""
        found = reversed(self._best) if self._query.descending else self._best
        return [entry for _, entry in found]


def page(
    query: OpenQuery, selection: Selection, curve: Curve, now_ms: int, substation_id: str
) -> dict[str, Any]:
    """Return a page as JSON has it: its sessions as they are at a grid time, and the counts."""
    entries = selection.entries()
    more = selection.before + len(entries) < selection.matching
    paused = len(curve.paused)
    return {
        "sessions": [_shown(entry, query.sort_by, now_ms, substation_id) for entry in entries],
        "matching": selection.matching,
        "before": selection.before,
        "charging": curve.sessions_at(now_ms) - paused,
        "paused": paused,
        "next": cursor(query.sort_by, entries[-1]) if more and entries else None,
    }


def _shown(entry: Entry, sort_by: SortBy, now_ms: int, substation_id: str) -> dict[str, Any]:
    state = SessionState.PAUSED if entry.paused else SessionState.CHARGING
    session = Record("", 0, state, entry).session_at(now_ms, substation_id)
    assert session  # a record with an entry has one
    draw_w = round(entry.draw_w(now_ms))
    return session.fields() | {"draw_w": draw_w, "cursor": cursor(sort_by, entry)}
