"""The load of a substation from one moment on: the power reserved now, and when each part of it is freed.

Pure.

An immutable picture that the writer publishes after each commit; the event loop evaluates it at the
moment of a report. Between two commits load only falls, because sessions only end.
"""

import bisect
import dataclasses
from collections.abc import Sequence
from itertools import accumulate
from operator import attrgetter
from typing import NamedTuple

from substation.contract import RELEASES_WITHIN_S
from substation.plan import MS_PER_S
from substation.records import Entry


class Release(NamedTuple):
    """Watts that a session frees at a grid time; `last` when the session ends with it."""

    at_ms: int
    session_id: str
    freed_w: int
    last: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Usage:
    """Running totals: joules delivered to sessions that have ended, and overload in watt-milliseconds.

    Load above capacity counts as `derating_wms` up to `allowed_w`, the load at the moment when the
    capacity was lowered below it; above that it could only come from an admission.
    """

    ended_j: int = 0
    admission_wms: int = 0
    derating_wms: int = 0
    allowed_w: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Curve:
    """Load from grid time `at_ms` on; `due_ms` rises, `freed_w` and `ended` are cumulative."""

    at_ms: int
    load_w: int
    capacity_w: int
    sessions: tuple[Entry, ...]
    usage: Usage
    due_ms: tuple[int, ...]
    freed_w: tuple[int, ...]
    ended: tuple[int, ...]

    @classmethod
    def of(
        cls,
        at_ms: int,
        load_w: int,
        capacity_w: int,
        sessions: tuple[Entry, ...],
        releases: Sequence[Release],
        usage: Usage,
    ) -> "Curve":
        """Make the picture from a sorted list of releases."""
        return cls(
            at_ms,
            load_w,
            capacity_w,
            sessions,
            usage,
            tuple(map(attrgetter("at_ms"), releases)),
            tuple(accumulate(map(attrgetter("freed_w"), releases))),
            tuple(accumulate(map(int, map(attrgetter("last"), releases)))),
        )

    def load_at(self, now_ms: int) -> int:
        """Return the watts reserved at a grid time."""
        return self.load_w - _reached(self.due_ms, self.freed_w, now_ms)

    def sessions_at(self, now_ms: int) -> int:
        """Return the number of sessions open at a grid time."""
        return len(self.sessions) - _reached(self.due_ms, self.ended, now_ms)

    def releases_at(self, now_ms: int, time_scale: float) -> tuple[int, ...]:
        """Return the release schedule at a grid time: cumulative watts by RELEASES_WITHIN_S."""
        gone = _reached(self.due_ms, self.freed_w, now_ms)
        ahead = (now_ms + within * time_scale * MS_PER_S for within in RELEASES_WITHIN_S)
        return tuple(_reached(self.due_ms, self.freed_w, moment) - gone for moment in ahead)

    def draw_at(self, now_ms: int) -> float:
        """Return the watts that the cars draw at a grid time; at most the load."""
        return sum(entry.plan.draw_w(now_ms - entry.start_ms) for entry in self.sessions)

    def delivered_at(self, now_ms: int) -> int:
        """Return the joules delivered up to a grid time, to all sessions there ever were."""
        return self.usage.ended_j + sum(entry.delivered_j(now_ms) for entry in self.sessions)

    def usage_at(self, now_ms: int) -> Usage:
        """Return the totals up to a grid time; sessions that end meanwhile are not yet in `ended_j`."""
        admission_wms, derating_wms = self.usage.admission_wms, self.usage.derating_wms
        since, load_w, allowed_w = self.at_ms, self.load_w, min(self.usage.allowed_w, self.load_w)
        due = bisect.bisect_right(self.due_ms, now_ms)
        for index, until in enumerate((*self.due_ms[:due], now_ms)):
            span_ms = until - since
            above_w = max(0, load_w - self.capacity_w)
            derated_w = max(0, min(load_w, allowed_w) - self.capacity_w)
            derating_wms += derated_w * span_ms
            admission_wms += (above_w - derated_w) * span_ms
            since = until
            if index < due:
                load_w = self.load_w - self.freed_w[index]
                allowed_w = min(allowed_w, load_w)
        allowed_w = allowed_w if allowed_w > self.capacity_w else 0
        return Usage(self.usage.ended_j, admission_wms, derating_wms, allowed_w)


def _reached(due_ms: tuple[int, ...], total: tuple[int, ...], moment: float) -> int:
    due = bisect.bisect_right(due_ms, moment)
    return total[due - 1] if due else 0
