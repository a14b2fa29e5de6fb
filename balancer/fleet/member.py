"""One substation as the balancer sees it: its newest report, and what was placed since.

Pure: time comes as seconds of a monotonic clock.
"""

import bisect
import dataclasses
import math
from typing import NamedTuple

from balancer.fleet.health import Health, HealthState
from balancer.fleet.identity_evidence import IdentityEvidence
from substation.contract import RELEASES_WITHIN_S, Report

FINITE_WITHIN_S = (0.0, *RELEASES_WITHIN_S[:-1])


# A substation with room: its utilization with the demand, and its id. A plain tuple, because there is one for each
# substation in each decision; a named one takes twice as long to make.
Candidate = tuple[float, str]


class Demand(NamedTuple):
    """What a request asks for at a moment: power, and for how long by its plan, in grid time."""

    power_w: int
    stay_ms: int
    now_s: float


class Option(NamedTuple):
    """One substation at the moment of a decision; `estimate_w` is the load by which it was judged.

    `linked` is whether its stream is up; a request that is sent without one has an unknown outcome.
    """

    substation_id: str
    estimate_w: float
    capacity_w: int
    state: HealthState
    draining: bool
    report_age_s: float
    linked: bool = True


class Stretch(NamedTuple):
    """What is taken by one report between two points of its release schedule, where it falls evenly.

    `from_s` and `until_s` are seconds after the report; `taken_w` is what is taken at `from_s`.
    """

    from_s: float
    until_s: float
    taken_w: int
    falls_w_s: float


EARLIEST_S = -1e9  # before any report; finite, so that it can be subtracted
NO_STRETCH = Stretch(math.inf, -math.inf, 0, 0.0)  # no moment is in it


