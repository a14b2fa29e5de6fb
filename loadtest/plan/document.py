"""The plan of a run: the cars, and what is done to the grid meanwhile; how it is written, and its hash.

Pure: the source of randomness is an argument. The same seed, preset and fleet give the same bytes.
"""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from loadtest.plan.arrivals import MAX_REQUESTS, Arrival, confined, rush_hour
from loadtest.plan.demand import W_PER_KW, peak_kw
from loadtest.plan.oracle import Drain
from loadtest.plan.presets import Preset
from loadtest.plan.shapes import SHAPES, Randomness

SCHEMA = "smartgrid-plan/1"
TRY_CARS = 500  # the first try when the number of cars follows from the power that they ask for
TRIES = 6  # the peak grows with the number of cars, but other cars of the same seed meet in it


@dataclasses.dataclass(frozen=True, slots=True)
class GridSize:
    """What a plan must know of the grid: each substation's capacity in watts, and the time scale."""

    capacity_w: Mapping[str, float]
    time_scale: float

    @property
    def capacity_kw(self) -> float:
        """The capacity of all substations."""
        return sum(self.capacity_w.values()) / W_PER_KW

    def substation(self, wanted: str | None) -> str:
        """Return the substation that a preset is about: the wanted one, or the first by name.

        Raises ValueError when there is no such substation.
        """
        chosen = wanted or min(self.capacity_w)
        if chosen not in self.capacity_w:
            raise ValueError(f"there is no {chosen}: the fleet has {', '.join(sorted(self.capacity_w))}")
        return chosen


# What `make run` starts (docs/reference/settings.md), for plans that are made without a grid.
DEFAULT_GRID = GridSize({f"substation-{number}": 1_400_000.0 for number in (1, 2, 3)}, 120.0)


@dataclasses.dataclass(frozen=True, slots=True)
class PlanOptions:
    """A preset with what the options put in its place; `substation_id` None: the first of the fleet."""

    preset: Preset
    seed: int
    shape: str
    requests: int | None
    seconds: float
    substation_id: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class RunPlan:
    """The cars in order of time, and the substation that is drained, if one is."""

    preset: str
    seed: int
    shape: str
    seconds: float
    arrivals: tuple[Arrival, ...]
    drain: Drain | None

    def arrivals_json(self) -> str:
        """Return the cars as they are hashed: sorted names, no spaces, ASCII."""
        return _stable([{"at_s": arrival.at_s, **arrival.body()} for arrival in self.arrivals])

    @property
    def sha256(self) -> str:
        """The SHA-256 of `arrivals_json`: equal when the same cars ask for the same at the same moments."""
        return hashlib.sha256(self.arrivals_json().encode("ascii")).hexdigest()

    def document(self) -> str:
        """Return the whole plan as JSON, the same bytes for the same plan."""
        return _stable(
            {
                "schema": SCHEMA,
                "preset": self.preset,
                "seed": self.seed,
                "shape": self.shape,
                "requests": len(self.arrivals),
                "seconds": self.seconds,
                "drain": dataclasses.asdict(self.drain) if self.drain else None,
                "sha256": self.sha256,
                "arrivals": json.loads(self.arrivals_json()),
            }
        )


def make(wish: PlanOptions, fleet: GridSize, randomness: Callable[[int], Randomness]) -> RunPlan:
    """Return the plan of a wish; `randomness` gives a new source for a seed.

    Raises ValueError for a plan out of bounds, or about a substation that is not there.
    """
    preset = wish.preset

    def cars(requests: int) -> tuple[Arrival, ...]:
        return rush_hour(wish.seed, requests, wish.seconds, source, SHAPES[wish.shape])

    source = randomness(wish.seed)
    if wish.requests is None and preset.peak_share:
        requests = _enough(preset.peak_share * fleet.capacity_kw, wish, fleet, randomness)
    else:
        requests = wish.requests or TRY_CARS
    arrivals = cars(requests)
    if preset.confined_share:
        hot = fleet.substation(wish.substation_id)
        arrivals = confined(arrivals, preset.confined_share, hot, source)
    drain = None
    if preset.drain_at_share is not None:
        drain = Drain(fleet.substation(wish.substation_id), round(wish.seconds * preset.drain_at_share, 3))
    return RunPlan(preset.name, wish.seed, wish.shape, wish.seconds, arrivals, drain)


def _enough(
    wanted_kw: float, wish: PlanOptions, fleet: GridSize, randomness: Callable[[int], Randomness]
) -> int:
    """Return how many cars of this seed ask for about `wanted_kw` at their peak."""
    requests = TRY_CARS
    tried: list[tuple[float, int]] = []
    for _ in range(TRIES):
        cars = rush_hour(wish.seed, requests, wish.seconds, randomness(wish.seed), SHAPES[wish.shape])
        peak = peak_kw(cars, fleet.time_scale)
        tried.append((abs(peak - wanted_kw), requests))
        requests = min(max(round(requests * wanted_kw / peak), 1), MAX_REQUESTS)
    return min(tried)[1]


def _stable(document: Any) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
