"""The load of a substation from one moment on: the power reserved now, and when each part of it is freed.

Pure.

An immutable picture that the writer publishes after each commit; the event loop evaluates it at the
moment of a report. Between two commits load only falls, because sessions only end.
"""

import dataclasses
import itertools
from collections.abc import Iterator

from runtime.values import value
from substation.contract import RELEASES_WITHIN_S
from substation.plan import MS_PER_S
from substation.records import Entry
from substation.releases import Release, Releases


@value(frozen=True, slots=True)
class Usage:
    """Running totals: joules delivered to sessions that have ended, and overload in watt-milliseconds.

    When the capacity is lowered below cars and base load, what they are at that moment is held: `allowed_w` of the cars'
    load, less with each watt that they free, and `allowed_base_w` of the base load. What is above the capacity
    counts as `derating_wms` up to there. Beyond that, a load of the cars alone that is too high could only come from
    an admission; the rest is `base_load_wms`.
    """

    ended_j: int = 0
    admission_wms: int = 0
    derating_wms: int = 0
    allowed_w: int = 0
    base_load_wms: int = 0
    allowed_base_w: int = 0

    def limit_w(self, capacity_w: int) -> int:
        """Return up to how many watts cars and base load may go without a pause: the capacity, or what is held."""
        return max(capacity_w, self.allowed_w + self.allowed_base_w if self.allowed_w else 0)

    def lowered(self, load_w: int, base_w: int, capacity_w: int) -> "Usage":
        """Return these totals when the capacity becomes `capacity_w`: what is carried now is held, if it is more."""
        held_w, held_base_w = self.allowed_w, self.allowed_base_w
        if not held_w or held_w + held_base_w < load_w + base_w:
            held_w, held_base_w = load_w, base_w
        if held_w + held_base_w <= capacity_w:
            held_w = held_base_w = 0
        return dataclasses.replace(self, allowed_w=held_w, allowed_base_w=held_base_w)

    def held(self, load_w: int, owed_w: int, base_w: int, capacity_w: int) -> "Usage":
        """Return these totals with what is held now that cars have `load_w`: nothing once all is within the capacity.

        A pause (`owed_w`) takes nothing from it, or one car that is paused for a watt would be followed by all others.
        """
        allowed_w = min(self.allowed_w, load_w + owed_w)
        if not allowed_w:
            return dataclasses.replace(self, allowed_w=0, allowed_base_w=0) if self.allowed_w else self
        over = load_w + base_w > capacity_w and allowed_w + self.allowed_base_w > capacity_w
        return dataclasses.replace(
            self, allowed_w=allowed_w if over else 0, allowed_base_w=self.allowed_base_w if over else 0
        )


@value(frozen=True, slots=True)
class Curve:
    """Load from grid time `at_ms` on: `load_w` of the charging sessions, which `releases` will free.

    `sessions` counts the `paused` ones too, which reserve `owed_w` when they resume. `base_w` is the base load at
    `at_ms`.
    """

    at_ms: int
    load_w: int
    capacity_w: int
    sessions: int
    usage: Usage
    releases: Releases
    base_w: int = 0
    owed_w: int = 0
    paused: tuple[Entry, ...] = ()

    def open_sessions(self) -> Iterator[Entry]:
        """Yield the sessions that are open at `at_ms`, paused ones last."""
        return itertools.chain(self.releases.sessions(), self.paused)

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
        return sum(entry.draw_w(now_ms) for entry in self.releases.sessions())

    def delivered_at(self, now_ms: int) -> int:
        """Return the joules delivered up to a grid time, to all sessions there ever were."""
        return self.usage.ended_j + sum(entry.delivered_j(now_ms) for entry in self.open_sessions())

    def usage_at(self, now_ms: int, base_w: int = 0) -> Usage:
        """Return the totals up to a grid time; sessions that end meanwhile are not yet in `ended_j`.

        A base load that is higher by then, `base_w`, counts as if it had risen evenly. One that is lower counts as if it
        had just fallen, so that no total is ever below what a scrape has shown meanwhile.
        """
        rise_w, lasts_ms = max(0, base_w - self.base_w), now_ms - self.at_ms
        usage = self.usage.held(self.load_w, self.owed_w, self.base_w + rise_w, self.capacity_w)
        if self.load_w + self.base_w + rise_w <= self.capacity_w:  # the load only falls: nothing to add up
            return usage
        admission_wms, base_load_wms, derating_wms = (
            usage.admission_wms,
            usage.base_load_wms,
            usage.derating_wms,
        )
        since, load_w = self.at_ms, self.load_w
        for release in (*self.releases.due(now_ms), Release(now_ms, 0)):
            span_ms = release.at_ms - since
            middle_ms = since + release.at_ms - 2 * self.at_ms  # twice
            mean_w = self.base_w + (rise_w * middle_ms // (2 * lasts_ms) if lasts_ms else 0)
            derated_w, admitted_w, based_w = self._overload(usage, load_w, mean_w)
            derating_wms += derated_w * span_ms
            admission_wms += admitted_w * span_ms
            base_load_wms += based_w * span_ms
            since = release.at_ms
            load_w -= release.freed_w
            usage = usage.held(load_w, self.owed_w, self.base_w + rise_w, self.capacity_w)
        return dataclasses.replace(
            usage, admission_wms=admission_wms, base_load_wms=base_load_wms, derating_wms=derating_wms
        )

    def _overload(self, usage: Usage, load_w: int, base_w: int) -> tuple[int, int, int]:
        """Return the watts above the capacity by their causes: derating, admission, base load."""
        total_w, limit_w = load_w + base_w, usage.limit_w(self.capacity_w)
        above_w = max(0, total_w - self.capacity_w)
        derated_w = max(0, min(total_w, limit_w) - self.capacity_w)
        admitted_w = min(above_w - derated_w, max(0, load_w - limit_w))
        return derated_w, admitted_w, above_w - derated_w - admitted_w
