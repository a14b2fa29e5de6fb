"""Latencies as an HdrHistogram: it counts every value, with an error of at most a thousandth.

Its results are in milliseconds. Internally it counts whole microseconds, with three significant figures.

Pure.
"""

import math
from collections.abc import Iterable, Sequence

from hdrh.histogram import HdrHistogram

US_PER_MS = 1000
HIGHEST_US = 4 * 3600 * 1_000_000  # the longest plan, the longest retries and much more
SIGNIFICANT_FIGURES = 3
PERCENTILES = {"p50": 50.0, "p90": 90.0, "p95": 95.0, "p99": 99.0, "p999": 99.9, "max": 100.0}


class Latencies:
    """A histogram of the latencies of many requests."""

    def __init__(self, values_ms: Iterable[float] = ()) -> None:
        self._counts = HdrHistogram(1, HIGHEST_US, SIGNIFICANT_FIGURES)
        for value_ms in values_ms:
            self.record(value_ms)

    def record(self, value_ms: float) -> None:
        """Count one value; below zero is zero, beyond four hours is four hours."""
        self._counts.record_value(min(max(round(value_ms * US_PER_MS), 0), HIGHEST_US))

    def at(self, percent: float) -> float | None:
        """Return the nearest-rank percentile in ms, None when nothing was recorded."""
        found = self._at((percent,))
        return found[0] if found else None

    def percentiles(self) -> dict[str, float]:
        """Return the percentiles of a result by name; empty when nothing was recorded."""
        return dict(zip(PERCENTILES, self._at(tuple(PERCENTILES.values())), strict=False))

    def distribution(self) -> list[tuple[float, float]]:
        """Return (value in ms, share of all that did not exceed it), from the least value to the greatest."""
        total: int = self._counts.total_count
        return [(value_ms, round(count / total, 6)) for value_ms, count in self._steps()]

    def _at(self, percents: Sequence[float]) -> list[float]:
        """Return a value for each of `percents`, which ascend.

        The library's own percentiles round the rank, and so may fall below the nearest rank.
        """
        found: list[float] = []
        for value_ms, count in self._steps():
            while len(found) < len(percents) and count >= self._rank(percents[len(found)]):
                found.append(value_ms)
        return found

    def _rank(self, percent: float) -> int:
        total: int = self._counts.total_count
        return max(math.ceil(total * percent / 100), 1)

    def _steps(self) -> Iterable[tuple[float, int]]:
        """Yield the values that occurred, in ms, with how many did not exceed them.

        The library's own iterator computes the bounds of every cell, also of the thousands that are empty.
        """
        recorded, reached = self._counts, 0
        for index, count in enumerate(recorded.counts):
            if count:
                reached += count
                value_us = recorded.get_highest_equivalent_value(recorded.get_value_from_index(index))
                yield min(value_us, recorded.max_value) / US_PER_MS, reached
                if reached == recorded.total_count:
                    return
