"""What a gateway's counters say of the last seconds: requests, refusals, and how long answers took.

Pure: time comes as seconds of a monotonic clock.
"""

import collections
import dataclasses
from collections.abc import Mapping

RATE_S = 5.0  # rates are of so many seconds
LATENCY_S = 60.0  # percentiles are of so many
REFUSED = frozenset({"no_capacity", "no_substation"})


@dataclasses.dataclass(frozen=True, slots=True)
class Counts:
    """One reading: requests by outcome, and of the duration histogram how many ended within so many seconds."""

    at_s: float
    outcomes: Mapping[str, float]
    within_s: Mapping[float, float]


class Rates:
    """The readings of the last minute."""

    def __init__(self) -> None:
        self._readings: collections.deque[Counts] = collections.deque()

    def take(self, counts: Counts) -> None:
        """Keep a reading; a counter that went back was reset, and everything before it is dropped."""
        if self._readings and sum(counts.outcomes.values()) < sum(self._readings[-1].outcomes.values()):
            self._readings.clear()
        self._readings.append(counts)
        while counts.at_s - self._readings[0].at_s > LATENCY_S:
            self._readings.popleft()

    def shown(self, now_s: float) -> dict[str, float | None]:
        """Return requests and refusals a second, and the 95th percentile in ms; None where nothing is known."""
        if not self._readings or now_s - self._readings[-1].at_s > RATE_S:
            return {"requests_per_s": None, "refused_per_s": None, "p95_ms": None}
        newest = self._readings[-1]
        before = next(each for each in self._readings if newest.at_s - each.at_s <= RATE_S)
        seconds = newest.at_s - before.at_s
        change = {name: count - before.outcomes.get(name, 0) for name, count in newest.outcomes.items()}
        return {
            "requests_per_s": round(sum(change.values()) / seconds, 2) if seconds else None,
            "refused_per_s": round(sum(n for name, n in change.items() if name in REFUSED) / seconds, 2)
            if seconds
            else None,
            "p95_ms": percentile_ms(self._readings[0].within_s, newest.within_s, 0.95),
        }


def percentile_ms(before: Mapping[float, float], after: Mapping[float, float], share: float) -> float | None:
    """Return a percentile of what ended between two readings, linear within its bucket; None when nothing did."""
    ended = [(bound_s, after[bound_s] - before.get(bound_s, 0.0)) for bound_s in sorted(after)]
    if not ended or ended[-1][1] <= 0:
        return None
    wanted = share * ended[-1][1]
    low_s = low = 0.0
    for bound_s, count in ended:
        if count >= wanted:
            if bound_s == float("inf"):
                return round(low_s * 1000, 1)  # more than the highest bound: at least that
            return round((low_s + (bound_s - low_s) * (wanted - low) / (count - low)) * 1000, 1)
        low_s, low = bound_s, count
    return None
