"""Which sessions are paused when the base load rises into their room, and which of the paused ones resume.

Pure. Time comes as grid milliseconds. Rules (docs/adr/0033):

- the newest sessions are paused first, as few as free the watts that are needed;
- paused sessions resume in the order of their admission, the oldest first; none overtakes another;
- they resume only in room that was there at every look for DEAD_BAND_MS, so that nothing flaps.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence

from substation.contract import SessionState
from substation.ledger import Decision, Ledger
from substation.open_sessions import InvariantBroken
from substation.records import Entry, Record

DEAD_BAND_MS = 30_000


def to_pause(charging: Iterable[Entry], need_w: int, now_ms: int) -> list[Entry]:
    """Return the newest sessions that free `need_w` together, the newest first; all if that is not enough."""
    chosen: list[Entry] = []
    if need_w <= 0:
        return chosen
    for entry in sorted(charging, key=lambda each: each.age, reverse=True):
        chosen.append(entry)
        need_w -= entry.plan.reserved_w(now_ms - entry.start_ms)
        if need_w <= 0:
            break
    return chosen


class ResumeTimer:
    """Measures how long there has been room for the oldest paused session."""

    def __init__(self) -> None:
        self._since_ms: int | None = None
        self._least_w = 0  # the least room at any look since then

    def to_resume(self, paused: Sequence[Entry], room_w: int, now_ms: int) -> list[Entry]:
        """Look once: return the sessions of `paused`, the oldest first, that resume now in the room that is there."""
        if not paused or room_w < paused[0].owed_w:
            self._since_ms = None
            return []
        self._least_w = min(self._least_w, room_w)
        if self._since_ms is None or self._least_w < paused[0].owed_w:  # it is another one that is the oldest
            self._since_ms, self._least_w = now_ms, room_w
        if now_ms - self._since_ms < DEAD_BAND_MS:
            return []
        self._since_ms = None
        return list(_fitting(paused, self._least_w))


def _fitting(paused: Iterable[Entry], room_w: int) -> Iterator[Entry]:
    """Yield the first sessions that fit together."""
    for entry in paused:
        room_w -= entry.owed_w
        if room_w < 0:
            return
        yield entry


class Pauses:
    """Pauses and resumes the sessions of a ledger."""

    def __init__(
        self, ledger: Ledger, find: Callable[[str], Record | None], wall_ms: Callable[[int], int]
    ) -> None:
        """`find` returns the record of a session, `wall_ms` the wall time that a span of grid time takes."""
        self._ledger = ledger
        self._find = find
        self._wall_ms = wall_ms
        self._timer = ResumeTimer()

    def follow(self, now_unix_ms: int) -> list[Decision]:
        """Look at the base load of the batch that has begun: decide on what it demands and allows."""
        ledger, now_ms = self._ledger, self._ledger.now_ms
        need_w = ledger.base_w + ledger.load_w - ledger.usage.limit_w(ledger.capacity_w)
        room_w = ledger.capacity_w - ledger.base_w - ledger.load_w
        resuming = self._timer.to_resume(ledger.sessions.paused, room_w, now_ms)
        pausing = to_pause(ledger.sessions.charging(), need_w, now_ms) if need_w > 0 else []
        decisions = [
            self._change(entry, entry.pause(now_ms, now_unix_ms), SessionState.PAUSED) for entry in pausing
        ]
        for entry in resuming:
            expected_end = now_unix_ms + self._wall_ms(entry.end_ms - entry.paused_ms)
            decisions.append(self._change(entry, entry.resume(now_ms, expected_end), SessionState.CHARGING))
        if resuming and ledger.base_w + ledger.load_w > ledger.capacity_w:
            raise InvariantBroken(f"resumed up to {ledger.base_w + ledger.load_w} of {ledger.capacity_w} W")
        return decisions

    def _change(self, before: Entry, after: Entry, state: SessionState) -> Decision:
        known = self._find(before.session_id)
        if not known:
            raise InvariantBroken(f"{before.session_id} is open, and the journal does not know it")
        return self._ledger.replace(before, dataclasses.replace(known, state=state, entry=after))
