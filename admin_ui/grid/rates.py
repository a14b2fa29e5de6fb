"""Rates from a gateway's counters: requests, refusals, failures, and how long answers took.

Pure: time comes as seconds of a monotonic clock. Rules:

- a refusal is an answer without a session, because no substation had room or none could be asked. Each one counts,
  even if the same request is placed later. All pages use this definition;
- a failure is neither an admission nor a refusal: the outcome is unknown, was withdrawn, is a fault, or the order book was away.
"""

import collections
import dataclasses
from collections.abc import Collection, Mapping, Sequence

RATE_S = 5.0  # rates are taken over this time span
LATENCY_S = 60.0  # percentiles are taken over this time span
REFUSED = frozenset({"no_capacity", "no_substation"})
FAILED = frozenset({"unknown", "unavailable", "withdrawn", "failed"})
SHOWN = ("requests_per_s", "refused_per_s", "refused_in_60_s", "failed_in_60_s", "p95_ms")


@dataclasses.dataclass(frozen=True, slots=True)
class CounterReading:
    """One reading of the counters: requests by outcome, and the duration histogram (requests that took at most so long)."""

    at_s: float
    outcomes: Mapping[str, float]
    within_s: Mapping[float, float]
    started_unix_s: float = 0.0  # of the gateway's process


def total(readings: Sequence[CounterReading]) -> CounterReading:
    """Return the sum of the counters of several processes, and the start of the one that was started last."""
    outcomes: collections.Counter[str] = collections.Counter()
    within_s: collections.Counter[float] = collections.Counter()
    for each in readings:
        outcomes.update(each.outcomes)
        within_s.update(each.within_s)
    started_unix_s = max(each.started_unix_s for each in readings)
    return CounterReading(max(each.at_s for each in readings), outcomes, within_s, started_unix_s)


class Rates:
    """The readings of the last minute."""

    def __init__(self) -> None:
        self._readings: collections.deque[CounterReading] = collections.deque()

    def take(self, counts: CounterReading) -> None:
        """Keep a reading; drop the earlier ones when the process was restarted or a counter went back."""
        if self._readings and _restarted(self._readings[-1], counts):
            self._readings.clear()
        self._readings.append(counts)
        while counts.at_s - self._readings[0].at_s > LATENCY_S:
            self._readings.popleft()

    def shown(self, now_s: float) -> dict[str, float | None]:
        """Return rates a second, refusals and failures of the last minute, and the 95th percentile in ms.

        A figure that is not known is None.
        """
        if not self._readings or now_s - self._readings[-1].at_s > RATE_S:
            return dict.fromkeys(SHOWN)
        oldest, newest = self._readings[0], self._readings[-1]
        before = next(each for each in self._readings if newest.at_s - each.at_s <= RATE_S)
        seconds = newest.at_s - before.at_s

        def per_second(change: float) -> float | None:
            return round(change / seconds, 2) if seconds else None

        return {
            "requests_per_s": per_second(_change(before, newest)),
            "refused_per_s": per_second(_change(before, newest, REFUSED)),
            "refused_in_60_s": _change(oldest, newest, REFUSED) if seconds else None,
            "failed_in_60_s": _change(oldest, newest, FAILED) if seconds else None,
            "p95_ms": percentile_ms(oldest.within_s, newest.within_s, 0.95),
        }


def _restarted(before: CounterReading, after: CounterReading) -> bool:
    if after.started_unix_s != before.started_unix_s:
        return True
    return sum(after.outcomes.values()) < sum(before.outcomes.values())


def _change(before: CounterReading, after: CounterReading, wanted: Collection[str] = ()) -> float:
    """Return how many requests ended between two readings with one of the `wanted` outcomes (default: any)."""
    return sum(
        count - before.outcomes.get(name, 0)
        for name, count in after.outcomes.items()
        if not wanted or name in wanted
    )


def percentile_ms(before: Mapping[float, float], after: Mapping[float, float], share: float) -> float | None:
    """Return a percentile in ms of the requests between two readings, interpolated in its bucket; None without requests."""
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
