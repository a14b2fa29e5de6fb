"""Series that are made up, and the real ones of tests/data."""

import functools
import gzip
import math
import random
from collections.abc import Callable, Iterable
from pathlib import Path

from balancer.forecast.calendar_days import COMMON_HOLIDAYS, SLOTS, DayType, day_type, holidays
from balancer.forecast.model import SeriesModel
from balancer.forecast.series_csv import read_series

YEAR = Path(__file__).parents[3] / "data" / "base_load_2016.csv.gz"
LEVELS = {DayType.WORKING_DAY: 100.0, DayType.SATURDAY: 60.0, DayType.SUNDAY_OR_HOLIDAY: 30.0}


@functools.cache
def year() -> dict[str, dict[int, float]]:
    """The real series, by quarter hour."""
    with gzip.open(YEAR, "rt", encoding="utf-8") as lines:
        return read_series(lines)


def holidays_of(values: Iterable[int]) -> frozenset[int]:
    """The days of a series that are holidays by default."""
    slots = list(values)
    return holidays(COMMON_HOLIDAYS).days(min(slots) // SLOTS, max(slots) // SLOTS)


def usual(slot: int) -> float:
    """A load with an evening peak, of another level on each type of day."""
    return LEVELS[day_type(slot // SLOTS)] * (1.5 + math.sin(2 * math.pi * (slot % SLOTS - 48) / SLOTS))


def noisy(slots: Iterable[int], seed: int = 1, sigma: float = 0.1) -> dict[int, float]:
    """The usual load with noise."""
    rng = random.Random(seed)
    return {slot: usual(slot) * max(0.0, rng.gauss(1, sigma)) for slot in slots}


def learned(
    slots: Iterable[int], load: Callable[[int], float] = usual, holidays: frozenset[int] = frozenset()
) -> SeriesModel:
    """A model that has seen a load."""
    model = SeriesModel(holidays)
    for slot in slots:
        model.observe(slot, load(slot))
    return model


def relative_error(model: SeriesModel, load: Callable[[int], float] = usual) -> float:
    """The mean absolute error of the next 24 h, relative to the mean load."""
    steps = model.forecast()
    off = sum(abs(step.mean - load(step.slot)) for step in steps)
    return off / sum(load(step.slot) for step in steps)
