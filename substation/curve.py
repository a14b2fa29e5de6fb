"""The load of a substation from one moment on: the power reserved now, and when each part of it is freed.

Pure.

An immutable picture that the writer publishes after each commit; the event loop evaluates it at the
moment of a report. Between two commits load only falls, because sessions only end.
"""

import dataclasses

from substation.contract import RELEASES_WITHIN_S
from substation.plan import MS_PER_S
from substation.releases import Release, Releases


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
    """Load from grid time `at_ms` on: `load_w` of `sessions` open sessions, which `releases` will free."""

    at_ms: int
    load_w: int
    capacity_w: int
    sessions: int
    usage: Usage
    releases: Releases

    def load_at(self, now_ms: int) -> int:
        """Return the watts reserved at a grid time."""
        return self.load_w - self.releases.freed_by(now_ms)

    def sessions_at(self, now_ms: int) -> int:
        """Return the number of sessions open at a grid time."""
        return self.sessions - sum(release.ends is not None for release in self.releases.due(now_ms))

    def releases_at(self, now_ms: int, time_scale: float) -> tuple[int, ...]:
        """Return the release schedule at a grid time: cumulative watts by RELEASES_WITHIN_S."""
        scale = time_scale * MS_PER_S
        moments_ms = [now_ms, *[now_ms + within * scale for within in RELEASES_WITHIN_S]]
        gone_w, *freed_w = self.releases.freed_by_each(moments_ms)
        return tuple([by_then_w - gone_w for by_then_w in freed_w])

    def draw_at(self, now_ms: int) -> float:
        """Return the watts that the cars draw at a grid time; at most the load."""
        return sum(entry.plan.draw_w(now_ms - entry.start_ms) for entry in self.releases.sessions())

    def delivered_at(self, now_ms: int) -> int:
        """Return the joules delivered up to a grid time, to all sessions there ever were."""
        return self.usage.ended_j + sum(entry.delivered_j(now_ms) for entry in self.releases.sessions())

    def usage_at(self, now_ms: int) -> Usage:
        """Return the totals up to a grid time; sessions that end meanwhile are not yet in `ended_j`."""
        if self.load_w <= self.capacity_w:  # and it only falls: there is no overload to add up
            return dataclasses.replace(self.usage, allowed_w=0) if self.usage.allowed_w else self.usage
        admission_wms, derating_wms = self.usage.admission_wms, self.usage.derating_wms
        since, load_w, allowed_w = self.at_ms, self.load_w, min(self.usage.allowed_w, self.load_w)
        for release in (*self.releases.due(now_ms), Release(now_ms, 0)):
            span_ms = release.at_ms - since
            above_w = max(0, load_w - self.capacity_w)
            derated_w = max(0, min(load_w, allowed_w) - self.capacity_w)
            derating_wms += derated_w * span_ms
            admission_wms += (above_w - derated_w) * span_ms
            since = release.at_ms
            load_w -= release.freed_w
            allowed_w = min(allowed_w, load_w)
        allowed_w = allowed_w if allowed_w > self.capacity_w else 0
        return Usage(self.usage.ended_j, admission_wms, derating_wms, allowed_w)
