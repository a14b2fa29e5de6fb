"""The open sessions of a substation: when each one frees its power, the load of all, and what paused ones are owed.

Pure. Time comes as grid milliseconds. Invariants: the load is the sum of all watts that are still to be freed; a paused
session is not part of the load, and `owed_w` is the sum of what the paused ones reserve when they resume.
"""

import math
from collections.abc import Iterable, Iterator

from substation.curve import Curve, Usage
from substation.plan import Plan
from substation.records import Entry
from substation.releases import Release, Releases


class InvariantBroken(AssertionError):
    """The ledger contradicts itself, which is a bug: the process must end."""


class OpenSessions:
    """The open sessions; `load_w` is the power that they reserve, `paused` are those that are paused, by age."""

    def __init__(self) -> None:
        self.load_w = 0
        self.owed_w = 0
        self.paused: tuple[Entry, ...] = ()
        self._settled = Releases()  # without those that were added since
        self._added: list[Release] = []
        self._open: set[str] = set()  # ids of charging sessions

    @property
    def _releases(self) -> Releases:
        """All releases; those of one batch go into the tree together."""
        if self._added:
            self._settled, self._added = self._settled.with_releases(self._added), []
        return self._settled

    def curve(self, now_ms: int, capacity_w: int, usage: Usage, base_w: int) -> Curve:
        """Return the load from a grid time on, as an immutable picture."""
        sessions = len(self._open) + len(self.paused)
        releases = self._releases
        return Curve(
            now_ms, self.load_w, capacity_w, sessions, usage, releases, base_w, self.owed_w, self.paused
        )

    def charging(self) -> Iterator[Entry]:
        """Yield the sessions that charge, in the order of their ends."""
        return self._releases.sessions()

    def add(self, entry: Entry, now_ms: int) -> None:
        """Reserve what a session still needs at `now_ms`; of a paused one, note what it is owed."""
        if entry.paused:
            self._set_paused((*self.paused, entry))
            return
        for release in _releases(entry):
            if release.at_ms > now_ms:
                self._added.append(release)
                self.load_w += release.freed_w
        self._open.add(entry.session_id)
        self.check_bounds()

    def resume(self, entries: Iterable[Entry], now_ms: int) -> None:
        """Reserve what many sessions still need at `now_ms`, where there is none yet."""
        sessions = list(entries)
        self._set_paused(entry for entry in sessions if entry.paused)
        sessions = [entry for entry in sessions if not entry.paused]
        self._open = {entry.session_id for entry in sessions}
        self._settled = Releases.of(_releases_after(now_ms, sessions))
        self.load_w = self._releases.freed_by(math.inf)
        self.check_bounds()

    def remove(self, entry: Entry) -> None:
        """Free all that a session still reserves, or is owed."""
        if entry.paused:
            self._set_paused(each for each in self.paused if each.session_id != entry.session_id)
            return
        for release in _releases(entry):
            if left := self._releases.without(release):
                self._settled = left
                self.load_w -= release.freed_w
        self._open.remove(entry.session_id)
        self.check_bounds()

    def replace(self, before: Entry, after: Entry, now_ms: int) -> None:
        """Put a session in the place of the same one, of which one is paused and the other is not."""
        self.remove(before)
        self.add(after, now_ms)

    def free_due(self, now_ms: int) -> list[tuple[Entry, int]]:
        """Free what the plans free up to `now_ms`; returns the sessions that have ended, with the time of each end."""
        ended = []
        before = self._releases
        self._settled = before.after(now_ms)
        for release in before.due(now_ms):
            self.load_w -= release.freed_w
            if release.ends:
                self._open.remove(release.ends.session_id)
                ended.append((release.ends, release.at_ms))
        return ended

    def check(self) -> None:
        """Raise InvariantBroken if the load is not the sum of what is still to be freed."""
        total_w = self._releases.total_w()
        if total_w != self.load_w or len(self._open) != sum(1 for _ in self._releases.sessions()):
            raise InvariantBroken(
                f"load {self.load_w} W of {len(self._open)} sessions, but {total_w} W are to be freed"
            )
        if self._open & {entry.session_id for entry in self.paused}:
            raise InvariantBroken("a session is both paused and part of the load")

    def check_bounds(self) -> None:
        """Raise InvariantBroken on an impossible load, the cheap half of `check`."""
        if self.load_w < 0 or bool(self._open) != bool(self.load_w):
            raise InvariantBroken(f"load {self.load_w} W with {len(self._open)} sessions")
        if self.owed_w < 0 or bool(self.paused) != bool(self.owed_w):
            raise InvariantBroken(f"{self.owed_w} W are owed to {len(self.paused)} paused sessions")

    def _set_paused(self, paused: Iterable[Entry]) -> None:
        self.paused = tuple(sorted(paused, key=lambda entry: entry.age))
        self.owed_w = sum(entry.owed_w for entry in self.paused)


def _releases_after(now_ms: int, entries: Iterable[Entry]) -> Iterator[tuple[int, int, Entry | None]]:
    """Yield the releases of many sessions after a grid time, as plain tuples: objects take twice as long."""
    of_plans: dict[Plan, tuple[tuple[int, int], ...]] = {}  # many sessions have the same
    for entry in entries:
        if not (releases := of_plans.get(entry.plan)):
            releases = of_plans[entry.plan] = entry.plan.releases()
        *steps, (duration_ms, freed_w) = releases
        start_ms = entry.start_ms
        for after_ms, step_w in steps:
            if start_ms + after_ms > now_ms:
                yield start_ms + after_ms, step_w, None
        if start_ms + duration_ms > now_ms:
            yield start_ms + duration_ms, freed_w, entry


def _releases(entry: Entry) -> list[Release]:
    *steps, (duration_ms, freed_w) = entry.plan.releases()
    taper = [Release(entry.start_ms + after_ms, freed) for after_ms, freed in steps]
    return [*taper, Release(entry.start_ms + duration_ms, freed_w, entry)]
