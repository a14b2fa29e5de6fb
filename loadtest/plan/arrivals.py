"""The arrival plan: which car asks for what, and when; the same seed gives the same plan.

Pure: the source of randomness is an argument. Rules:

- moments are drawn first, after a shape, and sorted; cars are drawn in the order in which they arrive;
- which cars may use one substation only is drawn last, so that the same seed keeps its cars;
- every figure is rounded as it is sent, so that a plan can be compared byte for byte.
"""

import bisect
import dataclasses
import itertools
import math
from collections.abc import Sequence

from loadtest.plan.shapes import Randomness, Shape, uniform
from substation.plan import Plan

MAX_REQUESTS = 100_000
MAX_SECONDS = 3_600
MAX_RATE_PER_S = 5_000  # on average; a grid on one machine admits less
BOUNDS = f"bounds: {MAX_REQUESTS} requests, {MAX_SECONDS} s, {MAX_RATE_PER_S} requests/s on average"

# The cars (docs/explanation/architecture.md): what their chargers take, and how many of a hundred take it.
POWER_KW = (3.7, 7.4, 11.0, 22.0)
PER_HUNDRED = (10, 25, 45, 20)
ENERGY_MEAN_KWH = 20.0
ENERGY_SIGMA = 0.5
ENERGY_KWH = (3.0, 80.0)
STAY_MEDIAN_MIN = 180.0
STAY_SIGMA = 0.5
STAY_MIN = (20.0, 720.0)

_W_PER_KW = 1_000
_J_PER_KWH = 3_600_000
_MS_PER_MINUTE = 60_000
_ENERGY_MU = math.log(ENERGY_MEAN_KWH) - ENERGY_SIGMA**2 / 2  # the mean of a lognormal is e^(mu + sigma^2/2)
_STAY_MU = math.log(STAY_MEDIAN_MIN)  # its median is e^mu
_UP_TO = tuple(itertools.accumulate(PER_HUNDRED))


@dataclasses.dataclass(frozen=True, slots=True)
class Arrival:
    """One car: when it arrives, in seconds after the start, and what it asks for.

    `only` is the substation that it can use, None when it may use any.
    """

    at_s: float
    vehicle_id: str
    energy_kwh: float
    max_power_kw: float
    stay_minutes: float
    only: str | None = None

    def body(self) -> dict[str, str | float | list[str]]:
        """Return the request as `POST /charge` takes it."""
        body: dict[str, str | float | list[str]] = {
            "vehicle_id": self.vehicle_id,
            "energy_kwh": self.energy_kwh,
            "max_power_kw": self.max_power_kw,
            "stay_minutes": self.stay_minutes,
        }
        return body | {"substations": [self.only]} if self.only else body

    def charging(self) -> Plan:
        """Return the charging plan that this request becomes."""
        return Plan(
            round(self.energy_kwh * _J_PER_KWH),
            round(self.max_power_kw * _W_PER_KW),
            round(self.stay_minutes * _MS_PER_MINUTE),
        )


def rush_hour(
    seed: int, requests: int, seconds: float, randomness: Randomness, shape: Shape = uniform
) -> tuple[Arrival, ...]:
    """Return `requests` arrivals of a shape over `seconds`, in order of time.

    `randomness` must be seeded with `seed`, which is only written into the vehicles' names.
    Raises ValueError beyond the bounds, or for a plan without anything in it.
    """
    if not (1 <= requests <= MAX_REQUESTS and 0 < seconds <= MAX_SECONDS and fits(requests, seconds)):
        raise ValueError(f"{requests} requests in {seconds:g} s can't be sent; {BOUNDS}")
    moments_s = sorted(round(at_s, 3) for at_s in shape(requests, seconds, randomness))
    return tuple(_car(at_s, f"EV-{seed}-{index}", randomness) for index, at_s in enumerate(moments_s))


def fits(requests: int, seconds: float) -> bool:
    """Whether so many requests in so many seconds are within MAX_RATE_PER_S."""
    return requests <= seconds * MAX_RATE_PER_S


def confined(
    arrivals: Sequence[Arrival], share: float, substation_id: str, randomness: Randomness
) -> tuple[Arrival, ...]:
    """Return the arrivals, of which about `share` (0 to 1) can use one substation only."""
    return tuple(
        dataclasses.replace(arrival, only=substation_id) if randomness.random() < share else arrival
        for arrival in arrivals
    )


def _car(at_s: float, vehicle_id: str, randomness: Randomness) -> Arrival:
    power_kw = POWER_KW[bisect.bisect_right(_UP_TO, randomness.random() * 100)]
    energy_kwh = _within(ENERGY_KWH, randomness.lognormvariate(_ENERGY_MU, ENERGY_SIGMA))
    stay_min = _within(STAY_MIN, randomness.lognormvariate(_STAY_MU, STAY_SIGMA))
    return Arrival(at_s, vehicle_id, round(energy_kwh, 2), power_kw, round(stay_min, 1))


def _within(bounds: tuple[float, float], value: float) -> float:
    low, high = bounds
    return min(high, max(low, value))
