"""Which policy has the lower peaks: mean highest utilization of a day, over paired seeds. `--seeds`, `--days`, `--fleets`."""

import functools
import statistics
from collections.abc import Mapping, Sequence

from tests.study.command_line import print_rows
from tests.study.days import REGIMES, World
from tests.study.grid import BaseCourse, Grid, Run, by_mean, by_upper, cautiously, knowing

# The policy in force, and the base load to come by which it places.
POLICIES: Mapping[str, tuple[str, BaseCourse]] = {
    "least_loaded": ("least_loaded", cautiously),
    "predictive": ("predictive", cautiously),
    "by p90": ("predictive", by_upper),
    "by the mean": ("predictive", by_mean),
    "knowing": ("predictive", knowing),
}
WRONG = "a day of a wrong shape"


def runs(regime: str, count: int, days: int, seed: int) -> dict[str, Run]:
    """Run the same days under each policy."""
    wrong = range(3, days, 4) if regime == WRONG else ()
    world = _world(seed, count, days, tuple(wrong))
    cars = world.cars("mixed" if regime == WRONG else regime, seed)
    return {name: Grid(world, policy, seed, base=base).run(cars) for name, (policy, base) in POLICIES.items()}


_world = functools.lru_cache(maxsize=64)(World)  # its forecasts serve all regimes


def mean_peak(run: Run, regime: str) -> float:
    """Return the mean highest utilization of a day in percent; with days of a wrong shape, of those alone."""
    days = range(3, len(run.peaks), 4) if regime == WRONG else range(len(run.peaks))
    return 100 * statistics.mean(run.peaks[day] for day in days)


def row(regime: str, count: int, days: int, seeds: Sequence[int]) -> dict[str, object]:
    """Return the mean peaks of each policy, and the differences to least_loaded with their standard error."""
    found = [runs(regime, count, days, seed) for seed in seeds]
    peaks = {policy: [mean_peak(each[policy], regime) for each in found] for policy in POLICIES}
    differences = {
        policy: [a - b for a, b in zip(peaks[policy], peaks["least_loaded"], strict=True)]
        for policy in POLICIES
        if policy != "least_loaded"
    }
    return {
        "regime": regime,
        "substations": count,
        "mean daily peak, %": {policy: round(statistics.mean(each), 2) for policy, each in peaks.items()},
        "points to least_loaded": {
            policy: [round(statistics.mean(each), 2), round(_error(each), 2)]
            for policy, each in differences.items()
        },
        "refused": {policy: sum(each[policy].refused for each in found) for policy in POLICIES},
        "cars": sum(each["least_loaded"].placed + each["least_loaded"].refused for each in found),
        "by forecast": round(
            sum(each["predictive"].by_forecast for each in found)
            / max(1, sum(each["predictive"].placed for each in found)),
            3,
        ),
    }


def _error(values: Sequence[float]) -> float:
    return statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0


if __name__ == "__main__":
    print_rows(__doc__, [*REGIMES, WRONG], row)
