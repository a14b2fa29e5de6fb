"""One substation as the balancer sees it: its newest report, and what was placed since.

Pure: time comes as seconds of a monotonic clock.
"""

import bisect
import dataclasses
import math
from collections.abc import Sequence
from typing import NamedTuple

from balancer.fleet.health import Health, HealthState
from balancer.fleet.identity_evidence import IdentityEvidence
from substation.contract import RELEASES_WITHIN_S, Report

FINITE_WITHIN_S = (0.0, *RELEASES_WITHIN_S[:-1])
# What does not change between two reports of a substation while it is healthy, so that many snapshots share it: its id,
# its capacity in watts, its state, whether it drains, when its report came, and whether its stream is up.
Sight = tuple[str, int, HealthState, bool, float, bool]

NO_PEAKS = (-math.inf,) * 96  # of so many quarter hours


class Demand(NamedTuple):
    """What a request asks for at a moment: power, and for how long by its plan, in grid time."""

    power_w: int
    stay_ms: int
    now_s: float


EARLIEST_S = 1e9  # before a report: its schedule has not begun. It is finite, so that it can be subtracted


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
    # `Addresses.upsets` when it was found healthy last. While that is the same, only its stream and the age of its report can
    # make it anything else.
    sound_at: int = dataclasses.field(default=-1, init=False, repr=False, compare=False)
    # The peaks to come that placing found out from its newest report: see placing/predictive/peaks.py.
    peaks_w: Sequence[float] = dataclasses.field(default=(), init=False, repr=False, compare=False)
    highest_w: Sequence[float] = dataclasses.field(default=(), init=False, repr=False, compare=False)
    least_peaks: Sequence[float] = dataclasses.field(default=NO_PEAKS, init=False, repr=False, compare=False)
    sight: Sight | None = dataclasses.field(
        default=None, init=False, repr=False, compare=False
    )  # while it is healthy
    # Between two points of the release schedule what is taken falls evenly: from `line_w` at `since_s` until `until_s`.
    # It is kept for the last moment that was asked for. That holds for many decisions, so most of them search no schedule.
    line_w: int = dataclasses.field(default=0, init=False, repr=False, compare=False)
    falls_w_s: float = dataclasses.field(default=0.0, init=False, repr=False, compare=False)
    since_s: float = dataclasses.field(default=math.inf, init=False, repr=False, compare=False)
    until_s: float = dataclasses.field(default=-math.inf, init=False, repr=False, compare=False)
    limit_w: int = dataclasses.field(
        default=0, init=False, repr=False, compare=False
    )  # its capacity, beside the line

    def take(self, report: Report, now_s: float) -> None:
        """Keep a report, whatever is known."""
        self.report, self.received_s, self.sight = report, now_s, None
        self.peaks_w, self.highest_w, self.least_peaks = (), (), NO_PEAKS
        self.since_s, self.until_s = math.inf, -math.inf  # no moment is between them

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
        if not self.since_s <= now_s < self.until_s:
            self._find_line(now_s)
        return self.line_w - self.falls_w_s * (now_s - self.since_s) + self.outstanding_w

    def taken_by_plans_w(self, at_s: float) -> float:
        """Return the watts that are taken at a moment by the newest report and its schedule, without what is on its way."""
        return self.report.taken_w - released_w(self.report.releases_w, at_s - self.received_s)

    def load_w(self, now_s: float) -> float:
        """Return the watts that its cars probably reserve at a moment, with what is on its way to it."""
        return self.estimate_w(now_s) - self.report.taken_w + self.report.load_w

    def most_w(self, now_s: float) -> int:
        """Return the most watts that can be taken: only points of the schedule that are over count as freed."""
        if not self.since_s <= now_s < self.until_s:
            self._find_line(now_s)
        return self.line_w + self.outstanding_w

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

    def _find_line(self, now_s: float) -> None:
        """Find the two points of the schedule between which a moment is."""
        report, received_s = self.report, self.received_s
        after = bisect.bisect_right(FINITE_WITHIN_S, now_s - received_s)
        releases_w, taken_w = report.releases_w, report.taken_w
        freed_w = releases_w[after - 2] if after > 1 else 0
        self.line_w, self.falls_w_s, self.limit_w = taken_w - freed_w, 0.0, report.capacity_w
        self.since_s = received_s + (FINITE_WITHIN_S[after - 1] if after else -EARLIEST_S)
        self.until_s = math.inf
        if after < len(FINITE_WITHIN_S):
            until_s = FINITE_WITHIN_S[after]
            self.until_s = received_s + until_s
            if after:
                self.falls_w_s = (releases_w[after - 1] - freed_w) / (until_s - FINITE_WITHIN_S[after - 1])


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