@dataclasses.dataclass(slots=True)
class Member:
    """One substation as the balancer sees it.

    Its estimate is of all that no new car can have: base load, charging sessions, what paused ones are owed, and what is kept for the base load to come.
    """

    url: str
    report: Report
    received_s: float
    health: Health
    polled_w: int = 0  # what was taken by the last poll, for the naive policy
    outstanding_w: int = 0
    book_id: str = ""  # the order book that it belongs to, as its stream says; '' for any
    behind: int = 0  # polls in a row whose epoch was below the known one
    identity_evidence: IdentityEvidence = dataclasses.field(default_factory=IdentityEvidence)
    # The last stretch that was looked up: it holds for many decisions, so most of them search no schedule.
    _stretch: Stretch = dataclasses.field(default=NO_STRETCH, init=False, repr=False, compare=False)

    def take(self, report: Report, now_s: float) -> None:
        """Keep a report, whatever is known."""
        self.report, self.received_s, self._stretch = report, now_s, NO_STRETCH

    def renew(self, report: Report, now_s: float) -> bool:
        """Keep a report if it is newer than the known one; returns whether it was."""
        if (report.epoch, report.seq) <= (self.report.epoch, self.report.seq):
            return False
        self.take(report, now_s)
        return True

    def denied_s(self, now_s: float) -> float | None:
        """Return for how long the stream has named another identity than the page; None while it does not."""
        return self.identity_evidence.denied_s(self.report.substation_id, self.report.journal_id, now_s)

    def estimate_w(self, now_s: float) -> float:
        """Return the watts that are probably taken at a moment, with what is on its way to it."""
        elapsed_s = now_s - self.received_s
        from_s, until_s, taken_w, falls_w_s = self._stretch
        if not from_s <= elapsed_s < until_s:
            from_s, until_s, taken_w, falls_w_s = self._stretch = stretch_at(self.report, elapsed_s)
        return taken_w - falls_w_s * (elapsed_s - from_s) + self.outstanding_w

    def load_w(self, now_s: float) -> float:
        """Return the watts that its cars probably reserve at a moment, with what is on its way to it."""
        return self.estimate_w(now_s) - self.report.taken_w + self.report.load_w

    def most_w(self, now_s: float) -> int:
        """Return the most watts that can be taken: only points of the schedule that are over count as freed."""
        elapsed_s = now_s - self.received_s
        if not self._stretch.from_s <= elapsed_s < self._stretch.until_s:
            self._stretch = stretch_at(self.report, elapsed_s)
        return self._stretch.taken_w + self.outstanding_w

    def releases(self, now_s: float) -> list[tuple[float, float]]:
        """Return what the known plans will free from a moment on: pairs of (within so many seconds, watts)."""
        elapsed_s = now_s - self.received_s
        freed_w = released_w(self.report.releases_w, elapsed_s)
        return [
            (within_s, released_w(self.report.releases_w, elapsed_s + within_s) - freed_w)
            for within_s in FINITE_WITHIN_S[1:]
        ]

    def openings(self, now_s: float, *, outstanding: bool = True) -> list[tuple[float, int]]:
        """Return the power that the known plans leave free: pairs of (moment in s, free watts from then on).

        The first moment is now. A release counts at the point of the schedule by which it has certainly
        happened. Without `outstanding`, requests that are on their way here are ignored.
        """
        full_w = self.report.capacity_w - self.report.taken_w - (self.outstanding_w if outstanding else 0)
        elapsed_s = now_s - self.received_s
        after = bisect.bisect_right(FINITE_WITHIN_S, elapsed_s)
        points = (0, *self.report.releases_w)
        return [(now_s, full_w + points[max(after - 1, 0)])] + [
            (self.received_s + FINITE_WITHIN_S[index], full_w + points[index])
            for index in range(after, len(FINITE_WITHIN_S))
        ]

    def fits_in_s(self, demand_w: int, now_s: float) -> float | None:
        """Return after how many seconds `demand_w` fits by the known plans; None if they don't say.

        Outstanding requests may be refused, so if they leave no room at all, they do not count.
        """
        elapsed_s = now_s - self.received_s
        for outstanding_w in (self.outstanding_w, 0):
            lacking_w = demand_w + outstanding_w + self.report.taken_w - self.report.capacity_w
            at = bisect.bisect_left((0, *self.report.releases_w[:-1]), lacking_w)
            if at < len(FINITE_WITHIN_S):
                return max(0.0, FINITE_WITHIN_S[at] - elapsed_s)
        return None

    def free_w(self, at_s: float) -> int:
        """Return the power that the known plans certainly leave free at a moment, after requests on their way."""
        over = bisect.bisect_right(FINITE_WITHIN_S, at_s - self.received_s)
        freed_w = (0, *self.report.releases_w)[max(over - 1, 0)]
        return self.report.capacity_w - self.report.taken_w - self.outstanding_w + freed_w

    def half_freed_s(self) -> float:
        """Return within how many seconds of the report half of the load is freed; "some day" counts as the longest."""
        half_w = self.report.load_w / 2
        freed = zip(RELEASES_WITHIN_S[:-1], self.report.releases_w, strict=False)
        return next((within_s for within_s, freed_w in freed if freed_w >= half_w), RELEASES_WITHIN_S[-2])


def stretch_at(report: Report, elapsed_s: float) -> Stretch:
    """Return the stretch of a report that contains a moment, in seconds after the report."""
    after = bisect.bisect_right(FINITE_WITHIN_S, elapsed_s)
    points = (0, *report.releases_w)
    if after == 0:
        return Stretch(EARLIEST_S, 0.0, report.taken_w, 0.0)
    from_s, taken_w = FINITE_WITHIN_S[after - 1], report.taken_w - points[after - 1]
    if after == len(FINITE_WITHIN_S):
        return Stretch(from_s, math.inf, taken_w, 0.0)
    until_s = FINITE_WITHIN_S[after]
    return Stretch(from_s, until_s, taken_w, (points[after] - points[after - 1]) / (until_s - from_s))


def released_w(releases_w: tuple[int, ...], elapsed_s: float) -> float:
    """Return the watts freed `elapsed_s` after a report, linear between the points of its schedule."""
    points = (0, *releases_w)
    after = bisect.bisect_right(FINITE_WITHIN_S, elapsed_s)
    if after == 0:
        return 0.0
    if after == len(FINITE_WITHIN_S):
        return float(points[after - 1])
    low_s, high_s = FINITE_WITHIN_S[after - 1], FINITE_WITHIN_S[after]
    share = (elapsed_s - low_s) / (high_s - low_s)
    return points[after - 1] + share * (points[after] - points[after - 1])
