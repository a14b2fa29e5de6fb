"""The last quarter of an hour of one figure, second by second: what charts, peaks and trends are made of.

Pure. Rules:

- one value a second, under its unix second; a second that nobody has put is None, never a value made up;
- a peak is over what is kept: it ends when its second leaves.
"""

import array
import collections
import math

HISTORY_S = 900
TREND_S = 10
LEAST_POINTS = 3  # of a trend; two points are noise


class Ring:
    """The newest HISTORY_S values of one figure, one a second; NaN where it was not known."""

    def __init__(self) -> None:
        self._values = array.array("f", [math.nan]) * HISTORY_S
        self._newest: int | None = None

    def put(self, second: int, value: float) -> None:
        """Set the value of a second, the same as the newest or later; seconds that were left out are gaps."""
        if self._newest is not None:
            for left_out in range(max(self._newest + 1, second - HISTORY_S + 1), second):
                self._values[left_out % HISTORY_S] = math.nan
        self._values[second % HISTORY_S] = value
        self._newest = second

    def newest(self, second: int, count: int) -> list[float | None]:
        """Return `count` values up to `second`, oldest first; None where there is none.

        `second` is that of the newest value or later, `count` at most HISTORY_S.
        """
        if self._newest is None:
            return [None] * count
        to_come = min(second - self._newest, count)
        first = (second - count + 1) % HISTORY_S
        values = (self._values + self._values)[first : first + count - to_come]
        return [None if math.isnan(value) else round(value, 1) for value in values] + [None] * to_come


class Peak:
    """The highest of the last HISTORY_S seconds: those that a later and higher one has not made needless."""

    def __init__(self) -> None:
        self._highest: collections.deque[tuple[int, float]] = collections.deque()

    def put(self, second: int, value: float | None) -> float:
        """Take the value of a second, None for a gap; returns the peak, 0 when nothing is known."""
        while self._highest and self._highest[0][0] <= second - HISTORY_S:
            self._highest.popleft()
        if value is not None:
            while self._highest and self._highest[-1][1] <= value:
                self._highest.pop()
            self._highest.append((second, value))
        return self._highest[0][1] if self._highest else 0.0


class History:
    """Load and capacity of one substation in kW, its peak, and how fast the load changes."""

    def __init__(self) -> None:
        self.peak_kw = 0.0
        self.trend_kw_s: float | None = None  # None when too little is known
        self.known_second = 0
        self._load_kw = Ring()
        self._capacity_kw = Ring()
        self._peak = Peak()

    def put(self, second: int, load_kw: float | None, capacity_kw: float | None) -> None:
        """Keep a second; None is a gap."""
        self._load_kw.put(second, math.nan if load_kw is None else load_kw)
        self._capacity_kw.put(second, math.nan if capacity_kw is None else capacity_kw)
        self.peak_kw = self._peak.put(second, load_kw)
        self.trend_kw_s = trend_kw_s(self._load_kw.newest(second, TREND_S))
        if load_kw is not None:
            self.known_second = second

    def columns(self, second: int, seconds: int) -> dict[str, list[float | None]]:
        """Return the last `seconds` up to and with `second`: one value a second, oldest first."""
        return {
            "load_kw": self._load_kw.newest(second, seconds),
            "capacity_kw": self._capacity_kw.newest(second, seconds),
        }


def trend_kw_s(values: list[float | None]) -> float | None:
    """Return how fast a figure changes, in kW a second: the slope of a least-squares line; None when unknown."""
    points = [(second, value) for second, value in enumerate(values) if value is not None]
    if len(points) < LEAST_POINTS:
        return None
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return round(sum((x - mean_x) * (y - mean_y) for x, y in points) / spread, 1)
