"""The inflow: how fast other balancers fill the fleet, and what they have probably placed since a report.

Pure: time comes as seconds of a monotonic clock. Rules:

- what a substation's polls show beyond its release schedule, and this balancer has not placed, is the others';
- it is one rate for the whole fleet, as a share of its capacity: that of a single substation would be mostly chance;
- it makes a substation full, and never a better or a worse choice among those that have room (docs/adr/0064).
"""

import dataclasses
import math
from collections.abc import Sequence

from balancer.fleet.candidates import FULL
from balancer.fleet.member import Member, released_w
from substation.contract import Report

SMOOTHED_S = 10.0  # the time constant of the rate: some hundred cars of a busy fleet
LIKELY = 0.1  # of a car: with less than that, the others have probably placed none


@dataclasses.dataclass(slots=True)
class _Course:
    """A substation's polls: the last one, what was placed there since, and by how many watts a second the others fill it."""

    report: Report
    polled_s: float
    placed_w: int = 0
    rate_w_s: float = 0.0


class Inflow:
    """What other balancers place. `share_s` is the share of the fleet's capacity that they fill in a second."""

    def __init__(self, recent_s: float, *, several: bool) -> None:
        """Without `several`, no other balancer places. A substation counts until its last poll is `recent_s` ago."""
        self.share_s = 0.0
        self._several = several
        self._recent_s = recent_s
        self._courses: dict[str, _Course] = {}  # the one that was polled last is at the end
        self._rate_w_s = 0.0
        self._capacity_w = 0

    def placed(self, substation_id: str, power_w: int) -> None:
        """Count a car that this balancer has placed."""
        if course := self._courses.get(substation_id):
            course.placed_w += power_w

    def polled(self, report: Report, now_s: float) -> None:
        """Learn from the report of a poll."""
        if not self._several:
            return
        self._drop_before(now_s - self._recent_s)
        course = self._courses.pop(report.substation_id, None)
        if course:
            self._add(course, -1)
        if not course or course.report.journal_id != report.journal_id:
            course = _Course(report, now_s)
        elif (passed_s := now_s - course.polled_s) > 0:
            former = course.report
            expected_w = former.taken_w - released_w(former.releases_w, passed_s) + course.placed_w
            weight = -math.expm1(-passed_s / SMOOTHED_S)
            rate_w_s = course.rate_w_s + weight * ((report.taken_w - expected_w) / passed_s - course.rate_w_s)
            course = _Course(report, now_s, rate_w_s=rate_w_s)
        self._courses[report.substation_id] = course
        self._add(course, 1)

    def matters(self, shares: Sequence[float]) -> bool:
        """Whether `fill` may change one of some utilizations."""
        return self.share_s > 0 and max(shares, default=0.0) > FULL - self.share_s * self._recent_s

    def fill(
        self, shares: Sequence[float], members: Sequence[Member], demand_w: int, now_s: float
    ) -> list[float]:
        """Return the utilizations of members with a demand, infinite where the others have probably left no room for it."""
        filled = [
            (self.share_s * (now_s - each.received_s), LIKELY * demand_w / each.report.capacity_w)
            for each in members
        ]
        return [
            math.inf if probable <= inflow and share + inflow > FULL else share
            for share, (inflow, probable) in zip(shares, filled, strict=True)
        ]

    def _drop_before(self, before_s: float) -> None:
        """Leave the substations out that were polled last before a moment."""
        while (name := next(iter(self._courses), None)) and self._courses[name].polled_s < before_s:
            self._add(self._courses.pop(name), -1)

    def _add(self, course: _Course, times: int) -> None:
        self._rate_w_s += times * course.rate_w_s
        self._capacity_w += times * course.report.capacity_w
        self.share_s = max(0.0, self._rate_w_s / self._capacity_w) if self._capacity_w > 0 else 0.0
