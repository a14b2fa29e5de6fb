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

from substation.contract import Outcome, Place, Session, State, Withdraw
from substation.curve import Curve, Release, Usage
from substation.plan import Plan


class InvariantBroken(AssertionError):  # noqa: N818 - named after what happened
    """The ledger contradicts itself: a bug. The process must end, not go on."""


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A session as the journal keeps it; `*_ms` is grid time, `ended_ms` -1 while it was not ended.

    A natural end is not written: it follows from `start_ms` and the plan.
    """

    session_id: str
    vehicle_id: str
    plan: Plan
    start_ms: int
    started_unix_ms: int
    expected_end_unix_ms: int
    ended_ms: int = -1
    ended_unix_ms: int = 0

    @property
    def end_ms(self) -> int:
        """The grid time at which the plan ends."""
        return self.start_ms + self.plan.duration_ms


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """What is known of a key: refused (no entry) or placed, at which attempt, and the state."""

    key: str
    attempt: int
    state: State
    entry: Entry | None = None

    def state_at(self, now_ms: int) -> State:
        """Return the state at a grid time: what the plan has ended is completed."""
        if self.state is State.CHARGING and self.entry and self.entry.end_ms <= now_ms:
            return State.COMPLETED
        return self.state

    def session_at(self, now_ms: int, substation_id: str) -> Session | None:
        """Return the session as others see it at a grid time; None for a tombstone."""
        entry = self.entry
        if not entry:
            return None
        state = self.state_at(now_ms)
        until_ms = now_ms if entry.ended_ms < 0 else entry.ended_ms
        ended = entry.expected_end_unix_ms if state is State.COMPLETED else entry.ended_unix_ms
        return Session(
            entry.session_id, substation_id, entry.vehicle_id, state, entry.plan,
            entry.plan.delivered_j(until_ms - entry.start_ms),
            entry.started_unix_ms, entry.expected_end_unix_ms, ended,
        )  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Decision:
    """An outcome, the record that shows it, and whether that record must be written first."""

    outcome: Outcome
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
        self._open = 0
        self._releases: list[Release] = []  # sorted by time; its watts sum up to the load
        self._undo: list[Callable[[], None]] = []

    @property
    def load_w(self) -> int:
        """The watts reserved at the ledger's present time."""
        return self._load_w

    def resume(self, entry: Entry, now_ms: int) -> None:
        """Take back a session that the journal shows open at grid time `now_ms`; no decision."""
        self._add(entry, now_ms)

    def set_capacity(self, capacity_w: int) -> None:
        """Change the limit; below the present load nobody is cut off, and nothing is admitted."""
        self.capacity_w = capacity_w
        allowed_w = max(self._usage.allowed_w, self._load_w)
        self._usage = dataclasses.replace(self._usage, allowed_w=allowed_w if allowed_w > capacity_w else 0)

    def begin(self, now_ms: int) -> None:
        """Start a batch at grid time `now_ms`: what the plans have ended by then is freed."""
        if now_ms < self._now_ms:
            message = f"grid time went back from {self._now_ms} to {now_ms} ms"
            raise InvariantBroken(message)
        self._undo.clear()
        due = bisect.bisect_right(self._releases, now_ms, key=lambda release: release.at_ms)
        self._usage = self.curve().usage_at(now_ms)
        for release in self._releases[:due]:
            self._load_w -= release.freed_w
            self._open -= release.last
        del self._releases[:due]
        self._now_ms = now_ms

    def rollback(self) -> None:
        """Undo every decision since `begin`."""
        while self._undo:
            self._undo.pop()()

    def place(self, place: Place, known: Record | None, entry: Entry) -> Decision:
        """Decide on a request; `entry` is the session that it would become, starting now."""
        if known and known.entry:
            withdrawn = known.state is State.WITHDRAWN
            return Decision(Outcome.REFUSED if withdrawn else Outcome.PLACED, known)
        if known and place.attempt < known.attempt:
            return Decision(Outcome.STALE, known)
        if known and (place.attempt == known.attempt or known.state is State.WITHDRAWN):
            return Decision(Outcome.REFUSED, known)
        if self.draining or self._load_w + place.plan.power_w > self.capacity_w:
            refused = Record(place.key, place.attempt, State.REFUSED)
            return Decision(Outcome.REFUSED, refused, write=True)
        self._add(entry, self._now_ms)
        self._undo.append(lambda: self._remove(entry))
        if self._load_w > self.capacity_w:
            message = f"admitted {place.plan.power_w} W up to {self._load_w} of {self.capacity_w} W"
            raise InvariantBroken(message)
        return Decision(Outcome.PLACED, Record(place.key, place.attempt, State.CHARGING, entry), write=True)

    def stop(self, known: Record | None, now_unix_ms: int) -> Decision:
        """End the session of `known`; one that has ended stays as it is."""
        if not known or not known.entry:
            return Decision(Outcome.NOT_FOUND)
        return self._end(known, State.STOPPED, Outcome.STOPPED, now_unix_ms)

    def withdraw(self, withdraw: Withdraw, known: Record | None, now_unix_ms: int) -> Decision:
        """End the session of a key, or leave a tombstone that no late copy can pass."""
        if not known or not known.entry:
            attempt = max(withdraw.attempt, known.attempt if known else 0)
            return Decision(Outcome.WITHDRAWN, Record(withdraw.key, attempt, State.WITHDRAWN), write=True)
        return self._end(known, State.WITHDRAWN, Outcome.WITHDRAWN, now_unix_ms)

    def curve(self) -> Curve:
        """Return the load from now on, as an immutable picture."""
        return Curve.of(self._now_ms, self._load_w, self.capacity_w, self._open, self._releases, self._usage)

    def check(self) -> None:
        """Raise InvariantBroken if the load is not the sum of what is still to be freed."""
        total = sum(release.freed_w for release in self._releases)
        if total != self._load_w or self._load_w < 0 or self._open < 0:
            message = f"load {self._load_w} W, but {total} W are to be freed"
            raise InvariantBroken(message)

    def _end(self, known: Record, state: State, outcome: Outcome, now_unix_ms: int) -> Decision:
        entry = known.entry
        if not entry or known.state_at(self._now_ms) not in {State.CHARGING, State.PAUSED}:
            return Decision(outcome, known)
        self._remove(entry)
        self._undo.append(lambda: self._add(entry, self._now_ms))
        ended = dataclasses.replace(entry, ended_ms=self._now_ms, ended_unix_ms=now_unix_ms)
        return Decision(outcome, dataclasses.replace(known, state=state, entry=ended), write=True)

    def _add(self, entry: Entry, now_ms: int) -> None:
        for release in _releases(entry):
            if release.at_ms > now_ms:
                bisect.insort(self._releases, release)
                self._load_w += release.freed_w
                self._open += release.last
        self.check_bounds()

    def _remove(self, entry: Entry) -> None:
        for release in _releases(entry):
            at = bisect.bisect_left(self._releases, release)
            if at < len(self._releases) and self._releases[at] == release:
                del self._releases[at]
                self._load_w -= release.freed_w
                self._open -= release.last
        self.check_bounds()

    def check_bounds(self) -> None:
        """Raise InvariantBroken on a negative load or count, the cheap half of `check`."""
        if self._load_w < 0 or self._open < 0:
            message = f"load {self._load_w} W with {self._open} sessions"
            raise InvariantBroken(message)


def _releases(entry: Entry) -> list[Release]:
    steps = entry.plan.releases()
    return [
        Release(entry.start_ms + after, entry.session_id, freed, last=index == len(steps) - 1)
        for index, (after, freed) in enumerate(steps)
    ]
