"""One substation as the balancer sees it: its newest report, and what was placed since.

Pure: time comes as seconds of a monotonic clock.
"""

import bisect
import dataclasses

from balancer.appointments import Appointments
from balancer.health import Health
from balancer.sightings import Sightings
from substation.contract import RELEASES_WITHIN_S, Report

FINITE_WITHIN_S = (0.0, *RELEASES_WITHIN_S[:-1])
MOST_LATER_S = 300.0  # that those who were refused before make one come back later


@dataclasses.dataclass(slots=True)
class Member:
    """One substation as the balancer sees it."""

    url: str
    report: Report
    received_s: float
    health: Health
    polled_w: int = 0  # the load by the last poll, for the naive policy
    outstanding_w: int = 0
    book_id: str = ""  # the order book that it belongs to, as its stream says; '' for any
    behind: int = 0  # polls in a row whose epoch was below the known one
    appointments: Appointments = dataclasses.field(default_factory=Appointments)
    sightings: Sightings = dataclasses.field(default_factory=Sightings)

    def estimate_w(self, now_s: float) -> float:
        """Return the watts that it probably carries at a moment, with what is on its way to it."""
        freed = released_w(self.report.releases_w, now_s - self.received_s)
        return self.report.load_w - freed + self.outstanding_w

    def most_w(self, now_s: float) -> float:
        """Return the most watts that it can carry: only points of the schedule that are over count as freed."""
        over = bisect.bisect_right(FINITE_WITHIN_S, now_s - self.received_s)
        freed = (0, *self.report.releases_w)[max(over - 1, 0)]
        return self.report.load_w - freed + self.outstanding_w

    def releases(self, now_s: float) -> list[tuple[float, float]]:
        """Return what the known plans will free from a moment on: pairs of (within so many seconds, watts)."""
        elapsed_s = now_s - self.received_s
        freed_w = released_w(self.report.releases_w, elapsed_s)
        return [
            (within_s, released_w(self.report.releases_w, elapsed_s + within_s) - freed_w)
            for within_s in FINITE_WITHIN_S[1:]
        ]

    def fits_in_s(self, demand_w: int, now_s: float, ahead_w: int = 0) -> float | None:
        """Return after how many seconds `demand_w` fits by the known plans; None if they don't say.

        `ahead_w` is wanted by others before. What is more than the whole capacity waits until that
        was freed once more.
        """
        if self.report.draining:
            return None
        # What is outstanding may be refused: if it leaves no room at all, look without it.
        alone_s = self._room_in_s(self.outstanding_w + demand_w, now_s)
        if alone_s is None:
            alone_s = self._room_in_s(demand_w, now_s)
        if alone_s is None or not ahead_w:
            return alone_s
        turns, rest_w = divmod(ahead_w + demand_w, self.report.capacity_w)
        turn_s = self._room_in_s(self.report.capacity_w, now_s) if turns else 0.0
        rest_s = self._room_in_s(rest_w, now_s)
        if turn_s is None or rest_s is None:
            return alone_s + MOST_LATER_S
        return min(max(alone_s, turns * turn_s + rest_s), alone_s + MOST_LATER_S)

    def _room_in_s(self, wanted_w: int, now_s: float) -> float | None:
        """Return after how many seconds the known plans leave room for `wanted_w`."""
        elapsed_s = now_s - self.received_s
        moments = [elapsed_s, *(within_s for within_s in FINITE_WITHIN_S if within_s > elapsed_s)]
        for within_s in moments:
            carried_w = self.report.load_w - released_w(self.report.releases_w, within_s)
            if carried_w + wanted_w <= self.report.capacity_w:
                return within_s - elapsed_s
        return None


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
