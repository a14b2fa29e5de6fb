"""The plan of a run: the cars, and the drain of a substation; as a document, with its hash.

Pure: the source of randomness is an argument. The same seed, preset and fleet give the same bytes.
"""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from loadtest.contract import MAX_REQUESTS
from loadtest.plan.arrivals import Arrival, confined, rush_hour
from loadtest.plan.clock import ASSUMED_H, DAY_H, S_PER_HOUR, write
from loadtest.plan.demand import peak_kw
from loadtest.plan.oracle import Drain
from loadtest.plan.presets import DAY_SECONDS, Preset
from loadtest.plan.shapes import SHAPES, DayPart, Randomness, day
from loadtest.units import W_PER_KW

SCHEMA = "smartgrid-plan/1"
TRY_CARS = 500  # the first guess when the number of cars follows from the power that they request
TRIES = 6  # the peak rises with the number of cars, but not evenly: each number has other cars at its peak


@dataclasses.dataclass(frozen=True, slots=True)
class GridSize:
    """What a plan depends on: each substation's capacity in watts, the time scale, and the time of day at its beginning."""

    capacity_w: Mapping[str, float]
    time_scale: float
    time_of_day_h: float = ASSUMED_H

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


# What `make run` starts (docs/reference/settings.md), for plans without a grid.
DEFAULT_GRID = GridSize({f"substation-{number}": 1_400_000.0 for number in (1, 2, 3)}, 120.0)


@dataclasses.dataclass(frozen=True, slots=True)
class PlanOptions:
    """A preset, and the values of the options; `substation_id` None stands for the first of the fleet."""

    preset: Preset
    seed: int
    shape: str
    requests: int | None
    seconds: float
    substation_id: str | None = None
    starts_at_h: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class RunPlan:
    """The cars in order of time, and the substation that is drained, if one is.

    `starts_at` is the time of day at which the grid must be when the plan begins; None when it does not matter.
    """

    preset: str
    seed: int
    shape: str
    seconds: float
    arrivals: tuple[Arrival, ...]
    drain: Drain | None
    starts_at: str | None = None

    def arrivals_json(self) -> str:
        """Return the cars as the hash reads them: sorted names, no spaces, ASCII."""
        return _stable([{"at_s": arrival.at_s, **arrival.body()} for arrival in self.arrivals])

    @property
    def sha256(self) -> str:
        """The SHA-256 of `arrivals_json`: equal when the same cars request the same at the same moments."""
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
                "starts_at": self.starts_at,
                "drain": dataclasses.asdict(self.drain) if self.drain else None,
                "sha256": self.sha256,
                "arrivals": json.loads(self.arrivals_json()),
            }
        )


def make(options: PlanOptions, fleet: GridSize, randomness: Callable[[int], Randomness]) -> RunPlan:
    """Return the plan for a grid; `randomness` returns a new source for a seed.

    Raises ValueError for a plan out of bounds, or for an unknown substation.
    """
    preset, by_day = options.preset, options.shape == day.__name__
    part = DayPart(fleet.time_of_day_h, options.seconds * fleet.time_scale / S_PER_HOUR)
    source = randomness(options.seed)
    requests = options.requests or _number(options, fleet, part, randomness)
    shape = functools.partial(day, part=part) if by_day else SHAPES[options.shape]
    arrivals = rush_hour(options.seed, requests, options.seconds, source, shape)
    if preset.confined_share:
        hot = fleet.substation(options.substation_id)
        arrivals = confined(arrivals, preset.confined_share, hot, source)
    drain = None
    if preset.drain_at_share is not None:
        drain = Drain(
            fleet.substation(options.substation_id), round(options.seconds * preset.drain_at_share, 3)
        )
    starts_at = write(fleet.time_of_day_h) if by_day else None
    return RunPlan(
        preset.name, options.seed, options.shape, options.seconds, arrivals, drain, starts_at=starts_at
    )


def _number(
    options: PlanOptions, fleet: GridSize, part: DayPart, randomness: Callable[[int], Randomness]
) -> int:
    """Return how many cars of this seed request the preset's share of the capacity at their peak.

    A part of a day has as many as come then on a day with that peak.
    """
    preset = options.preset
    if not preset.peak_share:
        return TRY_CARS
    by_day = options.shape == day.__name__
    shape = functools.partial(day, part=DayPart(part.from_h)) if by_day else SHAPES[options.shape]
    time_scale = DAY_H * S_PER_HOUR / DAY_SECONDS if by_day else fleet.time_scale
    seconds = DAY_SECONDS if by_day else options.seconds

    def peak_of(requests: int) -> float:
        source = randomness(options.seed)
        return peak_kw(rush_hour(options.seed, requests, seconds, source, shape), time_scale)

    requests = _enough(preset.peak_share * fleet.capacity_kw, peak_of)
    return max(round(requests * part.share), 1) if by_day else requests


def _enough(wanted_kw: float, peak_of: Callable[[int], float]) -> int:
    """Return a number of cars whose peak is about `wanted_kw`; `peak_of` returns the peak in kW for a number."""
    requests = TRY_CARS
    tried: list[tuple[float, int]] = []
    while len(tried) < TRIES and requests not in (number for _, number in tried):
        peak = peak_of(requests)
        tried.append((abs(peak - wanted_kw), requests))
        requests = min(max(round(requests * wanted_kw / peak), 1), MAX_REQUESTS)
    return min(tried)[1]


def _stable(document: Any) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
