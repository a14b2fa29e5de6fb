"""The ledger: a substation's capacity, its open sessions, and the decision on every command.

Pure: time comes as grid milliseconds, randomness as a token, old keys as the journal's record.
Invariants, checked on every admission and after every change:

- an admission leaves load + demand <= capacity;
- load is the sum of all watts that are still to be freed, and is never negative;
- a key has at most one session, and a refusal at attempt n holds for every attempt up to n;
- grid time never goes back;
- `rollback` undoes everything since `begin`: a failed commit leaves no trace.
"""

import bisect
import dataclasses
from collections.abc import Callable
from operator import attrgetter

from substation.contract import Place, SessionState, Settle, SubstationOutcome, Withdraw
from substation.curve import Curve, Release, Usage
from substation.records import Entry, Record


class InvariantBroken(AssertionError):
    """The ledger contradicts itself: a bug. The process must end, not go on."""


@dataclasses.dataclass(frozen=True, slots=True)
class Decision:
    """An outcome, the record that shows it, and whether that record must be written first."""

    outcome: SubstationOutcome
    record: Record | None = None
    write: bool = False


class Ledger:
    """The open sessions and the load of one substation; see the rules at the top."""

    def __init__(self, capacity_w: int, now_ms: int, usage: Usage) -> None:
        self.capacity_w = capacity_w
        self.draining = False
        self._now_ms = now_ms
        self._usage = usage
        self._load_w = 0
        self._open: dict[str, Entry] = {}
        self._releases: list[Release] = []  # sorted by time; its watts sum up to the load
        self._undo: list[Callable[[], None]] = []

    @property
    def load_w(self) -> int:
        """The watts reserved at the ledger's present time."""
        return self._load_w

    def resume(self, entry: Entry, now_ms: int) -> None:
        """Take back a session that the journal shows open at grid time `now_ms`; no decision."""
        self._add(entry, now_ms)

    def set_draining(self, *, on: bool) -> None:
        """Admit nothing more, or admit again."""
        before, self.draining = self.draining, on
        self._undo.append(lambda: self.set_draining(on=before))

    def set_capacity(self, capacity_w: int) -> None:
        """Change the limit; below the present load nobody is cut off, and nothing is admitted."""
        before, self.capacity_w = (self.capacity_w, self._usage), capacity_w

        def undo() -> None:
            self.capacity_w, self._usage = before

        self._undo.append(undo)
        allowed_w = max(self._usage.allowed_w, self._load_w)
        self._usage = dataclasses.replace(self._usage, allowed_w=allowed_w if allowed_w > capacity_w else 0)

    def begin(self, now_ms: int) -> None:
        """Start a batch at grid time `now_ms`: what the plans have ended by then is freed."""
        if now_ms < self._now_ms:
            raise InvariantBroken(f"grid time went back from {self._now_ms} to {now_ms} ms")
        self._undo.clear()
        due = bisect.bisect_right(self._releases, now_ms, key=lambda release: release.at_ms)
        past = Curve.of(
            self._now_ms, self._load_w, self.capacity_w, (), self._releases[:due], self._usage
        )  # what is freed later does not count yet
        self._usage = past.usage_at(now_ms)
        for release in self._releases[:due]:
            self._load_w -= release.freed_w
            if release.last:
                self._deliver(self._open.pop(release.session_id), release.at_ms)
        del self._releases[:due]
        self._now_ms = now_ms

    def rollback(self) -> None:
        """Undo every decision since `begin`."""
        undo, self._undo = self._undo, []
        while undo:
            undo.pop()()
        self._undo.clear()

    def place(self, place: Place, known: Record | None, entry: Entry) -> Decision:
        """Decide on a request; `entry` is the session that it would become, starting now."""
        if known and known.entry:
            withdrawn = known.state is SessionState.WITHDRAWN
            return Decision(SubstationOutcome.REFUSED if withdrawn else SubstationOutcome.PLACED, known)
        if known and place.attempt < known.attempt:
            return Decision(SubstationOutcome.STALE, known)
        if known and (place.attempt == known.attempt or known.state is SessionState.WITHDRAWN):
            return Decision(SubstationOutcome.REFUSED, known)
        if self.draining or self._load_w + place.plan.power_w > self.capacity_w:
            refused = Record(place.key, place.attempt, SessionState.REFUSED)
            return Decision(SubstationOutcome.REFUSED, refused, write=True)
        self._add(entry, self._now_ms)
        self._undo.append(lambda: self._remove(entry))
        if self._load_w > self.capacity_w:
            raise InvariantBroken(
                f"admitted {place.plan.power_w} W up to {self._load_w} of {self.capacity_w} W"
            )
        return Decision(
            SubstationOutcome.PLACED,
            Record(place.key, place.attempt, SessionState.CHARGING, entry),
            write=True,
        )

    def stop(self, known: Record | None, now_unix_ms: int) -> Decision:
        """End the session of `known`; one that has ended stays as it is."""
        if not known or not known.entry:
            return Decision(SubstationOutcome.NOT_FOUND)
        return self._end(known, SessionState.STOPPED, SubstationOutcome.STOPPED, now_unix_ms)

    def withdraw(self, withdraw: Withdraw, known: Record | None, now_unix_ms: int) -> Decision:
        """End the session of a key, or leave a tombstone that no late copy can pass."""
        if not known or not known.entry:
            attempt = max(withdraw.attempt, known.attempt if known else 0)
            return Decision(
                SubstationOutcome.WITHDRAWN, Record(withdraw.key, attempt, SessionState.WITHDRAWN), write=True
            )
        return self._end(known, SessionState.WITHDRAWN, SubstationOutcome.WITHDRAWN, now_unix_ms)

    def settle(self, settle: Settle, known: Record | None) -> Decision:
        """Return the session of a key. Without one, refuse the key, so that no late copy can be placed."""
        if known and (known.entry or known.attempt >= settle.attempt):
            return Decision(SubstationOutcome.FOUND if known.entry else SubstationOutcome.NOT_FOUND, known)
        state = known.state if known else SessionState.REFUSED
        return Decision(SubstationOutcome.NOT_FOUND, Record(settle.key, settle.attempt, state), write=True)

    def curve(self) -> Curve:
        """Return the load from now on, as an immutable picture."""
        sessions = tuple(self._open.values())
        return Curve.of(self._now_ms, self._load_w, self.capacity_w, sessions, self._releases, self._usage)

    def check(self) -> None:
        """Raise InvariantBroken if the load is not the sum of what is still to be freed."""
        total = sum(map(attrgetter("freed_w"), self._releases))
        if total != self._load_w or len(self._open) != sum(map(attrgetter("last"), self._releases)):
            raise InvariantBroken(
                f"load {self._load_w} W of {len(self._open)} sessions, but {total} W are to be freed"
            )

    def _end(
        self, known: Record, state: SessionState, outcome: SubstationOutcome, now_unix_ms: int
    ) -> Decision:
        entry = known.entry
        if not entry or known.state_at(self._now_ms) not in {SessionState.CHARGING, SessionState.PAUSED}:
            return Decision(outcome, known)
        before = self._usage
        self._remove(entry)
        self._deliver(entry, self._now_ms)

        def undo() -> None:
            self._add(entry, self._now_ms)
            self._usage = before

        self._undo.append(undo)
        ended = dataclasses.replace(entry, ended_ms=self._now_ms, ended_unix_ms=now_unix_ms)
        return Decision(outcome, dataclasses.replace(known, state=state, entry=ended), write=True)

    def _deliver(self, entry: Entry, end_ms: int) -> None:
        """Count what a session that ends at `end_ms` was given."""
        ended_j = self._usage.ended_j + entry.delivered_j(end_ms)
        self._usage = dataclasses.replace(self._usage, ended_j=ended_j)

    def _add(self, entry: Entry, now_ms: int) -> None:
        for release in _releases(entry):
            if release.at_ms > now_ms:
                bisect.insort(self._releases, release)
                self._load_w += release.freed_w
        self._open[entry.session_id] = entry
        self.check_bounds()

    def _remove(self, entry: Entry) -> None:
        for release in _releases(entry):
            at = bisect.bisect_left(self._releases, release)
            if at < len(self._releases) and self._releases[at] == release:
                del self._releases[at]
                self._load_w -= release.freed_w
        del self._open[entry.session_id]
        self.check_bounds()

    def check_bounds(self) -> None:
        """Raise InvariantBroken on a load that can't be, the cheap half of `check`."""
        if self._load_w < 0 or bool(self._open) != bool(self._load_w):
            raise InvariantBroken(f"load {self._load_w} W with {len(self._open)} sessions")


def _releases(entry: Entry) -> list[Release]:
    steps = entry.plan.releases()
    return [
        Release(entry.start_ms + after, entry.session_id, freed, last=index == len(steps) - 1)
        for index, (after, freed) in enumerate(steps)
    ]
