"""The arrival plan: which car asks for what, and when; the same seed gives the same plan.

Pure: the source of randomness is an argument. Rules:

- moments are uniform over the span and sorted, cars are drawn in the order in which they arrive;
- every figure is rounded as it is sent, so that a plan can be compared byte for byte.
"""

import bisect
import dataclasses
import itertools
import math
from typing import Protocol

MAX_REQUESTS = 100_000
MAX_SECONDS = 3_600

# The cars (docs/explanation/architecture.md): what their chargers take, and how many of a hundred take it.
POWER_KW = (3.7, 7.4, 11.0, 22.0)
PER_HUNDRED = (10, 25, 45, 20)
ENERGY_MEAN_KWH = 20.0
ENERGY_SIGMA = 0.5
ENERGY_KWH = (3.0, 80.0)
STAY_MEDIAN_MIN = 180.0
STAY_SIGMA = 0.5
STAY_MIN = (20.0, 720.0)

_ENERGY_MU = math.log(ENERGY_MEAN_KWH) - ENERGY_SIGMA**2 / 2  # the mean of a lognormal is e^(mu + sigma^2/2)
_STAY_MU = math.log(STAY_MEDIAN_MIN)  # its median is e^mu
_UP_TO = tuple(itertools.accumulate(PER_HUNDRED))


class Randomness(Protocol):
    """What is needed of `random.Random`."""

    def random(self) -> float:
        """Return the next number in [0, 1)."""

    def lognormvariate(self, mu: float, sigma: float) -> float:
        """Return a number whose logarithm is normal with mean `mu` and deviation `sigma`."""


@dataclasses.dataclass(frozen=True, slots=True)
class Arrival:
    """One car: when it arrives, in seconds after the start, and what it asks for."""

    at_s: float
    vehicle_id: str
    energy_kwh: float
    max_power_kw: float
    stay_minutes: float

    def body(self) -> dict[str, str | float]:
        """Return the request as `POST /charge` takes it."""
        return {
            "vehicle_id": self.vehicle_id,
            "energy_kwh": self.energy_kwh,
            "max_power_kw": self.max_power_kw,
            "stay_minutes": self.stay_minutes,
        }


def rush_hour(seed: int, requests: int, seconds: float, randomness: Randomness) -> tuple[Arrival, ...]:
    """Return `requests` arrivals uniform over `seconds`, in order of time.

    `randomness` must be seeded with `seed`, which is only written into the vehicles' names.
    Raises ValueError beyond MAX_REQUESTS or MAX_SECONDS, or for a plan without anything in it.
    """
    if not 1 <= requests <= MAX_REQUESTS or not 0 < seconds <= MAX_SECONDS:
        message = f"{requests} requests in {seconds} s: up to {MAX_REQUESTS} in {MAX_SECONDS} s are allowed"
        raise ValueError(message)
    moments_s = sorted(round(randomness.random() * seconds, 3) for _ in range(requests))
    return tuple(_car(at_s, f"EV-{seed}-{index}", randomness) for index, at_s in enumerate(moments_s))


def _car(at_s: float, vehicle_id: str, randomness: Randomness) -> Arrival:
    power_kw = POWER_KW[bisect.bisect_right(_UP_TO, randomness.random() * 100)]
    energy_kwh = _within(ENERGY_KWH, randomness.lognormvariate(_ENERGY_MU, ENERGY_SIGMA))
    stay_min = _within(STAY_MIN, randomness.lognormvariate(_STAY_MU, STAY_SIGMA))
    return Arrival(at_s, vehicle_id, round(energy_kwh, 2), power_kw, round(stay_min, 1))


def _within(bounds: tuple[float, float], value: float) -> float:
    low, high = bounds
    return min(high, max(low, value))
