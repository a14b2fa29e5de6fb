"""The records of a journal: a key, its state, and its session.

Pure.
"""

import dataclasses

from runtime.values import value
from substation.contract import BASE_LOAD, Session, SessionState
from substation.plan import Plan


@value(frozen=True, slots=True)
class Entry:
    """A session as the journal keeps it; `*_ms` is grid time, `ended_ms` -1 while it was not ended.

    A natural end is not written: it follows from `start_ms` and the plan. `paused_ms` is when a pause began that goes
    on, or went on when the session ended; -1 without one. Each pause that is over has moved `start_ms` and the end
    by its length; `pauses_ms` is the sum of these lengths, `first_end_unix_ms` the end that was expected before (0:
    it was not moved).
    """

    session_id: str
    vehicle_id: str
    plan: Plan
    start_ms: int
    started_unix_ms: int
    expected_end_unix_ms: int
    ended_ms: int = -1
    ended_unix_ms: int = 0
    caller: str = ""
    paused_ms: int = -1
    paused_unix_ms: int = 0
    pauses_ms: int = 0
    first_end_unix_ms: int = 0

    def delivered_j(self, now_ms: int) -> int:
        """Return the joules delivered up to a grid time."""
        until_ms = now_ms if self.ended_ms < 0 else self.ended_ms
        return self.plan.delivered_j((self.paused_ms if self.paused else until_ms) - self.start_ms)

    def draw_w(self, now_ms: int) -> float:
        """Return the watts drawn at a grid time."""
        return 0.0 if self.paused else self.plan.draw_w(now_ms - self.start_ms)

    @property
    def end_ms(self) -> int:
        """The grid time at which the plan ends, if no pause goes on."""
        return self.start_ms + self.plan.duration_ms

    @property
    def paused(self) -> bool:
        """Whether a pause goes on, or went on when the session ended."""
        return self.paused_ms >= 0

    @property
    def owed_w(self) -> int:
        """The watts that it reserves when it resumes; 0 without a pause."""
        return self.plan.reserved_w(self.paused_ms - self.start_ms) if self.paused else 0

    @property
    def age(self) -> tuple[int, str]:
        """What sorts sessions from the oldest to the newest: the grid time of admission, and the id."""
        return self.start_ms - self.pauses_ms, self.session_id

    def pause(self, now_ms: int, unix_ms: int) -> "Entry":
        """Return the session with a pause from now on."""
        return dataclasses.replace(self, paused_ms=now_ms, paused_unix_ms=unix_ms)

    def resume(self, now_ms: int, expected_end_unix_ms: int) -> "Entry":
        """Return the session as it goes on now, its end later by the length of the pause."""
        passed_ms = now_ms - self.paused_ms
        return dataclasses.replace(
            self,
            start_ms=self.start_ms + passed_ms,
            pauses_ms=self.pauses_ms + passed_ms,
            expected_end_unix_ms=expected_end_unix_ms,
            first_end_unix_ms=self.first_end_unix_ms or self.expected_end_unix_ms,
            paused_ms=-1,
            paused_unix_ms=0,
        )


@value(frozen=True, slots=True)
class Record:
    """The record of a key: refused (no entry) or placed, at which attempt, and the state."""

    key: str
    attempt: int
    state: SessionState
    entry: Entry | None = None

    def state_at(self, now_ms: int) -> SessionState:
        """Return the state at a grid time: a session that its plan has ended is completed."""
        if self.state is SessionState.CHARGING and self.entry and self.entry.end_ms <= now_ms:
            return SessionState.COMPLETED
        return self.state

    def session_at(self, now_ms: int, substation_id: str) -> Session | None:
        """Return the session as others see it at a grid time; None for a tombstone."""
        entry = self.entry
        if not entry:
            return None
        state = self.state_at(now_ms)
        ended = entry.expected_end_unix_ms if state is SessionState.COMPLETED else entry.ended_unix_ms
        return Session(
            entry.session_id,
            substation_id,
            entry.vehicle_id,
            state,
            entry.plan,
            entry.delivered_j(now_ms),
            entry.started_unix_ms,
            entry.expected_end_unix_ms,
            ended,
            entry.caller,
            paused_since_unix_ms=entry.paused_unix_ms if state is SessionState.PAUSED else 0,
            paused_because=BASE_LOAD if state is SessionState.PAUSED else "",
            pauses_ms=entry.pauses_ms,
            first_end_unix_ms=entry.first_end_unix_ms,
        )
