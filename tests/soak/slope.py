"""Whether a series of measurements rises: the slope of a line through it, by Theil and Sen.

Pure. The slope is the median over all pairs of points, so single peaks, such as a batch of garbage, do not count.
"""

import dataclasses
import itertools
import statistics
from collections.abc import Sequence

MOST_POINTS = 150  # more are thinned out: the pairs are their square
Point = tuple[float, float]  # seconds, value


@dataclasses.dataclass(frozen=True)
class Trend:
    """What a series did: its median in the first and the last fifth, and the growth from end to end by its slope."""

    first: float
    last: float
    growth: float

    def flat(self, share: float, absolute: float) -> bool:
        """Whether it grew by no more than a share of its first value, or an absolute amount, whichever is more."""
        return self.growth <= max(share * self.first, absolute)


def trend(points: Sequence[Point]) -> Trend:
    """Return the trend of points in the order of time; raises ValueError for fewer than five."""
    if len(points) < 5:
        raise ValueError(f"{len(points)} points are too few for a trend: 5 or more are accepted")
    fifth = len(points) // 5
    first, last = (
        statistics.median(value for _, value in part) for part in (points[:fifth], points[-fifth:])
    )
    return Trend(first, last, slope(points) * (points[-1][0] - points[0][0]))


def slope(points: Sequence[Point]) -> float:
    """Return how much the values rise in a second, 0 for points of one moment."""
    thinned = points[:: -(-len(points) // MOST_POINTS)]
    rises = [
        (b - a) / (at_b - at_a) for (at_a, a), (at_b, b) in itertools.combinations(thinned, 2) if at_b > at_a
    ]
    return statistics.median(rises) if rises else 0.0
