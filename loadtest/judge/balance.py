"""The arithmetic of a result: averages over samples, the balance ratio, percentiles, the highest sum of sessions.

Pure.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

from loadtest.record.readings import FleetSample
from loadtest.record.requests import Session

# Start and end are rounded to ms independently, so a session may start this much before a release.
FREED_EARLY_MS = 2
BUSY_SHARE = 0.5  # balance counts while the fleet's load is above this share of its peak


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile: the least value that `percent` % of all do not exceed.

    Raises ValueError when there is no value.
    """
    if not values:
        raise ValueError("no percentile of nothing")
    rank = math.ceil(len(values) * percent / 100)
    return sorted(values)[max(rank, 1) - 1]


def weighted(samples: Sequence[FleetSample], until_unix_s: float) -> Iterator[tuple[FleetSample, float]]:
    """Yield each sample taken by `until_unix_s` with its weight, in seconds: the time until the next sample.

    So a late or lost sample does not distort an average.
    """
    within = [sample for sample in samples if sample.at_unix_s <= until_unix_s]
    ends = [*(sample.at_unix_s for sample in within), until_unix_s][1:]
    for sample, end in zip(within, ends, strict=True):
        yield sample, end - sample.at_unix_s


def average(pairs: Iterable[tuple[float, float]]) -> float | None:
    """Return the mean of (value, seconds) pairs; None when they cover no time."""
    total = seconds = 0.0
    for value, weight in pairs:
        total += value * weight
        seconds += weight
    return total / seconds if seconds > 0 else None


def fleet_load_w(sample: FleetSample) -> float:
    """Return the load of all substations in a sample."""
    return sum(reading.load_w for reading in sample.readings.values())


def fleet_base_load_w(sample: FleetSample) -> float:
    """Return the base load of all substations in a sample."""
    return sum(reading.base_load_w for reading in sample.readings.values())


def fleet_utilization(sample: FleetSample) -> float:
    """Return the load and base load of all substations in a sample over their capacity."""
    return (fleet_load_w(sample) + fleet_base_load_w(sample)) / sum(
        reading.capacity_w for reading in sample.readings.values()
    )


def max_over_mean(utilizations: Sequence[float]) -> float:
    """Return the highest utilization over the mean of all; 1 when nothing is carried."""
    return max(utilizations) * len(utilizations) / total if (total := sum(utilizations)) else 1.0


def jain_index(utilizations: Sequence[float]) -> float:
    """Return Jain's fairness index of utilizations; 1 when nothing is carried."""
    squares = len(utilizations) * sum(each**2 for each in utilizations)
    return sum(utilizations) ** 2 / squares if squares else 1.0


def distance(utilizations: Sequence[float]) -> float:
    """Return the highest utilization minus the lowest."""
    return max(utilizations) - min(utilizations)


def balance_ratio(samples: Sequence[FleetSample], until_unix_s: float) -> float | None:
    """Return the average of max/mean utilization while the fleet is busy; 1 is perfect."""
    return busy_average(samples, until_unix_s, max_over_mean)


def jain(samples: Sequence[FleetSample], until_unix_s: float) -> float | None:
    """Return the average of Jain's fairness index of the utilizations while the fleet is busy; 1 is perfect."""
    return busy_average(samples, until_unix_s, jain_index)


def spread(samples: Sequence[FleetSample], until_unix_s: float) -> float | None:
    """Return the average of highest minus lowest utilization while the fleet is busy; 0 is perfect."""
    return busy_average(samples, until_unix_s, distance)


def highest_spread(samples: Sequence[FleetSample], until_unix_s: float) -> float | None:
    """Return the most by which the highest utilization was above the lowest while the fleet was busy."""
    return max((max(each) - min(each) for each, _ in _busy(samples, until_unix_s)), default=None)


def busy_average(
    samples: Sequence[FleetSample], until_unix_s: float, of: Callable[[Sequence[float]], float]
) -> float | None:
    """Return the time average of a figure of the utilizations while the load is above half its peak.

    Only substations that took cars at a sample count there. None when no such time was sampled. `samples` must be of
    the whole fleet.
    """
    return average((of(each), seconds) for each, seconds in _busy(samples, until_unix_s))


def _busy(samples: Sequence[FleetSample], until_unix_s: float) -> Iterator[tuple[list[float], float]]:
    peak_w = max((fleet_load_w(sample) for sample in samples if sample.at_unix_s <= until_unix_s), default=0)
    for sample, seconds in weighted(samples, until_unix_s):
        if fleet_load_w(sample) > BUSY_SHARE * peak_w and (usable := usable_utilizations(sample)):
            yield usable, seconds


def usable_utilizations(sample: FleetSample) -> list[float]:
    """Return the utilizations of the substations that took cars at a sample: those that were not drained.

    What a drained substation carries only falls, and no placement can even it out.
    """
    return [reading.utilization for reading in sample.readings.values() if not reading.draining]


def highest_sum_w(sessions: Iterable[Session]) -> int:
    """Return the highest power that the sessions of one substation reserved at one moment.

    Sweeps starts and releases; a release frees for every start from FREED_EARLY_MS before it.
    """
    changes = []
    for session in sessions:
        changes.append((session.started_unix_ms, 1, session.power_w))
        for at_ms, freed_w in session.releases:
            changes.append((max(at_ms - FREED_EARLY_MS, session.started_unix_ms), 0, -freed_w))
    sum_w = highest_w = 0
    for _, _, change_w in sorted(changes):
        sum_w += change_w
        highest_w = max(highest_w, sum_w)
    return highest_w
