"""The records of a journal: a key, its state, and its session.

Pure.
"""

import dataclasses

from substation.contract import Session, SessionState
from substation.plan import Plan


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
    caller: str = ""

    def delivered_j(self, now_ms: int) -> int:
        """Return the joules delivered up to a grid time."""
        until_ms = now_ms if self.ended_ms < 0 else self.ended_ms
        return self.plan.delivered_j(until_ms - self.start_ms)

    @property
    def end_ms(self) -> int:
        """The grid time at which the plan ends."""
        return self.start_ms + self.plan.duration_ms


@dataclasses.dataclass(frozen=True, slots=True)
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
        )
