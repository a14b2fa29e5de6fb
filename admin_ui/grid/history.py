"""The last quarter of an hour of loads and capacity, second by second, with peak and trend.

Pure. Rules:

- there is one value for each unix second; a second without a value is None, and never an invented value;
- a peak covers the seconds that are kept: it ends when its second is dropped;
- peak and trend are those of base load and cars together, because the limit is for both.
"""

import array
import collections
import math
from typing import NamedTuple

HISTORY_S = 900
TREND_S = 10
LEAST_POINTS = 3  # of a trend; a line through two points would follow the noise


class Ring:
    """The newest values of one figure, one a second; NaN where it was not known."""

    def __init__(self, size: int = HISTORY_S) -> None:
        """`size` is how many seconds are kept."""
        self._size = size
        self._values = array.array("f", [math.nan]) * size
        self._newest: int | None = None

    def put(self, second: int, value: float) -> None:
        """Set the value of the newest second or of a later one; skipped seconds become gaps."""
        if self._newest is not None:
            for left_out in range(max(self._newest + 1, second - self._size + 1), second):
                self._values[left_out % self._size] = math.nan
        self._values[second % self._size] = value
        self._newest = second

    def newest(self, second: int, count: int) -> list[float | None]:
        """Return `count` values up to `second`, oldest first; None for a gap.

        `second` is the newest second or a later one, and `count` is at most the size.
        """
        if self._newest is None:
            return [None] * count
        to_come = min(second - self._newest, count)
        first = (second - count + 1) % self._size
        values = (self._values + self._values)[first : first + count - to_come]
        return [None if math.isnan(value) else round(value, 1) for value in values] + [None] * to_come


class Peak:
    """The highest value of the last HISTORY_S seconds.

    It keeps falling values only: a value can't become the peak any more once a later one is at least as high.
    """

    def __init__(self) -> None:
        self._falling: collections.deque[tuple[int, float]] = collections.deque()

    def put(self, second: int, value: float | None) -> float:
        """Take the value of a second, None for a gap; returns the peak, 0 when nothing is known."""
        while self._falling and self._falling[0][0] <= second - HISTORY_S:
            self._falling.popleft()
        if value is not None:
            while self._falling and self._falling[-1][1] <= value:
                self._falling.pop()
            self._falling.append((second, value))
        return self._falling[0][1] if self._falling else 0.0


class Loads(NamedTuple):
    """What a substation carries at one moment in kW: `load_kw` is that of the cars; its capacity, and what it is rated for.

    Of the fleet, `capacity_kw` is the usable part of `rated_kw`, which counts every substation.
    """

    load_kw: float
    base_load_kw: float
    capacity_kw: float
    rated_kw: float

    @property
    def carried_kw(self) -> float:
        """Base load and cars together."""
        return self.load_kw + self.base_load_kw


BASE_LOAD = "base_load_kw"
RATED = "rated_kw"
UNKNOWN = Loads(math.nan, math.nan, math.nan, math.nan)


class History:
    """Loads and capacity of one substation, their peak, and how fast they change."""

    def __init__(self) -> None:
        self.peak_kw = 0.0
        self.trend_kw_s: float | None = None  # how fast the load changes; None when too few values are known
        self.known_second = 0
        self._rings = {name: Ring() for name in Loads._fields}
        self._carried_kw = Ring(TREND_S)
        self._peak = Peak()

    def put(self, second: int, loads: Loads | None) -> None:
        """Record a second; None is a gap."""
        carried_kw = loads.carried_kw if loads else None
        for ring, value in zip(self._rings.values(), loads or UNKNOWN, strict=True):
            ring.put(second, value)
        self._carried_kw.put(second, math.nan if carried_kw is None else carried_kw)
        self.peak_kw = self._peak.put(second, carried_kw)
        self.trend_kw_s = trend_kw_s(self._carried_kw.newest(second, TREND_S))
        if loads:
            self.known_second = second

    def columns(self, second: int, seconds: int, step_s: int = 1) -> dict[str, list[float | None]]:
        """Return loads and capacity of the `seconds` up to `second`, oldest first; with `step_s`, the means of so many.

        A base load that was 0 all the time, as on a grid without base loads, is left out, and so is `rated_kw` where all
        of it was usable.
        """
        columns = {name: _means(ring.newest(second, seconds), step_s) for name, ring in self._rings.items()}
        if not any(columns[BASE_LOAD]):
            del columns[BASE_LOAD]
        if columns[RATED] == columns["capacity_kw"]:
            del columns[RATED]
        return columns


def _means(values: list[float | None], step_s: int) -> list[float | None]:
    """Return the means of each `step_s` values, of those that are known."""
    if step_s == 1:
        return values
    steps = (
        [each for each in values[at : at + step_s] if each is not None]
        for at in range(0, len(values), step_s)
    )
    return [round(sum(step) / len(step), 1) if step else None for step in steps]


def trend_kw_s(values: list[float | None]) -> float | None:
    """Return how fast a figure changes, in kW a second: the slope of a least-squares line; None when unknown."""
    points = [(second, value) for second, value in enumerate(values) if value is not None]
    if len(points) < LEAST_POINTS:
        return None
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return round(sum((x - mean_x) * (y - mean_y) for x, y in points) / spread, 1)
