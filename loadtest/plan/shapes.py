"""When cars arrive: the shapes of a plan's arrivals over its window.

Pure: the source of randomness is an argument. A shape returns moments in seconds within [0, span], in
any order. All but `poisson` return exactly `count` moments.

The day of `day` and `evening` is a model of our own after measured peaks: at public charge points most cars arrive
about 18:15, and next most about 09:00; at workplaces about 08:45, in a narrow peak. Source: ElaadNL, open
data of Dutch charge points, distribution of arrivals on weekdays in quarters of an hour, as published
with EV2Gym (https://github.com/StavrosOrf/EV2Gym, `ev2gym/data/distribution-of-arrival.csv`).
"""

import dataclasses
import itertools
import math
import statistics
from collections.abc import Callable, Mapping
from typing import Protocol

from loadtest.plan.clock import DAY_H

SPIKE_SHARE = 0.6  # of the cars arrive in the spike, the others at any time
SPIKE_SPAN = (0.45, 0.55)  # of the window


class Randomness(Protocol):
    """The part of `random.Random` that shapes need."""

    def random(self) -> float:
        """Return the next number in [0, 1)."""

    def lognormvariate(self, mu: float, sigma: float) -> float:
        """Return a number whose logarithm is normal with mean `mu` and deviation `sigma`."""


# Peaks of a day: (share of the cars, hour of the peak, deviation in hours), see the source above.
DAY = ((0.20, 8.75, 0.75), (0.30, 13.5, 3.0), (0.50, 18.25, 1.5))
STEPS_PER_HOUR = 12  # a rate changes little in 5 minutes

Shape = Callable[[int, float, Randomness], list[float]]


def uniform(count: int, span_s: float, randomness: Randomness) -> list[float]:
    """Return moments that are equally likely everywhere: the intervals between them are random."""
    return [randomness.random() * span_s for _ in range(count)]


def poisson(count: int, span_s: float, randomness: Randomness) -> list[float]:
    """Return the moments of a Poisson process with a mean of `count`; their number varies with the seed."""
    moments_s: list[float] = []
    at_s = _gap(count, span_s, randomness)
    while at_s <= span_s:
        moments_s.append(at_s)
        at_s += _gap(count, span_s, randomness)
    return moments_s or [0.0]  # a plan is never empty


def _gap(count: int, span_s: float, randomness: Randomness) -> float:
    return -math.log(1 - randomness.random()) * span_s / count


def spike(count: int, span_s: float, randomness: Randomness) -> list[float]:
    """Return moments of which most lie in the tenth in the middle of the window."""
    low, high = SPIKE_SPAN
    moments_s = []
    for _ in range(count):
        within = randomness.random() < SPIKE_SHARE
        at = randomness.random()
        moments_s.append((low + at * (high - low) if within else at) * span_s)
    return moments_s


def ramp(count: int, span_s: float, randomness: Randomness) -> list[float]:
    """Return moments whose rate rises in a straight line from 0 at the beginning."""
    return [math.sqrt(randomness.random()) * span_s for _ in range(count)]


def evening(count: int, span_s: float, randomness: Randomness) -> list[float]:
    """Return the arrivals of a day, from midnight to midnight, scaled to the window."""
    return [_hour_of_a_day(randomness) / DAY_H * span_s for _ in range(count)]


def _hour_of_a_day(randomness: Randomness) -> float:
    draw = randomness.random()
    _, peak_h, deviation_h = DAY[-1]
    for share, peak, deviation in DAY:
        if draw < share:
            peak_h, deviation_h = peak, deviation
            break
        draw -= share
    return (peak_h + deviation_h * math.log(randomness.lognormvariate(0, 1))) % DAY_H


@dataclasses.dataclass(frozen=True, slots=True)
class DayPart:
    """The part of a grid's days that a window plays: from `from_h`, a time of day, for `hours`."""

    from_h: float = 0.0
    hours: float = DAY_H

    @property
    def share(self) -> float:
        """The cars of this part over those of a whole day."""
        means = [(before + after) / 2 for before, after in itertools.pairwise(self._rates())]
        return statistics.fmean(means) * self.hours

    @property
    def highest_rate(self) -> float:
        """The highest rate within this part; a hundredth more, as it may be between two steps."""
        return 1.01 * max(self._rates())

    def _rates(self) -> list[float]:
        steps = math.ceil(self.hours * STEPS_PER_HOUR)
        return [rate(self.from_h + step / steps * self.hours) for step in range(steps + 1)]


WHOLE_DAY = DayPart()


def rate(hour: float) -> float:
    """Return the rate of arrivals at a time of day, as a share of a day's cars in an hour."""
    return sum(share * _bell(hour - peak_h, deviation_h) for share, peak_h, deviation_h in DAY)


def _bell(distance_h: float, deviation_h: float) -> float:
    """Return the density of the normal distribution at a distance from a peak that comes once a day."""
    nearest_h = distance_h - DAY_H * round(distance_h / DAY_H)
    return math.exp(-((nearest_h / deviation_h) ** 2) / 2) / (deviation_h * math.sqrt(2 * math.pi))


def day(count: int, span_s: float, randomness: Randomness, part: DayPart = WHOLE_DAY) -> list[float]:
    """Return the arrivals of a part of the grid's days, at the rate of each time of day.

    They are a Poisson process of that rate whose number is given, by thinning (Lewis and Shedler, 1979).
    """
    highest, moments_s = part.highest_rate, list[float]()
    while len(moments_s) < count:
        at = randomness.random()
        if randomness.random() * highest < rate(part.from_h + at * part.hours):
            moments_s.append(at * span_s)
    return moments_s


def instant(count: int, span_s: float, randomness: Randomness) -> list[float]:  # noqa: ARG001 - as all shapes
    """Return the beginning of the window for every car."""
    return [0.0] * count


SHAPES: Mapping[str, Shape] = {
    shape.__name__: shape for shape in (uniform, poisson, spike, ramp, evening, day, instant)
}
