"""The open sessions of a substation: when each one frees its power, and the load of all.

Pure. Time comes as grid milliseconds. Invariant: the load is the sum of all watts that are still to be freed.
"""

import bisect

from substation.curve import Curve, Release, Usage
from substation.records import Entry


class InvariantBroken(AssertionError):
    """The ledger contradicts itself, which is a bug: the process must end."""


class OpenSessions:
    """The open sessions by id; `load_w` is the power that they reserve."""

    def __init__(self) -> None:
        self.load_w = 0
        self._releases: list[Release] = []  # sorted by time; their watts sum up to the load
        self._entries: dict[str, Entry] = {}

    def curve(self, now_ms: int, capacity_w: int, usage: Usage) -> Curve:
        """Return the load from a grid time on, as an immutable picture."""
        entries = tuple(self._entries.values())
        return Curve.of(now_ms, self.load_w, capacity_w, entries, self._releases, usage)

    def curve_until(self, end_ms: int, now_ms: int, capacity_w: int, usage: Usage) -> Curve:
        """Return the load from `now_ms` to `end_ms`, without the sessions and without what is freed later."""
        due = bisect.bisect_right(self._releases, end_ms, key=lambda release: release.at_ms)
        return Curve.of(now_ms, self.load_w, capacity_w, (), self._releases[:due], usage)

    def add(self, entry: Entry, now_ms: int) -> None:
        """Reserve what a session still needs at `now_ms`."""
        for release in _releases(entry):
            if release.at_ms > now_ms:
                bisect.insort(self._releases, release)
                self.load_w += release.freed_w
        self._entries[entry.session_id] = entry
        self.check_bounds()

    def remove(self, entry: Entry) -> None:
        """Free all that a session still reserves."""
        for release in _releases(entry):
            at = bisect.bisect_left(self._releases, release)
            if at < len(self._releases) and self._releases[at] == release:
                del self._releases[at]
                self.load_w -= release.freed_w
        del self._entries[entry.session_id]
        self.check_bounds()

    def free_due(self, now_ms: int) -> list[tuple[Entry, int]]:
        """Free what the plans free up to `now_ms`; returns the sessions that have ended, with the time of each end."""
        due = bisect.bisect_right(self._releases, now_ms, key=lambda release: release.at_ms)
        ended = []
        for release in self._releases[:due]:
            self.load_w -= release.freed_w
            if release.last:
                ended.append((self._entries.pop(release.session_id), release.at_ms))
        del self._releases[:due]
        return ended

    def check(self) -> None:
        """Raise InvariantBroken if the load is not the sum of what is still to be freed."""
        total = sum(release.freed_w for release in self._releases)
        if total != self.load_w or len(self._entries) != sum(release.last for release in self._releases):
            raise InvariantBroken(
                f"load {self.load_w} W of {len(self._entries)} sessions, but {total} W are to be freed"
            )

    def check_bounds(self) -> None:
        """Raise InvariantBroken on an impossible load, the cheap half of `check`."""
        if self.load_w < 0 or bool(self._entries) != bool(self.load_w):
            raise InvariantBroken(f"load {self.load_w} W with {len(self._entries)} sessions")


def _releases(entry: Entry) -> list[Release]:
    steps = entry.plan.releases()
    return [
        Release(entry.start_ms + after, entry.session_id, freed, last=index == len(steps) - 1)
        for index, (after, freed) in enumerate(steps)
    ]
