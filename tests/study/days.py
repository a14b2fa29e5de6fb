"""Made-up days on real base load: what substations carry besides cars, its forecasts, and the cars that come.

The base loads are weeks of a real year (tests/data), scaled to each substation's limit and with some noise. A forecast model
learns four weeks before the first day, and goes on learning. Quarter hours count from a Monday.
"""

import csv
import dataclasses
import datetime as dt
import functools
import gzip
import random
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from balancer.forecast.calendar_days import SLOT_MS, SLOTS, WEEK, slot_of
from balancer.forecast.model import SeriesModel
from substation.plan import Plan

DATA = Path(__file__).parents[1] / "data" / "base_load_2016.csv.gz"
LEARNED = 4 * WEEK  # quarter hours before the first one that counts
LIMITS_W = (100_000, 160_000, 250_000)  # transformers of usual sizes
NOISE = 0.03  # standard deviation, a share of the load
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


@functools.cache
def year() -> tuple[int, tuple[tuple[float, ...], ...]]:
    """The first quarter hour of the data, and the load of each grid from there on."""
    with gzip.open(DATA, "rt", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    by_slot = {slot_of(_clock(row[0])): tuple(map(float, row[1:])) for row in rows}
    first, last = min(by_slot), max(by_slot)
    known = by_slot[first]
    course = [known := by_slot.get(slot, known) for slot in range(first, last + 1)]
    return first, tuple(zip(*course, strict=True))


def _clock(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


@dataclasses.dataclass(frozen=True)
class Car:
    """A car that arrives at a grid time."""

    at_ms: int
    plan: Plan


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of car: how many come a day and substation, about when, and what each asks for."""

    a_day: float
    peaks_h: tuple[float, ...]  # each as often
    spread_h: float  # standard deviation of the time of arrival
    powers_w: tuple[int, ...]
    energy_kwh: tuple[float, float]
    stay_h: tuple[float, float]


REGIMES: dict[str, tuple[Kind, ...]] = {
    "mixed": (
        Kind(12, (8.75, 18.25), 1.5, (3_700, 11_000, 11_000, 22_000), (8, 35), (1, 9)),
        Kind(10, (13.0,), 4.0, (11_000, 22_000), (6, 25), (0.5, 2)),
    ),
    "public": (Kind(30, (10.0, 13.0, 17.5), 2.0, (11_000, 22_000), (4, 18), (0.25, 1.25)),),
    "few cars, long stays": (Kind(5, (8.75, 17.5), 1.5, (3_700, 7_400), (20, 45), (6, 11)),),
}


class Made(NamedTuple):
    """A forecast in watts by the quarter hour, and whether the ones before it were better than persistence."""

    mean: "array[float]"
    upper: "array[float]"  # 90 % of values lie below
    good: bool


class World:
    """Some days of `count` substations; the same for the same seed. Days in `wrong` have the base load 12 h too early."""

    def __init__(
        self,
        seed: int,
        count: int,
        days: int,
        wrong: Sequence[int] = (),
        base_share: tuple[float, float] = (0.5, 0.75),
    ) -> None:
        """`base_share` are bounds of the highest base load, as a share of the limit."""
        rng = random.Random(f"{seed} {count}")
        self.days, self.wrong = days, tuple(wrong)
        start, grids = year()
        self.limits_w = [LIMITS_W[number % len(LIMITS_W)] for number in range(count)]
        span = LEARNED + (days + 1) * SLOTS
        weeks = (len(grids[0]) - span) // WEEK
        offset = -start % WEEK
        self.base_w: list[list[float]] = []
        first = 0
        for number, limit_w in enumerate(self.limits_w):
            first = offset + WEEK * rng.randrange(weeks) if number % len(grids) == 0 else first
            course = grids[number % len(grids)][first : first + span]
            peak_w = limit_w * rng.uniform(*base_share)
            scale = peak_w / max(course)
            self.base_w.append([load * scale * (1 + NOISE * rng.gauss(0, 1)) for load in course])
        for base_w in self.base_w:
            as_it_was = list(base_w)
            for day in self.wrong:
                at = LEARNED + day * SLOTS
                base_w[at : at + SLOTS] = as_it_was[at + SLOTS // 2 : at + SLOTS * 3 // 2]
        self.first_slot = LEARNED
        self.end_slot = LEARNED + days * SLOTS

    @functools.cached_property
    def forecasts(self) -> list[list[Made]]:
        """By substation and quarter hour since `first_slot`: the forecast that was made with the one before."""
        return [self._forecasts(course) for course in self.base_w]

    def _forecasts(self, course: Sequence[float]) -> list[Made]:
        model, found = SeriesModel(), list[Made]()
        for slot in range(self.end_slot):
            if slot >= self.first_slot:
                steps = model.forecast(STEPS)
                mean, upper = (array("f", column) for column in list(zip(*steps, strict=True))[1::2])
                found.append(Made(mean, upper, model.skill.good))
            model.observe(slot, course[slot])
        return found

    def cars(self, regime: str, seed: int, more: float = 1.0) -> list[Car]:
        """Return the cars of all days, in the order of their arrival; `more` times as many as usual."""
        rng = random.Random(f"{regime} {seed} {len(self.limits_w)}")
        found = [
            self._car(kind, day, rng)
            for day in range(self.days)
            for kind in REGIMES[regime]
            for _ in range(_poisson(kind.a_day * more * len(self.limits_w), rng))
        ]
        return sorted(found, key=lambda car: car.at_ms)

    def _car(self, kind: Kind, day: int, rng: random.Random) -> Car:
        at_h = day * 24 + rng.gauss(rng.choice(kind.peaks_h), kind.spread_h) % 24
        energy_j = int(rng.uniform(*kind.energy_kwh) * 3_600_000)
        plan = Plan(energy_j, rng.choice(kind.powers_w), int(rng.uniform(*kind.stay_h) * HOUR_MS))
        return Car(self.first_slot * SLOT_MS + int(at_h * HOUR_MS), plan)


STEPS = 48  # of a forecast: 12 h, longer than any stay


def _poisson(mean: float, rng: random.Random) -> int:
    """Draw how many come, by the gaps between them."""
    count, at = 0, rng.expovariate(mean)
    while at < 1:
        count, at = count + 1, at + rng.expovariate(mean)
    return count


class CarLoads:
    """The power that a substation's cars reserved, by the time at which it changed."""

    def __init__(self) -> None:
        self._changes: list[tuple[int, int]] = []

    def add(self, at_ms: int, plan: Plan) -> None:
        """Count a car that was admitted at a grid time."""
        self._changes.append((at_ms, plan.power_w))
        self._changes += [(at_ms + after_ms, -freed_w) for after_ms, freed_w in plan.releases()]

    def by_slot(self, first_slot: int, end_slot: int) -> list[list[tuple[int, int]]]:
        """Return for each quarter hour the loads in it, each with the milliseconds for which it lasted."""
        changes, load_w, at = sorted(self._changes), 0, 0
        found = []
        for slot in range(first_slot, end_slot):
            now_ms, end_ms = slot * SLOT_MS, (slot + 1) * SLOT_MS
            parts = []
            while at < len(changes) and changes[at][0] < end_ms:
                when_ms = max(changes[at][0], now_ms)
                if when_ms > now_ms:
                    parts.append((load_w, when_ms - now_ms))
                now_ms, load_w, at = when_ms, load_w + changes[at][1], at + 1
            found.append([*parts, (load_w, end_ms - now_ms)])
        return found
